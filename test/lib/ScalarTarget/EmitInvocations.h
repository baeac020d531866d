// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels as functions of an invocation's number.
#ifndef TENON_TEST_LIB_SCALARTARGET_EMITINVOCATIONS_H
#define TENON_TEST_LIB_SCALARTARGET_EMITINVOCATIONS_H

#include "tenon/Codegen/EmitKernels.h"
#include "tenon/Target/Host/HostModule.h"

namespace scalar {

/// No vectors, and few registers.
struct ScalarMachine : tenon::codegen::Machine {
  explicit ScalarMachine(bool fusesMultiplyAdd) : fuses(fusesMultiplyAdd) {
    vectorBits = 32;
    vectorRegisters = 16;
    l2Bytes = 64 * 1024;
  }
  bool fusesMultiplyAdd() const override { return fuses; }

  bool fuses; ///< as the processor below does
};

/// Invocations of a grid come in groups of so many: the last ones may have no unit.
inline constexpr int64_t kGroup = 4;

/// Emits the kernels of a planned module by the generic strategies, with their launches.
mlir::FailureOr<tenon::host::HostModule> emitInvocations(mlir::ModuleOp plan, const ScalarMachine &machine,
                                                         const tenon::codegen::StrategyRegistry &strategies,
                                                         const tenon::KernelProgress &progress);

} // namespace scalar

#endif // TENON_TEST_LIB_SCALARTARGET_EMITINVOCATIONS_H
