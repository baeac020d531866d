// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A channels-last convolution with two spatial dimensions, as its strategies
// see it: x is [n, h, w, channels], the result [n, oh, ow, outputs], the filter
// [outputs, channels / group, kh, kw]. One-dimensional ones have height 1. So have
// images that are one pixel wide, whose height and width change places: tiles run
// along the width.
#ifndef TENON_CODEGEN_CONVSHAPE_H
#define TENON_CODEGEN_CONVSHAPE_H

#include "tenon/Codegen/Strategy.h"

namespace tenon::codegen {

/// A row of output pixels, and the rows of the filter that lie inside the image.
struct ConvRow {
  mlir::Value image, oh;       ///< which image, and which row of its output
  mlir::Value top;             ///< the input row under the filter's first one
  mlir::Value firstKh, lastKh; ///< filter rows [firstKh, lastKh)
};

struct ConvShape {
  mutable graph::ConvOp op;
  unsigned filter; ///< kernel operand
  mlir::AffineExpr n, h, w, oh, ow;
  int64_t channels, outputs, kh, kw, group;
  int64_t strideH, strideW, dilationH, dilationW;
  mlir::AffineExpr padTop, padLeft;
  Exprs result;
  bool tall = false; ///< one pixel wide: h and w, kh and kw and so on have changed places

  /// Coordinates in `result`, as the model has it, of an output pixel, without the channel.
  llvm::SmallVector<mlir::Value> pixelIndex(mlir::Value image, mlir::Value row, mlir::Value column) const;

  /// Output row number `row` of all images together.
  ConvRow rowAt(KernelContext &context, mlir::Value row) const;
  /// Number, in x, of the first pixel of the image's row that filter row kh reads.
  mlir::Value lineOf(KernelContext &context, const ConvRow &row, mlir::Value kh) const;

  /// The bias at output channels [column, column + lanes): a buffer's values,
  /// or those of a splat constant inside the kernel.
  mlir::Value biasAt(KernelContext &context, mlir::Value column, int64_t lanes, mlir::Value mask) const;

  int64_t groupChannels() const { return channels / group; }
  int64_t groupOutputs() const { return outputs / group; }
  bool isDepthwise() const { return group == channels && channels == outputs; }
  /// No window and no padding: every pixel is a row of a matrix product.
  bool isPointwise() const {
    return kh == 1 && kw == 1 && strideH == 1 && strideW == 1 && padTop == 0 && padLeft == 0 && oh == h && ow == w;
  }
};

/// Reads the shape off a kernel with root conv; nullopt with a reason if it
/// is not channels-last or its channels or filter are not static.
std::optional<ConvShape> analyzeConv(plan::KernelOp kernel, std::string &reason);
/// Rounds up; `value` may be negative.
mlir::Value ceilDiv(KernelContext &context, mlir::Value value, int64_t divisor);
/// Padding before spatial dimension `d` of extents `in` and `out`.
mlir::AffineExpr convPadding(graph::ConvOp op, size_t d, mlir::AffineExpr in, mlir::AffineExpr out, int64_t window);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_CONVSHAPE_H
