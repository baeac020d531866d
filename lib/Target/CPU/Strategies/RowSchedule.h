// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Building blocks of the strategies that walk rows and windows: arithmetic on
// lanes, reductions with several accumulators, and choices of the vector
// dimension that leave room for a fused epilogue.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_ROWSCHEDULE_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_ROWSCHEDULE_H

#include "mlir/Dialect/Math/IR/Math.h"
#include "tenon/Target/CPU/Strategy.h"

namespace tenon::cpu {

using Values = llvm::SmallVector<mlir::Value>;

/// Units per chunk so that a chunk is worth handing to another thread.
int64_t grainFor(int64_t workPerUnit);
/// The widest power of two of lanes that a run of this length fills (the
/// target's width where the length is not static).
int64_t lanesFor(const CpuTarget &target, mlir::Type compute, int64_t extent);
/// Facts of code in vectors of `lanes` elements of type `compute`, "16 lanes of 32 bits"
/// followed by `how`; one lane is a scalar loop, of which `how` is not said.
ScheduleFacts inLanes(int64_t lanes, mlir::Type compute, llvm::StringRef how = "");
/// Element type of a tensor, and the type that its arithmetic is done in.
inline mlir::Type elementOf(mlir::Value tensor) { return mlir::getElementTypeOrSelf(tensor.getType()); }
inline mlir::Type computeOf(mlir::Value tensor) { return computeType(elementOf(tensor)); }
/// Whether dimensions [first, last] of the kernel's iteration space can be
/// walked as one: every operand of the epilogue has or broadcasts all of them.
bool canMerge(plan::KernelOp kernel, llvm::ArrayRef<mlir::AffineExpr> space, unsigned first, unsigned last);
/// The first of the trailing dimensions, not before `from`, that merge with
/// the last one.
unsigned mergedSuffix(plan::KernelOp kernel, llvm::ArrayRef<mlir::AffineExpr> space, unsigned from);
/// Groups for an ElementEmitter: each dimension alone, those from `suffix` on
/// as one.
llvm::SmallVector<std::pair<unsigned, unsigned>> suffixGroups(unsigned rank, unsigned suffix);
/// Whether a kernel yields nothing but its root's own results; else `reason` says
/// that the strategy takes no epilogue.
bool yieldsRootAlone(plan::KernelOp kernel, std::string &reason);
/// The buffer of a root result, null if the kernel does not yield it.
mlir::Value yieldedBuffer(KernelContext &c, mlir::Value result);

/// Loads from an operand of the root: from its buffer, or the one value of a
/// splat constant inside the kernel.
mlir::Value loadFrom(KernelContext &c, mlir::Value tensor, mlir::Value at, int64_t lanes, mlir::Value mask = {});

/// Arithmetic on scalars and vectors alike, integer or floating point by type.
struct LaneMath {
  KernelContext &c;
  bool isUnsigned = false;

