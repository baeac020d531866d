// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads of the runtime's own, and waiting. Who waits spins a bounded while and
// then sleeps on a futex: no mutex or condition variable is in a state that a
// forked child could not go on from.
#include "threads.h"

#include <csignal>
#include <cstddef>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace tenon::rt {
namespace {

// Longer than what the host program does between two kernels, shorter than what
// a wake-up costs beside a run.
constexpr uint64_t kSpinNanoseconds = 30000;
// Kernels of version 1 of the ABI keep blocks of up to some 600 KiB on the stack;
// what threads get by default depends on the C library and on the user's limits.
constexpr size_t kStackBytes = size_t(2) << 20;

std::atomic<uint32_t> epochOfThisProcess{1};
pthread_once_t watchForks = PTHREAD_ONCE_INIT;
void inChild() { epochOfThisProcess.fetch_add(1); }
void installForkHandler() { pthread_atfork(nullptr, nullptr, inChild); }

} // namespace

uint64_t now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return uint64_t(t.tv_sec) * 1000000000u + t.tv_nsec;
}

void sleepOn(std::atomic<uint32_t> &word, uint32_t value) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

void wake(std::atomic<uint32_t> &word, int count) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

bool spinWhile(std::atomic<uint32_t> &word, uint32_t value) {
  for (uint64_t end = 0;;) {
    for (int i = 0; i < 64; ++i) {
      if (word.load(std::memory_order_acquire) != value)
        return true;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      __asm__ volatile("yield");
#endif
    }
    uint64_t time = now();
    if (!end)
      end = time + kSpinNanoseconds;
    else if (time > end)
      return false;
  }
}

uint32_t forkEpoch() {
  pthread_once(&watchForks, installForkHandler);
  return epochOfThisProcess.load();
}

bool startThread(pthread_t &thread, void *(*main)(void *), void *argument) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0)
    return false;
  pthread_attr_setstacksize(&attributes, kStackBytes);
  // Signals are for the application's own threads.
  sigset_t all, old;
  sigfillset(&all);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) // which a blocked signal would end without a word
    sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  bool started = pthread_create(&thread, &attributes, main, argument) == 0;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  pthread_attr_destroy(&attributes);
  return started;
}

void resetFloatMode() {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr(0x1f80);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" ::"r"(uint64_t(0)));
#endif
}

void ForkLock::lock() {
  uint32_t epoch = forkEpoch();
  for (;;) {
    uint32_t found = 0;
    if (holder.compare_exchange_strong(found, epoch))
      return;
    // A thread that held it in the parent when this process was forked never lets go.
    if (found != epoch && holder.compare_exchange_strong(found, epoch))
      return;
    if (found != epoch || spinWhile(holder, epoch))
      continue;
    waiters.fetch_add(1);
    sleepOn(holder, epoch);
    waiters.fetch_sub(1);
  }
}

void ForkLock::unlock() {
  holder.store(0);
  if (waiters.load())
    wake(holder, 1);
}

void *Worker::main(void *argument) {
  auto &worker = *static_cast<Worker *>(argument);
  resetFloatMode();
  for (;;) {
    uint32_t number = worker.done.load(std::memory_order_relaxed);
    if (!spinWhile(worker.posted, number)) {
      // Who posts looks at `sleeps` after it has counted, so one of both sees the other.
      worker.sleeps.store(1);
      while (worker.posted.load() == number)
        sleepOn(worker.posted, number);
      worker.sleeps.store(0);
    }
    if (worker.stop.load())
      return nullptr;
    worker.work(worker.user, number);
    worker.done.fetch_add(1);
    if (worker.waiterSleeps.load())
      wake(worker.done, 1);
  }
}

bool Worker::start() {
  uint32_t current = forkEpoch();
  if (epoch == current)
    return true;
  posted = done = sleeps = waiterSleeps = 0;
  stop = false;
  epoch = startThread(thread, main, this) ? current : 0;
  return epoch != 0;
}

void Worker::post() {
  posted.fetch_add(1);
  if (sleeps.load())
    wake(posted, 1);
}

void Worker::waitUntil(uint32_t most) {
  while (left() > most) {
    uint32_t seen = done.load();
    if (posted.load() - seen <= most || spinWhile(done, seen))
      continue;
    waiterSleeps.store(1);
    sleepOn(done, seen);
    waiterSleeps.store(0);
  }
}

void Worker::join() {
  if (!isRunning())
    return;
  stop.store(true);
  post();
  pthread_join(thread, nullptr);
  epoch = 0;
}

} // namespace tenon::rt
