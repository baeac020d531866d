// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of drivers, and the errors that they make.
#include "ArtifactBuilder.h"
#include "FakeDriver.h"

#include <cstddef>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>

using namespace tenon::testing;

namespace {

tenon_driver complete(const char *name) {
  tenon_driver driver = {};
  driver.size = sizeof driver;
  driver.name = name;
  driver.open = [](void *, const tenon_device_info *, tenon_device **) {
    return tenon_status_create(TENON_UNSUPPORTED_DEVICE, "there is none");
  };
  driver.close = [](tenon_device *) {};
  driver.load_region = [](tenon_device *, const tenon_region_code *, tenon_executable **) {
    return static_cast<tenon_status *>(nullptr);
  };
  driver.unload_region = [](tenon_executable *) {};
  driver.scratch_bytes = [](const tenon_executable *, const int64_t *) { return int64_t(0); };
  driver.alloc = [](tenon_device *, size_t, void **) { return static_cast<tenon_status *>(nullptr); };
  driver.free = [](tenon_device *, void *) {};
  driver.copy_in = [](tenon_device *, void *, int64_t, const void *, size_t) {
    return static_cast<tenon_status *>(nullptr);
  };
  driver.copy_out = [](tenon_device *, void *, int64_t, void *, size_t) {
    return static_cast<tenon_status *>(nullptr);
  };
  driver.execute = [](tenon_executable *, const tenon_execution *) { return static_cast<tenon_status *>(nullptr); };
  return driver;
}

void expectRefused(const tenon_driver *driver, const char *part) {
  Result result = tenon_driver_register(driver);
  EXPECT_EQ(result.code, TENON_INVALID_ARGUMENT);
  EXPECT_NE(result.text.find(part), std::string::npos) << part << " is not in: " << result.text;
}

TEST(DriverRegistration, WrongArguments) {
  expectRefused(nullptr, "driver must not be NULL");
  tenon_driver driver = complete("wrong");
  constexpr size_t least = offsetof(tenon_driver, execute) + sizeof(void *);
  for (size_t size : {size_t(0), offsetof(tenon_driver, execute), least - 1}) {
    driver.size = size;
    expectRefused(&driver, "driver->size is ");
  }
  driver.size = sizeof driver;
  for (const char *none : {static_cast<const char *>(nullptr), ""}) {
    driver.name = none;
    expectRefused(&driver, "has no name");
  }
  // Each function in turn that there must be; they fill the struct from `open` on.
  for (size_t at = offsetof(tenon_driver, open); at < least; at += sizeof(void *)) {
    driver = complete("wrong");
    memset(reinterpret_cast<char *>(&driver) + at, 0, sizeof(void *));
    expectRefused(&driver, "a function of driver 'wrong' is NULL");
  }
  driver = complete("wrong");
  driver.release_memory = [](tenon_device *, void *) {};
  expectRefused(&driver, "has one of import_memory and release_memory");
}

TEST(DriverRegistration, NamesThatAreTaken) {
  fakeDriver();
  for (const char *name : {"cpu", "fake"}) {
    tenon_driver driver = complete(name);
    expectRefused(&driver, "already");
  }
}

// The struct ends where it ended before there were functions that may be left out.
TEST(DriverRegistration, OfAnEarlierVersion) {
  tenon_driver driver = complete("earlier");
  driver.size = offsetof(tenon_driver, import_memory);
  memset(&driver.import_memory, 0xff, sizeof driver - driver.size);
  ASSERT_TRUE(Result(tenon_driver_register(&driver)).ok());
}

// The struct is copied, also from a program that knows more functions.
TEST(DriverRegistration, OfALaterVersion) {
  struct {
    tenon_driver known = complete("later");
    void *unknown[4] = {};
  } later;
  later.known.size = sizeof later;
  ASSERT_TRUE(Result(tenon_driver_register(&later.known)).ok());
  memset(&later, 0xff, sizeof later);
  TemporaryFile file(buildArtifact(offloaded({.driver = "later"})).bytes);
  tenon_model *model = nullptr;
  Result result = tenon_model_load(file.path.c_str(), nullptr, &model);
  EXPECT_EQ(result.text, "[TN7017] device 'accel': there is none");
}

TEST(DriverRegistration, FromSeveralThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> added{0}, refused{0};
  static const char *const names[] = {"one", "two", "three", "four"};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (const char *name : names) {
        tenon_driver driver = complete(name);
        (Result(tenon_driver_register(&driver)).ok() ? added : refused)++;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(added, 4);
  EXPECT_EQ(refused, 12);
}

TEST(DriverStatus, HasACodeAndItsOwnText) {
  char text[] = "fuse 7 is blown";
  tenon_status *status = tenon_status_create(TENON_DEVICE, text);
  text[0] = 0;
  EXPECT_EQ(Result(status).text, "[TN7018] fuse 7 is blown");
  EXPECT_EQ(Result(tenon_status_create(TENON_OK, "x")).code, TENON_DEVICE);
  EXPECT_EQ(Result(tenon_status_create(TENON_SHAPE, "%s\n")).text, "[TN7006] %s\\n");
  EXPECT_EQ(Result(tenon_status_create(TENON_SHAPE, nullptr)).code, TENON_SHAPE);
}

} // namespace
