// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The column panels of narrow weights that a kernel reads at once, one vector of
// columns each: their codes, as bytes or as f32, scales and zero points.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_CODEPANELS_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_CODEPANELS_H

#include "CodeDecoder.h"
#include "QuadCodes.h"

namespace tenon::cpu {

class CodePanels {
public:
  /// `count` panels of `lanes` columns, each a stream of `perStream` panels from one unit of work to the next.
  CodePanels(KernelContext &context, const PackedCodes &codes, int64_t lanes, int64_t count,
             mlir::AffineExpr perStream);

  const PackedCodes &codes() const { return w; }
  int64_t count() const { return vectors; }
  /// The 16-bit type that weights have in the model, or null.
  mlir::Type rounded() const { return type16; }
  /// Reads panel `number` of each stream from here on.
  void select(mlir::Value number) { panel = number; }

  /// After what a word of column vector v is decoded: LLVM's scheduler would start so many
  /// decodings at once that registers spill.
  using Fence = llvm::function_ref<mlir::Value(int64_t)>;
  /// Decodes steps [from, to) of a group, each a vector per panel; `fence` holds for every second or fourth step.
  void eachStep(mlir::Value group, int64_t from, int64_t to,
                llvm::function_ref<void(int64_t, llvm::ArrayRef<mlir::Value>)> body, Fence fence = {});
  /// Reads quads [from, to) of a group as bytes, one per panel.
  void eachQuad(mlir::Value group, int64_t from, int64_t to,
                llvm::function_ref<void(int64_t, llvm::ArrayRef<mlir::Value>)> body, Fence fence = {});

  /// Of a block, one per panel.
  llvm::SmallVector<mlir::Value> scales(mlir::Value block);
  /// Empty where one zero point for all is in the decoder.
  llvm::SmallVector<mlir::Value> zeros(mlir::Value block);
  /// By what decoded codes, or sums of them, are to be multiplied besides the scale.
  double unit() const { return quads.unit(); }
  /// The weight that the model makes of a decoded code.
  mlir::Value weightOf(mlir::Value code, mlir::Value scale, mlir::Value zero);

  /// Fetches the codes of a later group, or the scales of a later block, into the caches.
  void fetchCodes(mlir::Value group);
  void fetchScales(mlir::Value block);

private:
  class Words;
  mlir::Value wordsAt(int64_t vector, mlir::Value group, int64_t row);
  mlir::Value scalesAt(int64_t vector, mlir::Value block);
  mlir::Value panelOf(int64_t vector);
  void fetchAhead(mlir::Value buffer, int64_t elements, llvm::function_ref<mlir::Value(int64_t)> at);

  KernelContext &c;
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
