// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The drivers of this build. A driver is added here and in its own folder.
#include "driver.h"

#include <cstring>

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

} // namespace tenon::rt
