// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The shape of each op is inferred when it is created, so that the next query knows it, until the first error
// of the node. That error is reported alone: after it, queries answer with values that do no harm, and ops are
// created without shapes. The short spellings create no op where it would change nothing, as a cast to the
// same type or a squeeze of no axes.
#include "NodeContext.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

llvm::LogicalResult NodeContext::error(Problem problem, const Twine &text) {
  // Only the first problem of a node: later ones follow from it.
  if (!hasFailed)
    emitError(loc) << "[TN" << int(problem) << "] " << node.getName() << " (" << node.getQualifiedType() << ", opset "
                   << node.getOpset() << "): " << text;
  hasFailed = true;
  return llvm::failure();
}

llvm::LogicalResult NodeContext::refuseUnknownAttributes() {
  for (NamedAttribute attribute : node.getAttrs())
    if (StringRef name = attribute.getName(); !known.contains(name) && !name.starts_with("__"))
      return error(Problem::unsupported, "attribute " + name + " has no form");
  return llvm::success();
}

//===-- what is known of values ---------------------------------------------===//

int64_t NodeContext::rank(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getRank() : 0;
}

std::optional<int64_t> NodeContext::staticDim(Value value, int64_t index) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || index < 0 || index >= type.getRank() || type.isDynamicDim(index))
    return std::nullopt;
  return type.getDimSize(index);
}

int64_t NodeContext::requireDim(Value value, int64_t index, StringRef what) {
  if (auto size = staticDim(value, index))
    return *size;
  (void)error(Problem::notConstant, what + " is not known when the model is compiled; give the input a static shape");
  return 1;
}

