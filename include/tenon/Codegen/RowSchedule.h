// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Building blocks of the strategies that walk rows, windows and sequences: arithmetic that is the same on a scalar and
// on a vector, folds of a row into one value, loop nests, and the choice of the dimensions that vectors run along.
//
// Terms of these strategies:
//   lanes   elements of a vector; with one lane the code is scalar
//   space   the shape of the result; operands of the ops fused behind the root, the epilogue, broadcast to it
//   run     the last dimensions of the space, walked as one: element i of a run lies at base + i
//   suffix  the first dimension of the run; the dimensions before it are units of work, or loops
//   unit    what is handed to a thread as a whole: a row of runs, a run, or a part of one
//
// A run of several dimensions fills vectors where the innermost one is short. For a result [N, H, W, C]:
//
//     suffix 2      n   h |  w   c          units (n, h), runs of W * C elements
//                         [ vector | vector | .. | rest, masked ]
//
// The epilogue limits that. An operand of it must have all dimensions of the run, so that its elements lie at base + i
// as well, or broadcast all, so that it has one value for the run (canMerge).
#ifndef TENON_CODEGEN_ROWSCHEDULE_H
#define TENON_CODEGEN_ROWSCHEDULE_H

#include "mlir/Dialect/Math/IR/Math.h"
#include "tenon/Codegen/Strategy.h"

namespace tenon::codegen {

using Values = llvm::SmallVector<mlir::Value>;

/// Units of a chunk, the least that a thread is given: together about 16384 operations on elements. A unit has
/// `workPerUnit` of them; if that is not known (0 or less), a chunk is one unit.
int64_t grainFor(int64_t workPerUnit);
/// Lanes of the vectors along a run of `extent` elements: the target's, halved until the run fills a vector. An
/// unknown extent (-1) takes the target's, and is masked.
int64_t lanesFor(const Machine &target, mlir::Type compute, int64_t extent);
/// Facts of code in vectors of `lanes` elements of type `compute`, "16 lanes of 32 bits"
/// followed by `how`; one lane is a scalar loop, of which `how` is not said.
ScheduleFacts inLanes(int64_t lanes, mlir::Type compute, llvm::StringRef how = "");
/// Element type of a tensor, and the type that its arithmetic is done in.
inline mlir::Type elementOf(mlir::Value tensor) { return mlir::getElementTypeOrSelf(tensor.getType()); }
inline mlir::Type computeOf(mlir::Value tensor) { return computeType(elementOf(tensor)); }
/// The type of positions in [0, extent): 32 bits if they hold all, of which a vector has twice as many, else 64, as for
/// an unknown extent (-1).
mlir::IntegerType positionType(mlir::MLIRContext *context, int64_t extent);
/// Whether dimensions [first, last] of the kernel's iteration space can be walked as one: every operand of the
/// epilogue has all of them or broadcasts all of them. [C] beside a space [N, H, W, C] keeps W and C apart, [W, C] does
/// not. Dimensions of size 1 do not matter; one that may turn out to broadcast at run time does not merge.
bool canMerge(plan::KernelOp kernel, llvm::ArrayRef<mlir::AffineExpr> space, unsigned first, unsigned last);
/// The suffix of the longest run that merges and does not begin before dimension `from`.
unsigned mergedSuffix(plan::KernelOp kernel, llvm::ArrayRef<mlir::AffineExpr> space, unsigned from);
/// Groups for an ElementEmitter, which then takes one coordinate a group: each dimension before `suffix` alone, those
/// from there on as one.
llvm::SmallVector<std::pair<unsigned, unsigned>> suffixGroups(unsigned rank, unsigned suffix);
/// Whether a kernel yields nothing but its root's own results; else `reason` says
/// that the strategy takes no epilogue.
bool yieldsRootAlone(plan::KernelOp kernel, std::string &reason);
/// The buffer of a root result, null if the kernel does not yield it.
mlir::Value yieldedBuffer(KernelContext &c, mlir::Value result);

/// Loads from an operand of the root: from its buffer, or the one value of a
/// splat constant inside the kernel.
mlir::Value loadFrom(KernelContext &c, mlir::Value tensor, mlir::Value at, int64_t lanes, mlir::Value mask = {});

/// Arithmetic on scalars and vectors alike, integer or floating point by the operands' type. `isUnsigned` tells what
/// the signless integers of compute types do not: how they are divided, compared and made floats.
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
  /// Maximum and minimum as one instruction, which gives y where the two are not ordered: a NaN in y survives, one in x
  /// does not.
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
  /// A vector at, at+1, ... of an integer type, which must hold them (a scalar for one lane).
  mlir::Value laneNumbers(mlir::Value at, int64_t lanes, mlir::Type integer);
  /// A lane-wise comparison of indices: at + lane < limit.
  mlir::Value laneMask(mlir::Value at, mlir::Value limit, int64_t lanes);
};

/// Folds the vector at position `at` of a run into a tuple of accumulators.
using StepFn = llvm::function_ref<Values(mlir::Value at, mlir::Value mask, mlir::ValueRange acc)>;
/// Makes one tuple of two.
using CombineFn = llvm::function_ref<Values(mlir::ValueRange, mlir::ValueRange)>;

/// Folds positions [0, n) of a run (`extent` is n if known, else -1) into a tuple of vector accumulators, loop-carried.
/// Lane l folds the positions l, lanes + l, 2 * lanes + l and so on. A step would have to wait for the result of the
/// one before, so four copies of the tuple take turns; the first begins with `acc`, the others with `neutral`, which
/// changes nothing. They are combined as (0, 1), (2, 3), and then both. What remains goes to the one tuple left:
///
///     positions   0 .. p               p .. q          q .. n
///                 copies 0 1 2 3 0 ..  whole vectors   one masked vector
///
///     p, q: the last multiples of 4 * lanes and of lanes
///
/// Lanes that the mask leaves out keep their accumulators. The order of a sum follows from n and lanes alone.
Values accumulate(KernelContext &c, mlir::Value n, int64_t extent, int64_t lanes, Values acc, const Values &neutral,
                  StepFn step, CombineFn combine);
/// Combines the lanes of each vector of a tuple down to scalars, by halves:
///
///     a b c d e f g h   ->   ae bf cg dh   ->   aecg bfdh   ->   aecgbfdh
Values horizontal(KernelContext &c, Values acc, int64_t lanes, CombineFn combine);
/// Transposes a square of `lanes` vectors of `lanes` elements in registers: element j of vector i becomes element i of
/// vector j.
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
/// Nested loops over extents, the first outermost; the body gets the coordinates. An extent of 1 costs no loop.
void nest(KernelContext &c, llvm::ArrayRef<mlir::AffineExpr> extents,
          llvm::function_ref<void(llvm::ArrayRef<mlir::Value>)> body);
/// Nested loops that carry values.
Values nest(KernelContext &c, llvm::ArrayRef<mlir::AffineExpr> extents, Values init,
            llvm::function_ref<Values(llvm::ArrayRef<mlir::Value>, mlir::ValueRange)> body);
/// Stack memory of the kernel, 64-byte aligned. Call before any loop is open.
mlir::Value scratch(KernelContext &c, int64_t elements, mlir::Type type);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_ROWSCHEDULE_H
