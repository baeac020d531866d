// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX types to MLIR types.
#include "Tensors.h"
#include "mlir/IR/Builders.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"

using namespace mlir;
using namespace tenon::onnxfe;
using onnx::TensorProto;

namespace {
constexpr int64_t kLargestDim = int64_t(1) << 48;
} // namespace

RankedTensorType TensorReader::tensorType(const TensorProto &tensor, const std::string &place) {
  Type element = tenon::onnxir::elementTypeOfCode(context, tensor.data_type());
  if (!element) {
    problems.error(UnsupportedType, place,
                   "has " + tenon::onnxir::elementTypeName(context, tensor.data_type()) +
                       ", which ONNX 1.23 does not define");
    return {};
  }
  // The product over the non-zero dimensions is bounded too, so that no later
  // stage has to think about overflow.
  int64_t product = 1;
  for (int64_t dim : tensor.dims()) {
    if (dim < 0 || dim > kLargestDim || (dim > 0 && product > kLargestDim / dim)) {
      problems.error(BadDimension, place,
                     "has dimension " + Twine(dim) +
                         "; dimensions of a tensor's value are at least 0 and their "
                         "product at most 2^48");
      return {};
    }
    product *= std::max<int64_t>(dim, 1);
  }
  return RankedTensorType::get(SmallVector<int64_t>(tensor.dims().begin(), tensor.dims().end()), element);
}

Type TensorReader::type(const onnx::TypeProto &proto, const std::string &place) {
  auto ofTensor = [&](int elem, const onnx::TensorShapeProto *shape) -> Type {
    Type element = elem == TensorProto::UNDEFINED ? Type(onnxir::UnknownType::get(context))
                                                  : tenon::onnxir::elementTypeOfCode(context, elem);
    if (!element) {
      problems.error(UnsupportedType, place,
                     "has " + tenon::onnxir::elementTypeName(context, elem) + ", which ONNX 1.23 does not define");
      return {};
    }
    if (!shape)
      return UnrankedTensorType::get(element);
    SmallVector<int64_t> dims;
    int64_t product = 1;
    for (const onnx::TensorShapeProto::Dimension &dim : shape->dim()) {
      int64_t value = ShapedType::kDynamic;
      // Exporters write -1 for an unnamed unknown dimension.
      if (dim.has_dim_value() && dim.dim_value() != -1) {
        value = dim.dim_value();
        if (value < 0 || value > kLargestDim || (value > 0 && product > kLargestDim / value)) {
          problems.error(BadDimension, place,
                         "has dimension " + Twine(value) +
                             "; static dimensions are at least 0 and their product at "
                             "most 2^48");
          return {};
        }
        product *= std::max<int64_t>(value, 1);
      }
      dims.push_back(value);
    }
    return RankedTensorType::get(dims, element);
  };
  switch (proto.value_case()) {
  case onnx::TypeProto::kTensorType:
    return ofTensor(proto.tensor_type().elem_type(),
                    proto.tensor_type().has_shape() ? &proto.tensor_type().shape() : nullptr);
  case onnx::TypeProto::kSequenceType:
    if (Type inner = type(proto.sequence_type().elem_type(), place))
      return onnxir::SequenceType::get(context, inner);
    return {};
  case onnx::TypeProto::kOptionalType:
    if (Type inner = type(proto.optional_type().elem_type(), place))
      return onnxir::OptionalType::get(context, inner);
    return {};
  case onnx::TypeProto::kMapType: {
    Type key = tenon::onnxir::elementTypeOfCode(context, proto.map_type().key_type());
    Type value = key ? type(proto.map_type().value_type(), place) : Type();
    if (value)
      return onnxir::MapType::get(context, key, value);
    if (!key)
      problems.error(UnsupportedType, place,
                     "is a map with keys of " + tenon::onnxir::elementTypeName(context, proto.map_type().key_type()));
    return {};
  }
  case onnx::TypeProto::VALUE_NOT_SET: return UnrankedTensorType::get(onnxir::UnknownType::get(context));
  case onnx::TypeProto::kSparseTensorType:
    problems.error(SparseUnsupported, place, "is a sparse tensor, which Tenon does not support; store it densely");
    return {};
  default: problems.error(UnsupportedType, place, "has an opaque type"); return {};
  }
}
