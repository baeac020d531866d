// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a target says of a kernel so that the host program can launch it.
#ifndef TENON_TARGET_HOST_LAUNCH_H
#define TENON_TARGET_HOST_LAUNCH_H

#include "mlir/IR/AffineExpr.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Interfaces/ModuleCode.h"
#include <string>
#include <vector>

namespace tenon::host {

/// How a kernel's work divides among threads: [0, total) units, handed out in
/// chunks of at least `grain`. Any split must give identical results.
struct WorkSplit {
  mlir::AffineExpr total;
  int64_t grain = 1;
};

/// A relation of sizes that a kernel's op needs. The host program tests it
/// before the launch: in a branch, only if that is taken.
struct SizeCheck {
  mlir::Operation *op;          ///< in the kernel's body: its ONNX node is at fault
  uint32_t code;                ///< of tenon_code
  std::string text;             ///< with the places {0} for `least` and {1} for `size`
  mlir::AffineExpr least, size; ///< least <= size must hold,
  mlir::AffineExpr unless;      ///< unless this is 0; null: always
};

/// What the host program launches for a kernel of the plan.
struct KernelLaunch {
  KernelDescription description;
  std::string function;
  WorkSplit split;
  std::vector<CheckDescription> checks; ///< that it makes of its data, in the order of its numbers
  std::vector<SizeCheck> sizes;         ///< to be tested before its launch
  int64_t scratchBytes = 0;             ///< of temporaries that are not on the stack
};

/// Positions of the symbols that a kernel's code reads, in the order in which it
/// gets their values.
llvm::SmallVector<unsigned> symbolsOf(plan::KernelOp kernel);

} // namespace tenon::host

#endif // TENON_TARGET_HOST_LAUNCH_H
