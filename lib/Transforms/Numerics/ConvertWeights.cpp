// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each node is visited once: its weights are converted, and its activations if at least one weight was. A
// layer that fails does not end the walk, so that all errors are reported. Constants that keep their values
// are in the report with the reason. A converted node carries a note in its location (TN4030, TN4031), from
// where the ledger has it.
#include "tenon/Transforms/Numerics/ConvertWeights.h"

#include "ConversionNodes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Num/IR/Num.h"
#include "tenon/Support/Provenance.h"
#include "tenon/Transforms/Numerics/Passes.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Regex.h"
#include <numeric>

using namespace mlir;

namespace tenon::numerics {
#define GEN_PASS_DEF_CONVERTWEIGHTSPASS
#include "tenon/Transforms/Numerics/Passes.h.inc"

namespace {

int64_t product(ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
}

class Converter {
public:
  Converter(ModuleOp module, const ConvertOptions &options, ConversionReport &report, ModelChanges *changes)
      : module(module), options(options), report(report), changes(changes), matched(options.layers.size()) {}

  LogicalResult run() {
    SmallVector<onnxir::NodeOp> nodes;
    module.walk([&](onnxir::NodeOp node) { nodes.push_back(node); });
    for (onnxir::NodeOp node : nodes)
      convert(node);
    for (auto [i, layer] : llvm::enumerate(options.layers))
      if (!matched[i])
        error(module.getLoc(), "[TN4107] layer pattern '" + layer.pattern +
                                   "' matches no node with weights; `tenon convert` without it lists their names");
    llvm::stable_sort(report.layers, [](const LayerReport &a, const LayerReport &b) {
      return std::make_pair(a.kept.has_value(), a.quality.sqnr()) <
             std::make_pair(b.kept.has_value(), b.quality.sqnr());
    });
    return success(ok);
  }

private:
  void error(Location loc, const Twine &text) {
    emitError(loc) << text;
    ok = false;
  }

  /// The recipe of a layer; null: left as it is, `why` says why.
  const Recipe *recipeOf(onnxir::NodeOp node, std::string &why) {
    auto [recipe, rule] = options.recipeOf(node.getName());
    why = "no format was asked for";
    if (rule) {
      matched[*rule] = true;
      why = "--layers " + options.layers[*rule].pattern + "=none";
    }
    return recipe;
  }

  static LayerReport describe(onnxir::NodeOp node, unsigned input, const WeightSource &source) {
    LayerReport layer;
    layer.node = node.getName().str();
    layer.op = node.getQualifiedType();
    layer.weight = source.name;
    layer.input = input;
    layer.shape.assign(source.shape.begin(), source.shape.end());
    layer.bytesBefore = source.bytes;
    return layer;
  }

  /// Lists the constants of a node that are no weights, but could be taken for some.
  void keepOthers(onnxir::NodeOp node, ArrayRef<WeightOperand> operands) {
    for (unsigned input = 0; input < node.getInputs().size(); ++input) {
      if (llvm::any_of(operands, [&](const WeightOperand &w) { return w.input == input; }))
        continue;
      std::optional<std::string> why = reasonToKeep(node, input);
      std::optional<WeightSource> source = why ? findWeight(node.getInput(input), /*withValues=*/false) : std::nullopt;
      if (!source)
        continue;
      report.layers.push_back(describe(node, input, *source));
      report.layers.back().kept = why;
    }
  }

  void convert(onnxir::NodeOp node) {
    SmallVector<WeightOperand> operands = weightOperands(node);
    keepOthers(node, operands);
    if (operands.empty())
      return;
    SmallVector<unsigned> others = activationInputs(node);
    bool any = false;
    std::string why;
    const Recipe *recipe = recipeOf(node, why);
    for (const WeightOperand &operand : operands) {
      std::optional<WeightSource> source = findWeight(node.getInput(operand.input));
      if (!source)
        continue;
      LayerReport layer = describe(node, operand.input, *source);
      if (!recipe)
        layer.kept = why;
      else if (convertOperand(node, operand, *source, *recipe, layer))
        any = true;
      report.layers.push_back(std::move(layer));
    }
    if (options.activations && any)
      for (unsigned input : others)
        convertActivation(node, input);
  }

