// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes what the shape analysis finds into the IR.
#include "tenon/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;

namespace tenon::graph {
#define GEN_PASS_DEF_INFERSHAPESPASS
#include "tenon/Dialect/Graph/Transforms/Passes.h.inc"

namespace {

class InferShapes : public impl::InferShapesPassBase<InferShapes> {
public:
  void runOnOperation() override {
    ModuleOp module = getOperation();
    ShapeAnalysis analysis = ShapeAnalysis::fromModule(module);
    for (auto func : module.getOps<func::FuncOp>()) {
      seedArguments(func, analysis);
      if (failed(analysis.run(func)))
        return signalPassFailure();
      foldContents(func, analysis);
      inlineKnownBranches(func);
      record(func, analysis);
    }
    analysis.writeSymbols(module);
  }

private:
  void seedArguments(func::FuncOp func, ShapeAnalysis &analysis) {
    for (auto [i, argument] : llvm::enumerate(func.getArguments())) {
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (!type)
        continue;
      if (auto map = func.getArgAttrOfType<AffineMapAttr>(i, "graph.shape")) {
        analysis.setShape(argument, llvm::to_vector(map.getValue().getResults()));
        continue;
      }
      auto names = func.getArgAttrOfType<ArrayAttr>(i, "onnx.dims");
      ShapeAnalysis::Dims dims;
      for (auto [d, size] : llvm::enumerate(type.getShape()))
        dims.push_back(ShapedType::isDynamic(size)
                           ? analysis.symbol(names ? cast<StringAttr>(names[d]).getValue() : StringRef())
                           : analysis.constant(size));
      analysis.setShape(argument, dims);
    }
  }

  void foldContents(func::FuncOp func, ShapeAnalysis &analysis) {
    func.walk([&](Operation *op) {
      if (isa<ConstantOp>(op) || op->getNumResults() != 1 || op->getDialect() != op->getContext()->getLoadedDialect<GraphDialect>())
        return;
      Value result = op->getResult(0);
      auto type = dyn_cast<RankedTensorType>(result.getType());
      auto values = analysis.getConstantInts(result);
      if (!values || !type || !type.hasStaticShape() || type.getNumElements() != int64_t(values->size()))
        return;
      OpBuilder b(op);
      SmallVector<Attribute> elements;
      for (int64_t value : *values)
        elements.push_back(isa<FloatType>(type.getElementType()) ? Attribute(b.getFloatAttr(type.getElementType(), double(value)))
                                                                 : Attribute(IntegerAttr::get(type.getElementType(), APInt(type.getElementTypeBitWidth(), value, false, true))));
      auto constant = ConstantOp::create(b, op->getLoc(), type, cast<ElementsAttr>(Attribute(DenseElementsAttr::get(type, elements))));
      result.replaceAllUsesWith(constant.getResult());
    });
    // What only fed shapes is dead now.
    bool changed = true;
    while (changed) {
      changed = false;
      SmallVector<Operation *> ops;
      func.walk([&](Operation *op) { ops.push_back(op); });
      for (Operation *op : llvm::reverse(ops))
        if (op->getNumRegions() == 0 && isOpTriviallyDead(op)) {
          op->erase();
          changed = true;
        }
    }
  }

  void inlineKnownBranches(func::FuncOp func) {
    SmallVector<scf::IfOp> branches;
    func.walk([&](scf::IfOp op) { branches.push_back(op); });
    for (scf::IfOp branch : branches) {
      auto extract = branch.getCondition().getDefiningOp<tensor::ExtractOp>();
      auto constant = extract ? extract.getTensor().getDefiningOp<ConstantOp>() : ConstantOp();
      auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
      if (!dense || dense.getNumElements() != 1)
        continue;
      Region &taken = dense.getSplatValue<bool>() ? branch.getThenRegion() : branch.getElseRegion();
      if (taken.empty()) {
        branch.erase();
        continue;
      }
      Operation *yield = taken.front().getTerminator();
      branch.replaceAllUsesWith(yield->getOperands());
      yield->erase();
      branch->getBlock()->getOperations().splice(branch->getIterator(), taken.front().getOperations());
      branch.erase();
    }
  }

  AffineMapAttr mapOf(Value value, ShapeAnalysis &analysis) {
    return AffineMapAttr::get(AffineMap::get(0, analysis.getSymbols().size(), analysis.getShape(value), &getContext()));
  }

  void record(func::FuncOp func, ShapeAnalysis &analysis) {
    auto dynamic = [](Value value) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      return type && !type.hasStaticShape();
    };
    func.walk([&](Operation *op) {
      if (op == func.getOperation() || !llvm::any_of(op->getResults(), dynamic))
        return;
      if (op->getNumResults() == 1) {
        op->setAttr("graph.shape", mapOf(op->getResult(0), analysis));
        return;
      }
      SmallVector<Attribute> maps;
      for (Value result : op->getResults())
        maps.push_back(mapOf(result, analysis));
      op->setAttr("graph.shapes", ArrayAttr::get(&getContext(), maps));
    });
    for (auto [i, argument] : llvm::enumerate(func.getArguments()))
      if (dynamic(argument))
        func.setArgAttr(i, "graph.shape", mapOf(argument, analysis));
    auto ret = func.getBody().back().getTerminator();
    for (auto [i, value] : llvm::enumerate(ret->getOperands()))
      if (dynamic(value))
        func.setResultAttr(i, "graph.shape", mapOf(value, analysis));
    func.setFunctionType(FunctionType::get(&getContext(), func.getBody().getArgumentTypes(), ret->getOperandTypes()));
  }
};

} // namespace
} // namespace tenon::graph
