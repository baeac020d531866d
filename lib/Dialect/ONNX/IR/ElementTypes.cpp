// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's element types by their numbers in TensorProto.DataType: the formats
// that name one (formats/*.yaml), and the types that are no number format.
#include "mlir/IR/Builders.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"

using namespace mlir;

namespace {

struct ElementInfo {
  int code;
  const char *name;
  Type (*make)(Builder &);
};

const ElementInfo kOthers[] = {
    {8, "STRING", [](Builder &b) -> Type { return b.getType<tenon::onnxir::StringType>(); }},
    {14, "COMPLEX64", [](Builder &b) -> Type { return ComplexType::get(b.getF32Type()); }},
    {15, "COMPLEX128", [](Builder &b) -> Type { return ComplexType::get(b.getF64Type()); }},
};

} // namespace

Type tenon::onnxir::elementTypeOfCode(MLIRContext *context, int64_t code) {
  if (const numerics::Format *format = num::formatsOf(context).findOnnx(int(code)))
    return num::typeOf(context, *format);
  Builder builder(context);
  for (const ElementInfo &info : kOthers)
    if (info.code == code)
      return info.make(builder);
  return {};
}

int tenon::onnxir::codeOfElementType(Type type) {
  if (const numerics::Format *format = num::formatOf(type))
    return format->declaration().onnxCode;
  Builder builder(type.getContext());
  for (const ElementInfo &info : kOthers)
    if (info.make(builder) == type)
      return info.code;
  return 0;
}

std::string tenon::onnxir::elementTypeName(MLIRContext *context, int64_t code) {
  if (const numerics::Format *format = num::formatsOf(context).findOnnx(int(code)))
    return format->declaration().onnx;
  for (const ElementInfo &info : kOthers)
    if (info.code == code)
      return info.name;
  return "element type " + std::to_string(code);
}
