// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a kernel's outermost parallel work is divided among those who do it. A strategy
// cuts the work into units, [0, total), of which any subset may be done alone and in any
// order. Who does which is the target's matter: a thread of a pool that is given a range,
// or an invocation of a grid that does the unit of its number.
#ifndef TENON_CODEGEN_UNITMAPPING_H
#define TENON_CODEGEN_UNITMAPPING_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tenon::codegen {

class KernelContext;

class UnitMapping {
public:
  virtual ~UnitMapping() = default;
  /// Sets c.begin and c.end to units that this invocation does, and calls `body`, which emits the code
  /// for them at the builder's place: as it is where all units are one range, within a condition or a
  /// loop where they are not. `body` is called once.
  virtual mlir::LogicalResult map(KernelContext &c, mlir::AffineExpr total,
                                  llvm::function_ref<mlir::LogicalResult()> body) = 0;
};

} // namespace tenon::codegen

#endif // TENON_CODEGEN_UNITMAPPING_H
