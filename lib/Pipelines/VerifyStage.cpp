// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The contracts between stages.
#include "tenon/Pipelines/Passes.h"

#include "VerifyRegions.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"
#include "tenon/Pipelines/Compile.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace tenon {
#define GEN_PASS_DEF_VERIFYSTAGEPASS
#include "tenon/Pipelines/Passes.h.inc"

LogicalResult checkWeights(Operation *op) {
  for (NamedAttribute attr : op->getAttrs()) {
    auto resource = dyn_cast<DenseResourceElementsAttr>(attr.getValue());
    if (resource && !resource.getRawHandle().getBlob())
      return op->emitError() << "[TN4011] constant '" << resource.getRawHandle().getKey()
                             << "' has no data: dumps leave weights out; resume from what --stop-after prints";
  }
  return success();
}

namespace {

class Contract {
public:
  Contract(func::FuncOp func, Stage stage) : func(func), stage(stage) {
    if (auto attr = func->getParentOfType<ModuleOp>()->getAttrOfType<ArrayAttr>("graph.symbols"))
      symbols = attr.size();
    if (plan::DeviceAttr device = plan::deviceOf(func->getParentOfType<ModuleOp>()))
      chip = device.getChip();
  }

  bool holds() {
    if (stage != Stage::Import) {
      checkSymbols();
      checkArguments();
    }
    if (stage >= Stage::Place)
      checkReturned();
    func.walk<WalkOrder::PreOrder>([&](Operation *op) {
      ok &= succeeded(checkWeights(op));
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

  void checkImported(Operation *op) {
    if (!isa<onnxir::OnnxDialect>(op->getDialect()) && !isa<func::ReturnOp>(op))
      violation(op) << "[TN1060] '" << op->getName() << "' is no op of the onnx dialect, as import makes them";
  }

  void checkConverted(Operation *op) {
    if (isa<onnxir::OnnxDialect>(op->getDialect())) {
      violation(op) << "[TN2070] '" << op->getName() << "' is left after the stage graph";
      return;
    }
    for (OpResult result : op->getResults()) {
      auto tensor = dyn_cast<TensorType>(result.getType());
      if (!tensor)
        continue;
      if (!tensor.hasRank())
        violation(op) << "[TN2071] '" << op->getName() << "' has a result without rank";
      else if (isa<graph::GraphDialect, plan::PlanDialect>(op->getDialect()) &&
               !isKnown(tensor, graph::recordedShape(result)))
        violation(op) << "[TN2071] '" << op->getName() << "' has a result of " << tensor
                      << " without a graph.shape that fits it; run graph-infer-shapes";
    }
  }

  /// Whether `shape` gives a tensor's open dimensions over the module's symbols, and
  /// of the others, where it speaks of them, what the type says.
  bool isKnown(TensorType tensor, AffineMapAttr shape) {
    if (!tensor.hasRank() || (tensor.hasStaticShape() && !shape))
      return tensor.hasRank();
    AffineMap map = shape ? shape.getValue() : AffineMap();
    return map && map.getNumDims() == 0 && int64_t(map.getNumResults()) == tensor.getRank() &&
           llvm::all_of(llvm::zip(map.getResults(), tensor.getShape()), [&](auto pair) {
             auto [size, typed] = pair;
             auto constant = dyn_cast<AffineConstantExpr>(size);
             bool isBound = ShapedType::isDynamic(typed) || (constant && constant.getValue() == typed);
             size.walk([&](AffineExpr part) {
               auto symbol = dyn_cast<AffineSymbolExpr>(part);
               isBound &= !symbol || symbol.getPosition() < symbols;
             });
             return isBound;
           });
  }

  /// A run gives named dimensions their values first, and derives the others.
  void checkSymbols() {
    bool sawDerived = false;
    for (const graph::Symbol &symbol : graph::readSymbols(func->getParentOfType<ModuleOp>())) {
      if (sawDerived && !symbol.isDerived())
        violation(func) << "[TN2071] named dimension '" << symbol.name
                        << "' comes after derived sizes; run graph-infer-shapes";
      sawDerived |= symbol.isDerived();
      if (symbol.derivation == graph::Derivation::ratio)
        violation(func) << "[TN2071] a size is a ratio, which is no integer";
    }
  }

  /// A run learns the symbols from the inputs; a region is told their values.
  void checkArguments() {
    bool isRegion = func->getParentOfType<ModuleOp>()->hasAttr(plan::kDeviceAttr);
    for (BlockArgument argument : func.getArguments()) {
      auto tensor = dyn_cast<RankedTensorType>(argument.getType());
      AffineMapAttr shape = graph::recordedShape(argument);
      bool ok = tensor && isKnown(tensor, shape);
      for (int64_t d = 0; ok && d < tensor.getRank(); ++d)
        ok = isRegion || !tensor.isDynamicDim(d) || isa<AffineSymbolExpr>(shape.getValue().getResult(d));
      if (!ok)
        violation(func) << "[TN2071] input " << argument.getArgNumber() << " is " << argument.getType()
                        << ", whose open dimensions are no " << (isRegion ? "sizes of the region's symbols" : "symbols")
                        << " in its graph.shape; run graph-infer-shapes";
    }
  }

  /// Outputs' buffers are written by kernels or transfers, each by one.
  void checkReturned() {
    DenseSet<Value> taken;
    for (OpOperand &operand : func.getBody().back().getTerminator()->getOpOperands()) {
      Value value = plan::source(operand.get());
      if (!isa_and_nonnull<plan::KernelOp, plan::TransferOp>(value.getDefiningOp()) || !taken.insert(value).second)
        violation(operand.getOwner()) << "[TN4001] output " << operand.getOperandNumber()
                                      << " is no kernel's or transfer's result of its own";
    }
  }

  void checkFormats(Operation *op) {
    for (Type type : op->getResultTypes())
      if (auto tensor = dyn_cast<TensorType>(type); tensor && !num::formatOf(tensor.getElementType()))
        violation(op) << "[TN3200] '" << op->getName() << "' makes " << tensor << ", which is no format of numbers";
  }

  void checkPlaced(Operation *op) {
    if (auto kernel = dyn_cast<plan::KernelOp>(op)) {
      if (!kernelNames.insert(kernel.getName()).second)
        violation(op) << "[TN4001] there is another kernel '" << kernel.getName() << "'; give each a name of its own";
      if (kernel.getDevice().empty())
        violation(op) << "[TN4001] kernel '" << kernel.getName() << "' names no device";
      else if (chip && chip.getFamily() != kernel.getDevice())
        violation(op) << "[TN4001] kernel '" << kernel.getName() << "' is for a \"" << kernel.getDevice()
                      << "\", its program's device " << chip.getSpelling() << " is a \"" << chip.getFamily() << "\"";
      if (kernel.getPacked())
        violation(op) << "[TN4001] kernel '" << kernel.getName() << "' has packed operands; that is left to codegen";
      for (BlockArgument input : kernel.getBody().getArguments())
        if (!isKnown(cast<TensorType>(input.getType()), plan::recordedShape(input)))
          violation(op) << "[TN2071] kernel '" << kernel.getName() << "' reads " << input.getType()
                        << " without arg_shapes that fit it";
    }
    if (isa<graph::GraphDialect>(op->getDialect()) && !isa<graph::ConstantOp>(op) && isInMain(op))
      violation(op) << "[TN4001] '" << op->getName() << "' is in no kernel after the stage place";
    bool isFromHost = isa<plan::TransferOp>(op) && cast<plan::TransferOp>(op).getSource() == plan::kHostSpace;
    if (isFromHost || isa<plan::KernelOp, scf::YieldOp, tensor::ExtractOp, func::ReturnOp>(op))
      checkReadOnHost(op);
  }

  /// What the host reads, or yields in a branch, is in its memory, and copies into that are
  /// complete. The end of a run waits for all.
  void checkReadOnHost(Operation *op) {
    for (Value value : op->getOperands()) {
      while (auto view = value.getDefiningOp<plan::ViewOp>())
        value = view.getX();
      Operation *writer = value.getDefiningOp();
      if (!isa_and_nonnull<plan::SubmitOp, plan::TransferOp>(writer))
        continue;
      if (plan::spaceOf(writer) != plan::kHostSpace)
        violation(op) << "[TN4003] '" << op->getName() << "' reads what " << plan::nameOf(writer)
                      << " has left in the memory of \"" << plan::spaceOf(writer)
                      << "\"; transfer it to the host and await it";
      else if (!isa<func::ReturnOp>(op))
        violation(op) << "[TN4003] '" << op->getName()
                      << "' reads what a transfer may not have written yet; put a plan.await between them";
    }
  }

  /// In the function or a branch of it, not in a kernel.
  static bool isInMain(Operation *op) { return !op->getParentOfType<plan::KernelOp>(); }

  func::FuncOp func;
  Stage stage;
  hw::DeviceAttr chip; // of the program's device, where that is known
  unsigned symbols = 0;
  llvm::StringSet<> kernelNames;
  bool ok = true;
};

class VerifyStage : public impl::VerifyStagePassBase<VerifyStage> {
public:
  using VerifyStagePassBase::VerifyStagePassBase;

  void runOnOperation() override {
    std::optional<Stage> checked = parseStage(stage);
    if (!checked) {
      getOperation().emitError("[TN8001] stage '") << stage << "' does not exist";
      return signalPassFailure();
    }
    plan::Programs programs = plan::programsOf(getOperation());
    bool ok = holds(programs.host, *checked) && areSubmitted(programs);
    for (ModuleOp region : programs.regions)
      ok &= holds(region, *checked);
    if (!ok || !haveSizesOfSubmits(programs))
      signalPassFailure();
    markAllAnalysesPreserved();
  }

private:
  static bool holds(ModuleOp program, Stage stage) {
    auto main = program.lookupSymbol<func::FuncOp>("main");
    if (!main || main.isDeclaration()) {
      program.emitError("[TN4012] the module has no function 'main'");
      return false;
    }
    if (!llvm::hasSingleElement(program.getOps<func::FuncOp>()) || !llvm::hasSingleElement(main.getBody())) {
      program.emitError("[TN4012] a model is one function 'main' of one block; inline what it calls");
      return false;
    }
    return Contract(main, stage).holds();
  }
};

} // namespace
} // namespace tenon
