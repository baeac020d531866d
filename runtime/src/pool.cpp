// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pools of threads. A job is cut into a share a thread, and shares into chunks
// that are taken from atomic counters: a thread works on its own share, so that
// it finds in its cache what it wrote in the job before, and then on what others
// left, so that one that loses its processor delays a chunk and not its whole
// share. Waiting threads spin a bounded while, then sleep on a futex.
//
// A pool serves one job at a time; a session that finds it busy runs its job on
// its own thread, which is the better use of the processors when there are
// more sessions than those. After a fork the child finds that its threads are
// of another epoch and starts anew.
#include "internal.h"
#include "threads.h"

#include <cstdlib>
#include <new>
#include <sched.h>
#include <unistd.h>

using namespace tenon::rt;

namespace {

constexpr int kMaxThreads = 256;

struct alignas(64) Share { // a cache line each
  std::atomic<int64_t> next;
  int64_t end;
};

struct Job {
  tenon_kernel_fn fn; ///< null: withScratch is the kernel
  tenon_scratch_kernel_fn withScratch;
  size_t scratchBytes;
  void *const *buffers;
  const int64_t *symbols;
  int64_t chunk = 0;
  Share *shares = nullptr;
  int count = 0; ///< of shares

  void run(int64_t begin, int64_t end, void *scratch) const {
    if (fn)
      fn(buffers, symbols, begin, end);
    else
      withScratch(buffers, symbols, begin, end, scratch);
  }
};

} // namespace

struct tenon_pool {
  int capacity = kMaxThreads; ///< threads of a job, the caller's included
  std::atomic<int> references{1};
  std::atomic<uint32_t> owner{0}; ///< 0: free; else the epoch of who runs a job
  // Of the owner alone.
  uint32_t epoch = 0; ///< when the workers were started
  int workers = 0;
  pthread_t threads[kMaxThreads];
  Share shares[kMaxThreads];  ///< of the job
  Block scratch[kMaxThreads]; ///< of each worker, by its number
  // Shared with the workers.
  std::atomic<uint32_t> generation{0}; ///< counts jobs; workers sleep on it
  std::atomic<uint32_t> running{0};    ///< workers inside the job; the owner sleeps on it
  std::atomic<uint32_t> sleepers{0};
  std::atomic<uint32_t> ownerSleeps{0};
  std::atomic<int> started{1}; ///< threads that have a number
  std::atomic<int> wanted{0};  ///< workers that may still join the job
  std::atomic<Job *> job{nullptr};
  std::atomic<bool> stop{false};
};

namespace {

/// Works on the job's share number `home`, then on the others.
void work(Job &job, int home, void *scratch) {
  for (int i = 0; i < job.count; ++i) {
    Share &share = job.shares[(home + i) % job.count];
    // Looked at first: a counter that is done need not be written.
    while (share.next.load(std::memory_order_relaxed) < share.end) {
      int64_t begin = share.next.fetch_add(job.chunk, std::memory_order_relaxed);
      if (begin >= share.end)
        break;
      int64_t end = share.end - begin > job.chunk ? begin + job.chunk : share.end;
      job.run(begin, end, scratch);
    }
  }
}

void *workerMain(void *argument) {
  auto *pool = static_cast<tenon_pool *>(argument);
  int number = pool->started.fetch_add(1); // 1, 2, ...: the owner is 0
  resetFloatMode();
  // A worker made for a job may start before or after that job is posted; both
  // are right, as a job is joined only while it wants workers.
  uint32_t seen = pool->generation.load();
  for (bool first = true;; first = false) {
    if (!first && !spinWhile(pool->generation, seen)) {
      pool->sleepers.fetch_add(1);
      while (pool->generation.load() == seen)
        sleepOn(pool->generation, seen);
      pool->sleepers.fetch_sub(1);
    }
    seen = pool->generation.load();
    if (pool->stop.load())
      return nullptr;
    // Once `running` counts this worker the owner stays, so the job does too.
    pool->running.fetch_add(1);
    if (pool->wanted.fetch_sub(1) > 0)
      if (Job *job = pool->job.load())
        // A worker without memory leaves its share to the others.
        if (Block &scratch = pool->scratch[number]; scratch.grow(job->scratchBytes))
          work(*job, number, scratch.memory);
    if (pool->running.fetch_sub(1) == 1 && pool->ownerSleeps.load())
      wake(pool->running, 1);
  }
}

bool acquire(tenon_pool &pool) {
  uint32_t epoch = forkEpoch(), found = 0;
  if (!pool.owner.compare_exchange_strong(found, epoch) &&
      // A job that ran in the parent when this process was forked never ends here.
      (found == epoch || !pool.owner.compare_exchange_strong(found, epoch)))
    return false;
  if (pool.epoch != epoch) {
    pool.epoch = epoch;
    pool.workers = 0;
    pool.running = pool.sleepers = pool.ownerSleeps = 0;
    pool.wanted = 0;
    pool.started = 1;
    pool.job = nullptr;
    // The fork may have come while the parent's worker replaced its block.
    for (Block &scratch : pool.scratch)
      scratch = Block();
  }
  return true;
}

void startWorkers(tenon_pool &pool, int count) {
  while (pool.workers < count && startThread(pool.threads[pool.workers], workerMain, &pool))
    ++pool.workers; // fewer threads are slower, not wrong
}

alignas(tenon_pool) char defaultMemory[sizeof(tenon_pool)];
tenon_pool *processPool;
pthread_once_t makeDefault = PTHREAD_ONCE_INIT;
void createDefault() { processPool = new (defaultMemory) tenon_pool(); }

} // namespace

