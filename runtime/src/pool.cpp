// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One pool of threads for the process. A job is cut into chunks that threads
// take from an atomic counter, so a thread that loses its processor delays one
// chunk and not its whole share. Waiting threads spin a bounded while, then
// sleep on a futex.
#include "internal.h"

#include <atomic>
#include <cstdlib>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tenon::rt {
namespace {

constexpr int kMaxThreads = 256;
constexpr int kSpins = 4000; // some ten microseconds

struct Job {
  tenon_kernel_fn fn;
  void *const *buffers;
  const int64_t *symbols;
  int64_t total, chunk;
  std::atomic<int64_t> next{0};
};

struct Pool {
  pthread_mutex_t use = PTHREAD_MUTEX_INITIALIZER; // one job at a time
  int workers = 0;
  std::atomic<uint32_t> generation{0};
  std::atomic<int> wanted{0};   // workers that may still join the job
  std::atomic<int> running{0};  // workers inside the job
  std::atomic<Job *> job{nullptr};
};

Pool pool;

void wait(std::atomic<uint32_t> &word, uint32_t value) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}
void wake(std::atomic<uint32_t> &word, int count) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}
void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

void work(Job &job) {
  for (;;) {
    int64_t begin = job.next.fetch_add(job.chunk, std::memory_order_relaxed);
    if (begin >= job.total)
      return;
    int64_t end = begin + job.chunk < job.total ? begin + job.chunk : job.total;
    job.fn(job.buffers, job.symbols, begin, end);
  }
}

void *worker(void *) {
  uint32_t seen = 0;
  for (;;) {
    int spins = 0;
    while (pool.generation.load(std::memory_order_acquire) == seen) {
      if (++spins < kSpins)
        pause();
      else
        wait(pool.generation, seen);
    }
    seen = pool.generation.load(std::memory_order_acquire);
    pool.running.fetch_add(1);
    if (pool.wanted.fetch_sub(1) > 0)
      if (Job *job = pool.job.load())
        work(*job);
    pool.running.fetch_sub(1);
  }
  return nullptr;
}

void afterFork() { // in the child no worker exists
  pool.use = PTHREAD_MUTEX_INITIALIZER;
  pool.workers = 0;
  pool.wanted = 0;
  pool.running = 0;
  pool.job = nullptr;
}

void ensureWorkers(int count) {
  static bool registered = false;
  if (!registered) {
    pthread_atfork(nullptr, nullptr, afterFork);
    registered = true;
  }
  while (pool.workers < count && pool.workers < kMaxThreads) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    bool ok = pthread_create(&thread, &attributes, worker, nullptr) == 0;
    pthread_attr_destroy(&attributes);
    if (!ok)
      return; // fewer threads are slower, not wrong
    ++pool.workers;
  }
}

} // namespace

int processorCount() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return CPU_COUNT(&set);
  return 1;
}

void parallelFor(int threads, tenon_kernel_fn fn, void *const *buffers, const int64_t *symbols, int64_t total,
                 int64_t grain) {
  if (total <= 0)
    return;
  if (grain < 1)
    grain = 1;
  if (threads <= 1 || total <= grain || pthread_mutex_trylock(&pool.use) != 0) {
    // Alone, or the pool serves another session just now.
    fn(buffers, symbols, 0, total);
    return;
  }
  ensureWorkers(threads - 1);
  Job job{fn, buffers, symbols, total, grain};
  // About eight chunks a thread: enough to even out a disturbed processor.
  int64_t chunk = total / (int64_t(threads) * 8);
  job.chunk = chunk > grain ? chunk : grain;
  pool.job.store(&job);
  pool.wanted.store(threads - 1);
  pool.generation.fetch_add(1, std::memory_order_release);
  wake(pool.generation, threads - 1);
  work(job);
  // Nobody may join any more; then wait for those inside.
  pool.wanted.store(0);
  pool.job.store(nullptr);
  int spins = 0;
  while (pool.running.load() != 0)
    if (++spins < kSpins)
      pause();
    else
      sched_yield();
  pthread_mutex_unlock(&pool.use);
}

} // namespace tenon::rt
