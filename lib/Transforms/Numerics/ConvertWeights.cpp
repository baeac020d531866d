// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tenon/Transforms/Numerics/ConvertWeights.h"

#include "WeightSource.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
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

/// The version of the schemas that new nodes follow.
constexpr int64_t kOpset = 25;

/// Creates nodes in front of a consumer, in its name.
struct NodeBuilder {
  OpBuilder b;
  onnxir::NodeOp consumer;
  std::string prefix;
  int count = 0;

  NodeBuilder(onnxir::NodeOp consumer, const Twine &prefix) : b(consumer), consumer(consumer), prefix(prefix.str()) {}

  static Type tensor(ArrayRef<int64_t> shape, Type element) { return RankedTensorType::get(shape, element); }
  Value node(StringRef op, ValueRange inputs, Type type, ArrayRef<NamedAttribute> attrs = {}) {
    OperationState state(consumer.getLoc(), onnxir::NodeOp::getOperationName());
    std::string name = prefix + "_" + op.lower() + (count ? "_" + std::to_string(count) : "");
    ++count;
    state.addOperands(inputs);
    state.addTypes(type);
    state.addAttribute("op_type", b.getStringAttr(op));
    state.addAttribute("name", b.getStringAttr(name));
    state.addAttribute("since", b.getI64IntegerAttr(kOpset));
    state.addAttribute("opset", b.getI64IntegerAttr(kOpset));
    if (!attrs.empty())
      state.addAttribute("attrs", b.getDictionaryAttr(attrs));
    return b.create(state)->getResult(0);
  }
  Value cast(Value x, Type element) {
    if (getElementTypeOrSelf(x.getType()) == element)
      return x;
    auto code = b.getNamedAttr("to", b.getI64IntegerAttr(onnxir::codeOfElementType(element)));
    return node("Cast", x, mlir::cast<ShapedType>(x.getType()).clone(element), code);
  }
  /// The bytes live as long as the attribute.
  Value constant(Type element, ArrayRef<int64_t> shape, std::vector<uint8_t> bytes, const Twine &name) {
    auto type = RankedTensorType::get(shape, element);
    auto shared = std::make_shared<std::vector<uint8_t>>(std::move(bytes));
    ArrayRef<char> data(reinterpret_cast<const char *>(shared->data()), shared->size());
    ElementsAttr value;
    if (type.getNumElements() <= 16 && !num::isCoded(element))
      value = DenseElementsAttr::getFromRawBuffer(type, data);
    else
      value = DenseResourceElementsAttr::get(type, name.str(), UnmanagedAsmResourceBlob::allocateWithAlign(data, alignof(std::max_align_t), [shared](void *, size_t, size_t) {}));
    return onnxir::ConstantOp::create(b, NameLoc::get(b.getStringAttr(name)), type, value, b.getStringAttr(name));
  }
  Value integers(ArrayRef<int64_t> values, const Twine &name) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(values.data());
    return constant(b.getI64Type(), {int64_t(values.size())}, std::vector<uint8_t>(bytes, bytes + values.size() * sizeof(int64_t)), name);
  }
  Value floats(ArrayRef<int64_t> shape, ArrayRef<float> values, const Twine &name) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(values.data());
    return constant(b.getF32Type(), shape, std::vector<uint8_t>(bytes, bytes + values.size() * sizeof(float)), name);
  }
};

