// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A channels-last convolution with two spatial dimensions, as its strategies
// see it. One-dimensional ones have height 1, and so have images that are one
// pixel wide: tiles run along the width.
#ifndef TENON_TARGET_CPU_STRATEGIES_CONVPROBLEM_H
#define TENON_TARGET_CPU_STRATEGIES_CONVPROBLEM_H

#include "ContractionTile.h"

namespace tenon::cpu {

struct ConvProblem {
  mutable graph::ConvOp op;
  unsigned x, filter;               ///< kernel operands
  mlir::AffineExpr n, h, w, oh, ow;
  int64_t channels, outputs, kh, kw, group;
  int64_t strideH, strideW, dilationH, dilationW;
  mlir::AffineExpr padTop, padLeft;
  Exprs result;
  bool tall = false;                ///< one pixel wide: h and w (and so on) changed places

  /// Coordinates in `result` of an output pixel, without the channel.
  llvm::SmallVector<mlir::Value> pixelIndex(mlir::Value image, mlir::Value row, mlir::Value column) const;

  /// The bias at output channels [column, column + lanes): a buffer's values,
  /// or those of a splat constant inside the kernel.
  mlir::Value biasAt(KernelContext &context, mlir::Value column, int64_t lanes, mlir::Value mask) const;

  int64_t groupChannels() const { return channels / group; }
  int64_t groupOutputs() const { return outputs / group; }
  bool isDepthwise() const { return group == channels && channels == outputs; }
  /// No window and no padding: every pixel is a row of a matrix product.
  bool isPointwise() const { return kh == 1 && kw == 1 && strideH == 1 && strideW == 1 && padTop == 0 && padLeft == 0 && oh == h && ow == w; }
};

/// Reads the problem off a kernel with root conv; nullopt with a reason if it
/// is not channels-last or its channels or filter are not static.
std::optional<ConvProblem> analyzeConv(plan::KernelOp kernel, std::string &reason);

/// Padding before spatial dimension `d` of extents `in` and `out`.
mlir::AffineExpr convPadding(graph::ConvOp op, size_t d, mlir::AffineExpr in, mlir::AffineExpr out, int64_t window);

void registerGenericConv(StrategyRegistry &registry);
void registerDepthwiseConv(StrategyRegistry &registry);

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_STRATEGIES_CONVPROBLEM_H
