// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernels of a planned module as functions over vectors and loops: what the
// compiler lowers, for tests to read.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Target/CPU/Codegen.h"
#include "tenon/Target/CPU/Passes.h"
#include "llvm/ADT/StringExtras.h"

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
    if (failed(findTarget(target)))
      return signalPassFailure();
    StrategyRegistry strategies;
    if (failed(packConstants(module, target, strategies)))
      return signalPassFailure();
    FailureOr<host::HostModule> kernels = emitKernels(module, target, strategies);
    if (failed(kernels))
      return signalPassFailure();
    kernels->launches.clear(); // they name ops that are erased now
    module.getBodyRegion().takeBody(kernels->module->getBodyRegion());
  }

private:
  /// The CPU that the module says it is for, else the one that the option names.
  LogicalResult findTarget(CpuTarget &target) {
    plan::DeviceAttr device = plan::deviceOf(getOperation());
    if (device && device.getChip()) {
      hw::Device chip = device.getChip().toDevice();
      std::vector<std::string> problems = checkCpu(chip);
      if (!problems.empty())
        return emitError(getOperation().getLoc()) << "[TN8014] " << llvm::join(problems, "; ");
      target = cpuOf(chip, device.getSpec());
      return success();
    }
    std::string error;
    if (!parseCpuTarget(device ? device.getSpec() : StringRef(spec), {}, target, error))
      return emitError(getOperation().getLoc()) << error;
    return success();
  }
};

} // namespace
} // namespace tenon::cpu
