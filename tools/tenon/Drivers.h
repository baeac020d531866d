// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Drivers of devices beside the host, for the commands that run a model.
#ifndef TENON_TOOLS_TENON_DRIVERS_H
#define TENON_TOOLS_TENON_DRIVERS_H

#include "Commands.h"

namespace tenon::driver {

/// --load-driver: libraries with a tenon_driver_plugin (tenon/device.h).
class DriverFlag : public List {
public:
  explicit DriverFlag(FlagSet &set);
  /// Loads all of them and adds them to the runtime. Complains of every problem.
  Exit load() const;
};

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_DRIVERS_H