namespace tenon::rt {

int processorCount() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return CPU_COUNT(&set);
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? int(count) : 1;
}

tenon_pool *defaultPool() {
  pthread_once(&makeDefault, createDefault);
  return processPool;
}

void retainPool(tenon_pool *pool) { pool->references.fetch_add(1); }

bool Block::grow(size_t needed) {
  constexpr size_t align = 64;
  if (memory && needed <= bytes)
    return true;
  if (needed > SIZE_MAX / 2)
    return false;
  free(memory);
  needed = (needed + align) / align * align;
  memory = static_cast<uint8_t *>(aligned_alloc(align, needed));
  bytes = memory ? needed : 0;
  return memory != nullptr;
}

static void runJob(tenon_pool *pool, int threads, Job job, void *scratch, int64_t total, int64_t grain) {
  if (total <= 0)
    return;
  if (grain < 1)
    grain = 1;
  int64_t most = (total - 1) / grain + 1; // chunks there can be
  if (threads > pool->capacity)
    threads = pool->capacity;
  if (threads > most)
    threads = int(most);
  if (threads <= 1 || !acquire(*pool)) {
    job.run(0, total, scratch);
    return;
  }
  startWorkers(*pool, threads - 1);
  // About eight chunks a thread: enough to even out a disturbed processor.
  int64_t even = total / (int64_t(threads) * 8), chunk = even > grain ? even : grain;
  job.chunk = chunk;
  job.shares = pool->shares;
  job.count = threads;
  int64_t chunks = (total - 1) / chunk + 1;
  for (int64_t i = 0, begin = 0; i < threads; ++i) {
    int64_t end = (i + 1) * chunks / threads * chunk;
    pool->shares[i].next.store(begin, std::memory_order_relaxed);
    pool->shares[i].end = begin = end < total ? end : total;
  }
  pool->job.store(&job);
  pool->wanted.store(threads - 1);
  pool->generation.fetch_add(1);
  // A worker that has not counted itself a sleeper yet will see the new
  // generation before it sleeps.
  if (pool->sleepers.load())
    wake(pool->generation, threads - 1);
  work(job, 0, scratch);
  // Nobody may join any more; then wait for those inside.
  pool->wanted.store(0);
  pool->job.store(nullptr);
  for (uint32_t inside; (inside = pool->running.load()) != 0;) {
    if (spinWhile(pool->running, inside))
      continue;
    pool->ownerSleeps.store(1);
    sleepOn(pool->running, inside);
    pool->ownerSleeps.store(0);
  }
  pool->owner.store(0);
}

void parallelFor(tenon_pool *pool, int threads, tenon_kernel_fn fn, void *const *buffers, const int64_t *symbols,
                 int64_t total, int64_t grain) {
  runJob(pool, threads, Job{fn, nullptr, 0, buffers, symbols}, nullptr, total, grain);
}

bool parallelFor(tenon_pool *pool, int threads, tenon_scratch_kernel_fn fn, size_t scratchBytes, Block &own,
                 void *const *buffers, const int64_t *symbols, int64_t total, int64_t grain) {
  if (!own.grow(scratchBytes))
    return false;
  runJob(pool, threads, Job{nullptr, fn, scratchBytes, buffers, symbols}, own.memory, total, grain);
  return true;
}

} // namespace tenon::rt

TENON_API tenon_status *tenon_pool_create(int32_t threads, tenon_pool **pool) {
  if (!pool)
    return fail(TENON_INVALID_ARGUMENT, "tenon_pool_create: pool must not be NULL");
  if (threads < 0 || threads > kMaxThreads)
    return fail(TENON_INVALID_ARGUMENT, "threads is %d; expected 0 (one a processor) to %d", threads, kMaxThreads);
  void *memory = aligned_alloc(alignof(tenon_pool), sizeof(tenon_pool));
  if (!memory)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a pool");
  *pool = new (memory) tenon_pool();
  int count = threads ? threads : processorCount();
  (*pool)->capacity = count < kMaxThreads ? count : kMaxThreads;
  return nullptr;
}

TENON_API void tenon_pool_free(tenon_pool *pool) {
  if (!pool || pool->references.fetch_sub(1) != 1)
    return;
  if (pool->epoch == forkEpoch()) { // else the workers are the parent's
    pool->stop.store(true);
    pool->generation.fetch_add(1);
    wake(pool->generation, kMaxThreads);
    for (int i = 0; i < pool->workers; ++i)
      pthread_join(pool->threads[i], nullptr);
    for (Block &scratch : pool->scratch)
      free(scratch.memory);
  }
  free(pool);
}
