// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The column panels of narrow weights that a kernel reads side by side, one vector of
// columns each: their codes, as bytes or as f32, scales and zero points. PackedCodes.h
// has the layout that is read, and the terms group, quad and block.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_CODEPANELS_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_CODEPANELS_H

#include "CodeDecoder.h"
#include "QuadCodes.h"

namespace tenon::cpu {

class CodePanels {
public:
  /// Reads `count` panels of `lanes` columns at a time, one of each stream; a stream is `perStream` panels that lie
  /// beside each other.
  CodePanels(KernelContext &context, const CpuTarget &target, const PackedCodes &codes, int64_t lanes, int64_t count,
             mlir::AffineExpr perStream);

  const PackedCodes &codes() const { return w; }
  int64_t count() const { return vectors; }
  /// The 16-bit type that weights have in the model and must be rounded to, or null.
  mlir::Type rounded() const { return type16; }
  /// Reads panel `number` of each stream from here on.
  void select(mlir::Value number) { panel = number; }

  /// Gives for panel v a value, the sum of the steps before, that must be there before further words of the panel are
  /// decoded: LLVM's scheduler would start so many decodings at once that registers spill.
  using Fence = llvm::function_ref<mlir::Value(int64_t)>;
  /// Decodes steps [from, to) of a group: body(step, codes) gets a vector of f32 per panel. They are values less the
  /// zero point that holds for all, if any, and lack the factor `unit`. `fence` is asked every two or four steps.
  void eachStep(mlir::Value group, int64_t from, int64_t to,
                llvm::function_ref<void(int64_t, llvm::ArrayRef<mlir::Value>)> body, Fence fence = {});
  /// Reads quads [from, to) of a group: body(quad, codes) gets a vector of i8 [4 * lanes] per panel.
  void eachQuad(mlir::Value group, int64_t from, int64_t to,
                llvm::function_ref<void(int64_t, llvm::ArrayRef<mlir::Value>)> body, Fence fence = {});

  /// A block's scales, a vector of f32 per panel.
  llvm::SmallVector<mlir::Value> scales(mlir::Value block);
  /// A block's zero points; empty where there are none or one for all, which the decoder subtracts.
  llvm::SmallVector<mlir::Value> zeros(mlir::Value block);
  /// By what decoded codes, or sums of products with them, are to be multiplied besides the scale.
  double unit() const { return quads.unit(); }
  /// The weight that the model makes of a decoded code: (code - zero) * unit * scale, rounded to `rounded` if any.
  mlir::Value weightOf(mlir::Value code, mlir::Value scale, mlir::Value zero);

  /// Prefetches what lies some KiB behind the codes of a group, or the scales of a block, in each stream.
  void fetchCodes(mlir::Value group);
  void fetchScales(mlir::Value block);

private:
  class Words;
  mlir::Value wordsAt(int64_t vector, mlir::Value group, int64_t row);
  mlir::Value scalesAt(int64_t vector, mlir::Value block);
  mlir::Value panelOf(int64_t vector);
  void fetchAhead(mlir::Value buffer, int64_t elements, llvm::function_ref<mlir::Value(int64_t)> at);

  KernelContext &c;
  const CpuTarget &target;
  PackedCodes w;
  int64_t lanes, vectors;
  mlir::AffineExpr perStream;
  mlir::Type type16;
  CodeDecoder decoder;
  QuadDecoder quads;
  mlir::Value panel;
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_CODEPANELS_H
