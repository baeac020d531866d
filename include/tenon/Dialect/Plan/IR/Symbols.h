// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The symbols that a kernel's sizes are expressions of.
#ifndef TENON_DIALECT_PLAN_IR_SYMBOLS_H
#define TENON_DIALECT_PLAN_IR_SYMBOLS_H

#include "tenon/Dialect/Plan/IR/Plan.h"

namespace tenon::plan {

/// Positions of the symbols that a kernel's code reads, in the order in which it
/// gets their values.
llvm::SmallVector<unsigned> symbolsOf(KernelOp kernel);

} // namespace tenon::plan

#endif // TENON_DIALECT_PLAN_IR_SYMBOLS_H
