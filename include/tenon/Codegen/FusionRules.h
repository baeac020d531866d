// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the generic strategies compute, decode and read in one kernel. A target whose own
// schedules take in more derives its rules from these.
#ifndef TENON_CODEGEN_FUSIONRULES_H
#define TENON_CODEGEN_FUSIONRULES_H

#include "tenon/Interfaces/FusionRules.h"

namespace tenon::codegen {

class GenericFusionRules : public FusionRules {
public:
  bool takesEpilogue(mlir::Operation *root) const override;
  bool takesDecode(mlir::OpOperand &use) const override;
  bool readsMemory(mlir::Operation *op) const override;
  bool isParameter(mlir::Operation *op, unsigned operand) const override;
};

} // namespace tenon::codegen

#endif // TENON_CODEGEN_FUSIONRULES_H
