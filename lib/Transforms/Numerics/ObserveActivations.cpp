// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operands of layers as outputs of the model.
#include "tenon/Transforms/Numerics/ObserveActivations.h"

#include "WeightSource.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Num/IR/Num.h"
#include "tenon/Transforms/Numerics/Passes.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace tenon::numerics {
#define GEN_PASS_DEF_OBSERVEACTIVATIONSPASS
#include "tenon/Transforms/Numerics/Passes.h.inc"

namespace {

class Observer {
public:
  explicit Observer(func::FuncOp main) : main(main), b(main.getContext()) {}

  LogicalResult observe(Value value, ObservedActivation &observed) {
    Value flag;
    if (!leaveBranches(value, flag, observed.unobservable))
      return success();
    b.setInsertionPoint(main.getBody().front().getTerminator());
    if (failed(addOutput(asF32(value), observed.output)))
      return failure();
    return flag ? addOutput(flag, observed.executed) : success();
  }

private:
  Value asF32(Value value) {
    Type f32 = b.getF32Type();
    if (getElementTypeOrSelf(value.getType()) == f32)
      return value;
    OperationState state(value.getLoc(), onnxir::NodeOp::getOperationName());
    state.addOperands(value);
    state.addTypes(cast<ShapedType>(value.getType()).clone(f32));
    state.addAttribute("op_type", b.getStringAttr("Cast"));
    state.addAttribute("name", b.getStringAttr("observe_" + std::to_string(casts++)));
    state.addAttribute("since", b.getI64IntegerAttr(25));
    state.addAttribute("opset", b.getI64IntegerAttr(25));
    state.addAttribute("attrs", b.getDictionaryAttr(b.getNamedAttr("to", b.getI64IntegerAttr(1))));
    return b.create(state)->getResult(0);
  }

  LogicalResult addOutput(Value value, int &number) {
    auto terminator = main.getBody().front().getTerminator();
    number = int(main.getNumResults());
    auto name = b.getNamedAttr("onnx.name", b.getStringAttr("observed_" + std::to_string(number)));
    if (failed(main.insertResult(number, value.getType(), b.getDictionaryAttr(name))))
      return failure();
    terminator->insertOperands(number, value);
    return success();
  }

  Value splat(Location loc, Type type, Attribute value) {
    auto elements = DenseElementsAttr::get(cast<ShapedType>(type), value);
    return onnxir::ConstantOp::create(b, loc, type, elements, b.getStringAttr("not_executed"));
  }

  /// Makes a branch's value a result of the If around it, out to the function.
  /// `flag` becomes the value that says whether the branch was taken.
  bool leaveBranches(Value &value, Value &flag, std::string &problem) {
    // What cannot be brought out is found before anything is changed.
    for (Block *block = value.getParentBlock(); block != &main.getBody().front();
         block = block->getParentOp()->getBlock()) {
      auto node = cast<onnxir::NodeOp>(block->getParentOp());
      if (node.getQualifiedType() != "If" || node.getBodies().size() != 2)
        problem = "it is computed inside of " + node.getQualifiedType() + " " + node.getName().str();
      else if (auto type = dyn_cast<RankedTensorType>(value.getType()); !type || !type.hasStaticShape())
        problem = "it is computed inside of If " + node.getName().str() + " and its shape is not fixed";
      if (!problem.empty())
        return false;
    }
    while (value.getParentBlock() != &main.getBody().front())
      leaveBranch(value, flag);
    return true;
  }

  void leaveBranch(Value &value, Value &flag) {
    auto branch = cast<onnxir::NodeOp>(value.getParentBlock()->getParentOp());
    Region *own = value.getParentRegion();
    auto bit = RankedTensorType::get({}, b.getI1Type());
    for (Region &region : branch.getBodies()) {
      Operation *yield = region.front().getTerminator();
      b.setInsertionPoint(yield);
      bool isOwn = &region == own;
      Value seen =
          isOwn ? asF32(value)
                : splat(branch.getLoc(), cast<ShapedType>(value.getType()).clone(b.getF32Type()), b.getF32FloatAttr(0));
      Value ran = isOwn && flag ? flag : splat(branch.getLoc(), bit, b.getBoolAttr(isOwn));
      yield->insertOperands(yield->getNumOperands(), {seen, ran});
    }
    unsigned results = branch->getNumResults();
    b.setInsertionPoint(branch);
    OperationState state(branch.getLoc(), branch->getName());
    state.addOperands(branch->getOperands());
    state.addTypes(branch->getResultTypes());
    state.addTypes({cast<ShapedType>(value.getType()).clone(b.getF32Type()), bit});
    state.addAttributes(branch->getAttrs());
    for (Region &region : branch.getBodies())
      state.addRegion()->takeBody(region);
    Operation *wider = b.create(state);
    branch->replaceAllUsesWith(wider->getResults().take_front(results));
    branch->erase();
    value = wider->getResult(results);
    flag = wider->getResult(results + 1);
  }

  func::FuncOp main;
  OpBuilder b;
  unsigned casts = 0;
};

struct ObserveActivations : impl::ObserveActivationsPassBase<ObserveActivations> {
  using ObserveActivationsPassBase::ObserveActivationsPassBase;

  void runOnOperation() override {
    std::vector<std::string> rules(layers.begin(), layers.end());
    llvm::Expected<ConvertOptions> options = ConvertOptions::parse(weights, rules, "", num::formatsOf(&getContext()));
    if (!options) {
      getOperation().emitError(toString(options.takeError()));
      return signalPassFailure();
    }
    auto observed = observeActivations(getOperation(), *options);
    if (failed(observed))
      return signalPassFailure();
    for (const ObservedActivation &activation : *observed)
      if (!activation.unobservable.empty())
        getOperation().emitWarning("[TN4111] " + activation.tensor + " cannot be observed: " + activation.unobservable);
  }
};

} // namespace

FailureOr<std::vector<ObservedActivation>> observeActivations(ModuleOp imported, const ConvertOptions &options) {
  auto main = imported.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return imported.emitError("[TN1060] there is no function 'main' to observe"), failure();
  llvm::MapVector<Value, SmallVector<std::pair<onnxir::NodeOp, unsigned>>> values;
  main.walk([&](onnxir::NodeOp node) {
    bool converts =
        options.recipeOf(node.getName()).first && llvm::any_of(weightOperands(node), [&](const WeightOperand &operand) {
          return bool(findWeight(node.getInput(operand.input), /*withValues=*/false));
        });
    if (converts)
      for (unsigned input : activationInputs(node))
        values[node.getInput(input)].push_back({node, input});
  });
  std::vector<ObservedActivation> all;
  Observer observer(main);
  for (auto &[ignored, uses] : values) {
    // An If that was made wider has new results: ask the consumer.
    Value value = uses.front().first.getInput(uses.front().second);
    ObservedActivation &observed = all.emplace_back();
    observed.tensor = nameOfValue(value);
    for (auto &[node, input] : uses)
      observed.uses.push_back({node.getName().str(), input});
    if (failed(observer.observe(value, observed)))
      return failure();
  }
  return all;
}

} // namespace tenon::numerics