  void convertActivation(onnxir::NodeOp node, unsigned input) {
    std::optional<FixedConversion> conversion = conversionWithoutData(*options.activations);
    if (options.calibration) {
      auto found = options.calibration->find({node.getName().str(), input});
      if (found == options.calibration->end())
        return error(node.getLoc(), "[TN4110] input " + Twine(input) + " of " + node.getName() +
                                        " was not observed: the calibration is another model's");
      const CalibratedActivation &known = found->second;
      LayerReport layer;
      layer.node = node.getName().str();
      layer.op = node.getQualifiedType();
      layer.activation = nameOfValue(node.getInput(input));
      layer.input = input;
      layer.kept = known.kept;
      conversion = known.conversion;
      if (!known.kept) {
        layer.recipe = options.activations->text();
        layer.format = conversion->format->name().str();
        layer.quality = known.quality;
        layer.smallestScale = layer.largestScale = conversion->scale.value_or(0);
        layer.zeroPoint = conversion->zeroPoint;
        std::string text = llvm::formatv("input {0} is rounded to {1}, SQNR {2:F1} dB on the calibration data", input,
                                         layer.format, layer.quality.sqnr());
        node->setLoc(withNote(node.getLoc(), "TN4031", text));
      }
      report.layers.push_back(std::move(layer));
      if (known.kept)
        return;
    }
    if (changes && conversion)
      changes->activations.push_back({node.getName().str(), input,
                                      onnxir::codeOfElementType(getElementTypeOrSelf(node.getInput(input).getType())),
                                      *conversion});
    else if (changes)
      return error(node.getLoc(),
                   "[TN4108] input " + Twine(input) + " of " + node.getName() +
                       ": an ONNX file has no scale that a run chooses; give --calibration, or write a .tenon");
    setInput(node, input,
             conversion ? emitActivation(node, input, *conversion) : emitActivation(node, input, *options.activations));
  }

  bool convertOperand(onnxir::NodeOp node, const WeightOperand &operand, const WeightSource &source,
                      const Recipe &recipe, LayerReport &layer) {
    // Blocks run along the channels; where a group has one alone, each would be a value
    // with a scale, and they run along the window, which lies in one piece.
    SmallVector<int64_t> shape = source.shape;
    bool isBlocked = recipe.granularity == Granularity::Block;
    if (isBlocked && operand.sumsTrailing && shape[operand.blockAxis] == 1) {
      shape.truncate(operand.blockAxis);
      shape.push_back(product(ArrayRef(source.shape).drop_front(operand.blockAxis)));
    }
    if (isBlocked && shape[operand.blockAxis] < recipe.blockSize)
      layer.note = llvm::formatv("blocks of {0} instead of {1}: no more values lie along them",
                                 shape[operand.blockAxis], recipe.blockSize);
    Values values{source.values(), shape, operand.channelAxis, operand.blockAxis};
    llvm::Expected<Quantized> quantized = quantize(values, recipe, num::formatsOf(node.getContext()), options.seed);
    if (!quantized) {
      error(node.getLoc(),
            "weight '" + source.name + "' of " + node.getName() + ": " + toString(quantized.takeError()));
      return false;
    }
    layer.recipe = recipe.text();
    layer.format = quantized->element->name().str();
    layer.quality = quantized->quality;
    unsigned scaleBits = quantized->scaleFormat ? quantized->scaleFormat->width() : 32;
    layer.bytes = (uint64_t(source.count()) * quantized->element->width() + quantized->scales.size() * scaleBits +
                   quantized->zeroPoints.size() * quantized->element->width() + 7) /
                  8;
    if (!quantized->scales.empty()) {
      auto [least, most] = std::minmax_element(quantized->scales.begin(), quantized->scales.end());
      layer.smallestScale = *least, layer.largestScale = *most;
    }
    std::string text =
        llvm::formatv("weights {0} are kept as {1}, SQNR {2:F1} dB", source.name, layer.recipe, layer.quality.sqnr());
    node->setLoc(withNote(node.getLoc(), "TN4030", text));
    if (changes)
      changes->weights.push_back(
          {node.getName().str(), operand.input, source.name, layer.shape, {shape.begin(), shape.end()}, *quantized});
    Type element = getElementTypeOrSelf(node.getInput(operand.input).getType());
    setInput(node, operand.input, emitWeight(node, source, shape, std::move(*quantized), element));
    return true;
  }

