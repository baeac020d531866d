// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference evaluator against test vectors.
#include "tenon/Verify/ReferenceCheck.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Conversion/ONNXToGraph/Passes.h"
#include "tenon/Dialect/Graph/Transforms/Passes.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Frontend/ONNX/Import.h"
#include "tenon/Frontend/ONNX/TensorFile.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Reference/Evaluator.h"
#include "tenon/Transforms/Simplify/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace tenon;
using reference::Tensor;

namespace {

FailureOr<SmallVector<Tensor>> readTensors(MLIRContext &context, StringRef folder, StringRef kind, size_t count) {
  SmallVector<Tensor> tensors;
  for (size_t i = 0; i < count; ++i) {
    ElementsAttr attribute = readOnnxTensorFile(context, (folder + "/" + kind + "_" + Twine(i) + ".pb").str());
    std::optional<Tensor> tensor = attribute ? Tensor::fromAttribute(attribute) : std::nullopt;
    if (!tensor)
      return failure();
    tensors.push_back(*tensor);
  }
  return tensors;
}

/// Empty if the tensors agree, else what is wrong.
std::string compare(const Tensor &actual, const Tensor &expected, const ReferenceCheckOptions &options) {
  std::string text;
  llvm::raw_string_ostream out(text);
  if (actual.getType() != expected.getType()) {
    out << "is " << actual.getType() << ", expected " << expected.getType();
    return text;
  }
  std::vector<double> a = actual.toDoubles(), b = expected.toDoubles();
  size_t wrong = 0, worst = 0;
  double worstExcess = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])))
      continue;
    double excess = std::fabs(a[i] - b[i]) - (options.atol + options.rtol * std::fabs(b[i]));
    if (excess <= 0)
      continue;
    ++wrong;
    if (!(excess <= worstExcess)) {
      worst = i;
      worstExcess = excess;
    }
  }
  if (wrong)
    out << wrong << " of " << a.size() << " elements differ, at " << worst << " " << a[worst] << " instead of "
        << b[worst];
  return text;
}

/// Gives small inputs that can be sizes, axes or scales their values of a test:
/// compiled code needs them as constants, many of ONNX's node tests feed them.
LogicalResult freezeSmallInputs(ModuleOp module, StringRef folder) {
  constexpr int64_t kMostElements = 16;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  OpBuilder builder = OpBuilder::atBlockBegin(&main.getBody().front());
  for (BlockArgument argument : main.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type || type.getRank() > 1)
      continue;
    ElementsAttr value =
        readOnnxTensorFile(*module.getContext(), (folder + "/input_" + Twine(argument.getArgNumber()) + ".pb").str());
    if (!value)
      return failure();
    if (value.getNumElements() > kMostElements)
      continue;
    auto constant = onnxir::ConstantOp::create(builder, main.getLoc(), value.getType(), value, StringRef("frozen"));
    argument.replaceAllUsesWith(constant.getResult());
  }
  return success();
}

OwningOpRef<ModuleOp> graphOf(MLIRContext &context, StringRef model, StringRef frozenFrom, bool evaluateConstants) {
  OwningOpRef<ModuleOp> module = importForCompilation(context, model);
  if (!module || (!frozenFrom.empty() && failed(freezeSmallInputs(*module, frozenFrom))))
    return {};
  PassManager passes(&context);
  passes.addPass(onnxtograph::createConvertOnnxToGraphPass());
  passes.addPass(graph::createInferShapesPass());
  if (evaluateConstants)
    passes.addPass(simplify::createEvaluateConstantsPass());
  if (failed(passes.run(*module)) || !module->lookupSymbol<func::FuncOp>("main"))
    return {};
  return module;
}

} // namespace

LogicalResult tenon::checkWithReference(MLIRContext &context, StringRef model, ArrayRef<std::string> folders,
                                        const ReferenceCheckOptions &options, raw_ostream &report) {
  OwningOpRef<ModuleOp> module;
  if (!options.freezeInputs)
    module = graphOf(context, model, "", options.evaluateConstants);
  LogicalResult result = success();
  for (const std::string &folder : folders) {
    if (options.freezeInputs)
      module = graphOf(context, model, folder, options.evaluateConstants);
    if (!module)
      return failure();
    auto main = module->lookupSymbol<func::FuncOp>("main");
    // Inputs with a default come last, and tests without them leave them out.
    unsigned given = main.getNumArguments();
    while (given > 0 && main.getArgAttr(given - 1, kDefaultAttr) &&
           !llvm::sys::fs::exists(folder + "/input_" + std::to_string(given - 1) + ".pb"))
      --given;
    auto inputs = readTensors(context, folder, "input", given);
    for (unsigned i = given; succeeded(inputs) && i < main.getNumArguments(); ++i)
      inputs->push_back(*reference::Tensor::fromAttribute(main.getArgAttrOfType<ElementsAttr>(i, kDefaultAttr)));
    auto expected = readTensors(context, folder, "output", main.getNumResults());
    if (failed(inputs) || failed(expected))
      return failure();
    for (auto [input, type] : llvm::zip(*inputs, main.getArgumentTypes())) // some vectors hold [1] for a scalar
      if (auto tensor = dyn_cast<RankedTensorType>(type);
          tensor && tensor.getRank() == 0 && input.getNumElements() == 1)
        input = input.reshaped({});
    reference::Results actual = reference::Evaluator().evaluate(main, *inputs);
    if (failed(actual))
      return failure();
    std::string problems;
    for (auto [i, pair] : llvm::enumerate(llvm::zip(*actual, *expected)))
      if (std::string problem = compare(std::get<0>(pair), std::get<1>(pair), options); !problem.empty())
        problems += "; output " + std::to_string(i) + " " + problem;
    report << (problems.empty() ? "ok " : "different ") << folder << problems << "\n";
    if (!problems.empty())
      result = failure();
  }
  return result;
}
