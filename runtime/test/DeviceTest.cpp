// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models with parts on other devices: right results, in every order of runs and
// sessions, and the host's and the devices' work at the same time.
#include "ArtifactBuilder.h"
#include "FakeDriver.h"

#include <chrono>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace tenon::testing;

namespace {

using Clock = std::chrono::steady_clock;

double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Device fakeDevice() { return {.driver = "fake"}; }

void expectRight(Fixture &fixture, int64_t batch) {
  ASSERT_TRUE(fixture.bind(batch).ok());
  Result result = tenon_session_run(fixture.session);
  ASSERT_TRUE(result.ok()) << result.text;
  EXPECT_EQ(fixture.output(0), fixture.expected()) << batch;
  std::vector<float> total = fixture.output(1);
  ASSERT_EQ(total.size(), size_t(batch + 15) / 16);
  for (size_t block = 0; block < total.size(); ++block) {
    float sum = 0;
    std::vector<float> z = fixture.output(0);
    for (size_t i = block * 64; i < (block + 1) * 64 && i < z.size(); ++i)
      sum += z[i];
    EXPECT_EQ(total[block], sum);
  }
}

TEST(Devices, RightResultsForAnyShapeAndThreads) {
  for (const Options &options : {offloaded(), offloaded(fakeDevice()), offloadedTwice()}) {
    FakeDriver &fake = fakeDriver();
    {
      TemporaryFile file(buildArtifact(options).bytes);
      for (int threads : {1, 2, 5}) {
        Fixture fixture(file.path, threads);
        for (int64_t batch : {3, 0, 1, 1025, 16, 70, 3}) // 70: the host is far ahead
          expectRight(fixture, batch);
      }
    }
    EXPECT_TRUE(fake.isBalanced());
    EXPECT_EQ(fake.wrong, 0);
  }
}

TEST(Devices, RegionsHaveSymbolsOfTheirOwn) {
  FakeDriver &fake = fakeDriver();
  Options options = offloadedWithTables();
  options.devices[0].driver = "fake";
  {
    TemporaryFile file(buildArtifact(options).bytes);
    Fixture fixture(file.path, 2);
    EXPECT_EQ(fake.symbols, 2u);
    for (int64_t batch : {3, 0, 1025}) {
      expectRight(fixture, batch);
      EXPECT_EQ(fake.given, (std::vector<int64_t>{batch, batch + 1000}));
    }
  }
  EXPECT_TRUE(fake.isBalanced());
  // An observer sees those of whoever launches the kernel.
  TemporaryFile file(buildArtifact(offloadedWithTables()).bytes);
  Fixture fixture(file.path);
  std::vector<std::vector<int64_t>> seen(5);
  tenon_session_set_observer(
      fixture.session,
      [](void *user, uint32_t kernel, void *const *, uint32_t, const int64_t *symbols, uint64_t) {
        (*static_cast<std::vector<std::vector<int64_t>> *>(user))[kernel].assign(symbols, symbols + 2);
      },
      &seen);
  expectRight(fixture, 5);
  EXPECT_EQ(seen[1], (std::vector<int64_t>{5, -1})); // the host's
  EXPECT_EQ(seen[2], (std::vector<int64_t>{5, 1005}));
  EXPECT_EQ(seen[4].front(), 5);
}

TEST(Devices, FromMemory) {
  Artifact artifact = buildArtifact(offloadedTwice());
  tenon_model *model = nullptr;
  Result loaded = tenon_model_load_buffer(artifact.bytes.data(), artifact.bytes.size(), nullptr, &model);
  ASSERT_TRUE(loaded.ok()) << loaded.text;
  tenon_model_free(model);
}

TEST(Devices, SessionsShareWeightsAndDevice) {
  for (const Options &options : {offloaded(), offloaded(fakeDevice()), offloadedTwice()}) {
    FakeDriver &fake = fakeDriver();
    {
      TemporaryFile file(buildArtifact(options).bytes);
      Fixture first(file.path);
      std::vector<std::thread> threads;
      std::atomic<int> wrong{0};
      for (int t = 0; t < 5; ++t)
        threads.emplace_back([&, t] {
          tenon_session_options with = {sizeof with, t % 3 + 1, nullptr, TENON_GUARD_NONE};
          tenon_session *session = nullptr;
          wrong += !Result(tenon_session_create(first.model, &with, &session)).ok();
          for (int round = 0; round < 100; ++round) {
            int64_t batch = 80 + (round * 37 + t * 101) % 700;
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
      if (options.devices[0].driver == std::string("fake")) {
        EXPECT_EQ(fake.opens, 1);
        EXPECT_EQ(fake.loads, 1);
        EXPECT_EQ(fake.executions, 500);
      }
    }
    EXPECT_TRUE(fake.isBalanced());
    EXPECT_EQ(fake.overlaps, 0); // calls for one device come one after the other
    EXPECT_EQ(fake.wrong, 0);
  }
}

TEST(Devices, MemoryGrowsAndStays) {
  FakeDriver &fake = fakeDriver();
  TemporaryFile file(buildArtifact(offloaded(fakeDevice())).bytes);
  Fixture fixture(file.path);
  for (int64_t batch : {10, 5, 0, 10})
    expectRight(fixture, batch);
  EXPECT_EQ(fake.allocs, 1);
  expectRight(fixture, 100);
  EXPECT_EQ(fake.allocs, 2);
  EXPECT_EQ(fake.frees, 1);
}

// What a driver is told of device and region.
TEST(Devices, Descriptions) {
  FakeDriver &fake = fakeDriver();
  Options options = offloaded({.name = "npu0", .driver = "fake", .spec = "npu:tiny", .mbPerSecond = 5, .latency = 9});
  options.regions[0].features = {"tachyons", "warp"};
  options.regions[0].triple = "npu-none";
  TemporaryFile file(buildArtifact(options).bytes);
  Fixture fixture(file.path);
  EXPECT_STREQ(fake.opened.name, "npu0");
  EXPECT_STREQ(fake.opened.spec, "npu:tiny");
  EXPECT_STREQ(fake.opened.driver, "fake");
  EXPECT_EQ(fake.opened.mb_per_s, 5u);
  EXPECT_EQ(fake.opened.latency_ns, 9u);
  EXPECT_EQ(fake.region, "adds");
  EXPECT_EQ(fake.triple, "npu-none");
  EXPECT_EQ(fake.features, "tachyons;warp;");
  expectRight(fixture, 20);
}

TEST(Devices, Queries) {
  TemporaryFile file(buildArtifact(offloadedTwice()).bytes);
  Fixture fixture(file.path);
  ASSERT_EQ(tenon_model_num_devices(fixture.model), 2);
  tenon_device_info info = {};
  info.size = sizeof info;
  ASSERT_TRUE(Result(tenon_model_device(fixture.model, 1, &info)).ok());
  EXPECT_STREQ(info.name, "other");
  EXPECT_STREQ(info.driver, "cpu");
  EXPECT_EQ(Result(tenon_model_device(fixture.model, 2, &info)).code, TENON_INVALID_ARGUMENT);
  EXPECT_EQ(Result(tenon_model_device(nullptr, 0, &info)).code, TENON_INVALID_ARGUMENT);
  EXPECT_EQ(Result(tenon_model_device(fixture.model, 0, nullptr)).code, TENON_INVALID_ARGUMENT);
  int32_t expected[] = {-1, -1, 0, 0, 1, -1};
  for (int32_t kernel = 0; kernel < 6; ++kernel)
    EXPECT_EQ(tenon_model_kernel_device(fixture.model, kernel), expected[kernel]);
  EXPECT_EQ(tenon_model_kernel_device(nullptr, 0), -1);
  EXPECT_EQ(tenon_model_num_devices(nullptr), 0);
  TemporaryFile plain(buildArtifact().bytes);
  Fixture without(plain.path);
  EXPECT_EQ(tenon_model_num_devices(without.model), 0);
  EXPECT_EQ(tenon_model_kernel_device(without.model, 0), -1);
}

TEST(Devices, CopiesTakeAsLongAsTheLinkMakesThem) {
  auto milliseconds = [](const Device &device) {
    TemporaryFile file(buildArtifact(offloaded(device)).bytes);
    Fixture fixture(file.path);
    auto start = Clock::now();
    expectRight(fixture, 1000); // 16,000 bytes to the device and as many from it
    return millisecondsSince(start);
  };
  EXPECT_GE(milliseconds({.latency = 20000000}), 40);
  EXPECT_GE(milliseconds({.mbPerSecond = 1}), 32);
  EXPECT_GE(milliseconds({.mbPerSecond = 2, .latency = 5000000}), 26);
}

// The device returns only when it has seen what the host does behind the submission.
TEST(Devices, HostGoesOnWhileTheDeviceWorks) {
  FakeDriver &fake = fakeDriver();
  TemporaryFile file(buildArtifact(offloaded(fakeDevice())).bytes);
  Fixture fixture(file.path);
  ASSERT_TRUE(fixture.bind(20).ok());
  float total[2] = {0, 0};
  ASSERT_TRUE(Result(tenon_session_bind_output(fixture.session, 1, total, sizeof total)).ok());
  std::atomic<bool> seen{false};
  fake.onExecute = [&] {
    auto start = Clock::now();
    while (!seen && millisecondsSince(start) < 10000) {
      float value;
      __atomic_load(&total[0], &value, __ATOMIC_ACQUIRE);
      seen = value == -7;
    }
  };
  ASSERT_TRUE(Result(tenon_session_run(fixture.session)).ok());
  EXPECT_TRUE(seen);
  EXPECT_EQ(fixture.output(0), fixture.expected());
}

struct Seen {
  std::vector<uint32_t> kernels, buffers;
  bool isOneThread = true;
  std::thread::id caller = std::this_thread::get_id();
};
void see(void *user, uint32_t kernel, void *const *, uint32_t buffers, const int64_t *, uint64_t) {
  auto *seen = static_cast<Seen *>(user);
  seen->kernels.push_back(kernel);
  seen->buffers.push_back(buffers);
  seen->isOneThread &= std::this_thread::get_id() == seen->caller;
}

TEST(Devices, ObserverSeesAllKernelsOnOneThread) {
  for (bool twice : {false, true}) {
    TemporaryFile file(buildArtifact(twice ? offloadedTwice() : offloaded()).bytes);
    Fixture fixture(file.path, 2);
    expectRight(fixture, 44); // on threads of their own first
    Seen seen;
    tenon_session_set_observer(fixture.session, see, &seen);
    expectRight(fixture, 44);
    EXPECT_EQ(seen.kernels, twice ? (std::vector<uint32_t>{2, 3, 4, 1}) : (std::vector<uint32_t>{2, 3, 0, 1}));
    EXPECT_EQ(seen.buffers, (std::vector<uint32_t>{3, 2, 3, 2}));
    EXPECT_TRUE(seen.isOneThread);
    tenon_session_set_observer(fixture.session, nullptr, nullptr);
    expectRight(fixture, 70);
    EXPECT_EQ(seen.kernels.size(), 4u);
  }
}

// A region's kernels are its own: what it launches beyond them is not described.
TEST(Devices, ObserverSeesWhatTheManifestDescribes) {
  Options options = offloaded();
  options.regions[0].numKernels = 1;
  TemporaryFile file(buildArtifact(options).bytes);
  Fixture fixture(file.path);
  expectRight(fixture, 44);
  Seen seen;
  tenon_session_set_observer(fixture.session, see, &seen);
  Result result = tenon_session_run(fixture.session);
  EXPECT_EQ(result.code, TENON_CORRUPT);
  EXPECT_NE(result.text.find("launches kernel 1"), std::string::npos) << result.text;
  EXPECT_EQ(seen.kernels, (std::vector<uint32_t>{2}));
}

TEST(Devices, Guarded) {
  for (int32_t guard : {TENON_GUARD_END, TENON_GUARD_BEGIN}) {
    TemporaryFile file(buildArtifact(offloadedTwice()).bytes);
    Fixture fixture(file.path);
    tenon_session_free(fixture.session);
    tenon_session_options options{sizeof(options), 2, nullptr, guard};
    ASSERT_TRUE(Result(tenon_session_create(fixture.model, &options, &fixture.session)).ok());
    for (int64_t batch : {5, 70, 0, 17})
      expectRight(fixture, batch);
  }
}

TEST(Devices, NullDriverOpensNone) {
  FakeDriver &fake = fakeDriver();
  for (const char *driver : {"fake", "of a later version"}) {
    TemporaryFile file(buildArtifact(offloaded({.driver = driver})).bytes);
    Fixture fixture(file.path, 1, "null");
    ASSERT_NE(fixture.session, nullptr);
    EXPECT_EQ(tenon_model_num_devices(fixture.model), 1);
    Seen seen;
    tenon_session_set_observer(fixture.session, see, &seen);
    ASSERT_TRUE(fixture.bind(8).ok());
    ASSERT_TRUE(Result(tenon_session_run(fixture.session)).ok());
    EXPECT_EQ(fixture.output(0), std::vector<float>(32, 0));
    EXPECT_EQ(seen.kernels, (std::vector<uint32_t>{0, 1, 2, 3}));
  }
  EXPECT_EQ(fake.opens, 0);
}

int exitCodeOf(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST(Devices, ForkBetweenRuns) {
  for (const Options &options : {offloadedTwice(), offloaded(fakeDevice())}) {
    fakeDriver();
    TemporaryFile file(buildArtifact(options).bytes);
    Fixture fixture(file.path, 3);
    expectRight(fixture, 1000);
    pid_t child = fork();
    if (child == 0) {
      alarm(20);
      for (int64_t batch : {1000, 70, 2000}) // the last needs more memory
        expectRight(fixture, batch);
      pid_t grandchild = fork();
      if (grandchild == 0) {
        alarm(20);
        expectRight(fixture, 3000);
        tenon_session_free(fixture.session); // whose threads are the grandparent's no more
        _exit(::testing::Test::HasFailure());
      }
      _exit(::testing::Test::HasFailure() || exitCodeOf(grandchild) != 0);
    }
    EXPECT_EQ(exitCodeOf(child), 0);
    expectRight(fixture, 1000);
  }
}

// A fork while another thread's run is inside the driver: the child goes on with a
// session of its own.
TEST(Devices, ForkDuringARun) {
  FakeDriver &fake = fakeDriver();
  TemporaryFile file(buildArtifact(offloaded(fakeDevice())).bytes);
  Fixture fixture(file.path);
  ASSERT_TRUE(fixture.bind(20).ok());
  std::atomic<bool> isInside{false}, goOn{false};
  fake.onExecute = [&] {
    isInside = true;
    while (!goOn)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  std::thread other([&] { EXPECT_TRUE(Result(tenon_session_run(fixture.session)).ok()); });
  while (!isInside)
    std::this_thread::yield();
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    fake.onExecute = nullptr;
    EXPECT_EQ(Result(tenon_session_run(fixture.session)).code, TENON_BUSY);
    tenon_session *own = nullptr;
    EXPECT_TRUE(Result(tenon_session_create(fixture.model, nullptr, &own)).ok());
    std::swap(own, fixture.session);
    expectRight(fixture, 50);
    tenon_session_free(fixture.session);
    _exit(::testing::Test::HasFailure());
  }
  EXPECT_EQ(exitCodeOf(child), 0);
  goOn = true;
  other.join();
  EXPECT_EQ(fixture.output(0), fixture.expected());
}

} // namespace
