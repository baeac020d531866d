// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernels of a planned module as functions over vectors and loops: what the
// compiler lowers, for tests to read.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Target/CPU/Codegen.h"
#include "tenon/Target/CPU/Passes.h"

using namespace mlir;

namespace tenon::cpu {
#define GEN_PASS_DEF_EMITKERNELSPASS
#include "tenon/Target/CPU/Passes.h.inc"

namespace {

class EmitKernels : public impl::EmitKernelsPassBase<EmitKernels> {
public:
  using EmitKernelsPassBase::EmitKernelsPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    CpuTarget target;
    std::string error;
    if (!parseCpuTarget(spec, {}, target, error)) {
      emitError(module.getLoc()) << error;
      return signalPassFailure();
    }
    StrategyRegistry strategies;
    if (failed(packConstants(module, target, strategies)))
      return signalPassFailure();
    FailureOr<host::HostModule> kernels = emitKernels(module, target, strategies);
    if (failed(kernels))
      return signalPassFailure();
    kernels->launches.clear(); // they name ops that are erased now
    module.getBodyRegion().takeBody(kernels->module->getBodyRegion());
  }
};

} // namespace
} // namespace tenon::cpu
