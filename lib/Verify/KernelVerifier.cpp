// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled kernels against the reference evaluator.
#include "tenon/Verify/KernelVerifier.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Conversion/ONNXToGraph/Passes.h"
#include "tenon/Dialect/Graph/Transforms/Passes.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"
#include "tenon/Frontend/ONNX/Import.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Pipelines/RegisterTargets.h"
#include "tenon/Support/Provenance.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace tenon;
using reference::Tensor;

namespace {

func::FuncOp mainOf(ModuleOp module) { return plan::programsOf(module).host.lookupSymbol<func::FuncOp>("main"); }

/// The submit of a region's program, which its module's main is.
plan::SubmitOp submitOf(ModuleOp region) {
  plan::SubmitOp found;
  plan::programsOf(region->getParentOfType<ModuleOp>()).host.walk([&](plan::SubmitOp submit) {
    if (submit.getRegion() == region.getSymName())
      found = submit;
  });
  return found;
}

/// The value that was written where a value lies: copies and programs of other devices lead
/// back to it.
Value originOf(Value value) {
  for (;;) {
    value = plan::source(value);
    if (auto transfer = value.getDefiningOp<plan::TransferOp>()) {
      value = transfer.getX();
    } else if (auto submit = value.getDefiningOp<plan::SubmitOp>()) {
      auto all = submit->getParentOfType<ModuleOp>()->getParentOfType<ModuleOp>();
      auto region = all.lookupSymbol<ModuleOp>(submit.getRegion());
      auto main = region.lookupSymbol<func::FuncOp>("main");
      value = main.getBody().front().getTerminator()->getOperand(cast<OpResult>(value).getResultNumber());
    } else if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto region = argument.getOwner()->getParentOp()->getParentOfType<ModuleOp>();
      plan::SubmitOp submit = region->hasAttr(plan::kDeviceAttr) ? submitOf(region) : plan::SubmitOp();
      if (!submit)
        return value;
      value = submit.getInputs()[argument.getArgNumber()];
    } else {
      return value;
    }
  }
}

bool isOfRegion(Operation *kernel) { return kernel->getParentOfType<ModuleOp>()->hasAttr(plan::kDeviceAttr); }

/// Inside kernels, the shape operands of expand and fill are empty: the result's
/// recorded dimensions say what they said.
template <typename OpTy>
void resolveShapeOperand(reference::Registry &registry, unsigned operand,
                         std::function<SmallVector<int64_t>(Type, Attribute)> dims) {
  reference::Rule rule = *registry.find(OpTy::getOperationName());
  registry.add(OpTy::getOperationName(), [=](Operation *op, ArrayRef<Tensor> inputs) {
    SmallVector<Tensor> resolved(inputs);
    SmallVector<int64_t> shape = dims(op->getResult(0).getType(), op->getAttr("graph.shape"));
    resolved[operand] = Tensor::fromInts(IntegerType::get(op->getContext(), 64), {int64_t(shape.size())}, shape);
    return rule(op, resolved);
  });
}

uint64_t hashOf(const Tensor &tensor) {
  ArrayRef<char> bytes = tensor.getBytes();
  return llvm::xxh3_64bits(ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
}

std::string describe(Value value) {
  if (auto kernel = value.getDefiningOp<plan::KernelOp>())
    return "kernel " + kernel.getName().str();
  if (auto argument = dyn_cast<BlockArgument>(value))
    return "model input " + std::to_string(argument.getArgNumber());
  return "a branch";
}

bool isWorse(const reference::Difference &a, const reference::Difference &b) {
  if (a.problem.empty() != b.problem.empty())
    return !a.problem.empty();
  return a.excess > b.excess;
}

} // namespace

KernelVerifier::KernelVerifier(const reference::Tolerance &tolerance) : tolerance(tolerance) {
  auto dims = [this](Type type, Attribute map) { return this->dims(type, map); };
  reference::Registry registry = reference::Registry::graphOps();
  resolveShapeOperand<graph::ExpandOp>(registry, 1, dims);
  resolveShapeOperand<graph::FillOp>(registry, 0, dims);
  registry.addRegionOp(plan::KernelOp::getOperationName());
  evaluator = reference::Evaluator(std::move(registry));
}

std::unique_ptr<KernelVerifier> KernelVerifier::create(MLIRContext &context, StringRef model,
                                                       const reference::Tolerance &tolerance,
                                                       const CompileOptions &options) {
  loadTenonDialects(context);
  std::unique_ptr<KernelVerifier> verifier(new KernelVerifier(tolerance));
  verifier->plan = importForCompilation(context, model, options);
  if (!verifier->plan || failed(applySizes(*verifier->plan, options.sizes)))
    return nullptr;
  llvm::StringMap<std::string> operators;
  verifier->plan->walk([&](onnxir::NodeOp node) { operators[node.getName()] = node.getQualifiedType(); });
  verifier->graph = verifier->plan->clone();
  PassManager passes(&context);
  passes.addPass(onnxtograph::createConvertOnnxToGraphPass());
  passes.addPass(graph::createInferShapesPass());
  Targets targets = findTargets(context, options.specs(), options.targetFiles, options.targetPlugins);
  CompileResult ignored;
  CompileOptions placement;
  placement.target = options.target;
  placement.devices = options.devices;
  placement.pins = options.pins;
  placement.forbids = options.forbids;
  placement.mostRegions = options.mostRegions;
  placement.planIn = options.planIn;
  if (targets.empty() || failed(addPlannedPins(context, placement)) || failed(passes.run(*verifier->graph)) ||
      failed(runStages(*verifier->plan, Stage::Graph, Stage::Place, targets, placement, ignored)))
    return nullptr;
  verifier->collectKernels(operators);
  return verifier;
}

