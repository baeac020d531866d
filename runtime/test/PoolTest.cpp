// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads: same results whatever their number, many sessions at a time, pools
// of one's own, and forks.
#include "pool.h"
#include "ArtifactBuilder.h"

#include <atomic>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <time.h>
#include <unistd.h>

using namespace tenon::testing;

namespace {

/// Counts how often each unit was done.
void mark(void *const *buffers, const int64_t *, int64_t begin, int64_t end) {
  auto *units = static_cast<std::atomic<int> *>(buffers[0]);
  for (int64_t i = begin; i < end; ++i)
    units[i].fetch_add(1, std::memory_order_relaxed);
}

void checkUnits(tenon_pool *pool, int threads, int64_t total, int64_t grain) {
  std::vector<std::atomic<int>> units(total + 1);
  void *buffers[] = {units.data()};
  tenon::rt::parallelFor(pool, threads, mark, buffers, nullptr, total, grain);
  for (int64_t i = 0; i < total; ++i)
    ASSERT_EQ(units[i].load(), 1) << "unit " << i << " of " << total << " with " << threads << " threads";
  ASSERT_EQ(units[total].load(), 0);
}

TEST(Pool, EveryUnitOnce) {
  for (int threads : {1, 2, 3, 8})
    for (int64_t total : {0, 1, 2, 7, 64, 1000})
      for (int64_t grain : {-1, 0, 1, 3, 100, 5000})
        checkUnits(tenon::rt::defaultPool(), threads, total, grain);
}

TEST(Pool, ManyShortJobs) {
  for (int round = 0; round < 20000; ++round)
    checkUnits(tenon::rt::defaultPool(), 1 + round % 4, 16, 1);
}

TEST(Pool, JobsAfterSleep) {
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2)); // longer than workers spin
    checkUnits(tenon::rt::defaultPool(), 4, 100, 1);
  }
}

// Waiting threads spin for microseconds, then cost nothing.
TEST(Pool, WaitingThreadsSleep) {
  auto processorSeconds = [] {
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
  };
  checkUnits(tenon::rt::defaultPool(), 4, 1000, 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  double before = processorSeconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(processorSeconds() - before, 0.02);
  checkUnits(tenon::rt::defaultPool(), 4, 1000, 1); // and wake up
}

TEST(Pool, ManyOwners) {
  std::vector<std::thread> owners;
  for (int i = 0; i < 4; ++i)
    owners.emplace_back([] {
      for (int round = 0; round < 2000; ++round)
        checkUnits(tenon::rt::defaultPool(), 3, 50, 1);
    });
  for (std::thread &owner : owners)
    owner.join();
}

// Kernels keep blocks on the stack, whatever the process gives its own threads.
TEST(Pool, StackForKernels) {
  pthread_attr_t before, small;
  ASSERT_EQ(pthread_getattr_default_np(&before), 0);
  ASSERT_EQ(pthread_getattr_default_np(&small), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&small, 256 * 1024), 0);
  ASSERT_EQ(pthread_setattr_default_np(&small), 0);
  tenon_pool *pool = nullptr;
  ASSERT_EQ(tenon_pool_create(4, &pool), nullptr);
  auto deep = [](void *const *buffers, const int64_t *, int64_t begin, int64_t end) {
    volatile char block[1024 * 1024];
    for (size_t i = 0; i < sizeof block; i += 4096)
      block[i] = char(begin);
    for (int64_t i = begin; i < end; ++i)
      static_cast<std::atomic<int> *>(buffers[0])[i].fetch_add(block[0] == char(begin));
    std::this_thread::sleep_for(std::chrono::milliseconds(1)); // leave some to the others
  };
  std::vector<std::atomic<int>> units(64);
  void *buffers[] = {units.data()};
  tenon::rt::parallelFor(pool, 4, deep, buffers, nullptr, 64, 1);
  for (auto &unit : units)
    EXPECT_EQ(unit.load(), 1);
  tenon_pool_free(pool);
  EXPECT_EQ(pthread_setattr_default_np(&before), 0);
  pthread_attr_destroy(&before);
  pthread_attr_destroy(&small);
}

TEST(Pool, OwnPools) {
  tenon_pool *pool = nullptr;
  EXPECT_EQ(Result(tenon_pool_create(-1, &pool)).code, TENON_INVALID_ARGUMENT);
  EXPECT_EQ(Result(tenon_pool_create(100000, &pool)).code, TENON_INVALID_ARGUMENT);
  EXPECT_EQ(Result(tenon_pool_create(1, nullptr)).code, TENON_INVALID_ARGUMENT);
  for (int round = 0; round < 50; ++round) {
    ASSERT_TRUE(Result(tenon_pool_create(round % 5, &pool)).ok());
    if (round % 3)
      checkUnits(pool, 8, 1000, 1);
    tenon_pool_free(pool);
  }
  tenon_pool_free(nullptr);
}

TEST(Threads, ResultsDoNotDependOnTheirNumber) {
  TemporaryFile file(buildArtifact().bytes);
  std::vector<float> z, total;
  for (int threads : {1, 2, 3, 5, 16, 0}) {
    Fixture fixture(file.path, threads);
    for (int64_t batch : {4099, 100003}) {
      ASSERT_TRUE(fixture.bind(batch).ok());
      ASSERT_TRUE(Result(tenon_session_run(fixture.session)).ok());
      EXPECT_EQ(fixture.output(0), fixture.expected());
    }
    if (total.empty())
      total = fixture.output(1);
    EXPECT_EQ(fixture.output(1), total) << threads;
  }
}

