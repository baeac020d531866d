// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The machine that this process runs on, as a chip to compile for.
#ifndef TENON_LIB_TARGET_CPU_HOSTCPU_H
#define TENON_LIB_TARGET_CPU_HOSTCPU_H

#include "tenon/Dialect/Hw/IR/Device.h"

namespace tenon::cpu {

/// The shipped chip that this machine is at least: of x86 the highest level that CPUID
/// tells of, of others the one of the architecture; "" if there is none.
std::string hostLevel();
/// Features beyond a level that generated code uses where CPUID says so.
std::vector<std::string> hostExtras();
/// Gives the caches of a chip, and its number of cores, the sizes that this machine has,
/// as far as it tells of them. Returns the bytes of the second level, 0 if not known.
int64_t takeHostSizes(hw::Device &chip);

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_HOSTCPU_H
