// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types as an artifact tells them to the runtime, which knows ONNX's numbers alone. A tensor of a
// format that has none appears as what holds its codes: an unsigned integer of 8, 16 or 32 bits.
#include "tenon/Target/Common/ManifestTypes.h"

#include "tenon/Dialect/Num/IR/Num.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"

using namespace mlir;

namespace tenon {

int32_t manifestType(Type element) {
  if (int code = onnxir::codeOfElementType(element); code || !num::isCoded(element))
    return code;
  unsigned width = num::codeType(element).getWidth();
  return onnxir::codeOfElementType(IntegerType::get(element.getContext(), width, IntegerType::Unsigned));
}

} // namespace tenon
