// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which ops will share a kernel, for estimates: placement comes before kernels are formed.
#ifndef TENON_LIB_TRANSFORMS_PARTITION_KERNELGUESS_H
#define TENON_LIB_TRANSFORMS_PARTITION_KERNELGUESS_H

#include "tenon/Interfaces/Target.h"
#include "llvm/ADT/DenseMap.h"
#include <deque>

namespace tenon::partition {

/// Kernels of one device, as plan-form-kernels would make them if all ops were on it.
class KernelGuess {
public:
  explicit KernelGuess(const Target &target) : target(target) {}

  /// The seconds that an op adds: those of its kernel with it, less those without it. Ops
  /// come in the block's order, and have known sizes.
  double add(mlir::Operation *op);

private:
  struct Kernel {
    llvm::SmallVector<mlir::Operation *> ops;
    mlir::Operation *root = nullptr; ///< null: elementwise
    double seconds = 0;
  };

  bool joinsUser(mlir::Operation *op) const;
  Kernel *kernelToJoin(mlir::Operation *op) const;

  const Target &target;
  std::deque<Kernel> kernels; // whose addresses stay
  llvm::DenseMap<mlir::Operation *, Kernel *> kernelOf;
};

} // namespace tenon::partition

#endif // TENON_LIB_TRANSFORMS_PARTITION_KERNELGUESS_H
