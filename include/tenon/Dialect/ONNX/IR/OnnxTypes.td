// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_ONNX_TYPES_TD
#define TENON_ONNX_TYPES_TD
include "mlir/IR/AttrTypeBase.td"
include "tenon/Dialect/ONNX/IR/OnnxDialect.td"

class Onnx_Type<string name, string typeMnemonic> : TypeDef<Onnx_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Onnx_String : Onnx_Type<"String", "string"> {
  let summary = "ONNX STRING, as an element type of tensors";
}

def Onnx_Sequence : Onnx_Type<"Sequence", "sequence"> {
  let summary = "ONNX sequence(T)";
  let parameters = (ins "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
}

def Onnx_Optional : Onnx_Type<"Optional", "optional"> {
  let summary = "ONNX optional(T)";
  let parameters = (ins "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
}

def Onnx_Map : Onnx_Type<"Map", "map"> {
  let summary = "ONNX map(K, V)";
  let parameters = (ins "::mlir::Type":$keyType, "::mlir::Type":$valueType);
  let assemblyFormat = "`<` $keyType `,` $valueType `>`";
}

def Onnx_Unknown : Onnx_Type<"Unknown", "unknown"> {
  let summary = "A value whose type ONNX's inference does not tell";
  let description = [{
    The result of an operator without a schema (another vendor's domain): not
    even the element type is known. As an element type: `tensor<*x!onnx.unknown>`.
  }];
}
#endif