  static bool isFloat(mlir::Value v) { return mlir::isa<mlir::FloatType>(mlir::getElementTypeOrSelf(v.getType())); }
  static int64_t lanesOf(mlir::Value v) {
    auto type = mlir::dyn_cast<mlir::VectorType>(v.getType());
    return type ? type.getNumElements() : 1;
  }
  /// A constant of v's type.
  mlir::Value like(mlir::Value v, double value) {
    return c.constant(mlir::getElementTypeOrSelf(v.getType()), value, lanesOf(v));
  }
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value div(mlir::Value x, mlir::Value y);
  /// x * y + z, contracted where the target can.
  mlir::Value madd(mlir::Value x, mlir::Value y, mlir::Value z) { return add(mul(x, y), z); }
  mlir::Value greater(mlir::Value x, mlir::Value y, bool orEqual = false);
  mlir::Value equal(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value p, mlir::Value x, mlir::Value y);
  /// Maximum and minimum as one instruction: a NaN in y survives, one in x does not.
  mlir::Value max(mlir::Value x, mlir::Value y) { return select(greater(x, y), x, y); }
  mlir::Value min(mlir::Value x, mlir::Value y) { return select(greater(y, x), x, y); }
  mlir::Value abs(mlir::Value x);
  mlir::Value exp(mlir::Value x) { return mlir::math::ExpOp::create(c.b, c.loc, x); }
  mlir::Value log(mlir::Value x) { return mlir::math::LogOp::create(c.b, c.loc, x); }
  mlir::Value sqrt(mlir::Value x) { return mlir::math::SqrtOp::create(c.b, c.loc, x); }
  mlir::Value tanh(mlir::Value x) { return mlir::math::TanhOp::create(c.b, c.loc, x); }
  mlir::Value sigmoid(mlir::Value x);
  /// Floating-point value of another width as f32 and back.
  mlir::Value toF32(mlir::Value x);
  mlir::Value toFloat(mlir::Value x, mlir::Type scalar);
  /// The lowest or highest value of a type (infinities for floats), splat.
  mlir::Value extreme(mlir::Type compute, bool lowest, int64_t lanes);
  /// An index as a floating-point scalar.
  mlir::Value indexToFloat(mlir::Value index, mlir::Type compute);
  /// i64 scalar to index and back.
  mlir::Value toIndex(mlir::Value integer) {
    return mlir::arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), integer);
  }
  mlir::Value fromIndex(mlir::Value index, mlir::Type integer) {
    return mlir::arith::IndexCastOp::create(c.b, c.loc, integer, index);
  }
  /// A vector at, at+1, ... of an integer type, by default i32 (a scalar for one lane).
  mlir::Value laneNumbers(mlir::Value at, int64_t lanes, mlir::Type integer = {});
  /// A lane-wise comparison of indices: at + lane < limit.
  mlir::Value laneMask(mlir::Value at, mlir::Value limit, int64_t lanes);
};

using StepFn = llvm::function_ref<Values(mlir::Value at, mlir::Value mask, mlir::ValueRange acc)>;
using CombineFn = llvm::function_ref<Values(mlir::ValueRange, mlir::ValueRange)>;

/// Folds positions [0, n) into a tuple of vector accumulators with up to four
/// independent copies; `neutral` starts the copies. Lanes that a mask leaves
/// out keep their accumulators.
Values accumulate(KernelContext &c, mlir::Value n, int64_t extent, int64_t lanes, Values acc, const Values &neutral,
                  StepFn step, CombineFn combine);
/// Combines the lanes of each vector by halves down to scalars.
Values horizontal(KernelContext &c, Values acc, int64_t lanes, CombineFn combine);
/// Transposes `lanes` vectors of `lanes` elements.
void transposeLanes(KernelContext &c, Values &rows);
/// scf.if with results.
Values ifElse(KernelContext &c, mlir::Value condition, mlir::TypeRange types, llvm::function_ref<Values()> yes,
              llvm::function_ref<Values()> no);
/// scf.if without results.
void ifThen(KernelContext &c, mlir::Value condition, llvm::function_ref<void()> yes);
/// Emits `body` for a shape with elements, and `otherwise` for one without, or a
/// choice of the two where that turns out at run time.
void ifNotEmpty(KernelContext &c, llvm::ArrayRef<mlir::AffineExpr> shape, llvm::function_ref<void()> body,
                llvm::function_ref<void()> otherwise);
/// Nested loops over extents; the body gets the coordinates.
void nest(KernelContext &c, llvm::ArrayRef<mlir::AffineExpr> extents,
          llvm::function_ref<void(llvm::ArrayRef<mlir::Value>)> body);
/// Nested loops that carry values.
Values nest(KernelContext &c, llvm::ArrayRef<mlir::AffineExpr> extents, Values init,
            llvm::function_ref<Values(llvm::ArrayRef<mlir::Value>, mlir::ValueRange)> body);
/// Stack memory of the kernel, 64-byte aligned. Call before any loop is open.
mlir::Value scratch(KernelContext &c, int64_t elements, mlir::Type type);

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_ROWSCHEDULE_H
