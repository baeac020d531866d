// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a target says of a kernel so that the host program can launch it.
#ifndef TENON_TARGET_HOST_LAUNCH_H
#define TENON_TARGET_HOST_LAUNCH_H

#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Interfaces/ModuleCode.h"
#include "tenon/Interfaces/WorkSplit.h"
#include <string>
#include <vector>

namespace tenon::host {

/// What the host program launches for a kernel of the plan.
struct KernelLaunch {
  KernelDescription description;
  std::string function;
  WorkSplit split;
  std::vector<CheckDescription> checks; ///< that it makes of its data, in the order of its numbers
  std::vector<SizeCheck> sizes;         ///< to be tested before its launch
  int64_t scratchBytes = 0;             ///< of temporaries that are not on the stack
};

} // namespace tenon::host

#endif // TENON_TARGET_HOST_LAUNCH_H
