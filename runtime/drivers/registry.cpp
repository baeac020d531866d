// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The drivers of this build, and those of devices that a program adds. A driver
// of the build is added here and in its own folder.
#include "driver.h"
#include "internal.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

namespace tenon::rt {

static const Driver *const kDrivers[] = {&kCpuDriver, &kNullDriver};

const Driver *driverAt(int index) {
  return index >= 0 && index < int(sizeof kDrivers / sizeof *kDrivers) ? kDrivers[index] : nullptr;
}

const Driver *findDriver(const char *name) {
  for (const Driver *driver : kDrivers)
    if (strcmp(driver->name, name) == 0)
      return driver;
  return nullptr;
}

/// Drivers are added in front and never removed, so that who looks needs no lock.
static std::atomic<const DeviceDriver *> lastDevice{&kCpuDevice};

const DeviceDriver *deviceDrivers() { return lastDevice.load(std::memory_order_acquire); }

static const DeviceDriver *findAmong(const DeviceDriver *driver, const char *name) {
  while (driver && strcmp(driver->table.name, name) != 0)
    driver = driver->next;
  return driver;
}

const DeviceDriver *findDeviceDriver(const char *name) { return findAmong(deviceDrivers(), name); }

} // namespace tenon::rt

using namespace tenon::rt;

TENON_API tenon_status *tenon_driver_register(const tenon_driver *driver) {
  if (!driver)
    return fail(TENON_INVALID_ARGUMENT, "%s: driver must not be NULL", __func__);
  constexpr size_t least = offsetof(tenon_driver, execute) + sizeof driver->execute;
  if (driver->size < least)
    return fail(TENON_INVALID_ARGUMENT, "%s: driver->size is %zu; expected %zu or more", __func__, driver->size, least);
  if (!driver->name || !*driver->name)
    return fail(TENON_INVALID_ARGUMENT, "%s: the driver has no name", __func__);
  const tenon_driver &d = *driver;
  if (!d.open || !d.close || !d.load_region || !d.unload_region || !d.scratch_bytes || !d.alloc || !d.free ||
      !d.copy_in || !d.copy_out || !d.execute)
    return fail(TENON_INVALID_ARGUMENT, "%s: a function of driver '%s' is NULL", __func__, d.name);
  void *memory = malloc(sizeof(DeviceDriver));
  if (!memory)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate the driver '%s'", d.name);
  auto *added = new (memory) DeviceDriver{};
  memcpy(&added->table, driver, d.size < sizeof d ? d.size : sizeof d);
  if (!added->table.import_memory != !added->table.release_memory) {
    free(added);
    return fail(TENON_INVALID_ARGUMENT,
                "%s: driver '%s' has one of import_memory and release_memory; expected both or none", __func__, d.name);
  }
  added->next = deviceDrivers();
  do {
    if (findAmong(added->next, d.name)) {
      free(added);
      return fail(TENON_INVALID_ARGUMENT, "there is a driver '%s' already", d.name);
    }
  } while (!lastDevice.compare_exchange_weak(added->next, added, std::memory_order_acq_rel));
  return nullptr;
}
