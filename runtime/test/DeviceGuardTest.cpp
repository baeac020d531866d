// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Guarded sessions and red zones in the memory of devices: right results from right
// code, and a name for what leaves its buffers, on a device whose driver takes memory of
// the process (cpu) and on one whose driver does not (fake).
#include "ArtifactBuilder.h"
#include "FakeDriver.h"

#include <gtest/gtest.h>

using namespace tenon::testing;

namespace {

struct Guarded {
  TemporaryFile file;
  Fixture fixture{file.path};
  explicit Guarded(int32_t guard, const Options &options) : file(buildArtifact(options).bytes) {
    tenon_session_free(fixture.session);
    tenon_session_options with{sizeof(with), 2, nullptr, guard};
    Result result = tenon_session_create(fixture.model, &with, &fixture.session);
    EXPECT_TRUE(result.ok()) << result.text;
  }
  Result run(int64_t batch) {
    Result bound = fixture.bind(batch);
    return bound.ok() ? Result(tenon_session_run(fixture.session)) : bound;
  }
  void expectRight(int64_t batch) {
    Result result = run(batch);
    ASSERT_TRUE(result.ok()) << result.text;
    EXPECT_EQ(fixture.output(0), fixture.expected()) << batch;
  }
};

/// The model with red zones in the device's memory.
Options zoned(const char *region, const char *driver = "cpu") {
  Options options = offloaded({.driver = driver});
  options.variants[0].image = "offload-zones";
  options.abi = 5;
  options.derivedSymbols = 1;
  options.regions[0].image = region;
  options.regions[0].firstSymbol = options.regions[0].numSymbols = 1;
  return options;
}

constexpr int32_t kModes[] = {TENON_GUARD_NONE, TENON_GUARD_END, TENON_GUARD_BEGIN};

TEST(DeviceGuard, RightResults) {
  FakeDriver &fake = fakeDriver();
  for (const char *driver : {"cpu", "fake"})
    for (int32_t guard : kModes) {
      Guarded guarded(guard, zoned("region-add", driver));
      for (int64_t batch : {5, 5, 0, 17, 1025, 70})
        guarded.expectRight(batch);
    }
  EXPECT_TRUE(fake.isBalanced());
  EXPECT_EQ(fake.wrong, 0);
}

TEST(DeviceGuard, MemoryIsFilledForEachRun) {
  FakeDriver &fake = fakeDriver();
  for (auto [guard, poison] : {std::pair(TENON_GUARD_END, 0xff), {TENON_GUARD_BEGIN, 0x5a}}) {
    Guarded guarded(guard, offloaded({.driver = "fake"}));
    for (int64_t batch : {20, 20}) {
      guarded.expectRight(batch);
      EXPECT_EQ(fake.foundInOutput, poison);
    }
  }
}

TEST(DeviceRedZone, NamesTheRegion) {
  for (int32_t guard : kModes) {
    Guarded guarded(guard, zoned("region-overrunning"));
    guarded.expectRight(20);
    Result result = guarded.run(22);
    EXPECT_EQ(result.code, TENON_RED_ZONE);
    EXPECT_NE(result.text.find("region 'adds' wrote 0 bytes behind the end of the buffer that ends at byte 800 of "
                               "device 'accel', red zone 2 of 2 (next before it: the region's output 0)"),
              std::string::npos)
        << result.text;
    guarded.expectRight(20); // the session has recovered
  }
}

TEST(DeviceRedZone, OfADriverFromOutside) {
  for (int32_t guard : kModes) {
    FakeDriver &fake = fakeDriver();
    Guarded guarded(guard, zoned("region-add", "fake"));
    guarded.expectRight(20);
    fake.overrun = 3;
    Result result = guarded.run(20);
    EXPECT_EQ(result.code, TENON_RED_ZONE);
    EXPECT_NE(result.text.find("region 'adds' wrote 3 bytes behind the end"), std::string::npos) << result.text;
    fake.overrun = -1;
    guarded.expectRight(20);
  }
}

TEST(DeviceRedZone, NamesACopy) {
  for (const char *driver : {"cpu", "fake"}) {
    fakeDriver();
    Guarded guarded(TENON_GUARD_NONE, zoned("region-add", driver));
    Result result = guarded.run(25);
    EXPECT_EQ(result.code, TENON_RED_ZONE);
    EXPECT_NE(result.text.find("a copy of 400 bytes to byte 1 of device 'accel' wrote 0 bytes behind the end of the "
                               "buffer that ends at byte 400, red zone 1 of 2"),
              std::string::npos)
        << result.text;
  }
}

TEST(DeviceRedZone, WrongPrograms) {
  TemporaryFile file(buildArtifact(offloaded()).bytes);
  Fixture fixture(file.path);
  for (auto [batch, text] : {std::pair(55, "names device 9; there are 1"),
                             {56, "has a red zone at 1793 of the 1792 bytes that it asked of device 'accel'"},
                             {57, "has a red zone at -64"},
                             {58, "names red zones of device 'accel' behind a command"}}) {
    ASSERT_TRUE(fixture.bind(batch).ok());
    Result result = tenon_session_run(fixture.session);
    EXPECT_EQ(result.code, TENON_CORRUPT);
    EXPECT_NE(result.text.find(text), std::string::npos) << text << " is not in: " << result.text;
  }
}

#ifndef TENON_TEST_SANITIZED // a sanitizer reports the signal itself
TEST(DeviceGuardDeathTest, NamesKernelAndMemory) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  Options options = offloaded();
  options.regions[0].image = "region-overrunning";
  EXPECT_DEATH(
      Guarded(TENON_GUARD_END, options).run(23),
      "memory error in kernel 'move': 0 bytes behind the end of the memory of device 'accel' \\(1216 bytes\\)");
  EXPECT_DEATH(Guarded(TENON_GUARD_BEGIN, options).run(24),
               "memory error in kernel 'move': 4 bytes before the memory of device 'accel' \\(1216 bytes\\)");
  EXPECT_DEATH(Guarded(TENON_GUARD_END, options).run(26),
               "memory error in kernel 'add': a write to the 'weights', which is only read");
}
#endif

} // namespace
