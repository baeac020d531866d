// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elements of index tensors. Along an axis of `size` elements an index i of the model means position
//
//   p = i < 0 ? i + size : i,   which must be in [0, size)
//
// One that lies outside is reported when the kernel has run (TN7013); until then it is taken as 0, so that nothing is
// read or written outside. Where the bounds of constant indices are known (`graph.index_bounds`), what they make
// certain is not asked: neither whether i is negative nor whether p is inside.
#ifndef TENON_LIB_CODEGEN_STRATEGIES_INDEXCHECK_H
#define TENON_LIB_CODEGEN_STRATEGIES_INDEXCHECK_H

#include "tenon/Codegen/KernelCheck.h"
#include "tenon/Codegen/RowSchedule.h"

namespace tenon::codegen {

class IndexCheck {
public:
  /// Before any loop is open. The tensor holds tuples of indices that lie side by side, one index along an axis of each
  /// of `sizes`. `op` is the one whose ONNX node is at fault.
  IndexCheck(KernelContext &context, mlir::Operation *op, mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> sizes);
  /// The positions p of the tuple that begins at `position` of the tensor: 0 for an index that lies outside, which is
  /// noted. `inside`, if asked for, is whether none does.
  Values loadTuple(mlir::Value position, mlir::Value *inside = nullptr);
  /// The index at a position, where tuples have one.
  mlir::Value load(mlir::Value position, mlir::Value *inside = nullptr) { return loadTuple(position, inside).front(); }
  /// The same, of which only the largest p is noted: cheaper for short rows.
  mlir::Value loadQuickly(mlir::Value position);
  /// p of the index at a position, neither noted nor limited: for a prefetch, which may name any address.
  mlir::Value loadUnchecked(mlir::Value position) { return fromBeginning(raw(position, 0), 0); }
  /// Behind the loops. Where an index that was loaded quickly lies outside, `loadAgain`
  /// emits loops that load the same ones by load().
  void finish(llvm::function_ref<void()> loadAgain = {});

private:
  /// i as the tensor has it, and p as made of it.
  mlir::Value raw(mlir::Value position, unsigned axis);
  mlir::Value fromBeginning(mlir::Value index, unsigned axis);
  mlir::Value isInside(mlir::Value index, unsigned axis);
  /// [lowest, highest] i along an axis; those of i64 if they are not known.
  std::pair<int64_t, int64_t> boundsOf(unsigned axis) const;
  bool isCertain(unsigned axis) const;

  KernelContext &c;
  mlir::Value tensor;
  Exprs sizes;
  llvm::ArrayRef<int64_t> bounds; ///< two along each axis, or nothing
  std::optional<DataCheck> check; ///< unless every index is certain to lie inside
  mlir::Value largest;            ///< where the largest index is noted that was loaded quickly
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_STRATEGIES_INDEXCHECK_H
