// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The walk over func @main that converts ONNX nodes to graph ops, and its
// reports. A node whose conversion failed keeps its results; nodes that use
// them are skipped (but still checked for a handler), so that one problem is
// reported once and all independent problems are reported together.
#include "tenon/Conversion/ONNXToGraph/Passes.h"

#include "HandlerRegistry.h"
#include "NodeContext.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Support/ErrorCodes.h"
#include <map>

using namespace mlir;

namespace tenon::onnxtograph {
#define GEN_PASS_DEF_CONVERTONNXTOGRAPHPASS
#include "tenon/Conversion/ONNXToGraph/Passes.h.inc"

namespace {

class Converter {
public:
  Converter(func::FuncOp func, const HandlerRegistry &registry)
      : func(func), registry(registry), builder(func.getContext()), shapes(func.getContext()) {}

  LogicalResult run() {
    seedArguments();
    for (Operation &op : llvm::make_early_inc_range(func.front())) {
      builder.setInsertionPoint(&op);
      convert(op);
    }
    reportUnsupported();
    (void)checkResults(*func.front().getTerminator(), func.getLoc());
    if (hasFailed)
      return failure();
    finish();
    return success();
  }

private:
  void seedArguments() {
    for (BlockArgument argument : func.getArguments()) {
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      std::string name = nameOf(argument.getArgNumber());
      if (!tenon::num::formatOf(getElementTypeOrSelf(argument.getType()))) {
        emitError(argument.getLoc()) << "[TN2105] input " << name << " is of type " << argument.getType()
                                     << ", compiled code takes tensors of numbers";
        hasFailed = true;
        continue;
      }
      if (!type) {
        emitError(argument.getLoc()) << "[TN2106] input " << name << " has no rank; declare its shape in the model";
        hasFailed = true;
        continue;
      }
      if (failed(
              graph::checkMemorySize(type, [&] { return emitError(argument.getLoc()) << "input " << name << ": "; })))
        hasFailed = true;
      auto names = func.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), onnxir::kDimsAttr);
      auto sizes = func.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), kSizesAttr);
      graph::ShapeAnalysis::Dims dims;
      for (auto [i, size] : llvm::enumerate(type.getShape())) {
        auto name = names && i < names.size() ? dyn_cast<StringAttr>(names[i]) : StringAttr();
        dims.push_back(ShapedType::isDynamic(size) ? shapes.symbol(name ? name.getValue() : "")
                                                   : shapes.constant(size));
        auto given = sizes && i < sizes.size() ? dyn_cast<DenseI64ArrayAttr>(sizes[i]) : DenseI64ArrayAttr();
        if (given && given.size() == 3 && ShapedType::isDynamic(size))
          restrict(dims.back(), given);
      }
      func.removeArgAttr(argument.getArgNumber(), kSizesAttr);
      shapes.setShape(argument, dims);
    }
  }

  void restrict(AffineExpr symbol, ArrayRef<int64_t> given) {
    shapes.assumeAtLeast(symbol, given[0]);
    shapes.assumeAtMost(symbol, given[1]);
    if (given[2] > 0)
      nominal.set(shapes.getSymbols()[cast<AffineSymbolExpr>(symbol).getPosition()].name,
                  builder.getI64IntegerAttr(given[2]));
  }

  std::string nameOf(unsigned argument) {
    auto name = func.getArgAttrOfType<StringAttr>(argument, onnxir::kNameAttr);
    return name ? name.str() : std::to_string(argument);
  }

  void convert(Operation &op) {
    if (auto constant = dyn_cast<onnxir::ConstantOp>(op)) {
      // Others, e.g. strings, stay and are reported where they are used.
      if (tenon::num::formatOf(constant.getValue().getElementType()))
        op.getResult(0).replaceAllUsesWith(
            graph::ConstantOp::create(builder, op.getLoc(), constant.getValue().getType(), constant.getValue()));
    } else if (auto node = dyn_cast<onnxir::NodeOp>(op)) {
      convertNode(node);
    }
  }

  void convertNode(onnxir::NodeOp node) {
    const Handler *handler = registry.lookup(node.getDomain(), node.getOpType(), node.getSince());
    if (!handler) {
      unsupported[{node.getQualifiedType(), node.getOpset()}].push_back(node);
      hasFailed = true;
      return;
    }
    if (hasUnconvertedInput(node)) {
      hasFailed = true;
      return;
    }
    auto convertNested = [this](Block &block) { return convertBlock(block); };
    auto convertBranch = [this](Block &block, SmallVectorImpl<Diagnostic> &broken) {
      return this->convertBranch(block, broken);
    };
    NodeContext context(node, builder, shapes, convertNested, convertBranch);
    unsigned given = node.getInputs().size();
    for (unsigned i = 0, e = handler->minInputs == kAllInputs ? std::max(given, 1u) : handler->minInputs; i != e; ++i) {
      if (!node.hasInput(i)) {
        (void)context.error(Problem::range, "input " + Twine(i) + " is missing");
        hasFailed = true;
        return;
      }
    }
    // ONNX's own operators have been checked against their schemas.
    shapes.enter(builder.getInsertionBlock(), node.getLoc());
    if (failed(handler->convert(context)) || context.failed() ||
        (node.getDomain() == kMicrosoft && failed(context.refuseUnknownAttributes()))) {
      hasFailed = true;
      return;
    }
    for (auto [i, result] : llvm::enumerate(node.getResults())) {
      Value value = i < context.results.size() ? context.results[i] : Value();
      if (value) {
        result.replaceAllUsesWith(value);
      } else if (!result.use_empty()) {
        (void)context.error(Problem::unsupported, "output " + Twine(i) + " is used, the compiler does not compute it");
        hasFailed = true;
      }
    }
  }

  /// True if the node uses the result of a node that failed, an input that was
  /// refused, or a constant of a type that has no form in graph; reports the last.
  bool hasUnconvertedInput(onnxir::NodeOp node) {
    for (Value input : node.getInputs()) {
      Operation *producer = input.getDefiningOp();
      if (auto constant = dyn_cast_or_null<onnxir::ConstantOp>(producer)) {
        NodeContext context(node, builder, shapes, {}, {});
        (void)context.error(Problem::type, "constant '" + constant.getName() +
                                               "' is of an element type, e.g. string, "
                                               "that compiled code cannot hold");
        return true;
      }
      if (isa_and_nonnull<onnxir::NodeOp>(producer) || !isa<RankedTensorType, NoneType>(input.getType()))
        return true;
    }
    return false;
  }

  LogicalResult convertBlock(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(block))
      convert(op);
    return checkResults(*block.getTerminator(), block.getParentOp()->getLoc());
  }

  LogicalResult convertBranch(Block &block, SmallVectorImpl<Diagnostic> &broken) {
    bool hasFailedBefore = std::exchange(hasFailed, false);
    size_t unsupportedBefore = numUnsupported();
    SmallVector<Diagnostic> reports;
    {
      ScopedDiagnosticHandler collect(func.getContext(), [&](Diagnostic &report) {
        reports.push_back(std::move(report));
        return success();
      });
      (void)convertBlock(block);
    }
    bool hasFailedHere = std::exchange(hasFailed, hasFailedBefore);
    auto isError = [](const Diagnostic &report) { return report.getSeverity() == DiagnosticSeverity::Error; };
    if (hasFailedHere && llvm::any_of(reports, isError) && numUnsupported() == unsupportedBefore &&
        llvm::all_of(reports, [&](const Diagnostic &report) { return !isError(report) || breaksShapeRule(report); })) {
      for (Diagnostic &report : reports)
        if (isError(report))
          broken.push_back(std::move(report));
      return failure();
    }
    for (Diagnostic &report : reports)
      func.getContext()->getDiagEngine().emit(std::move(report));
    hasFailed |= hasFailedHere;
    return failure(hasFailedHere);
  }

  /// Whether an error says that the model contradicts itself at these sizes, as the
  /// shape rules of the graph dialect do (their codes are those below 2100), and not that the compiler
  /// lacks something.
  static bool breaksShapeRule(const Diagnostic &report) {
    auto code = codeOfMessage(report.str());
    return code && *code / 100 == 20 && classOfCode(*code) == ErrorClass::User;
  }

  size_t numUnsupported() const {
    size_t count = 0;
    for (const auto &[key, nodes] : unsupported)
      count += nodes.size();
    return count;
  }

  /// Values that a failed node left behind cannot leave a block, nor can those
  /// that have no form in graph; reports the latter.
  LogicalResult checkResults(Operation &terminator, Location loc) {
    LogicalResult result = success();
    for (auto [i, value] : llvm::enumerate(terminator.getOperands())) {
      Operation *producer = value.getDefiningOp();
      if (!isa_and_nonnull<onnxir::NodeOp, onnxir::ConstantOp, onnxir::NoneOp>(producer))
        continue;
      if (!isa<onnxir::NodeOp>(producer))
        emitError(loc) << "[TN2105] output " << i << " is a constant of type " << value.getType()
                       << ", compiled code takes tensors of numbers";
      hasFailed = true;
      result = failure();
    }
    return result;
  }

  void reportUnsupported() {
    for (auto &[key, nodes] : unsupported) {
      auto diagnostic = emitError(nodes.front().getLoc());
      diagnostic << "[TN2101] " << nodes.front().getName() << " (" << key.first << ", opset " << key.second
                 << "): the compiler does not know this operator";
      if (nodes.size() > 1) {
        diagnostic << "; also used by";
        for (onnxir::NodeOp node : ArrayRef(nodes).drop_front().take_front(7))
          diagnostic << ' ' << node.getName();
        if (nodes.size() > 8)
          diagnostic << " and " << nodes.size() - 8 << " more";
      }
    }
  }

  void finish() {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(func.front())))
      if (isa<onnxir::NodeOp, onnxir::ConstantOp, onnxir::NoneOp>(op))
        op.erase();
    Operation *terminator = func.front().getTerminator();
    func.setType(FunctionType::get(func.getContext(), func.front().getArgumentTypes(), terminator->getOperandTypes()));
    func->removeAttr(onnxir::kOpsetAttr);
    auto module = func->getParentOfType<ModuleOp>();
    module->removeAttr(onnxir::kIrVersionAttr);
    module->removeAttr(onnxir::kProducerAttr);
    shapes.writeSymbols(module);
    if (!nominal.empty())
      module->setAttr(kNominalAttr, nominal.getDictionary(func.getContext()));
  }

  func::FuncOp func;
  const HandlerRegistry &registry;
  OpBuilder builder;
  graph::ShapeAnalysis shapes;
  std::map<std::pair<std::string, int64_t>, SmallVector<onnxir::NodeOp>> unsupported;
  NamedAttrList nominal; ///< sizes to expect, by symbol
  bool hasFailed = false;
};

struct ConvertOnnxToGraphPass : impl::ConvertOnnxToGraphPassBase<ConvertOnnxToGraphPass> {
  void runOnOperation() override {
    HandlerRegistry registry = HandlerRegistry::withAll();
    for (auto func : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (!func.isDeclaration() && failed(Converter(func, registry).run()))
        signalPassFailure();
  }
};

} // namespace
} // namespace tenon::onnxtograph
