// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the CPU's strategies compute, decode and read in one kernel.
#ifndef TENON_LIB_TARGET_CPU_FUSIONRULES_H
#define TENON_LIB_TARGET_CPU_FUSIONRULES_H

#include "tenon/Codegen/FusionRules.h"

namespace tenon::cpu {

class CpuFusionRules : public codegen::GenericFusionRules {
public:
  bool takesDecode(mlir::OpOperand &use) const override;
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_FUSIONRULES_H
