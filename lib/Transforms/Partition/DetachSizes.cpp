// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small integer tensors of sizes are computed from symbols where they are read, instead of
// from the shapes of tensors that another device may have.
#include "tenon/Transforms/Partition/Passes.h"

#include "BlockItems.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;

namespace tenon::partition {
#define GEN_PASS_DEF_DETACHSIZESPASS
#include "tenon/Transforms/Partition/Passes.h.inc"

namespace {

using Dims = graph::ShapeAnalysis::Dims;

/// Of one tensor: a view of as many dimensions is made of it.
constexpr size_t kMostSizes = 32;

class DetachSizes : public impl::DetachSizesPassBase<DetachSizes> {
public:
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal() || graph::readSymbols(module).empty())
      return;
    graph::ShapeAnalysis analysis = graph::ShapeAnalysis::fromModule(module);
    for (BlockArgument argument : main.getArguments())
      if (AffineMapAttr shape = graph::recordedShape(argument))
        analysis.setShape(argument, llvm::to_vector(shape.getValue().getResults()));
    if (failed(analysis.run(main)))
      return signalPassFailure();
    // What a branch computes of sizes stays in it: they may be nonsense where it is not taken.
    SmallVector<Operation *> ops;
    main.walk([&](Operation *op) {
      if (isa<graph::GraphDialect>(op->getDialect()))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (isEverywhere(op))
        continue;
      for (Value result : op->getResults())
        if (isDetachable(result, analysis))
          result.replaceAllUsesWith(fromSymbols(op, result.getType(), *analysis.getContents(result), analysis));
      if (isa<graph::ReshapeOp, graph::ExpandOp>(op))
        takeResultShape(op, analysis);
    }
    analysis.writeSymbols(module);
  }

private:
  static bool dependsOnData(const Dims &sizes, graph::ShapeAnalysis &analysis) {
    return llvm::any_of(sizes, [&](AffineExpr size) { return !size || analysis.isDataDependent(size); });
  }

  /// A list or number of sizes that are known, and never negative.
  static bool isDetachable(Value value, graph::ShapeAnalysis &analysis) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || !type.getElementType().isInteger(64) || !type.hasStaticShape() || type.getRank() > 1 ||
        value.use_empty())
      return false;
    std::optional<Dims> contents = analysis.getContents(value);
    return contents && !contents->empty() && contents->size() <= kMostSizes && !dependsOnData(*contents, analysis) &&
           llvm::all_of(*contents, [&](AffineExpr size) { return analysis.getRange(size).first >= 0; });
  }

  /// What an op's shape operand says, its result's shape says, too: without wildcards, and
  /// without a look at what another device has computed.
  static void takeResultShape(Operation *op, graph::ShapeAnalysis &analysis) {
    Value shape = op->getOperand(1);
    Dims sizes = analysis.getShape(op->getResult(0));
    auto type = RankedTensorType::get({int64_t(sizes.size())}, getElementTypeOrSelf(shape.getType()));
    if (!isEverywhere(shape.getDefiningOp()) && type.getElementType().isInteger(64) && !sizes.empty() &&
        sizes.size() <= kMostSizes && !dependsOnData(sizes, analysis))
      op->setOperand(1, fromSymbols(op, type, sizes, analysis));
  }

  /// A tensor of sizes, before `op`. A view of nothing lends them to graph.shape.
  static Value fromSymbols(Operation *op, Type type, const Dims &sizes, graph::ShapeAnalysis &analysis) {
    OpBuilder b(op);
    Location loc = op->getLoc();
    SmallVector<int64_t> known;
    for (AffineExpr size : sizes) {
      auto constant = dyn_cast<AffineConstantExpr>(size);
      known.push_back(constant ? constant.getValue() : ShapedType::kDynamic);
    }
    auto makeConstant = [&](RankedTensorType of, ArrayRef<int64_t> values) -> Value {
      return graph::ConstantOp::create(b, loc, of, cast<ElementsAttr>(Attribute(DenseElementsAttr::get(of, values))));
    };
    auto wanted = cast<RankedTensorType>(type);
    if (!llvm::is_contained(known, ShapedType::kDynamic))
      return makeConstant(wanted, known);
    Value nothing = makeConstant(RankedTensorType::get({0}, b.getI64Type()), {});
    auto view = plan::ViewOp::create(b, loc, RankedTensorType::get(known, b.getI64Type()), nothing);
    view->setAttr("graph.shape",
                  AffineMapAttr::get(AffineMap::get(0, analysis.getSymbols().size(), sizes, b.getContext())));
    auto list = RankedTensorType::get({int64_t(sizes.size())}, b.getI64Type());
    Value result = graph::ShapeOp::create(b, loc, list, view, uint64_t(0), uint64_t(sizes.size()));
    return wanted.getRank() ? result
                            : graph::SqueezeOp::create(b, loc, wanted, result, ArrayRef<int64_t>{0}).getResult();
  }
};

} // namespace
} // namespace tenon::partition
