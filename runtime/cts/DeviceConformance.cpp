// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every driver of a device must do, tested through the public interface for
// each that this process has: memory keeps what is copied to it, devices and
// regions are independent of each other, and models over them compute.
#include "ArtifactBuilder.h"
#include "FakeDriver.h"
#include "driver.h"

#include <cstring>
#include <gtest/gtest.h>
#include <numeric>

using namespace tenon::testing;

namespace {

struct DeviceConformance : ::testing::TestWithParam<std::string> {
  FakeDriver &fake = fakeDriver();
  const tenon_driver &driver = tenon::rt::findDeviceDriver(GetParam().c_str())->table;

  tenon_device *open() {
    tenon_device_info info = {sizeof info, "one", "any", 0, 0, driver.name};
    tenon_device *device = nullptr;
    Result result = driver.open(driver.user, &info, &device);
    EXPECT_TRUE(result.ok()) << result.text;
    return device;
  }
  void *alloc(tenon_device *device, size_t bytes) {
    void *memory = nullptr;
    Result result = driver.alloc(device, bytes, &memory);
    EXPECT_TRUE(result.ok()) << result.text;
    return memory;
  }
};

TEST_P(DeviceConformance, HasAllFunctions) {
  EXPECT_TRUE(driver.name && driver.open && driver.close && driver.load_region && driver.unload_region &&
              driver.scratch_bytes && driver.alloc && driver.free && driver.copy_in && driver.copy_out &&
              driver.execute);
  EXPECT_EQ(driver.size, sizeof driver);
}

TEST_P(DeviceConformance, MemoryKeepsWhatIsCopied) {
  tenon_device *one = open(), *two = open();
  void *memories[] = {alloc(one, 1000), alloc(one, 1000), alloc(two, 1000)};
  std::vector<uint8_t> bytes(1000), got(1000);
  std::iota(bytes.begin(), bytes.end(), uint8_t(0));
  for (int m = 0; m < 3; ++m) {
    tenon_device *device = m == 2 ? two : one;
    std::vector<uint8_t> fill(1000, uint8_t(100 + m));
    EXPECT_TRUE(Result(driver.copy_in(device, memories[m], 0, fill.data(), 1000)).ok());
  }
  // At any place and of any length, and nothing beside it.
  for (auto [offset, count] : {std::pair(0, 1), {999, 1}, {1, 7}, {64, 128}, {333, 500}, {1000, 0}}) {
    EXPECT_TRUE(Result(driver.copy_in(one, memories[0], offset, bytes.data(), size_t(count))).ok());
    EXPECT_TRUE(Result(driver.copy_out(one, memories[0], 0, got.data(), 1000)).ok());
    EXPECT_EQ(memcmp(got.data() + offset, bytes.data(), size_t(count)), 0);
    std::vector<uint8_t> part(size_t(count) + 2, 0xcc);
    EXPECT_TRUE(Result(driver.copy_out(one, memories[0], offset, part.data() + 1, size_t(count))).ok());
    EXPECT_EQ(memcmp(part.data() + 1, bytes.data(), size_t(count)), 0);
    EXPECT_EQ(part.front(), 0xcc);
    EXPECT_EQ(part.back(), 0xcc);
  }
  for (int m = 1; m < 3; ++m) {
    EXPECT_TRUE(Result(driver.copy_out(m == 2 ? two : one, memories[m], 0, got.data(), 1000)).ok());
    EXPECT_EQ(got, std::vector<uint8_t>(1000, uint8_t(100 + m)));
  }
  driver.free(one, memories[1]);
  driver.free(two, memories[2]);
  driver.close(two);
  driver.free(one, memories[0]);
  driver.close(one);
  EXPECT_TRUE(fake.isBalanced());
}

// Memory of the process that a device takes as its own is what its copies read and write, and
// is the caller's again when the device has let go of it.
TEST_P(DeviceConformance, ImportsMemory) {
  if (!driver.import_memory)
    GTEST_SKIP() << "the driver takes no memory of the process";
  alignas(64) uint8_t data[256];
  std::vector<uint8_t> bytes(100, 7), got(100);
  std::fill(std::begin(data), std::end(data), uint8_t(1));
  tenon_device *device = open();
  void *memory = nullptr;
  ASSERT_TRUE(Result(driver.import_memory(device, data, sizeof data, &memory)).ok());
  EXPECT_TRUE(Result(driver.copy_in(device, memory, 30, bytes.data(), bytes.size())).ok());
  EXPECT_TRUE(Result(driver.copy_out(device, memory, 30, got.data(), got.size())).ok());
  EXPECT_EQ(got, bytes);
  driver.release_memory(device, memory);
  driver.close(device);
  for (size_t i = 0; i < sizeof data; ++i)
    EXPECT_EQ(data[i], i >= 30 && i < 130 ? 7 : 1) << i;
}

TEST_P(DeviceConformance, LoadsAndUnloadsOverAndOver) {
  std::string name = GetParam();
  TemporaryFile file(buildArtifact(offloaded({.driver = name.c_str()})).bytes);
  for (int round = 0; round < 50; ++round) {
    Fixture one(file.path), two(file.path);
    for (Fixture *fixture : {&one, &two}) {
      ASSERT_TRUE(fixture->bind(20 + round % 3).ok());
      ASSERT_TRUE(Result(tenon_session_run(fixture->session)).ok());
      EXPECT_EQ(fixture->output(0), fixture->expected());
    }
  }
  EXPECT_EQ(fake.wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(Drivers, DeviceConformance, ::testing::Values("cpu", "fake"),
                         [](const auto &info) { return info.param; });

} // namespace
