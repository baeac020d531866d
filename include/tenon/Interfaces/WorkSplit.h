// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What any generator of kernels says of one, whatever device it is for: how its work
// divides, and what must hold of its sizes.
#ifndef TENON_INTERFACES_WORKSPLIT_H
#define TENON_INTERFACES_WORKSPLIT_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Operation.h"
#include <string>

namespace tenon {

/// How a kernel's work divides among those who do it: [0, total) units, handed out in
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

} // namespace tenon

#endif // TENON_INTERFACES_WORKSPLIT_H
