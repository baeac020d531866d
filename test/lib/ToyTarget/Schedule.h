// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an elementwise kernel does to one tile, with the values in slots of the scratchpad.
#ifndef TOY_SCHEDULE_H
#define TOY_SCHEDULE_H

#include "tenon/Dialect/Plan/IR/Plan.h"
#include "llvm/ADT/DenseMap.h"

namespace toy {

/// Values are in slots of equal size.
struct Step {
  enum { Load, Add, Relu, Store } kind;
  unsigned slot; ///< that is written, or stored
  unsigned lhs = 0, rhs = 0;
  mlir::Value buffer = {}; ///< outside the kernel, of Load and Store
};

class Schedule {
public:
  explicit Schedule(tenon::plan::KernelOp kernel);

  llvm::SmallVector<Step> steps;
  unsigned count = 0; ///< of slots

private:
  void fetch(mlir::Value value);
  void store(mlir::Value value);
  unsigned take();
  void release(mlir::Value value, mlir::Operation *last);

  tenon::plan::KernelOp kernel;
  llvm::DenseMap<mlir::Value, unsigned> slots;
  llvm::SmallVector<unsigned> free;
};

} // namespace toy

#endif // TOY_SCHEDULE_H
