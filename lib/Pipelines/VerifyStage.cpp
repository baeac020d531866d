// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The contracts between stages.
#include "tenon/Pipelines/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Pipelines/Compile.h"

using namespace mlir;

namespace tenon {
#define GEN_PASS_DEF_VERIFYSTAGEPASS
#include "tenon/Pipelines/Passes.h.inc"

namespace {

class Contract {
public:
  Contract(func::FuncOp func, Stage stage) : func(func), stage(stage) {}

  bool holds() {
    func.walk<WalkOrder::PreOrder>([&](Operation *op) {
      checkData(op);
      if (op == func.getOperation())
        return;
      if (stage == Stage::Import) {
        checkImported(op);
        return;
      }
      checkConverted(op);
      if (stage >= Stage::Numerics)
        checkFormats(op);
      if (stage >= Stage::Place)
        checkPlaced(op);
    });
    return ok;
  }

private:
  InFlightDiagnostic violation(Operation *op) {
    ok = false;
    return op->emitError();
  }

  void checkData(Operation *op) {
    for (NamedAttribute attr : op->getAttrs())
      if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr.getValue()))
        if (!resource.getRawHandle().getBlob())
          violation(op) << "[TN4011] constant '" << resource.getRawHandle().getKey()
                        << "' has no data: dumps leave weights out; resume from what --stop-after prints";
  }

  void checkImported(Operation *op) {
    if (!isa<onnxir::OnnxDialect>(op->getDialect()) && !isa<func::ReturnOp>(op))
      violation(op) << "[TN1060] '" << op->getName() << "' is no op of the onnx dialect, as import makes them";
  }

  void checkConverted(Operation *op) {
    if (isa<onnxir::OnnxDialect>(op->getDialect())) {
      violation(op) << "[TN2070] '" << op->getName() << "' is left after the stage graph";
      return;
    }
    for (Type type : op->getResultTypes()) {
      auto tensor = dyn_cast<TensorType>(type);
      if (!tensor)
        continue;
      if (!tensor.hasRank())
        violation(op) << "[TN2071] '" << op->getName() << "' has a result without rank";
      else if (!tensor.hasStaticShape() && isa<graph::GraphDialect>(op->getDialect()) && isInMain(op) &&
               !op->hasAttr("graph.shape") && !op->hasAttr("graph.shapes"))
        violation(op) << "[TN2071] '" << op->getName() << "' has a result of " << tensor
                      << " without graph.shape; run graph-infer-shapes";
    }
  }

  void checkFormats(Operation *op) {
    for (Type type : op->getResultTypes())
      if (auto tensor = dyn_cast<TensorType>(type); tensor && !num::formatOf(tensor.getElementType()))
        violation(op) << "[TN3200] '" << op->getName() << "' makes " << tensor << ", which is no format of numbers";
  }

  void checkPlaced(Operation *op) {
    if (auto kernel = dyn_cast<plan::KernelOp>(op); kernel && kernel.getDevice().empty())
      violation(op) << "[TN4001] kernel '" << kernel.getName() << "' names no device";
    if (isa<graph::GraphDialect>(op->getDialect()) && !isa<graph::ConstantOp>(op) && isInMain(op))
      violation(op) << "[TN4001] '" << op->getName() << "' is in no kernel after the stage place";
  }

  /// In the function or a branch of it, not in a kernel.
  static bool isInMain(Operation *op) { return !op->getParentOfType<plan::KernelOp>(); }

  func::FuncOp func;
  Stage stage;
  bool ok = true;
};

class VerifyStage : public impl::VerifyStagePassBase<VerifyStage> {
public:
  using VerifyStagePassBase::VerifyStagePassBase;

  void runOnOperation() override {
    std::optional<Stage> checked = parseStage(stage);
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!checked) {
      getOperation().emitError("[TN8001] stage '") << stage << "' does not exist";
      return signalPassFailure();
    }
    if (!main || main.isDeclaration()) {
      getOperation().emitError("[TN4012] the module has no function 'main'");
      return signalPassFailure();
    }
    if (!llvm::hasSingleElement(getOperation().getOps<func::FuncOp>()) || !llvm::hasSingleElement(main.getBody())) {
      getOperation().emitError("[TN4012] a model is one function 'main' of one block; inline what it calls");
      return signalPassFailure();
    }
    if (!Contract(main, *checked).holds())
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace tenon
