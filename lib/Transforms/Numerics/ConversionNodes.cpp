// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// These nodes live in the IR only, so they all follow one opset, whatever the model's. A format that ONNX has
// no number for is named by its type. Conversions are computed in f32, with casts in front and behind for
// operands of other types. The nodes of an ONNX file are written by lib/Frontend/ONNX/Export.cpp.
#include "ConversionNodes.h"

#include "mlir/IR/AsmState.h"
#include "tenon/Dialect/Num/IR/Num.h"

using namespace mlir;

namespace tenon::numerics {

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
      value = DenseResourceElementsAttr::get(type, name.str(),
                                             UnmanagedAsmResourceBlob::allocateWithAlign(
                                                 data, alignof(std::max_align_t), [shared](void *, size_t, size_t) {}));
    return onnxir::ConstantOp::create(b, NameLoc::get(b.getStringAttr(name)), type, value, b.getStringAttr(name));
  }
  Value integers(ArrayRef<int64_t> values, const Twine &name) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(values.data());
    return constant(b.getI64Type(), {int64_t(values.size())},
                    std::vector<uint8_t>(bytes, bytes + values.size() * sizeof(int64_t)), name);
  }
  Value floats(ArrayRef<int64_t> shape, ArrayRef<float> values, const Twine &name) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(values.data());
    return constant(b.getF32Type(), shape, std::vector<uint8_t>(bytes, bytes + values.size() * sizeof(float)), name);
  }
};

} // namespace

Value emitWeight(onnxir::NodeOp consumer, const WeightSource &source, ArrayRef<int64_t> codesShape, Quantized quantized,
                 Type element) {
  MLIRContext *context = consumer.getContext();
  NodeBuilder n(consumer, source.name);
  Type codeType = num::typeOf(context, *quantized.element), f32 = n.b.getF32Type();
  Value codes =
      n.constant(codeType, codesShape, std::move(quantized.codes), source.name + "_" + quantized.element->name());
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
      scale = n.node("Mul", {scale, n.floats({}, *quantized.globalScale, source.name + "_global_scale")},
                     n.tensor(shape, f32));
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

Value emitActivation(onnxir::NodeOp consumer, unsigned input, const FixedConversion &conversion) {
  Value x = consumer.getInput(input);
  std::string name = (consumer.getName() + "_input" + Twine(input)).str();
  NodeBuilder n(consumer, name);
  Type element = getElementTypeOrSelf(x.getType()), f32 = n.b.getF32Type();
  Type codeType = num::typeOf(n.b.getContext(), *conversion.format);
  auto shaped = [&](Type type) -> Type { return cast<ShapedType>(x.getType()).clone(type); };
  Value real = n.cast(x, f32);
  if (!conversion.scale) {
    // The format's own type may have no number in ONNX: the cast's result says which it is.
    Value codes = n.node("Cast", real, shaped(codeType), n.b.getNamedAttr("to", TypeAttr::get(codeType)));
    return n.cast(n.node("Cast", codes, shaped(f32), n.b.getNamedAttr("to", n.b.getI64IntegerAttr(1))), element);
  }
  SmallVector<Value> scaling{n.floats({}, *conversion.scale, name + "_scale")};
  SmallVector<NamedAttribute> attrs;
  if (conversion.zeroPoint)
    scaling.push_back(n.constant(codeType, {}, {uint8_t(*conversion.zeroPoint)}, name + "_zero_point"));
  else
    attrs.push_back(n.b.getNamedAttr("output_dtype", TypeAttr::get(codeType)));
  auto with = [&](Value value) {
    SmallVector<Value> inputs{value};
    inputs.append(scaling);
    return inputs;
  };
  Value codes = n.node("QuantizeLinear", with(real), shaped(codeType), attrs);
  return n.cast(n.node("DequantizeLinear", with(codes), shaped(f32)), element);
}

Value emitActivation(onnxir::NodeOp consumer, unsigned input, const Recipe &recipe) {
  Value x = consumer.getInput(input);
  NodeBuilder n(consumer, consumer.getName() + "_input" + Twine(input));
  Type element = getElementTypeOrSelf(x.getType()), f32 = n.b.getF32Type();
  if (auto known = conversionWithoutData(recipe))
    return emitActivation(consumer, input, *known);
  std::unique_ptr<Format> bound = recipe.bias ? recipe.format->withBias(*recipe.bias) : nullptr;
  const Format &format = bound ? *bound : *recipe.format;
  Type codeType = num::typeOf(n.b.getContext(), format);
  auto shaped = [&](Type type) -> Type { return cast<ShapedType>(x.getType()).clone(type); };
  Value real = n.cast(x, f32);
  auto keep = n.b.getNamedAttr("keepdims", n.b.getI64IntegerAttr(0));
  Value most = n.node("ReduceMax", n.node("Abs", real, shaped(f32)), n.tensor({}, f32), keep);
  // A tensor of zeros has any scale but zero.
  most = n.node("Max", {most, n.floats({}, std::numeric_limits<float>::min() * 1024, "smallest")}, n.tensor({}, f32));
  Value scale = n.node("Div", {most, n.floats({}, float(format.largest()), "largest")}, n.tensor({}, f32));
  Value codes = n.node("QuantizeLinear", {real, scale}, shaped(codeType),
                       n.b.getNamedAttr("output_dtype", TypeAttr::get(codeType)));
  return n.cast(n.node("DequantizeLinear", {codes, scale}, shaped(f32)), element);
}

} // namespace tenon::numerics
