// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX types to MLIR types. All element types of ONNX 1.23 are listed here and
// nowhere else.
#include "Tensors.h"
#include "mlir/IR/Builders.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Frontend/ONNX/TensorFile.h"

using namespace mlir;
using namespace tenon::onnxfe;
using onnx::TensorProto;

namespace {
constexpr int64_t kLargestDim = int64_t(1) << 48;

struct ElementInfo {
  int onnxType;
  const char *name;
  Type (*make)(Builder &);
};

const ElementInfo kElements[] = {
    {TensorProto::FLOAT, "FLOAT", [](Builder &b) -> Type { return b.getF32Type(); }},
    {TensorProto::UINT8, "UINT8", [](Builder &b) -> Type { return b.getIntegerType(8, false); }},
    {TensorProto::INT8, "INT8", [](Builder &b) -> Type { return b.getIntegerType(8); }},
    {TensorProto::UINT16, "UINT16", [](Builder &b) -> Type { return b.getIntegerType(16, false); }},
    {TensorProto::INT16, "INT16", [](Builder &b) -> Type { return b.getIntegerType(16); }},
    {TensorProto::INT32, "INT32", [](Builder &b) -> Type { return b.getIntegerType(32); }},
    {TensorProto::INT64, "INT64", [](Builder &b) -> Type { return b.getIntegerType(64); }},
    {TensorProto::STRING, "STRING",
     [](Builder &b) -> Type { return tenon::onnxir::StringType::get(b.getContext()); }},
    {TensorProto::BOOL, "BOOL", [](Builder &b) -> Type { return b.getI1Type(); }},
    {TensorProto::FLOAT16, "FLOAT16", [](Builder &b) -> Type { return b.getF16Type(); }},
    {TensorProto::DOUBLE, "DOUBLE", [](Builder &b) -> Type { return b.getF64Type(); }},
    {TensorProto::UINT32, "UINT32", [](Builder &b) -> Type { return b.getIntegerType(32, false); }},
    {TensorProto::UINT64, "UINT64", [](Builder &b) -> Type { return b.getIntegerType(64, false); }},
    {TensorProto::COMPLEX64, "COMPLEX64",
     [](Builder &b) -> Type { return ComplexType::get(b.getF32Type()); }},
    {TensorProto::COMPLEX128, "COMPLEX128",
     [](Builder &b) -> Type { return ComplexType::get(b.getF64Type()); }},
    {TensorProto::BFLOAT16, "BFLOAT16", [](Builder &b) -> Type { return b.getBF16Type(); }},
    {TensorProto::FLOAT8E4M3FN, "FLOAT8E4M3FN",
     [](Builder &b) -> Type { return b.getType<Float8E4M3FNType>(); }},
    {TensorProto::FLOAT8E4M3FNUZ, "FLOAT8E4M3FNUZ",
     [](Builder &b) -> Type { return b.getType<Float8E4M3FNUZType>(); }},
    {TensorProto::FLOAT8E5M2, "FLOAT8E5M2", [](Builder &b) -> Type { return b.getType<Float8E5M2Type>(); }},
    {TensorProto::FLOAT8E5M2FNUZ, "FLOAT8E5M2FNUZ",
     [](Builder &b) -> Type { return b.getType<Float8E5M2FNUZType>(); }},
    {TensorProto::UINT4, "UINT4", [](Builder &b) -> Type { return b.getIntegerType(4, false); }},
    {TensorProto::INT4, "INT4", [](Builder &b) -> Type { return b.getIntegerType(4); }},
    {TensorProto::FLOAT4E2M1, "FLOAT4E2M1", [](Builder &b) -> Type { return b.getType<Float4E2M1FNType>(); }},
    {TensorProto::FLOAT8E8M0, "FLOAT8E8M0",
     [](Builder &b) -> Type { return b.getType<Float8E8M0FNUType>(); }},
    {TensorProto::UINT2, "UINT2", [](Builder &b) -> Type { return b.getIntegerType(2, false); }},
    {TensorProto::INT2, "INT2", [](Builder &b) -> Type { return b.getIntegerType(2); }},
    {TensorProto::FLOAT6E2M3, "FLOAT6E2M3", [](Builder &b) -> Type { return b.getType<Float6E2M3FNType>(); }},
    {TensorProto::FLOAT6E3M2, "FLOAT6E3M2", [](Builder &b) -> Type { return b.getType<Float6E3M2FNType>(); }},
};
} // namespace

std::string tenon::onnxfe::elementTypeName(int onnxType) {
  for (const ElementInfo &info : kElements)
    if (info.onnxType == onnxType)
      return info.name;
  return "element type " + std::to_string(onnxType);
}

Type tenon::onnxfe::elementType(MLIRContext *context, int onnxType) {
  Builder builder(context);
  for (const ElementInfo &info : kElements)
    if (info.onnxType == onnxType)
      return info.make(builder);
  return {};
}

int32_t tenon::onnxDataType(Type element) {
  Builder builder(element.getContext());
  for (const ElementInfo &info : kElements)
    if (info.make(builder) == element)
      return info.onnxType;
  return TensorProto::UNDEFINED;
}

Type tenon::onnxElementType(MLIRContext &context, int32_t dataType) { return onnxfe::elementType(&context, dataType); }

RankedTensorType TensorReader::tensorType(const TensorProto &tensor, const std::string &place) {
  Type element = elementType(context, tensor.data_type());
  if (!element) {
    problems.error(UnsupportedType, place,
                   "has " + elementTypeName(tensor.data_type()) + ", which ONNX 1.23 does not define");
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
    Type element =
        elem == TensorProto::UNDEFINED ? Type(onnxir::UnknownType::get(context)) : elementType(context, elem);
    if (!element) {
      problems.error(UnsupportedType, place,
                     "has " + elementTypeName(elem) + ", which ONNX 1.23 does not define");
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
    Type key = elementType(context, proto.map_type().key_type());
    Type value = key ? type(proto.map_type().value_type(), place) : Type();
    if (value)
      return onnxir::MapType::get(context, key, value);
    if (!key)
      problems.error(UnsupportedType, place,
                     "is a map with keys of " + elementTypeName(proto.map_type().key_type()));
    return {};
  }
  case onnx::TypeProto::VALUE_NOT_SET:
    return UnrankedTensorType::get(onnxir::UnknownType::get(context));
  case onnx::TypeProto::kSparseTensorType:
    problems.error(SparseUnsupported, place,
                   "is a sparse tensor, which Tenon does not support; store it densely");
    return {};
  default:
    problems.error(UnsupportedType, place, "has an opaque type");
    return {};
  }
}
