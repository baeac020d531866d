// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_LIB_TARGET_CPU_SHIPPEDCPU_H
#define TENON_LIB_TARGET_CPU_SHIPPEDCPU_H

#include "tenon/Dialect/Hw/IR/Device.h"

namespace tenon::cpu {

/// The declaration targets/cpu-NAME.yaml, if there is one.
std::optional<hw::Device> shippedCpu(llvm::StringRef name);

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_SHIPPEDCPU_H
