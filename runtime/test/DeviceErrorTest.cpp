// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Devices, regions and host programs that fail: one error that says where, nothing
// leaked, and a session that is usable afterwards.
#include "ArtifactBuilder.h"
#include "FakeDriver.h"

#include <gtest/gtest.h>

using namespace tenon::testing;

namespace {

Result load(const Options &options) {
  TemporaryFile file(buildArtifact(options).bytes);
  tenon_model *model = nullptr;
  Result result = tenon_model_load(file.path.c_str(), nullptr, &model);
  EXPECT_EQ(model != nullptr, result.ok());
  tenon_model_free(model);
  return result;
}

Result run(Fixture &fixture, int64_t batch) {
  Result bound = fixture.bind(batch);
  return bound.ok() ? Result(tenon_session_run(fixture.session)) : bound;
}

void expect(const Result &result, tenon_code code, const char *part) {
  EXPECT_EQ(result.code, code) << result.text;
  EXPECT_NE(result.text.find(part), std::string::npos) << part << " is not in: " << result.text;
}

void expectRight(Fixture &fixture, int64_t batch) {
  Result result = run(fixture, batch);
  ASSERT_TRUE(result.ok()) << result.text;
  EXPECT_EQ(fixture.output(0), fixture.expected());
}

void observeNothing(void *, uint32_t, void *const *, uint32_t, const int64_t *, uint64_t) {}

TEST(DeviceErrors, UnknownDriver) {
  FakeDriver &fake = fakeDriver();
  Options options = offloadedTwice();
  options.devices[0].driver = "fake";
  options.devices[1].driver = "warp";
  Result result = load(options);
  expect(result, TENON_NO_DRIVER, "needs a driver 'warp' for its device 'other'; this runtime has ");
  for (const char *there : {"cpu", "fake"})
    EXPECT_NE(result.text.find(there, result.text.find("has ")), std::string::npos) << result.text;
  EXPECT_EQ(fake.opens, 1);
  EXPECT_TRUE(fake.isBalanced());
}

TEST(DeviceErrors, AtLoad) {
  Options options = offloadedTwice();
  options.devices[0].driver = options.devices[1].driver = "fake";
  for (const char *step : {"open", "load"})
    for (int passes : {0, 1}) {
      FakeDriver &fake = fakeDriver();
      fake.failsAt = step;
      fake.passes = passes;
      fake.code = TENON_UNSUPPORTED_DEVICE;
      Result result = load(options);
      std::string text = std::string("[TN7017] device '") + (passes ? "other" : "accel") + "': out of order at " + step;
      EXPECT_EQ(result.text, text);
      EXPECT_EQ(fake.opens, step == std::string("open") ? passes : 2);
      EXPECT_EQ(fake.loads, step == std::string("open") ? 0 : passes);
      EXPECT_TRUE(fake.isBalanced());
      EXPECT_EQ(fake.wrong, 0);
    }
}

TEST(DeviceErrors, CodeOfTheCpuDevice) {
  Options options = offloaded();
  options.regions[0].features = {"sse2", "tachyons"};
  expect(load(options), TENON_UNSUPPORTED_DEVICE, "device 'accel': ");
  expect(load(options), TENON_UNSUPPORTED_DEVICE, "tachyons");
  options.regions[0].features = {};
  options.regions[0].triple = "vax-unknown-linux-gnu";
  expect(load(options), TENON_UNSUPPORTED_DEVICE, "vax-unknown-linux-gnu");
  options = offloaded();
  options.regions[0].image = "writable";
  expect(load(options), TENON_CORRUPT, "device 'accel': ");
  options = offloaded();
  options.regions[0].mainAddress = 1;
  expect(load(options), TENON_CORRUPT, "an entry point");
  options = offloaded();
  options.regions[0].hashChange = 1;
  expect(load(options), TENON_CORRUPT, "the code of region 'adds' does not match its hash");
}

// On the device's own thread and, for an observer, on the caller's.
TEST(DeviceErrors, AtARun) {
  for (bool isObserved : {false, true})
    for (const char *step : {"alloc", "copy_in", "execute", "copy_out"}) {
      FakeDriver &fake = fakeDriver();
      {
        TemporaryFile file(buildArtifact(offloaded({.driver = "fake"})).bytes);
        Fixture fixture(file.path, 2);
        if (isObserved)
          tenon_session_set_observer(fixture.session, observeNothing, nullptr);
        for (int64_t batch : {20, 72, 70}) { // also where nobody asks, and where many commands follow
          fake.failsAt = step;
          fake.passes = step == std::string("alloc") ? int(fake.allocs) : 0;
          int executions = fake.executions;
          if (step == std::string("alloc") && batch == 70)
            batch = 1000; // what was allocated for 72 rows is enough for 70
          expect(run(fixture, batch), TENON_DEVICE, (std::string("device 'accel': out of order at ") + step).c_str());
          if (step == std::string("copy_in")) // commands behind the one that failed do nothing
            EXPECT_EQ(fake.executions, executions);
          tenon_tensor tensor;
          EXPECT_EQ(Result(tenon_session_output(fixture.session, 0, &tensor)).code, TENON_INVALID_ARGUMENT);
          fake.failsAt = "";
          expectRight(fixture, batch == 72 ? 73 : batch);
        }
      }
      EXPECT_TRUE(fake.isBalanced()) << step;
      EXPECT_EQ(fake.wrong, 0);
    }
}

TEST(DeviceErrors, CodesOfDrivers) {
  FakeDriver &fake = fakeDriver();
  TemporaryFile file(buildArtifact(offloaded({.driver = "fake"})).bytes);
  Fixture fixture(file.path);
  fake.failsAt = "execute";
  for (auto [given, got] : {std::pair(TENON_OUT_OF_MEMORY, TENON_OUT_OF_MEMORY),
                            {TENON_OK, TENON_DEVICE},
                            {tenon_code(42), TENON_DEVICE},
                            {tenon_code(8000), TENON_DEVICE}}) {
    fake.code = given;
    expect(run(fixture, 20), got, "device 'accel': out of order at execute");
  }
}

TEST(DeviceErrors, RegionsThatFail) {
  for (bool isObserved : {false, true}) {
    Options options = offloaded();
    options.checks.insert(options.checks.begin(), {TENON_INDEX, "of the host", "not this one"});
    options.regions[0].firstCheck = 1;
    TemporaryFile file(buildArtifact(options).bytes);
    Fixture fixture(file.path);
    if (isObserved)
      tenon_session_set_observer(fixture.session, observeNothing, nullptr);
    EXPECT_EQ(run(fixture, 50).text, "[TN7015] node 'add_1': 50 rows are more than 49 where batch = 50");
    expectRight(fixture, 20);
    expect(run(fixture, 51), TENON_RUN, "device 'accel': the compiled code returned error 5");
    for (int64_t batch : {52, 53, 54})
      expect(run(fixture, batch), TENON_CORRUPT, "the code of a region gives a command to device 0");
    expectRight(fixture, 20);
  }
}

// Red zones are those of the region, whatever the host program does at the same time.
TEST(DeviceErrors, RedZonesOfARegion) {
  for (int32_t guard : {TENON_GUARD_NONE, TENON_GUARD_END}) {
    Options options = offloaded();
    options.regions[0].image = "region-overrunning";
    TemporaryFile file(buildArtifact(options).bytes);
    Fixture fixture(file.path);
    tenon_session_free(fixture.session);
    tenon_session_options with{sizeof(with), 2, nullptr, guard};
    ASSERT_TRUE(Result(tenon_session_create(fixture.model, &with, &fixture.session)).ok());
    expectRight(fixture, 20);
    expect(run(fixture, 21), TENON_RED_ZONE, "kernel 'add' wrote 0 bytes behind the end");
    expectRight(fixture, 20);
  }
}

TEST(DeviceErrors, ChecksBeyondTheTable) {
  Options options = offloaded();
  options.regions[0].firstCheck = 1; // of one check: the region has none
  TemporaryFile file(buildArtifact(options).bytes);
  Fixture fixture(file.path);
  expect(run(fixture, 50), TENON_RUN, "check 1: found 50, expected 49");
}

TEST(DeviceErrors, WrongPrograms) {
  for (const Device &device : {Device(), Device{.driver = "fake"}}) {
    FakeDriver &fake = fakeDriver();
    TemporaryFile file(buildArtifact(offloaded(device)).bytes);
    Fixture fixture(file.path);
    for (auto [batch, text] : {std::pair(31, "names device 9; there are 1"),
                               {32, "submits region 9; there are 1"},
                               {33, "submits region 'adds' with 3 buffers; it has 2"},
                               {34, "copies 544 bytes at 609 of the 1152 that it asked of device 'accel'"},
                               {35, "copies -1 bytes at 0"},
                               {36, "copies 1 bytes at -1"},
                               {37, "awaits 1 commands of device 'accel'; it has given it 0"},
                               {38, "with a buffer at 1281 of the 1280 bytes of device 'accel'"},
                               {39, "with a buffer at -64 of the 1280 bytes"},
                               {40, "names device 9"},
                               {41, "awaits -1 commands"},
                               {42, "copies 9223372036854775807 bytes at 9223372036854775807"}}) {
      expect(run(fixture, batch), TENON_CORRUPT, text);
      expectRight(fixture, 20);
    }
    EXPECT_EQ(fake.wrong, 0);
  }
}

// Its own error is the host program's, whatever the device does meanwhile.
TEST(DeviceErrors, OfTheHost) {
  for (const Device &device : {Device(), Device{.driver = "fake"}}) {
    FakeDriver &fake = fakeDriver();
    TemporaryFile file(buildArtifact(offloaded(device)).bytes);
    Fixture fixture(file.path);
    EXPECT_EQ(run(fixture, 71).text, "[TN7010] the compiled code returned error 5");
    EXPECT_TRUE(run(fixture, 72).ok());
    EXPECT_EQ(fake.executions, fake.copiesOut); // all was done when the run returned
    expectRight(fixture, 20);
  }
}

TEST(DeviceErrors, SizesBeyondMemory) {
  TemporaryFile file(buildArtifact(offloaded()).bytes);
  Fixture fixture(file.path);
  for (int64_t batch : {60, 61}) // of the host program's commands, and of the region
    expect(run(fixture, batch), TENON_SHAPE, "what these inputs need of device 'accel'");
  expectRight(fixture, 62);
}

} // namespace
