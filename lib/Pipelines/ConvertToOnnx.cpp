// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX to ONNX: import, conversion of weights and activations, and the same change in the file.
#include "Outputs.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Frontend/ONNX/Export.h"

using namespace mlir;

namespace tenon {

static OnnxTensor tensorOf(const numerics::Format &format, llvm::ArrayRef<int64_t> shape,
                           llvm::ArrayRef<uint8_t> bytes) {
  return {format.declaration().onnxCode, format.width(), {shape.begin(), shape.end()}, bytes};
}

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
  if (failed(numerics::convertWeights(*module, options, report, &changes)))
    return failure();
  llvm::StringMap<int> resultTypes;
  module->walk([&](onnxir::NodeOp node) {
    if (!node.getInputs().empty() && node.hasInput(1))
      resultTypes[node.getName()] = onnxir::codeOfElementType(getElementTypeOrSelf(node.getInput(1).getType()));
  });
  std::vector<OnnxWeight> weights;
  std::vector<OnnxActivation> activations;
  bool ok = true;
  auto require = [&](const numerics::Format &format, const llvm::Twine &what) {
    if (format.declaration().onnxCode)
      return;
    emitError(UnknownLoc::get(&context)) << "[TN4108] " << what << ": ONNX has no element type for " << format.name()
                                         << "; write a .tenon";
    ok = false;
  };
  for (const numerics::WeightChange &change : changes.weights) {
    const numerics::Quantized &q = change.quantized;
    for (const numerics::Format *format : {q.element, q.scaleFormat ? q.scaleFormat : q.element})
      require(*format, "weight '" + change.weight + "'");
    OnnxWeight weight{
        change.node, change.input, change.weight, tensorOf(*q.element, change.codesShape, q.codes), {}, {}, {}};
    weight.shape = change.shape;
    weight.axis = q.axis;
    weight.blockSize = q.blockSize;
    weight.globalScale = q.globalScale;
    weight.result = resultTypes.lookup(change.node);
    if (q.scaleFormat)
      weight.scale = tensorOf(*q.scaleFormat, q.scaleShape, q.scaleCodes);
    else if (!q.scales.empty())
      weight.scale = OnnxTensor{
          1, 32, q.scaleShape, {reinterpret_cast<const uint8_t *>(q.scales.data()), q.scales.size() * sizeof(float)}};
    if (!q.zeroPoints.empty())
      weight.zeroPoint = tensorOf(*q.element, q.scaleShape, q.zeroPoints);
    weights.push_back(std::move(weight));
  }
  for (const numerics::ActivationChange &change : changes.activations) {
    const numerics::FixedConversion &conversion = change.conversion;
    require(*conversion.format, "input " + llvm::Twine(change.input) + " of " + change.node);
    OnnxActivation activation{change.node, change.input, conversion.format->declaration().onnxCode,
                              conversion.format->width(), conversion.scale};
    if (conversion.zeroPoint)
      activation.zeroPoint = uint8_t(*conversion.zeroPoint);
    activation.result = change.element;
    activations.push_back(std::move(activation));
  }
  return success(ok && succeeded(writeOnnxConverted(context, input, weights, activations, output)));
}

} // namespace tenon