/// Codes, scales and the nodes that give the values back. Codes of another shape
/// than the weight's are reshaped when they are values again.
Value emitWeight(onnxir::NodeOp consumer, const WeightSource &source, ArrayRef<int64_t> codesShape, Quantized quantized, Type element) {
  MLIRContext *context = consumer.getContext();
  NodeBuilder n(consumer, source.name);
  Type codeType = num::typeOf(context, *quantized.element), f32 = n.b.getF32Type();
  Value codes = n.constant(codeType, codesShape, std::move(quantized.codes), source.name + "_" + quantized.element->name());
  // Formats of 16 bits and more are plain tensors, others one form with a scale, if only of one.
  if (quantized.scales.empty() && !num::isCoded(codeType))
    return n.cast(codes, element);
  Value scale;
  ArrayRef<int64_t> shape = quantized.scaleShape;
  if (quantized.scales.empty()) {
    scale = n.floats({}, 1.0f, source.name + "_scale");
  } else if (!quantized.scaleFormat) {
    scale = n.floats(shape, quantized.scales, source.name + "_scale");
  } else {
    Type scaleType = num::typeOf(context, *quantized.scaleFormat);
    scale = n.constant(scaleType, shape, std::move(quantized.scaleCodes), source.name + "_scale");
    scale = n.cast(scale, f32);
    if (quantized.globalScale)
      scale = n.node("Mul", {scale, n.floats({}, *quantized.globalScale, source.name + "_global_scale")}, n.tensor(shape, f32));
  }
  SmallVector<Value> inputs{codes, scale};
  if (!quantized.zeroPoints.empty())
    inputs.push_back(n.constant(codeType, shape, std::move(quantized.zeroPoints), source.name + "_zero_point"));
  SmallVector<NamedAttribute> attrs;
  if (!shape.empty())
    attrs.push_back(n.b.getNamedAttr("axis", n.b.getI64IntegerAttr(quantized.axis)));
  if (quantized.blockSize)
    attrs.push_back(n.b.getNamedAttr("block_size", n.b.getI64IntegerAttr(quantized.blockSize)));
  Value values = n.node("DequantizeLinear", inputs, n.tensor(codesShape, f32), attrs);
  if (codesShape != ArrayRef(source.shape))
    values = n.node("Reshape", {values, n.integers(source.shape, source.name + "_shape")}, n.tensor(source.shape, f32));
  return n.cast(values, element);
}

/// x rounded to a format and back, at run time.
Value emitActivation(onnxir::NodeOp consumer, unsigned input, const Recipe &recipe) {
  Value x = consumer.getInput(input);
  NodeBuilder n(consumer, consumer.getName() + "_input" + Twine(input));
  Type element = getElementTypeOrSelf(x.getType()), f32 = n.b.getF32Type();
  std::unique_ptr<Format> bound = recipe.bias ? recipe.format->withBias(*recipe.bias) : nullptr;
  const Format &format = bound ? *bound : *recipe.format;
  Type codeType = num::typeOf(n.b.getContext(), format);
  auto shaped = [&](Type type) -> Type { return cast<ShapedType>(x.getType()).clone(type); };
  Value real = n.cast(x, f32);
  if (recipe.granularity == Granularity::None) {
    // The format's own type may have no number in ONNX: the cast's result says which it is.
    Value codes = n.node("Cast", real, shaped(codeType), n.b.getNamedAttr("to", TypeAttr::get(codeType)));
    return n.cast(n.node("Cast", codes, shaped(f32), n.b.getNamedAttr("to", n.b.getI64IntegerAttr(1))), element);
  }
  auto keep = n.b.getNamedAttr("keepdims", n.b.getI64IntegerAttr(0));
  Value most = n.node("ReduceMax", n.node("Abs", real, shaped(f32)), n.tensor({}, f32), keep);
  // A tensor of zeros has any scale but zero.
  most = n.node("Max", {most, n.floats({}, std::numeric_limits<float>::min() * 1024, "smallest")}, n.tensor({}, f32));
  Value scale = n.node("Div", {most, n.floats({}, float(format.largest()), "largest")}, n.tensor({}, f32));
  Value codes = n.node("QuantizeLinear", {real, scale}, shaped(codeType), n.b.getNamedAttr("output_dtype", TypeAttr::get(codeType)));
  return n.cast(n.node("DequantizeLinear", {codes, scale}, shaped(f32)), element);
}

int64_t product(ArrayRef<int64_t> sizes) { return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>()); }

class Converter {
public:
  Converter(ModuleOp module, const ConvertOptions &options, ConversionReport &report, std::vector<WeightChange> *changes)
      : module(module), options(options), report(report), changes(changes), matched(options.layers.size()) {}