int64_t NodeContext::axis(int64_t given, int64_t rank, StringRef what) {
  if (given >= -rank && given < rank)
    return given < 0 ? given + rank : given;
  (void)error(Problem::range,
              what + " = " + Twine(given) + ", expected a value in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
  return 0;
}

Ints NodeContext::axes(ArrayRef<int64_t> given, int64_t rank, StringRef what) {
  Ints result;
  for (int64_t one : given)
    result.push_back(axis(one, rank, what));
  llvm::sort(result);
  result.erase(llvm::unique(result), result.end());
  return result;
}

Ints NodeContext::constantInts(Value value, StringRef what) {
  if (auto values = shapes.getConstantInts(value))
    return *values;
  (void)error(Problem::notConstant, "input " + what + " must be constant");
  return {};
}

std::optional<double> NodeContext::tryReal(Value value) {
  auto constant = value ? value.getDefiningOp<graph::ConstantOp>() : graph::ConstantOp();
  auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  if (!dense || !isa<FloatType>(dense.getElementType()) || dense.getNumElements() != 1)
    return std::nullopt;
  return (*dense.getValues<APFloat>().begin()).convertToDouble();
}

std::optional<Ints> NodeContext::axesByInputOrAttribute(unsigned index, int64_t rank) {
  if (Value given = input(index))
    return axes(constantInts(given, "axes"), rank);
  if (auto given = ints("axes"))
    return axes(*given, rank);
  return std::nullopt;
}

//===-- constants -----------------------------------------------------------===//

Type NodeContext::typeOfCode(int64_t code) {
  Type type = onnxir::elementTypeOfCode(builder.getContext(), code);
  return isa_and_nonnull<IntegerType, FloatType>(type) ? type : Type();
}

Value NodeContext::constant(ElementsAttr value) {
  return graph::ConstantOp::create(builder, loc, value.getType(), value);
}

Value NodeContext::shapeConstant(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({int64_t(values.size())}, i64());
  return constant(DenseElementsAttr::get(type, values));
}

Value NodeContext::scalar(Type element, double value) {
  auto type = RankedTensorType::get({}, element);
  Attribute attr;
  if (isa<FloatType>(element))
    attr = FloatAttr::get(element, value);
  else if (auto integer = dyn_cast<IntegerType>(element))
    attr = IntegerAttr::get(integer, APInt(integer.getWidth(), uint64_t(int64_t(value)), false, true));
  if (!attr) {
    (void)error(Problem::type, "no constants of this element type");
    return shapeConstant({0});
  }
  return constant(DenseElementsAttr::get(type, ArrayRef<Attribute>(attr)));
}

Value NodeContext::realConstant(ArrayRef<float> values) {
  return constant(DenseElementsAttr::get(RankedTensorType::get({int64_t(values.size())}, f32()), values));
}

//===-- creating ops --------------------------------------------------------===//

void NodeContext::visit(Operation *op) {
  // Operands made after an error have no shapes to infer from.
  if (!hasFailed && llvm::failed(shapes.visit(op)))
    hasFailed = true;
}

Value NodeContext::unary(UnaryKind kind, Value x, float alpha, float beta) {
  bool isPredicate = kind == UnaryKind::is_nan || kind == UnaryKind::is_inf || kind == UnaryKind::is_pos_inf ||
                     kind == UnaryKind::is_neg_inf;
  return create<graph::UnaryOp>(isPredicate ? i1() : elementType(x), kind, x, APFloat(alpha), APFloat(beta));
}

Value NodeContext::binary(BinaryKind kind, Value lhs, Value rhs) {
  if (elementType(lhs) != elementType(rhs))
    rhs = castLike(rhs, lhs);
  return create<graph::BinaryOp>(kind >= BinaryKind::eq ? i1() : elementType(lhs), kind, lhs, rhs);
}

Value NodeContext::select(Value condition, Value a, Value b) {
  return create<graph::SelectOp>(elementType(a), condition, a, b);
}

Value NodeContext::cast(Value x, Type element) {
  return elementType(x) == element ? x
                                   : create<graph::CastOp>(element, x, true, tenon::num::RoundingAttr(), IntegerAttr());
}

Value NodeContext::reduce(ReduceKind kind, Value x, ArrayRef<int64_t> axes, bool keepDims) {
  if (axes.empty() && kind <= ReduceKind::prod)
    return x;
  return create<graph::ReduceOp>(elementType(x), kind, x, axes, keepDims);
}

Value NodeContext::matmul(Value a, Value b, bool transposeA, bool transposeB) {
  return create<graph::MatMulOp>(elementType(a), a, b, transposeA, transposeB, TypeAttr());
}

Value NodeContext::transpose(Value x, ArrayRef<int64_t> perm) {
  if (llvm::is_sorted(perm))
    return x;
  return create<graph::TransposeOp>(elementType(x), x, perm);
}

Value NodeContext::squeeze(Value x, ArrayRef<int64_t> axes) {
  return axes.empty() ? x : create<graph::SqueezeOp>(elementType(x), x, axes);
}

Value NodeContext::unsqueeze(Value x, ArrayRef<int64_t> axes) {
  return axes.empty() ? x : create<graph::UnsqueezeOp>(elementType(x), x, axes);
}

Value NodeContext::flatten(Value x, int64_t begin, int64_t end) {
  return end - begin == 1 ? x : create<graph::FlattenOp>(elementType(x), x, uint64_t(begin), uint64_t(end));
}

Value NodeContext::reshape(Value x, ArrayRef<Extent> shape) {
  return create<graph::ReshapeOp>(elementType(x), x, shapeOf(shape));
}

Value NodeContext::reshapeLike(Value x, Value like) {
  if (x.getType() == like.getType() && cast<TensorType>(x.getType()).hasStaticShape())
    return x;
  return reshape(x, extentsOf(like));
}

Value NodeContext::expand(Value x, ArrayRef<Extent> shape) {
  return create<graph::ExpandOp>(elementType(x), x, shapeOf(shape));
}

Value NodeContext::concat(ArrayRef<Value> parts, int64_t axis) {
  return parts.size() == 1 ? parts[0] : create<graph::ConcatOp>(elementType(parts[0]), parts, uint64_t(axis));
}

Value NodeContext::slice(Value x, int64_t axis, int64_t begin, int64_t end) {
  return slice(x, axis, Extent(begin), Extent(end));
}

Value NodeContext::slice(Value x, int64_t axis, Extent begin, Extent end) {
  Value starts = shapeOf(begin), ends = shapeOf(end);
  return create<graph::SliceOp>(elementType(x), x, starts, ends, ArrayRef<int64_t>(axis), ArrayRef<int64_t>(1));
}

Value NodeContext::gather(Value x, Value indices, int64_t axis) {
  return create<graph::GatherOp>(elementType(x), x, indices, uint64_t(axis));
}

Value NodeContext::asShape(Value value) {
  value = cast(value, i64());
  return rank(value) == 0 && !hasFailed ? unsqueeze(value, {0}) : value;
}

llvm::SmallVector<Extent> NodeContext::extentsOf(Value x) {
  SmallVector<Extent> extents;
  for (int64_t i = 0, e = rank(x); i != e; ++i)
    extents.push_back(Extent::dimOf(x, i));
  return extents;
}

Value NodeContext::shapeOf(ArrayRef<Extent> extents) {
  // Runs of numbers are one constant; the rest are read from shapes.
  SmallVector<Value> parts;
  Ints numbers;
  auto flush = [&] {
    if (!numbers.empty())
      parts.push_back(shapeConstant(numbers));
    numbers.clear();
  };
  for (const Extent &extent : extents) {
    if (!extent.source) {
      numbers.push_back(extent.number);
    } else if (extent.isElement) {
      flush();
      parts.push_back(slice(extent.source, 0, extent.index, extent.index + 1));
    } else if (auto size = staticDim(extent.source, extent.index)) {
      numbers.push_back(*size);
    } else {
      flush();
      parts.push_back(create<graph::ShapeOp>(i64(), extent.source, uint64_t(extent.index), uint64_t(extent.index + 1)));
    }
  }
  flush();
  return parts.empty() ? shapeConstant({}) : concat(parts, 0);
}
