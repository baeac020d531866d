// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX to ONNX: import, conversion of weights and activations, and the same change in the file.
#include "Outputs.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Frontend/ONNX/Export.h"

using namespace mlir;

namespace tenon {

namespace {

OnnxTensor tensorOf(const numerics::Format &format, ArrayRef<int64_t> shape, ArrayRef<uint8_t> bytes) {
  return {format.declaration().onnxCode, format.width(), {shape.begin(), shape.end()}, bytes};
}

/// The tensors that take the weight's place; they refer to the change's bytes. `result` is
/// the element type that its node expects.
OnnxWeight weightOf(const numerics::WeightChange &change, int result) {
  const numerics::Quantized &q = change.quantized;
  OnnxWeight weight{change.node, change.input, change.weight, tensorOf(*q.element, change.codesShape, q.codes), {}, {},
                    {}};
  weight.shape = change.shape;
  weight.axis = q.axis;
  weight.blockSize = q.blockSize;
  weight.globalScale = q.globalScale;
  weight.result = result;
  if (q.scaleFormat)
    weight.scale = tensorOf(*q.scaleFormat, q.scaleShape, q.scaleCodes);
  else if (!q.scales.empty())
    weight.scale = OnnxTensor{
        1, 32, q.scaleShape, {reinterpret_cast<const uint8_t *>(q.scales.data()), q.scales.size() * sizeof(float)}};
  if (!q.zeroPoints.empty())
    weight.zeroPoint = tensorOf(*q.element, q.scaleShape, q.zeroPoints);
  return weight;
}

OnnxActivation activationOf(const numerics::ActivationChange &change) {
  const numerics::FixedConversion &conversion = change.conversion;
  OnnxActivation activation{change.node, change.input, conversion.format->declaration().onnxCode,
                            conversion.format->width(), conversion.scale};
  if (conversion.zeroPoint)
    activation.zeroPoint = uint8_t(*conversion.zeroPoint);
  activation.result = change.element;
  return activation;
}

/// Refuses formats that ONNX has no element type for, all of them.
LogicalResult checkElementTypes(MLIRContext &context, const numerics::ModelChanges &changes) {
  bool ok = true;
  auto require = [&](const numerics::Format &format, const llvm::Twine &what) {
    if (format.declaration().onnxCode)
      return;
    emitError(UnknownLoc::get(&context)) << "[TN4108] " << what << ": ONNX has no element type for " << format.name()
                                         << "; write a .tenon";
    ok = false;
  };
  for (const numerics::WeightChange &change : changes.weights) {
    require(*change.quantized.element, "weight '" + change.weight + "'");
    if (change.quantized.scaleFormat)
      require(*change.quantized.scaleFormat, "weight '" + change.weight + "'");
  }
  for (const numerics::ActivationChange &change : changes.activations)
    require(*change.conversion.format, "input " + llvm::Twine(change.input) + " of " + change.node);
  return success(ok);
}

/// The element types of the weights of nodes, by the nodes' names.
llvm::StringMap<int> weightTypes(ModuleOp module) {
  llvm::StringMap<int> types;
  module.walk([&](onnxir::NodeOp node) {
    if (!node.getInputs().empty() && node.hasInput(1))
      types[node.getName()] = onnxir::codeOfElementType(getElementTypeOrSelf(node.getInput(1).getType()));
  });
  return types;
}

} // namespace

LogicalResult convertToOnnx(MLIRContext &context, StringRef input, StringRef output,
                            const numerics::ConvertOptions &options, numerics::ConversionReport &report,
                            ArrayRef<std::string> otherOutputs) {
  InputFiles inputs;
  inputs.add(input, "the model");
  std::vector<std::string> outputs(otherOutputs);
  outputs.push_back(output.str());
  if (failed(checkOutputs(context, inputs, outputs)))
    return failure();
  OwningOpRef<ModuleOp> module = importForCompilation(context, input, {}, &inputs);
  numerics::ModelChanges changes;
  if (!module || failed(checkOutputs(context, inputs, outputs))) // now with external data
    return failure();
  if (failed(numerics::convertWeights(*module, options, report, &changes)) ||
      failed(checkElementTypes(context, changes)))
    return failure();
  llvm::StringMap<int> types = weightTypes(*module);
  std::vector<OnnxWeight> weights;
  for (const numerics::WeightChange &change : changes.weights)
    weights.push_back(weightOf(change, types.lookup(change.node)));
  std::vector<OnnxActivation> activations;
  for (const numerics::ActivationChange &change : changes.activations)
    activations.push_back(activationOf(change));
  return writeOnnxConverted(context, input, weights, activations, output);
}

} // namespace tenon
