// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sum of a product or convolution in the type that the op names, for
// schedules that add one term after the other.
#ifndef TENON_LIB_CODEGEN_STRATEGIES_ACCUMULATOR_H
#define TENON_LIB_CODEGEN_STRATEGIES_ACCUMULATOR_H

#include "tenon/Codegen/KernelContext.h"

namespace tenon::codegen {

class Accumulator {
public:
  /// Of an op with this result; `type` is the op's `accumulator`, else the sum
  /// is of the result's compute type.
  Accumulator(KernelContext &context, mlir::Value result, std::optional<mlir::Type> type);

  /// What the sum is held in.
  mlir::Type computeType() const { return compute; }
  mlir::Value zero(int64_t lanes) const { return c.constant(compute, 0, lanes); }
  /// sum + x * y; in a 16-bit float both are done in f32 and rounded once.
  mlir::Value add(mlir::Value sum, mlir::Value x, mlir::Value y) const;
  /// The sum with one more term, rounded likewise.
  mlir::Value add(mlir::Value sum, mlir::Value x) const;
  /// The sum in the result's compute type.
  mlir::Value result(mlir::Value sum) const { return converted(sum, resultType); }

private:
  mlir::Value converted(mlir::Value value, mlir::Type scalar) const;
  mlir::Value rounded(mlir::Value value) const;

  KernelContext &c;
  mlir::Type type, compute, resultType; ///< of the sum: its own, and what it is held in
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_STRATEGIES_ACCUMULATOR_H