  static void setInput(onnxir::NodeOp node, unsigned input, Value value) { node->setOperand(input, value); }

  ModuleOp module;
  const ConvertOptions &options;
  ConversionReport &report;
  ModelChanges *changes;
  std::vector<bool> matched;
  bool ok = true;
};

struct ConvertWeights : impl::ConvertWeightsPassBase<ConvertWeights> {
  using ConvertWeightsPassBase::ConvertWeightsPassBase;

  void runOnOperation() override {
    std::vector<std::string> rules(layers.begin(), layers.end());
    llvm::Expected<ConvertOptions> options =
        ConvertOptions::parse(weights, rules, activations, num::formatsOf(&getContext()));
    if (!options) {
      getOperation().emitError(toString(options.takeError()));
      return signalPassFailure();
    }
    options->seed = seed;
    ConversionReport report;
    if (failed(convertWeights(getOperation(), *options, report)))
      signalPassFailure();
  }
};

} // namespace

llvm::Expected<ConvertOptions> ConvertOptions::parse(llvm::StringRef weights, llvm::ArrayRef<std::string> layers,
                                                     llvm::StringRef activations, const FormatRegistry &formats,
                                                     bool calibrated) {
  ConvertOptions options;
  auto read = [&](llvm::StringRef text, std::optional<Recipe> &out) -> llvm::Error {
    llvm::Expected<Recipe> recipe = Recipe::parse(text, formats);
    if (!recipe)
      return recipe.takeError();
    out = *recipe;
    return llvm::Error::success();
  };
  if (!weights.empty())
    if (llvm::Error error = read(weights, options.weights))
      return error;
  for (llvm::StringRef text : layers) {
    auto [pattern, format] = text.rsplit('=');
    // bias=N and percentile=P belong to the format.
    if (size_t at = text.find('='); text.drop_front(std::min(at, text.size())).count('=') > 1)
      std::tie(pattern, format) = text.split('=');
    std::string problem;
    if (format.empty() || pattern.empty())
      return llvm::createStringError("[TN4105] '" + text + "': expected REGEX=FORMAT");
    if (!llvm::Regex(pattern).isValid(problem))
      return llvm::createStringError("[TN4105] '" + text + "': '" + pattern + "' is no regular expression: " + problem);
    Layer layer{pattern.str(), std::nullopt};
    if (format != "none")
      if (llvm::Error error = read(format, layer.recipe))
        return error;
    options.layers.push_back(std::move(layer));
  }
  if (activations.empty())
    return options;
  if (llvm::Error error = read(activations, options.activations))
    return error;
  const Recipe &recipe = *options.activations;
  FormatKind kind = recipe.format->kind();
  if (kind == FormatKind::Block || recipe.granularity == Granularity::Block)
    return llvm::createStringError("[TN4105] '" + activations +
                                   "': activations take a format of single values with no scale or one scale a tensor");
  if (!calibrated && (kind == FormatKind::Family || (recipe.format->needsBias() && !recipe.bias)))
    return llvm::createStringError("[TN4105] '" + activations +
                                   "': the bias of activations is chosen on sample data, which --calibration names" +
                                   (kind == FormatKind::Family ? llvm::Twine() : "; or give it (bias=N)"));
  if (recipe.granularity == Granularity::Channel) // what integers have by default
    options.activations->granularity = Granularity::Tensor;
  return options;
}

std::pair<const Recipe *, std::optional<unsigned>> ConvertOptions::recipeOf(llvm::StringRef node) const {
  for (auto [i, layer] : llvm::enumerate(layers))
    if (llvm::Regex("^(" + layer.pattern + ")$").match(node))
      return {layer.recipe ? &*layer.recipe : nullptr, i};
  return {weights ? &*weights : nullptr, std::nullopt};
}

LogicalResult convertWeights(ModuleOp imported, const ConvertOptions &options, ConversionReport &report,
                             ModelChanges *changes) {
  return Converter(imported, options, report, changes).run();
}

} // namespace tenon::numerics