TEST(Threads, SessionsOfOneModel) {
  TemporaryFile file(buildArtifact().bytes);
  Fixture first(file.path);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      tenon_session_options options = {sizeof options, t % 3 + 1, nullptr};
      tenon_session *session = nullptr;
      wrong += !Result(tenon_session_create(first.model, &options, &session)).ok();
      for (int round = 0; round < 200; ++round) {
        int64_t batch = 1 + (round * 37 + t * 101) % 700;
        if (batch == 13 || batch == 26) // the model's own errors
          continue;
        std::vector<float> x(batch * 4, float(t)), y(batch * 4, 2);
        int64_t shape[] = {batch, 4};
        tenon_tensor tensor = {x.data(), 1, 2, shape, 0};
        wrong += !Result(tenon_session_bind_input(session, 0, &tensor)).ok();
        tensor.data = y.data();
        wrong += !Result(tenon_session_bind_input(session, 1, &tensor)).ok();
        wrong += !Result(tenon_session_run(session)).ok();
        wrong += !Result(tenon_session_output(session, 0, &tensor)).ok();
        for (int64_t i = 0; i < batch * 4; ++i)
          wrong += static_cast<float *>(tensor.data)[i] != float(t + i % 4 + 1) * 2;
      }
      tenon_session_free(session);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, SessionsShareTheWeights) {
  TemporaryFile file(buildArtifact().bytes);
  Fixture first(file.path);
  tenon_session *second = nullptr;
  ASSERT_TRUE(Result(tenon_session_create(first.model, nullptr, &second)).ok());
  const void *seen[2] = {};
  auto record = [](void *user, uint32_t kernel, void *const *buffers, uint32_t, const int64_t *, uint64_t) {
    if (kernel == 0) // x, the weights, and what it computes
      *static_cast<const void **>(user) = buffers[1];
  };
  int64_t shape[] = {2, 4};
  float data[8] = {};
  tenon_tensor tensor = {data, 1, 2, shape, sizeof data};
  for (tenon_session *session : {first.session, second}) {
    tenon_session_set_observer(session, record, &seen[session == second]);
    for (int input : {0, 1})
      ASSERT_TRUE(Result(tenon_session_bind_input(session, input, &tensor)).ok());
    ASSERT_TRUE(Result(tenon_session_run(session)).ok());
  }
  EXPECT_NE(seen[0], nullptr);
  EXPECT_EQ(seen[0], seen[1]);
  tenon_session_free(second);
}

TEST(Threads, OneSessionIsOneThreads) {
  TemporaryFile file(buildArtifact().bytes);
  Fixture fixture(file.path, 2);
  ASSERT_TRUE(fixture.bind(50000).ok());
  std::atomic<int> other{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        Result result = tenon_session_run(fixture.session);
        other += result.code != TENON_OK && result.code != TENON_BUSY;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(other, 0);
}

TEST(Threads, PoolOutlivedByItsSession) {
  TemporaryFile file(buildArtifact().bytes);
  tenon_pool *pool = nullptr;
  ASSERT_TRUE(Result(tenon_pool_create(3, &pool)).ok());
  Fixture fixture(file.path, 3, nullptr, pool);
  tenon_pool_free(pool); // the session keeps it
  ASSERT_TRUE(fixture.bind(10000).ok());
  ASSERT_TRUE(Result(tenon_session_run(fixture.session)).ok());
  EXPECT_EQ(fixture.output(0), fixture.expected());
}

int exitCodeOf(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST(Fork, ChildAndParentBothRun) {
  TemporaryFile file(buildArtifact().bytes);
  tenon_pool *pool = nullptr;
  ASSERT_TRUE(Result(tenon_pool_create(3, &pool)).ok());
  for (tenon_pool *used : {static_cast<tenon_pool *>(nullptr), pool}) {
    Fixture fixture(file.path, 3, nullptr, used);
    ASSERT_TRUE(fixture.bind(10000).ok());
    ASSERT_TRUE(Result(tenon_session_run(fixture.session)).ok());
    pid_t child = fork();
    if (child == 0) {
      alarm(20);
      bool ok = true;
      for (int round = 0; round < 20; ++round)
        ok &= Result(tenon_session_run(fixture.session)).ok() && fixture.output(0) == fixture.expected();
      pid_t grandchild = fork();
      if (grandchild == 0)
        _exit(!Result(tenon_session_run(fixture.session)).ok());
      _exit(!ok || exitCodeOf(grandchild) != 0);
    }
    EXPECT_EQ(exitCodeOf(child), 0);
    ASSERT_TRUE(Result(tenon_session_run(fixture.session)).ok());
    EXPECT_EQ(fixture.output(0), fixture.expected());
  }
  tenon_pool_free(pool);
}

// Forks while another thread is in the middle of jobs of the same pool.
TEST(Fork, DuringAJob) {
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop)
      checkUnits(tenon::rt::defaultPool(), 2, 2000, 1);
  });
  for (int round = 0; round < 20; ++round) {
    pid_t child = fork();
    if (child == 0) {
      alarm(20);
      for (int i = 0; i < 20; ++i)
        checkUnits(tenon::rt::defaultPool(), 3, 200, 1);
      _exit(::testing::Test::HasFailure());
    }
    EXPECT_EQ(exitCodeOf(child), 0);
  }
  stop = true;
  busy.join();
}

} // namespace
