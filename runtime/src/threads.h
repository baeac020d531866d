// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What everything with threads is made of: waiting for words of memory, threads
// of the runtime's own, and what a fork leaves of both.
#ifndef TENON_RUNTIME_THREADS_H
#define TENON_RUNTIME_THREADS_H

#include <atomic>
#include <cstdint>
#include <pthread.h>

namespace tenon::rt {

/// Monotonic time in nanoseconds.
uint64_t now();
/// Sleeps until somebody wakes those who sleep on the word, unless it differs
/// from `value` already.
void sleepOn(std::atomic<uint32_t> &word, uint32_t value);
void wake(std::atomic<uint32_t> &word, int count);
/// Spins until the word differs from `value`; false if that takes longer than a
/// wake-up costs.
bool spinWhile(std::atomic<uint32_t> &word, uint32_t value);

/// Counts the forks between the first process and this one, from 1: threads and
/// locks of another epoch are the parent's.
uint32_t forkEpoch();

/// Starts a thread with a stack for kernels and without the application's signals.
bool startThread(pthread_t &thread, void *(*main)(void *), void *argument);
/// Denormals are kept and rounding is to nearest: threads inherit the mode of
/// whoever made them.
void resetFloatMode();

/// A lock that a thread of the parent's may have held when this process was forked.
class ForkLock {
public:
  void lock();
  void unlock();

private:
  std::atomic<uint32_t> holder{0}; ///< 0: free; else the epoch of who holds it
  std::atomic<uint32_t> waiters{0};
};

/// One thread, which does numbered pieces of work in their order. One other
/// thread at a time posts them and waits for them.
class Worker {
public:
  /// What does piece `number`; set before the first post.
  void (*work)(void *user, uint32_t number) = nullptr;
  void *user = nullptr;

  /// Makes the thread unless this process has it; false if that cannot be.
  bool start();
  /// Whether this process has the thread.
  bool isRunning() const { return epoch == forkEpoch(); }
  /// The number that the next piece gets.
  uint32_t next() const { return posted.load(std::memory_order_relaxed); }
  void post();
  /// Pieces that are not done.
  uint32_t left() const { return posted.load(std::memory_order_relaxed) - done.load(std::memory_order_acquire); }
  /// Returns when at most so many pieces are left.
  void waitUntil(uint32_t left);
  /// Ends the thread, which has no work left.
  void join();

private:
  static void *main(void *argument);

  std::atomic<uint32_t> posted{0}, done{0}; ///< pieces; the two threads sleep on them
  std::atomic<uint32_t> sleeps{0}, waiterSleeps{0};
  std::atomic<bool> stop{false};
  uint32_t epoch = 0; ///< when the thread was started; 0: there is none
  pthread_t thread;
};

} // namespace tenon::rt

#endif // TENON_RUNTIME_THREADS_H