  LogicalResult run() {
    SmallVector<onnxir::NodeOp> nodes;
    module.walk([&](onnxir::NodeOp node) { nodes.push_back(node); });
    for (onnxir::NodeOp node : nodes)
      convert(node);
    for (auto [i, layer] : llvm::enumerate(options.layers))
      if (!matched[i])
        error(module.getLoc(), "[TN4107] layer pattern '" + layer.pattern + "' matches no node with weights; `tenon convert` without it lists their names");
    llvm::stable_sort(report.layers, [](const LayerReport &a, const LayerReport &b) {
      return std::make_pair(a.kept.has_value(), a.quality.sqnr()) < std::make_pair(b.kept.has_value(), b.quality.sqnr());
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
    for (auto [i, layer] : llvm::enumerate(options.layers))
      if (llvm::Regex("^(" + layer.pattern + ")$").match(node.getName())) {
        matched[i] = true;
        why = "--layers " + layer.pattern + "=none";
        return layer.recipe ? &*layer.recipe : nullptr;
      }
    why = "no format was asked for";
    return options.weights ? &*options.weights : nullptr;
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
      for (unsigned input = 0; input < node.getInputs().size() && input < 2; ++input)
        if (llvm::none_of(operands, [&](const WeightOperand &w) { return w.input == input; }))
          setInput(node, input, emitActivation(node, input, *options.activations));
  }

  bool convertOperand(onnxir::NodeOp node, const WeightOperand &operand, const WeightSource &source, const Recipe &recipe, LayerReport &layer) {
    // Blocks run along all that one result sums, which lies in one piece.
    SmallVector<int64_t> shape = source.shape;
    bool isBlocked = recipe.granularity == Granularity::Block;
    if (isBlocked && operand.sumsTrailing) {
      shape.truncate(operand.blockAxis);
      shape.push_back(product(ArrayRef(source.shape).drop_front(operand.blockAxis)));
    }
    if (isBlocked && shape[operand.blockAxis] < recipe.blockSize)
      layer.note = llvm::formatv("blocks of {0} instead of {1}: a result sums no more", shape[operand.blockAxis], recipe.blockSize);
    Values values{source.values(), shape, operand.channelAxis, operand.blockAxis};
    llvm::Expected<Quantized> quantized = quantize(values, recipe, num::formatsOf(node.getContext()), options.seed);
    if (!quantized) {
      error(node.getLoc(), "weight '" + source.name + "' of " + node.getName() + ": " + toString(quantized.takeError()));
      return false;
    }
    layer.recipe = recipe.text();
    layer.format = quantized->element->name().str();
    layer.quality = quantized->quality;
    unsigned scaleBits = quantized->scaleFormat ? quantized->scaleFormat->width() : 32;
    layer.bytes = (uint64_t(source.count()) * quantized->element->width() + quantized->scales.size() * scaleBits + quantized->zeroPoints.size() * quantized->element->width() + 7) / 8;
    if (!quantized->scales.empty()) {
      auto [least, most] = std::minmax_element(quantized->scales.begin(), quantized->scales.end());
      layer.smallestScale = *least, layer.largestScale = *most;
    }
    std::string text = llvm::formatv("weights {0} are kept as {1}, SQNR {2:F1} dB", source.name, layer.recipe, layer.quality.sqnr());
    node->setLoc(withNote(node.getLoc(), "TN4030", text));
    if (changes)
      changes->push_back({node.getName().str(), operand.input, source.name, layer.shape, {shape.begin(), shape.end()}, *quantized});
    Type element = getElementTypeOrSelf(node.getInput(operand.input).getType());
    setInput(node, operand.input, emitWeight(node, source, shape, std::move(*quantized), element));
    return true;
  }

  static void setInput(onnxir::NodeOp node, unsigned input, Value value) { node->setOperand(input, value); }

  ModuleOp module;
  const ConvertOptions &options;
  ConversionReport &report;
  std::vector<WeightChange> *changes;
  std::vector<bool> matched;
  bool ok = true;
};

struct ConvertWeights : impl::ConvertWeightsPassBase<ConvertWeights> {
  using ConvertWeightsPassBase::ConvertWeightsPassBase;

  void runOnOperation() override {
    std::vector<std::string> rules(layers.begin(), layers.end());
    llvm::Expected<ConvertOptions> options = ConvertOptions::parse(weights, rules, activations, num::formatsOf(&getContext()));
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
                                                     llvm::StringRef activations, const FormatRegistry &formats) {
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
  if (recipe.format->kind() >= FormatKind::Block || (recipe.format->needsBias() && !recipe.bias) || recipe.granularity == Granularity::Block)
    return llvm::createStringError("[TN4105] '" + activations + "': activations take a format of single values with no scale or one scale a tensor; a bias must be given (bias=N)");
  if (recipe.granularity == Granularity::Channel) // what integers have by default
    options.activations->granularity = Granularity::Tensor;
  return options;
}

LogicalResult convertWeights(ModuleOp imported, const ConvertOptions &options, ConversionReport &report, std::vector<WeightChange> *changes) {
  return Converter(imported, options, report, changes).run();
}

} // namespace tenon::numerics
