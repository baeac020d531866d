// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's element types by their numbers in TensorProto.DataType. All of ONNX
// 1.23 are listed here and nowhere else.
#include "mlir/IR/Builders.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"

using namespace mlir;

namespace {

struct ElementInfo {
  int code;
  const char *name;
  Type (*make)(Builder &);
};

template <typename T> Type make(Builder &b) { return b.getType<T>(); }
template <unsigned width> Type signless(Builder &b) { return b.getIntegerType(width); }
template <unsigned width> Type withoutSign(Builder &b) { return b.getIntegerType(width, /*isSigned=*/false); }

const ElementInfo kElements[] = {
    {1, "FLOAT", make<Float32Type>},
    {2, "UINT8", withoutSign<8>},
    {3, "INT8", signless<8>},
    {4, "UINT16", withoutSign<16>},
    {5, "INT16", signless<16>},
    {6, "INT32", signless<32>},
    {7, "INT64", signless<64>},
    {8, "STRING", make<tenon::onnxir::StringType>},
    {9, "BOOL", signless<1>},
    {10, "FLOAT16", make<Float16Type>},
    {11, "DOUBLE", make<Float64Type>},
    {12, "UINT32", withoutSign<32>},
    {13, "UINT64", withoutSign<64>},
    {14, "COMPLEX64", [](Builder &b) -> Type { return ComplexType::get(b.getF32Type()); }},
    {15, "COMPLEX128", [](Builder &b) -> Type { return ComplexType::get(b.getF64Type()); }},
    {16, "BFLOAT16", make<BFloat16Type>},
    {17, "FLOAT8E4M3FN", make<Float8E4M3FNType>},
    {18, "FLOAT8E4M3FNUZ", make<Float8E4M3FNUZType>},
    {19, "FLOAT8E5M2", make<Float8E5M2Type>},
    {20, "FLOAT8E5M2FNUZ", make<Float8E5M2FNUZType>},
    {21, "UINT4", withoutSign<4>},
    {22, "INT4", signless<4>},
    {23, "FLOAT4E2M1", make<Float4E2M1FNType>},
    {24, "FLOAT8E8M0", make<Float8E8M0FNUType>},
    {25, "UINT2", withoutSign<2>},
    {26, "INT2", signless<2>},
    {27, "FLOAT6E2M3", make<Float6E2M3FNType>},
    {28, "FLOAT6E3M2", make<Float6E3M2FNType>},
};

} // namespace

Type tenon::onnxir::elementTypeOfCode(MLIRContext *context, int64_t code) {
  Builder builder(context);
  for (const ElementInfo &info : kElements)
    if (info.code == code)
      return info.make(builder);
  return {};
}

int tenon::onnxir::codeOfElementType(Type type) {
  Builder builder(type.getContext());
  for (const ElementInfo &info : kElements)
    if (info.make(builder) == type)
      return info.code;
  return 0;
}

std::string tenon::onnxir::elementTypeName(int64_t code) {
  for (const ElementInfo &info : kElements)
    if (info.code == code)
      return info.name;
  return "element type " + std::to_string(code);
}
