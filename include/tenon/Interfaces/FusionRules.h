// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the code of a device's kernels can take in beside the op that decides
// their schedule. Which ops are near enough to join is found by
// plan-form-kernels; it asks these rules for each candidate.
#ifndef TENON_INTERFACES_FUSIONRULES_H
#define TENON_INTERFACES_FUSIONRULES_H

#include "mlir/IR/Operation.h"

namespace tenon {

/// The rules as they stand are those of a device whose kernels are one op each, or
/// elementwise ops of one shape, and read every operand from memory.
class FusionRules {
public:
  virtual ~FusionRules() = default;

  /// Whether the kernel of `root` computes elementwise ops on its result as it stores it:
  ///
  ///   %0 = graph.matmul %a, %b     root
  ///   %1 = graph.unary relu %0     joins it
  virtual bool takesEpilogue(mlir::Operation *root) const { return false; }

  /// Whether the kernel of the use's owner reads the codes of an operand and decodes
  /// them itself. The operand is the result of a graph.cast or graph.dequantize.
  ///
  ///   %0 = graph.dequantize %codes, %scale    joins the product
  ///   %1 = graph.matmul %a, %0                owner
  virtual bool takesDecode(mlir::OpOperand &use) const { return false; }

  /// Whether the op's code reads its operands by address, so that a constant of one
  /// value everywhere has to lie in memory, too; else the value is part of the code.
  virtual bool readsMemory(mlir::Operation *op) const { return true; }

  /// Whether a constant operand is read when code is made rather than when it runs,
  /// as the axes of a reduction would be.
  virtual bool isParameter(mlir::Operation *op, unsigned operand) const { return false; }
};

} // namespace tenon

#endif // TENON_INTERFACES_FUSIONRULES_H
