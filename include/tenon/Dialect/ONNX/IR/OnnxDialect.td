// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_ONNX_DIALECT_TD
#define TENON_ONNX_DIALECT_TD
include "mlir/IR/OpBase.td"

def Onnx_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::tenon::onnxir";
  let summary = "An ONNX model as it was written, before any interpretation";
  let description = [{
    One generic operation, `onnx.node`, stands for every ONNX operator: its
    knowledge stays in ONNX's own schema library, which the importer asks. What
    each operator means is decided once, by the conversion to `graph`.

    Element types are MLIR's builtin ones (FLOAT is `f32`, INT8 `i8`, UINT8
    `ui8`, BOOL `i1`, FLOAT8E4M3FN `f8E4M3FN`); STRING is `!onnx.string`.
    The function carries the names: `onnx.name` and `onnx.dims` on arguments
    and results, `onnx.opset` on the function, `onnx.ir_version` and
    `onnx.producer` on the module.
  }];
  let dependentDialects = ["::tenon::num::NumDialect"];
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{ void registerTypes(); }];
}
#endif
