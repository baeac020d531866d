// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_ONNX_OPS_TD
#define TENON_ONNX_OPS_TD
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "tenon/Dialect/ONNX/IR/OnnxDialect.td"
include "tenon/Dialect/ONNX/IR/OnnxTypes.td"

class Onnx_Op<string mnemonic, list<Trait> traits = []> : Op<Onnx_Dialect, mnemonic, traits>;

def Onnx_NodeOp : Onnx_Op<"node"> {
  let summary = "One ONNX node, whatever its operator";
  let description = [{
    `op_type` and `domain` name the operator (the default domain is ""),
    `opset` is the version of the domain that the model imports, `since` the
    version of the schema that applies, i.e. the newest one not above `opset`
    (1 where the domain has no schemas). An omitted optional input is an
    `onnx.none`; trailing omitted inputs are dropped, omitted outputs kept.

    `attrs` holds the attributes that the model states, no defaults: INT is an
    i64, FLOAT an f32, STRING a string, INTS `array<i64>`, FLOATS `array<f32>`,
    STRINGS an array of strings, TENSOR an elements attribute, TYPE_PROTO a type.
    Graph attributes are regions, named in order by `subgraphs`; they use values
    of the surrounding graph directly and end in `onnx.yield`.

    ```mlir
    %y = onnx.node "Conv"(%x, %w) {name = "conv1", domain = "", since = 11 : i64,
           opset = 17 : i64, attrs = {strides = array<i64: 2, 2>}}
         : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x4x4xf32>
    ```
    Constraints: (C1) `op_type` and `name` are not empty. (C2) 1 <= `since` <=
    `opset`. (C3) `subgraphs` has one distinct name for each region. (C4) Each
    region ends in `onnx.yield`.
  }];
  let arguments = (ins
    StrAttr:$op_type,
    Variadic<AnyType>:$inputs,
    StrAttr:$name,
    DefaultValuedStrAttr<StrAttr, "">:$domain,
    I64Attr:$since,
    I64Attr:$opset,
    DefaultValuedAttr<DictionaryAttr, "{}">:$attrs,
    DefaultValuedAttr<StrArrayAttr, "{}">:$subgraphs);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region VariadicRegion<SizedRegion<1>>:$bodies);
  let assemblyFormat = [{
    $op_type `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) ($bodies^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// "Conv", or "com.microsoft::Gelu" outside the default domain.
    std::string getQualifiedType();

    /// The i-th input, or null where the model omits it.
    ::mlir::Value getInput(unsigned i);
    bool hasInput(unsigned i) { return static_cast<bool>(getInput(i)); }

    /// Attributes by name, with the value that holds where the model has none.
    ::mlir::Attribute getAttribute(::llvm::StringRef name);
    bool hasAttribute(::llvm::StringRef name) { return static_cast<bool>(getAttribute(name)); }
    int64_t getInt(::llvm::StringRef name, int64_t otherwise);
    double getFloat(::llvm::StringRef name, double otherwise);
    ::llvm::StringRef getString(::llvm::StringRef name, ::llvm::StringRef otherwise);
    std::optional<::llvm::ArrayRef<int64_t>> getInts(::llvm::StringRef name);
    std::optional<::llvm::ArrayRef<float>> getFloats(::llvm::StringRef name);
    ::llvm::SmallVector<::llvm::StringRef> getStrings(::llvm::StringRef name);
    ::mlir::ElementsAttr getElements(::llvm::StringRef name);

    /// The subgraph attribute of that name, or null.
    ::mlir::Region *getSubgraph(::llvm::StringRef name);
  }];
}

def Onnx_NoneOp : Onnx_Op<"none", [Pure]> {
  let summary = "An omitted optional input";
  let results = (outs NoneType:$output);
  let assemblyFormat = "attr-dict `:` type($output)";
}

def Onnx_ConstantOp : Onnx_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "output"]>]> {
  let summary = "An initializer or a Constant node";
  let description = [{
    Up to 16 elements are stored inline (`dense`), more of them as a
    `dense_resource` over the model file's mapped bytes.

    ```mlir
    %w = onnx.constant dense<[1, -1]> : tensor<2xi64> {name = "shape"}
    ```
  }];
  let arguments = (ins ElementsAttr:$value, DefaultValuedStrAttr<StrAttr, "">:$name);
  let results = (outs AnyTensor:$output);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
}

def Onnx_YieldOp : Onnx_Op<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<["NodeOp"]>]> {
  let summary = "The outputs of a subgraph";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}
#endif