void KernelVerifier::collectKernels(const llvm::StringMap<std::string> &operators) {
  plan->walk([&](plan::KernelOp kernel) {
    KernelCheck check;
    check.kernel = kernel.getName().str();
    for (StringRef node : sourceNodes(kernel.getLoc())) {
      auto known = operators.find(node);
      check.nodes.push_back((known == operators.end() ? "" : known->second + " ") + node.str());
    }
    if (isOfRegion(kernel)) // until it is observed
      check.skipped = "its device shows nobody what it computes; the model's outputs are compared";
    kernels.push_back(kernel);
    checks.push_back(std::move(check));
  });
}

ArrayRef<Type> KernelVerifier::getInputTypes() const { return mainOf(*plan).getArgumentTypes(); }
ArrayRef<Type> KernelVerifier::getOutputTypes() const { return mainOf(*plan).getResultTypes(); }

SmallVector<int64_t> KernelVerifier::dims(Type type, Attribute map) const {
  SmallVector<int64_t> sizes(cast<RankedTensorType>(type).getShape());
  for (auto [i, size] : llvm::enumerate(sizes))
    if (ShapedType::isDynamic(size))
      size =
          cast<AffineConstantExpr>(cast<AffineMapAttr>(map).getValue().getResult(i).replaceSymbols(symbols)).getValue();
  return sizes;
}

void KernelVerifier::beginRun(ArrayRef<Tensor> inputs) {
  written.clear();
  for (auto [argument, tensor] : llvm::zip(mainOf(*plan).getArguments(), inputs))
    written[argument] = hashOf(tensor);
}

bool KernelVerifier::holdsWhatWasWritten(Value value, uint64_t hash) const {
  value = originOf(value);
  if (value.getDefiningOp<graph::ConstantOp>())
    return true; // a wrong weight shows in the kernel's result
  if (auto branch = value.getDefiningOp<scf::IfOp>()) {
    // Whichever branch was taken; of the other one this run has no hashes.
    unsigned number = cast<OpResult>(value).getResultNumber();
    return holdsWhatWasWritten(branch.thenYield().getOperand(number), hash) ||
           holdsWhatWasWritten(branch.elseYield().getOperand(number), hash);
  }
  auto it = written.find(value);
  if (it == written.end()) // a kernel that nobody could observe
    return value.getDefiningOp<plan::KernelOp>() && isOfRegion(value.getDefiningOp());
  return it->second == hash;
}

void KernelVerifier::observe(unsigned index, ArrayRef<void *> buffers, const int64_t *symbolValues) {
  plan::KernelOp kernel = kernels[index];
  KernelCheck &check = checks[index];
  if (check.runs++ == 0)
    check.skipped.clear();
  symbols.clear();
  unsigned symbolCount = 0;
  if (auto table = kernel->getParentOfType<ModuleOp>()->getAttrOfType<ArrayAttr>("graph.symbols"))
    symbolCount = table.size();
  for (unsigned i = 0; i < symbolCount; ++i)
    symbols.push_back(getAffineConstantExpr(symbolValues[i], plan->getContext()));

  auto tensorAt = [&](Type type, Attribute map, void *data) {
    Type element = getElementTypeOrSelf(type);
    SmallVector<int64_t> shape = dims(type, map);
    size_t bytes = size_t(reference::numElements(shape)) * reference::elementBytes(element);
    return Tensor::borrow(element, shape, ArrayRef(static_cast<const char *>(data), bytes));
  };
  SmallVector<Tensor> inputs;
  for (auto [i, input] : llvm::enumerate(kernel.getInputs())) {
    AffineMapAttr map = plan::recordedShape(kernel.getBody().getArgument(i));
    if (auto constant = plan::source(input).getDefiningOp<graph::ConstantOp>()) {
      // Its buffer may hold a packed layout.
      std::optional<Tensor> value = Tensor::fromAttribute(constant.getValue());
      if (!value) {
        check.skipped = "the reference cannot read a constant of its type";
        return;
      }
      inputs.push_back(value->reshaped(dims(input.getType(), map)));
      continue;
    }
    inputs.push_back(tensorAt(input.getType(), map, buffers[i]));
    if (check.overwritten.empty() && !holdsWhatWasWritten(input, hashOf(inputs.back())))
      check.overwritten = "input " + std::to_string(i) + ", of " + describe(plan::source(input));
  }

  std::string reason;
  ScopedDiagnosticHandler capture(plan->getContext(), [&](Diagnostic &diagnostic) {
    reason = diagnostic.str();
    return success();
  });
  reference::Results expected = evaluator.evaluate(kernel, inputs);
  for (auto [i, result] : llvm::enumerate(kernel.getResults())) {
    Tensor found = tensorAt(result.getType(), plan::recordedShape(result), buffers[kernel.getNumOperands() + i]);
    written[result] = hashOf(found);
    if (failed(expected))
      continue;
    reference::Difference difference = compare(found, (*expected)[i], tolerance);
    check.elements += difference.elements;
    if ((check.runs == 1 && i == 0) || isWorse(difference, check.difference)) {
      difference.wrong += check.difference.wrong;
      check.difference = std::move(difference);
      check.output = i;
    } else {
      check.difference.wrong += difference.wrong;
    }
  }
  if (failed(expected))
    check.skipped = "the reference gave up: " + reason;
}
