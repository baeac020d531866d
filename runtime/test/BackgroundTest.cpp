// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs that the caller does not wait for: the same results and errors as others
// have, and no other use of the session meanwhile.
#include "ArtifactBuilder.h"
#include "FakeDriver.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace tenon::testing;

namespace {

void expectRight(Fixture &fixture, int64_t batch) {
  ASSERT_TRUE(fixture.bind(batch).ok());
  ASSERT_TRUE(Result(tenon_session_start(fixture.session)).ok());
  Result result = tenon_session_wait(fixture.session);
  ASSERT_TRUE(result.ok()) << result.text;
  EXPECT_EQ(fixture.output(0), fixture.expected());
}

TEST(Background, RightResults) {
  TemporaryFile plain(buildArtifact().bytes), offload(buildArtifact(offloadedTwice()).bytes);
  for (const TemporaryFile *file : {&plain, &offload}) {
    Fixture fixture(file->path, 2);
    for (int64_t batch : {3, 0, 1025, 3})
      expectRight(fixture, batch);
    ASSERT_TRUE(Result(tenon_session_run(fixture.session)).ok()); // and as before
    EXPECT_EQ(fixture.output(0), fixture.expected());
  }
}

TEST(Background, Errors) {
  TemporaryFile file(buildArtifact().bytes);
  Fixture fixture(file.path);
  EXPECT_EQ(Result(tenon_session_wait(fixture.session)).code, TENON_INVALID_ARGUMENT); // not started
  EXPECT_EQ(Result(tenon_session_start(nullptr)).code, TENON_INVALID_ARGUMENT);
  EXPECT_EQ(Result(tenon_session_wait(nullptr)).code, TENON_INVALID_ARGUMENT);
  ASSERT_TRUE(Result(tenon_session_start(fixture.session)).ok());
  EXPECT_EQ(Result(tenon_session_wait(fixture.session)).code, TENON_NO_INPUT);
  ASSERT_TRUE(fixture.bind(26).ok());
  ASSERT_TRUE(Result(tenon_session_start(fixture.session)).ok());
  EXPECT_EQ(Result(tenon_session_wait(fixture.session)).text, "[TN7010] the compiled code returned error 5");
  EXPECT_EQ(Result(tenon_session_wait(fixture.session)).code, TENON_INVALID_ARGUMENT); // waited for already
  expectRight(fixture, 20);
}

TEST(Background, IsBusyUntilWaitedFor) {
  TemporaryFile file(buildArtifact().bytes);
  Fixture fixture(file.path);
  ASSERT_TRUE(fixture.bind(20).ok());
  ASSERT_TRUE(Result(tenon_session_start(fixture.session)).ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(5)); // the run is over, most likely
  tenon_tensor tensor;
  int64_t shape[2];
  for (tenon_status *status :
       {tenon_session_start(fixture.session), tenon_session_run(fixture.session),
        tenon_session_output(fixture.session, 0, &tensor), tenon_session_bind_input(fixture.session, 0, nullptr),
        tenon_session_bind_output(fixture.session, 0, nullptr, 0),
        tenon_session_output_shape(fixture.session, 0, shape, nullptr)})
    EXPECT_EQ(Result(status).code, TENON_BUSY);
  ASSERT_TRUE(Result(tenon_session_wait(fixture.session)).ok());
  EXPECT_EQ(fixture.output(0), fixture.expected());
}

// The caller goes on while the run has not ended, and one thread alone gets its result.
TEST(Background, CallerGoesOn) {
  FakeDriver &fake = fakeDriver();
  TemporaryFile file(buildArtifact(offloaded({.driver = "fake"})).bytes);
  Fixture fixture(file.path);
  ASSERT_TRUE(fixture.bind(20).ok());
  std::atomic<bool> goOn{false};
  fake.onExecute = [&] {
    while (!goOn)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  ASSERT_TRUE(Result(tenon_session_start(fixture.session)).ok()); // would never return if it waited
  std::atomic<int> good{0}, busy{0}, late{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      tenon_code code = Result(tenon_session_wait(fixture.session)).code;
      (code == TENON_OK ? good : code == TENON_BUSY ? busy : late)++;
    });
  while (busy < 2)
    std::this_thread::yield();
  goOn = true;
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(good, 1);
  EXPECT_EQ(late, 0);
  EXPECT_EQ(fixture.output(0), fixture.expected());
}

TEST(Background, FreeWaits) {
  FakeDriver &fake = fakeDriver();
  {
    TemporaryFile file(buildArtifact(offloaded({.driver = "fake"})).bytes);
    Fixture fixture(file.path);
    ASSERT_TRUE(fixture.bind(20).ok());
    fake.onExecute = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
    fake.failsAt = "copy_out"; // whose error nobody gets
    ASSERT_TRUE(Result(tenon_session_start(fixture.session)).ok());
  }
  EXPECT_EQ(fake.executions, 1);
  EXPECT_TRUE(fake.isBalanced());
}

TEST(Background, ManySessionsAtOnce) {
  TemporaryFile file(buildArtifact().bytes);
  std::vector<std::unique_ptr<Fixture>> fixtures;
  for (int i = 0; i < 6; ++i)
    fixtures.push_back(std::make_unique<Fixture>(file.path, 2));
  for (int round = 0; round < 50; ++round) {
    for (size_t i = 0; i < fixtures.size(); ++i) {
      ASSERT_TRUE(fixtures[i]->bind(100 * (i + 1) + round).ok());
      ASSERT_TRUE(Result(tenon_session_start(fixtures[i]->session)).ok());
    }
    for (auto &fixture : fixtures) {
      ASSERT_TRUE(Result(tenon_session_wait(fixture->session)).ok());
      EXPECT_EQ(fixture->output(0), fixture->expected());
    }
  }
}

int exitCodeOf(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST(Background, Fork) {
  TemporaryFile file(buildArtifact().bytes);
  Fixture idle(file.path), started(file.path);
  expectRight(idle, 20);
  ASSERT_TRUE(started.bind(20).ok());
  ASSERT_TRUE(Result(tenon_session_start(started.session)).ok());
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    expectRight(idle, 30);
    for (int i = 0; i < 2; ++i) // the run is the parent's
      EXPECT_EQ(Result(tenon_session_wait(started.session)).code, TENON_BUSY);
    tenon_session_free(started.session);
    _exit(::testing::Test::HasFailure());
  }
  EXPECT_EQ(exitCodeOf(child), 0);
  ASSERT_TRUE(Result(tenon_session_wait(started.session)).ok());
  EXPECT_EQ(started.output(0), started.expected());
  expectRight(idle, 20);
}

} // namespace
