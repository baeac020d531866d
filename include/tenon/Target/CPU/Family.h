// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU target, for the registry.
#ifndef TENON_TARGET_CPU_FAMILY_H
#define TENON_TARGET_CPU_FAMILY_H

#include "tenon/Interfaces/Target.h"

namespace tenon::cpu {
std::unique_ptr<TargetFamily> makeFamily();
} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_FAMILY_H
