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
  using InferShapesPassBase::InferShapesPassBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    ShapeAnalysis analysis = ShapeAnalysis::fromModule(module);
    auto isDefined = [](func::FuncOp func) { return !func.isDeclaration(); };
    auto functions = llvm::to_vector(llvm::make_filter_range(module.getOps<func::FuncOp>(), isDefined));
    for (func::FuncOp func : functions) {
      seedArguments(func, analysis);
      if (failed(analysis.run(func)))
        return signalPassFailure();
      foldContents(func, analysis);
      inlineKnownBranches(func, analysis);
      removeDead(func);
    }
    if (!allowDataDependent && failed(reportDataDependent(module, analysis)))
      return signalPassFailure();
    analysis.dropUnusedSymbols(module);
    for (func::FuncOp func : functions)
      record(func, analysis);
    analysis.writeSymbols(module);
  }

private:
  static StringRef nameOf(ArrayAttr names, size_t i) {
    auto name = names && i < names.size() ? dyn_cast<StringAttr>(names[i]) : StringAttr();
    return name ? name.getValue() : StringRef();
  }

  void seedArguments(func::FuncOp func, ShapeAnalysis &analysis) {
    for (auto [i, argument] : llvm::enumerate(func.getArguments())) {
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (!type)
        continue;
      auto map = func.getArgAttrOfType<AffineMapAttr>(i, "graph.shape");
      if (map) {
        analysis.setShape(argument, llvm::to_vector(map.getValue().getResults()));
        continue;
      }
      auto names = func.getArgAttrOfType<ArrayAttr>(i, "onnx.dims");
      ShapeAnalysis::Dims dims;
      for (auto [d, size] : llvm::enumerate(type.getShape()))
        dims.push_back(ShapedType::isDynamic(size) ? analysis.symbol(nameOf(names, d)) : analysis.constant(size));
      analysis.setShape(argument, dims);
    }
  }

  void foldContents(func::FuncOp func, ShapeAnalysis &analysis) {
    func.walk([&](Operation *op) {
      if (isa<ConstantOp>(op) || op->getNumResults() != 1 ||
          op->getDialect() != op->getContext()->getLoadedDialect<GraphDialect>())
        return;
      Value result = op->getResult(0);
      auto type = dyn_cast<RankedTensorType>(result.getType());
      auto values = analysis.getConstantInts(result);
      if (!values || !type || !type.hasStaticShape() || type.getNumElements() != int64_t(values->size()))
        return;
      OpBuilder b(op);
      SmallVector<Attribute> elements;
      for (int64_t value : *values)
        elements.push_back(isa<FloatType>(type.getElementType())
                               ? Attribute(b.getFloatAttr(type.getElementType(), double(value)))
                               : Attribute(IntegerAttr::get(type.getElementType(),
                                                            APInt(type.getElementTypeBitWidth(), value, false, true))));
      auto constant = ConstantOp::create(b, op->getLoc(), type,
                                         cast<ElementsAttr>(Attribute(DenseElementsAttr::get(type, elements))));
      result.replaceAllUsesWith(constant.getResult());
    });
  }

  /// Removes what only fed shapes.
  void removeDead(func::FuncOp func) {
    bool changed = true;
    while (changed) {
      changed = false;
      SmallVector<Operation *> ops;
      func.walk([&](Operation *op) { ops.push_back(op); });
      llvm::DenseSet<Operation *> erased;
      for (Operation *op : llvm::reverse(ops)) {
        if (erased.contains(op) || op == func || !isOpTriviallyDead(op))
          continue;
        op->walk([&](Operation *nested) { erased.insert(nested); });
        op->erase();
        changed = true;
      }
    }
  }

  void inlineKnownBranches(func::FuncOp func, ShapeAnalysis &analysis) {
    // An inlined branch may hold others, and one not taken takes its own along.
    while (scf::IfOp branch = findKnownBranch(func)) {
      auto constant = branch.getCondition().getDefiningOp<tensor::ExtractOp>().getTensor().getDefiningOp<ConstantOp>();
      bool condition = *cast<DenseElementsAttr>(constant.getValue()).getValues<bool>().begin();
      Region &taken = condition ? branch.getThenRegion() : branch.getElseRegion();
      analysis.inlineAssumptions(branch, taken.getRegionNumber());
      if (!taken.empty()) {
        Operation *yield = taken.front().getTerminator();
        branch.replaceAllUsesWith(yield->getOperands());
        yield->erase();
        branch->getBlock()->getOperations().splice(branch->getIterator(), taken.front().getOperations());
      }
      branch.erase();
    }
  }

  static scf::IfOp findKnownBranch(func::FuncOp func) {
    scf::IfOp found;
    func.walk([&](scf::IfOp branch) {
      auto extract = branch.getCondition().getDefiningOp<tensor::ExtractOp>();
      auto constant = extract ? extract.getTensor().getDefiningOp<ConstantOp>() : ConstantOp();
      auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
      if (!dense || dense.getNumElements() != 1 || !dense.getElementType().isInteger(1))
        return WalkResult::advance();
      found = branch;
      return WalkResult::interrupt();
    });
    return found;
  }

  /// The inputs whose values an op's results depend on, as a message names them.
  static std::string originOf(Operation *op) {
    llvm::SetVector<Value> seen;
    SmallVector<std::string> inputs;
    std::function<void(Value)> follow = [&](Value value) {
      if (!seen.insert(value))
        return;
      if (auto argument = dyn_cast<BlockArgument>(value)) {
        auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
        auto name =
            function ? function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "onnx.name") : StringAttr();
        if (function)
          inputs.push_back(name ? "'" + name.str() + "'" : std::to_string(argument.getArgNumber()));
        return;
      }
      Operation *producer = value.getDefiningOp();
      if (isa<ShapeOp, SizeOp>(producer)) // a size is no data
        return;
      llvm::for_each(producer->getOperands(), follow);
      for (Region &region : producer->getRegions())
        region.walk([&](Operation *nested) { llvm::for_each(nested->getOperands(), follow); });
    };
    // A tensor that only lends its size comes first; what decides the size follows.
    for (Value operand : op->getNumOperands() > 1 ? op->getOperands().drop_front() : op->getOperands())
      follow(operand);
    return inputs.empty() ? "data" : "the values of input " + llvm::join(inputs, ", ");
  }

  /// Reports where sizes come from that the program cannot know beforehand.
  LogicalResult reportDataDependent(ModuleOp module, ShapeAnalysis &analysis) {
    llvm::DenseSet<AffineExpr> reported;
    module.walk([&](Operation *op) {
      for (Value result : op->getResults()) {
        if (!isa<RankedTensorType>(result.getType()))
          continue;
        for (auto [i, dim] : llvm::enumerate(analysis.getShape(result)))
          dim.walk([&, i = i](AffineExpr part) {
            if (isa<AffineSymbolExpr>(part) && analysis.isDataDependent(part) && reported.insert(part).second)
              op->emitError("[TN2060] dimension ")
                  << i << " of result " << cast<OpResult>(result).getResultNumber() << " depends on " << originOf(op)
                  << ", not on the inputs' sizes, and would be known only at run time; make what it is computed from a "
                     "constant of the model, or compute it from the shapes of inputs";
          });
      }
    });
    return success(reported.empty());
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
      op->removeAttr("graph.shape");
      op->removeAttr("graph.shapes");
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
    // A size that has become static needs none, and what stood there may speak of
    // symbols that are gone.
    for (auto [i, argument] : llvm::enumerate(func.getArguments())) {
      func.removeArgAttr(i, "graph.shape");
      if (dynamic(argument))
        func.setArgAttr(i, "graph.shape", mapOf(argument, analysis));
    }
    auto ret = func.getBody().back().getTerminator();
    for (auto [i, value] : llvm::enumerate(ret->getOperands())) {
      func.removeResultAttr(i, StringAttr::get(&getContext(), "graph.shape"));
      if (dynamic(value))
        func.setResultAttr(i, "graph.shape", mapOf(value, analysis));
    }
    func.setFunctionType(FunctionType::get(&getContext(), func.getBody().getArgumentTypes(), ret->getOperandTypes()));
  }
};

} // namespace
} // namespace tenon::graph
