// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_GRAPH_OPS_TD
#define TENON_GRAPH_OPS_TD
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "tenon/Dialect/Graph/IR/GraphDialect.td"
include "tenon/Dialect/Graph/IR/GraphEnums.td"
include "tenon/Dialect/Graph/IR/GraphInterfaces.td"
include "tenon/Dialect/Num/IR/NumEnums.td"

def Graph_Tensor : AnyTypeOf<[AnyRankedTensor, AnyUnrankedTensor]>;
def Graph_ShapeTensor : TensorOf<[I64]>;

// Constraints have numbers (C1, C2, ...) in the descriptions; a verifier's
// message starts with the number of the constraint that does not hold.
class Graph_Op<string mnemonic, list<Trait> traits = [], Trait cost = CostOpInterface>
    : Op<Graph_Dialect, mnemonic, !listconcat([Pure,
        DeclareOpInterfaceMethods<ShapeInferenceOpInterface>,
        cost], traits)> {
  let hasVerifier = 1;
}
// An op whose work is not one operation per element of the result.
class Graph_WorkOp<string mnemonic, list<Trait> traits = []>
    : Graph_Op<mnemonic, traits, DeclareOpInterfaceMethods<CostOpInterface, ["getWork"]>>;

//===-- constants ---------------------------------------------------------===//
def Graph_ConstantOp : Graph_Op<"constant", [ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "a tensor known at compile time (dense or dense_resource)";
  let description = [{
    ```mlir
    %small = graph.constant dense<[1.0, 0.5, 0.25]> : tensor<3xf32>
    %large = graph.constant dense_resource<weights> : tensor<64x3x7x7xf32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasVerifier = 0;
  let hasFolder = 1;
}

//===-- elementwise -------------------------------------------------------===//
def Graph_UnaryOp : Graph_Op<"unary"> {
  let summary = "elementwise function of one operand";
  let description = [{
    Constraints:
    C1: the result has the element type of x, or i1 for is_* and logical_not.
    C2: logical_not needs i1.
    ```mlir
    %y = graph.unary leaky_relu %x {alpha = 0.1 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Graph_UnaryKind:$kind, Graph_Tensor:$x,
                       DefaultValuedAttr<F32Attr, "0.0f">:$alpha, DefaultValuedAttr<F32Attr, "0.0f">:$beta);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$kind $x attr-dict `:` functional-type($x, $result)";
  let hasCanonicalizer = 1;
}
def Graph_BinaryOp : Graph_Op<"binary"> {
  let summary = "elementwise function of two operands with NumPy broadcasting";
  let description = [{
    Constraints:
    C1: lhs and rhs have the same element type.
    C2: the result has it too, or i1 for comparisons.
    C3: logical_* need i1.
    ```mlir
    %y = graph.binary add %x, %bias : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
    %less = graph.binary lt %x, %y : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
    ```
  }];
  let arguments = (ins Graph_BinaryKind:$kind, Graph_Tensor:$lhs, Graph_Tensor:$rhs);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$kind $lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
  let hasCanonicalizer = 1;
}
def Graph_SelectOp : Graph_Op<"select"> {
  let summary = "elementwise choice by an i1 condition, with NumPy broadcasting";
  let description = [{
    Constraints:
    C1: the condition is i1.
    C2: lhs, rhs and the result have the same element type.
    ```mlir
    %y = graph.select %mask, %a, %b : (tensor<3xi1>, tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$condition, Graph_Tensor:$lhs, Graph_Tensor:$rhs);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$condition `,` $lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
}
def Graph_CastOp : Graph_Op<"cast"> {
  let summary = "elementwise conversion of the element type, by ONNX Cast's rules";
  let description = [{
    Real numbers become codes of formats of less than 16 bits, and of those that
    MLIR lacks, by the format's rounding, or by `rounding` if it is given;
    `saturate` says what becomes of values out of range. Stochastic rounding draws
    from `seed` and the linear index of the element in the result, so that the
    result depends on nothing else.

    Constraints:
    C1: rounding is given only where the result's format is such a format.
    C2: x and the result are of integers, floats or codes.
    C3: a seed is given only where the rounding, given or the format's own, is stochastic; given stochastic rounding needs one.
    C4: formats that are not floats round to the nearest even only.
    ```mlir
    %y = graph.cast %x : (tensor<2x3xi64>) -> tensor<2x3xf32>
    %q = graph.cast %y {rounding = 5 : i32, seed = 7 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf8E4M3FN> // stochastic
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, DefaultValuedAttr<BoolAttr, "true">:$saturate, OptionalAttr<Num_Rounding>:$rounding,
                       OptionalAttr<I64Attr>:$seed);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type($x, $result)";
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    /// How reals become codes of the result's format (which must be coded, see num::isCoded).
    numerics::Encoding getEncoding();
    /// Whether a value's code depends on its place in the tensor.
    bool isStochastic();
  }];
}

//===-- contractions ------------------------------------------------------===//
def Graph_MatMulOp : Graph_WorkOp<"matmul"> {
  let summary = "NumPy matmul; transpose_* swap the operand's last two dimensions first";
  let description = [{
    Operands may lie in narrow formats: values are exact, sums are of the
    `accumulator`, f32 unless given (f64 for a result of f64), and rounded to the
    result's format at the end. An f16 or bf16 accumulator is rounded after each
    term, in ascending order of the contracted index; others may be summed in
    any order and with fused multiply-adds.

    Constraints:
    C1: operands and the result are all of floats, in any formats, or all of integers.
    C2: operands have rank 1 or more.
    C3: an accumulator is f16, bf16, f32 or f64, and given to floats only.
    ```mlir
    %y = graph.matmul %a, %b {accumulator = f16, transpose_rhs} : (tensor<4x8xf16>, tensor<2x8xf16>) -> tensor<4x2xf16>
    ```
  }];
  let arguments = (ins Graph_Tensor:$lhs, Graph_Tensor:$rhs, UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs,
    OptionalAttr<TypeAttr>:$accumulator);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
  let hasCanonicalizer = 1;
}
def Graph_ConvOp : Graph_WorkOp<"conv"> {
  let summary = "convolution with 1 to 3 spatial dimensions";
  let description = [{
    `layout` places x's and the result's channels; the filter is always
    [out channels, in channels / group, spatial...]. pads = begins then ends.
    auto_pad other than notset replaces pads. Formats of operands and the
    accumulator are as in matmul; f16 and bf16 ones add the bias first, then
    terms in the order of channel and window.

    Constraints:
    C1: strides, dilations and pads have 1, 1 and 2 entries for each of 1 to 3 spatial dimensions.
    C2: strides and dilations are positive and, like pads, below 2^31.
    C3: x and filter have two dimensions more than there are spatial ones.
    C4: group is positive and divides the filter's out channels.
    C5: operands and the result are all of floats, in any formats, or all of integers.
    C6: an accumulator is f16, bf16, f32 or f64, and given to floats only.
    ```mlir
    %y = graph.conv %x, %w, %b {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
         : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x4x4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$filter, Optional<Graph_Tensor>:$bias,
    DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
    DefaultValuedAttr<I64Attr, "1">:$group,
    DefaultValuedAttr<Graph_AutoPad, "::tenon::graph::AutoPad::notset">:$auto_pad,
    DefaultValuedAttr<Graph_ChannelLayout, "::tenon::graph::ChannelLayout::first">:$layout,
    OptionalAttr<TypeAttr>:$accumulator);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $filter (`,` $bias^)? attr-dict `:` functional-type(operands, $result)";
}
def Graph_ConvTransposeOp : Graph_WorkOp<"conv_transpose"> {
  let summary = "transposed convolution; filter is [in channels, out channels / group, spatial...]";
  let description = [{
    Constraints:
    C1: strides, dilations and pads have 1, 1 and 2 entries for each of 1 to 3 spatial dimensions.
    C2: strides and dilations are positive and, like pads, below 2^31.
    C3: x and filter have two dimensions more than there are spatial ones.
    C4: group is positive and divides the filter's in channels.
    C5: float operands and the result have the same element type.
    C6: output_padding is empty or has one entry for each spatial dimension, output_shape likewise.
    ```mlir
    %y = graph.conv_transpose %x, %w {dilations = array<i64: 1, 1>, output_padding = array<i64: 1, 1>,
           pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
         : (tensor<1x4x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x3x16x16xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$filter, Optional<Graph_Tensor>:$bias,
    DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
    DenseI64ArrayAttr:$output_padding, OptionalAttr<DenseI64ArrayAttr>:$output_shape,
    DefaultValuedAttr<I64Attr, "1">:$group,
    DefaultValuedAttr<Graph_AutoPad, "::tenon::graph::AutoPad::notset">:$auto_pad,
    DefaultValuedAttr<Graph_ChannelLayout, "::tenon::graph::ChannelLayout::first">:$layout);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $filter (`,` $bias^)? attr-dict `:` functional-type(operands, $result)";
}

//===-- windows and reductions --------------------------------------------===//
def Graph_PoolOp : Graph_WorkOp<"pool"> {
  let summary = "max, average or Lp pooling over the spatial dimensions";
  let description = [{
    Constraints:
    C1: kernel, strides, dilations and pads have 1, 1, 1 and 2 entries for each of 1 to 3 spatial dimensions.
    C2: kernel, strides and dilations are positive and, like pads, below 2^31.
    C3: x has two dimensions more than there are spatial ones.
    C4: the result has the element type of x.
    C5: p is positive.
    ```mlir
    %y = graph.pool average %x {ceil_mode, dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>,
           pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x4x7x7xf32>) -> tensor<1x4x4x4xf32>
    ```
  }];
  let arguments = (ins Graph_PoolKind:$kind, Graph_Tensor:$x, DenseI64ArrayAttr:$kernel,
    DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
    UnitAttr:$ceil_mode, UnitAttr:$count_include_pad, DefaultValuedAttr<I64Attr, "2">:$p,
    DefaultValuedAttr<Graph_AutoPad, "::tenon::graph::AutoPad::notset">:$auto_pad,
    DefaultValuedAttr<Graph_ChannelLayout, "::tenon::graph::ChannelLayout::first">:$layout);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$kind $x attr-dict `:` functional-type($x, $result)";
}
def Graph_ReduceOp : Graph_WorkOp<"reduce"> {
  let summary = "reduction over axes (ascending, non-negative)";
  let description = [{
    Constraints:
    C1: axes are ascending and in [0, rank).
    C2: the result has the element type of x.
    ```mlir
    %y = graph.reduce mean %x {axes = array<i64: 2, 3>, keep_dims} : (tensor<1x4x8x8xf32>) -> tensor<1x4x1x1xf32>
    ```
  }];
  let arguments = (ins Graph_ReduceKind:$kind, Graph_Tensor:$x, DenseI64ArrayAttr:$axes, UnitAttr:$keep_dims);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$kind $x attr-dict `:` functional-type($x, $result)";
}
def Graph_ArgReduceOp : Graph_Op<"arg_reduce"> {
  let summary = "index (i64) of the largest or smallest element along an axis";
  let description = [{
    Constraints:
    C1: axis is in [0, rank).
    C2: the result is i64.
    ```mlir
    %i = graph.arg_reduce %x {axis = 1 : i64, is_max = true} : (tensor<2x10xf32>) -> tensor<2xi64>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, BoolAttr:$is_max, I64Attr:$axis, UnitAttr:$keep_dims, UnitAttr:$select_last);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type($x, $result)";
}
def Graph_SoftmaxOp : Graph_Op<"softmax"> {
  let summary = "softmax (or its logarithm) along one axis";
  let description = [{
    Constraints:
    C1: axis is in [0, rank).
    C2: x is of floats and the result has its element type.
    ```mlir
    %y = graph.softmax %x {axis = 1 : i64, log} : (tensor<2x10xf32>) -> tensor<2x10xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, I64Attr:$axis, UnitAttr:$log);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type($x, $result)";
}
def Graph_NormOp : Graph_Op<"norm", [AttrSizedOperandSegments]> {
  let summary = "layer or RMS normalisation over dimensions axis.. to the last";
  let description = [{
    y = (x - mean) / sqrt(var + epsilon) * scale + bias; rms: y = x / sqrt(mean(x^2) + epsilon) * scale + bias. Computed in f32.

    Constraints:
    C1: axis is in [0, rank).
    C2: x is of floats and the result has its element type.
    C3: epsilon is not negative.
    ```mlir
    %y = graph.norm layer %x scale %s : tensor<8xf32> bias %b : tensor<8xf32> {axis = 2 : i64, epsilon = 1.0e-5 : f32}
         : (tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
    ```
  }];
  let arguments = (ins Graph_NormKind:$kind, Graph_Tensor:$x, Optional<Graph_Tensor>:$scale, Optional<Graph_Tensor>:$bias,
    I64Attr:$axis, F32Attr:$epsilon);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$kind $x (`scale` $scale^ `:` type($scale))? (`bias` $bias^ `:` type($bias))? attr-dict `:` functional-type($x, $result)";
}
def Graph_AttentionOp : Graph_WorkOp<"attention"> {
  let summary = "scaled dot-product attention on [batch, heads, length, size] operands";
  let description = [{
    result = softmax(scale * q k^T + mask) v, with mask broadcast to
    [batch, heads, q length, kv length]. causal: query i (of Lq) sees keys
    j <= i + Lkv - Lq. k and v may have fewer heads (q heads divisible).

    Constraints:
    C1: operands have rank 4.
    C2: q, k, v and the result are of floats, in any formats.
    C3: the number of heads of k and v divides that of q.
    ```mlir
    %y = graph.attention %q, %k, %v mask %m {causal, scale = 0.25 : f32}
         : (tensor<1x8x5x16xf32>, tensor<1x2x9x16xf32>, tensor<1x2x9x16xf32>, tensor<5x9xf32>) -> tensor<1x8x5x16xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$q, Graph_Tensor:$k, Graph_Tensor:$v, Optional<Graph_Tensor>:$mask,
    F32Attr:$scale, UnitAttr:$causal);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$q `,` $k `,` $v (`mask` $mask^)? attr-dict `:` functional-type(operands, $result)";
}

//===-- recurrence (ONNX operand order and gate order) --------------------===//
def Graph_LstmOp : Graph_WorkOp<"lstm", [AttrSizedOperandSegments]> {
  let summary = "ONNX LSTM, x is [seq, batch, in]; gates in order i, o, f, c; activations sigmoid, tanh, tanh unless given";
  let description = [{
    Constraints:
    C1: x has rank 3.
    C2: hidden_size is positive.
    C3: activations has 3 entries for each direction.
    C4: x, w and r have the same float element type.
    C5: activation_alpha and activation_beta have an entry for each of activations.
    ```mlir
    %y, %h, %c = graph.lstm %x, %w, %r {direction = 0 : i32, hidden_size = 4 : i64,
           operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>} : (tensor<5x2x3xf32>, tensor<1x16x3xf32>,
           tensor<1x16x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>) // forward
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$w, Graph_Tensor:$r, Optional<Graph_Tensor>:$b,
    Optional<Graph_Tensor>:$sequence_lens, Optional<Graph_Tensor>:$initial_h, Optional<Graph_Tensor>:$initial_c,
    Optional<Graph_Tensor>:$p, I64Attr:$hidden_size, Graph_RnnDirection:$direction,
    OptionalAttr<StrArrayAttr>:$activations,
    OptionalAttr<DenseF32ArrayAttr>:$activation_alpha, OptionalAttr<DenseF32ArrayAttr>:$activation_beta, OptionalAttr<F32Attr>:$clip, UnitAttr:$input_forget);
  let results = (outs Graph_Tensor:$y, Graph_Tensor:$y_h, Graph_Tensor:$y_c);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def Graph_GruOp : Graph_WorkOp<"gru", [AttrSizedOperandSegments]> {
  let summary = "ONNX GRU, x is [seq, batch, in]; gates in order z, r, h";
  let description = [{
    Constraints:
    C1: x has rank 3.
    C2: hidden_size is positive.
    C3: activations has 2 entries for each direction.
    C4: x, w and r have the same float element type.
    C5: activation_alpha and activation_beta have an entry for each of activations.
    ```mlir
    %y, %h = graph.gru %x, %w, %r, %b {direction = 1 : i32, hidden_size = 4 : i64, linear_before_reset,
           operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>} : (tensor<5x2x3xf32>, tensor<1x12x3xf32>,
           tensor<1x12x4xf32>, tensor<1x24xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>) // reverse
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$w, Graph_Tensor:$r, Optional<Graph_Tensor>:$b,
    Optional<Graph_Tensor>:$sequence_lens, Optional<Graph_Tensor>:$initial_h,
    I64Attr:$hidden_size, Graph_RnnDirection:$direction,
    OptionalAttr<StrArrayAttr>:$activations,
    OptionalAttr<DenseF32ArrayAttr>:$activation_alpha, OptionalAttr<DenseF32ArrayAttr>:$activation_beta, OptionalAttr<F32Attr>:$clip, UnitAttr:$linear_before_reset);
  let results = (outs Graph_Tensor:$y, Graph_Tensor:$y_h);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def Graph_RnnOp : Graph_WorkOp<"rnn", [AttrSizedOperandSegments]> {
  let summary = "ONNX RNN, x is [seq, batch, in]; activation tanh unless given";
  let description = [{
    Constraints:
    C1: x has rank 3.
    C2: hidden_size is positive.
    C3: activations has 1 entry for each direction.
    C4: x, w and r have the same float element type.
    C5: activation_alpha and activation_beta have an entry for each of activations.
    ```mlir
    %y, %h = graph.rnn %x, %w, %r {activations = ["Tanh", "Relu"], direction = 2 : i32, hidden_size = 4 : i64,
           operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<5x1x3xf32>, tensor<2x4x3xf32>,
           tensor<2x4x4xf32>) -> (tensor<5x2x1x4xf32>, tensor<2x1x4xf32>) // bidirectional
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$w, Graph_Tensor:$r, Optional<Graph_Tensor>:$b,
    Optional<Graph_Tensor>:$sequence_lens, Optional<Graph_Tensor>:$initial_h,
    I64Attr:$hidden_size, Graph_RnnDirection:$direction,
    OptionalAttr<StrArrayAttr>:$activations,
    OptionalAttr<DenseF32ArrayAttr>:$activation_alpha, OptionalAttr<DenseF32ArrayAttr>:$activation_beta, OptionalAttr<F32Attr>:$clip);
  let results = (outs Graph_Tensor:$y, Graph_Tensor:$y_h);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

//===-- views and data movement -------------------------------------------===//
// Shape operands are i64 tensors of rank 1; their contents are resolved by
// shape analysis into constants or expressions over symbols where possible.
def Graph_ReshapeOp : Graph_Op<"reshape"> {
  let summary = "same elements in row-major order under another shape; shape has no 0 placeholders, at most one -1";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: shape has rank 1.
    ```mlir
    %y = graph.reshape %x, %shape : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x12xf32> // %shape = [2, -1]
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_ShapeTensor:$shape);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $shape attr-dict `:` functional-type(operands, $result)";
  let hasCanonicalizer = 1;
}
def Graph_SqueezeOp : Graph_Op<"squeeze"> {
  let summary = "drops dimensions of size 1 at axes (ascending, non-negative)";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: axes are ascending and in [0, rank).
    ```mlir
    %y = graph.squeeze %x {axes = array<i64: 0, 2>} : (tensor<1x3x1xf32>) -> tensor<3xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, DenseI64ArrayAttr:$axes);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type($x, $result)";
}
def Graph_UnsqueezeOp : Graph_Op<"unsqueeze"> {
  let summary = "inserts dimensions of size 1 at axes of the result (ascending, non-negative)";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: axes are ascending and in [0, rank of the result).
    ```mlir
    %y = graph.unsqueeze %x {axes = array<i64: 0, 2>} : (tensor<3xf32>) -> tensor<1x3x1xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, DenseI64ArrayAttr:$axes);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type($x, $result)";
}
def Graph_FlattenOp : Graph_Op<"flatten"> {
  let summary = "collapses dimensions begin to end-1 into one (begin == end inserts a 1)";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: 0 <= begin <= end <= rank.
    ```mlir
    %y = graph.flatten %x {begin = 1 : i64, end = 3 : i64} : (tensor<2x3x4x5xf32>) -> tensor<2x12x5xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, I64Attr:$begin, I64Attr:$end);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type($x, $result)";
}
def Graph_TransposeOp : Graph_Op<"transpose"> {
  let summary = "result dimension i is operand dimension perm[i]";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: perm is a permutation of [0, rank).
    ```mlir
    %y = graph.transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, DenseI64ArrayAttr:$perm);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type($x, $result)";
  let hasCanonicalizer = 1;
}
def Graph_ExpandOp : Graph_Op<"expand"> {
  let summary = "two-way broadcast of x with shape (ONNX Expand)";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: shape has rank 1.
    ```mlir
    %y = graph.expand %x, %shape : (tensor<3x1xf32>, tensor<3xi64>) -> tensor<2x3x4xf32> // %shape = [2, 1, 4]
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_ShapeTensor:$shape);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $shape attr-dict `:` functional-type(operands, $result)";
  let hasCanonicalizer = 1;
}
def Graph_SliceOp : Graph_Op<"slice"> {
  let summary = "strided slice of every axis in `axes`; starts and ends are clamped as in ONNX, steps may be negative";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: axes are distinct and in [0, rank).
    C3: starts, ends and steps have one entry for each axis.
    C4: steps are not 0.
    ```mlir
    %y = graph.slice %x, %starts, %ends {axes = array<i64: 1>, steps = array<i64: 2>} // %starts = [1], %ends = [-1]
         : (tensor<4x8xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<4x3xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_ShapeTensor:$starts, Graph_ShapeTensor:$ends,
                       DenseI64ArrayAttr:$axes, DenseI64ArrayAttr:$steps);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $starts `,` $ends attr-dict `:` functional-type(operands, $result)";
  let hasCanonicalizer = 1;
}
def Graph_ConcatOp : Graph_Op<"concat"> {
  let summary = "concatenation along an axis (non-negative)";
  let description = [{
    Constraints:
    C1: there is at least one input.
    C2: inputs and the result have the same element type.
    C3: axis is in [0, rank).
    C4: inputs have the same rank.
    ```mlir
    %y = graph.concat %a, %b {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x5xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins Variadic<Graph_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, $result)";
  let hasCanonicalizer = 1;
}
def Graph_PadOp : Graph_Op<"pad"> {
  let summary = "pads (begins of all axes, then ends; negative crops) with a scalar value or by mode";
  let description = [{
    Constraints:
    C1: the result and value have the element type of x.
    C2: pads has two entries for each dimension.
    C3: value has one element.
    ```mlir
    %y = graph.pad reflect %x, %pads : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<2x6xf32> // %pads = [0, 1, 0, 2]
    ```
  }];
  let arguments = (ins Graph_PadMode:$mode, Graph_Tensor:$x, Graph_ShapeTensor:$pads, Optional<Graph_Tensor>:$value);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$mode $x `,` $pads (`,` $value^)? attr-dict `:` functional-type(operands, $result)";
  let hasCanonicalizer = 1;
}
def Graph_TileOp : Graph_Op<"tile"> {
  let summary = "repeats x along each axis";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: repeats has one entry for each dimension.
    ```mlir
    %y = graph.tile %x, %repeats : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x3xf32> // %repeats = [2, 1]
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_ShapeTensor:$repeats);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $repeats attr-dict `:` functional-type(operands, $result)";
  let hasCanonicalizer = 1;
}
def Graph_GatherOp : Graph_Op<"gather"> {
  let summary = "x indexed along axis; negative indices count from the end";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: axis is in [0, rank).
    C3: indices are integers.
    ```mlir
    %y = graph.gather %x, %indices {axis = 1 : i64} : (tensor<2x9x5xf32>, tensor<3x4xi64>) -> tensor<2x3x4x5xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$indices, I64Attr:$axis);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $indices attr-dict `:` functional-type(operands, $result)";
}
def Graph_GatherElementsOp : Graph_Op<"gather_elements"> {
  let summary = "ONNX GatherElements";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: axis is in [0, rank).
    C3: indices are integers.
    ```mlir
    %y = graph.gather_elements %x, %indices {axis = 1 : i64} : (tensor<2x9xf32>, tensor<2x4xi64>) -> tensor<2x4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$indices, I64Attr:$axis);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $indices attr-dict `:` functional-type(operands, $result)";
}
def Graph_GatherNDOp : Graph_Op<"gather_nd"> {
  let summary = "ONNX GatherND";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: batch_dims is in [0, rank of indices).
    C3: indices are integers.
    ```mlir
    %y = graph.gather_nd %x, %i {batch_dims = 1 : i64} : (tensor<2x3x4xf32>, tensor<2x5x1xi64>) -> tensor<2x5x4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$indices, DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $indices attr-dict `:` functional-type(operands, $result)";
}
def Graph_ScatterNDOp : Graph_Op<"scatter_nd"> {
  let summary = "ONNX ScatterND";
  let description = [{
    Constraints:
    C1: the result and updates have the element type of x.
    C2: indices are integers.
    ```mlir
    %y = graph.scatter_nd %x, %indices, %updates {kind = 1 : i32} // add
         : (tensor<9x4xf32>, tensor<3x1xi64>, tensor<3x4xf32>) -> tensor<9x4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$indices, Graph_Tensor:$updates,
    DefaultValuedAttr<Graph_ScatterKind, "::tenon::graph::ScatterKind::none">:$kind);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $indices `,` $updates attr-dict `:` functional-type(operands, $result)";
}
def Graph_ScatterElementsOp : Graph_Op<"scatter_elements"> {
  let summary = "ONNX ScatterElements";
  let description = [{
    Constraints:
    C1: the result and updates have the element type of x.
    C2: axis is in [0, rank).
    C3: indices are integers.
    ```mlir
    %y = graph.scatter_elements %x, %indices, %updates {axis = 1 : i64, kind = 3 : i32} // max
         : (tensor<2x9xf32>, tensor<2x4xi64>, tensor<2x4xf32>) -> tensor<2x9xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$indices, Graph_Tensor:$updates, I64Attr:$axis,
    DefaultValuedAttr<Graph_ScatterKind, "::tenon::graph::ScatterKind::none">:$kind);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $indices `,` $updates attr-dict `:` functional-type(operands, $result)";
}
def Graph_ResizeOp : Graph_Op<"resize", [AttrSizedOperandSegments]> {
  let summary = "resampling; result size from sizes (i64, all axes) or floor(dim * scales) (f32, all axes)";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: there are either scales or sizes.
    C3: they have one entry for each dimension.
    ```mlir
    %y = graph.resize %x scales %s : tensor<4xf32> {coordinate = 0 : i32, mode = 1 : i32, nearest = 0 : i32}
         : (tensor<1x3x8x8xf32>) -> tensor<1x3x16x16xf32> // half_pixel, linear; %s = [1.0, 1.0, 2.0, 2.0]
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Optional<Graph_Tensor>:$scales, Optional<Graph_ShapeTensor>:$sizes,
    Graph_ResizeMode:$mode, Graph_CoordinateMode:$coordinate, Graph_NearestMode:$nearest,
    DefaultValuedAttr<F32Attr, "-0.75f">:$cubic_coefficient, UnitAttr:$exclude_outside, UnitAttr:$antialias);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x (`scales` $scales^ `:` type($scales))? (`sizes` $sizes^ `:` type($sizes))? attr-dict `:` functional-type($x, $result)";
}

//===-- creation and shape ------------------------------------------------===//
def Graph_ShapeOp : Graph_Op<"shape"> {
  let summary = "dimensions start..end-1 of x as an i64 tensor";
  let description = [{
    Constraints:
    C1: 0 <= start <= end <= rank.
    ```mlir
    %s = graph.shape %x {end = 2 : i64, start = 0 : i64} : (tensor<2x3x4xf32>) -> tensor<2xi64> // [2, 3]
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, I64Attr:$start, I64Attr:$end);
  let results = (outs Graph_ShapeTensor:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type($x, $result)";
}
def Graph_SizeOp : Graph_Op<"size"> {
  let summary = "number of elements of x as an i64 scalar tensor";
  let description = [{
    ```mlir
    %n = graph.size %x : (tensor<2x3x4xf32>) -> tensor<i64> // 24
    ```
  }];
  let arguments = (ins Graph_Tensor:$x);
  let results = (outs Graph_ShapeTensor:$result);
  let hasVerifier = 0;
  let assemblyFormat = "$x attr-dict `:` functional-type($x, $result)";
}
def Graph_FillOp : Graph_Op<"fill"> {
  let summary = "tensor of the given shape filled with a scalar";
  let description = [{
    Constraints:
    C1: the result has the element type of value.
    C2: value has one element.
    C3: shape has rank 1.
    ```mlir
    %y = graph.fill %shape, %value : (tensor<2xi64>, tensor<f32>) -> tensor<2x3xf32> // %shape = [2, 3]
    ```
  }];
  let arguments = (ins Graph_ShapeTensor:$shape, Graph_Tensor:$value);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$shape `,` $value attr-dict `:` functional-type(operands, $result)";
}
def Graph_RangeOp : Graph_Op<"range"> {
  let summary = "start, start + delta, ... below limit (scalar operands)";
  let description = [{
    Constraints:
    C1: start, limit, delta and the result have the same element type.
    C2: start, limit and delta have one element.
    ```mlir
    %y = graph.range %start, %limit, %delta : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<3xi64> // [1, 4, 7]
    ```
  }];
  let arguments = (ins Graph_Tensor:$start, Graph_Tensor:$limit, Graph_Tensor:$delta);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$start `,` $limit `,` $delta attr-dict `:` functional-type(operands, $result)";
}
def Graph_CumSumOp : Graph_Op<"cumsum"> {
  let summary = "cumulative sum along an axis";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: axis is in [0, rank).
    ```mlir
    %y = graph.cumsum %x {axis = 1 : i64, exclusive} : (tensor<2x3xf32>) -> tensor<2x3xf32> // [a, b, c]: [0, a, a + b]
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, I64Attr:$axis, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type($x, $result)";
}
def Graph_TriluOp : Graph_Op<"trilu"> {
  let summary = "upper or lower triangle of the last two dimensions, k-th diagonal (scalar i64)";
  let description = [{
    Constraints:
    C1: the result has the element type of x.
    C2: x has rank 2 or more.
    C3: k is one i64.
    ```mlir
    %y = graph.trilu %x, %k {upper = false} : (tensor<1x4x4xf32>, tensor<i64>) -> tensor<1x4x4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$k, BoolAttr:$upper);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $k attr-dict `:` functional-type(operands, $result)";
}
def Graph_OneHotOp : Graph_Op<"one_hot"> {
  let summary = "ONNX OneHot; depth scalar, values [off, on]";
  let description = [{
    Constraints:
    C1: the result has the element type of values.
    C2: axis is in [0, rank of the result).
    C3: depth has one element, values has two.
    C4: indices are integers.
    ```mlir
    %y = graph.one_hot %i, %depth, %v {axis = 1 : i64} : (tensor<4xi64>, tensor<i64>, tensor<2xf32>) -> tensor<4x10xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$indices, Graph_Tensor:$depth, Graph_Tensor:$values, I64Attr:$axis);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$indices `,` $depth `,` $values attr-dict `:` functional-type(operands, $result)";
}
def Graph_TopKOp : Graph_Op<"top_k"> {
  let summary = "k largest or smallest along axis, sorted; ties by the lower index";
  let description = [{
    Constraints:
    C1: values have the element type of x, indices are i64.
    C2: axis is in [0, rank).
    C3: k has one element.
    ```mlir
    %v, %i = graph.top_k %x, %k {axis = 1 : i64, largest = true} // %k = [5]
         : (tensor<2x1000xf32>, tensor<1xi64>) -> (tensor<2x5xf32>, tensor<2x5xi64>)
    ```
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_ShapeTensor:$k, I64Attr:$axis, BoolAttr:$largest);
  let results = (outs Graph_Tensor:$values, Graph_Tensor:$indices);
  let assemblyFormat = "$x `,` $k attr-dict `:` functional-type(operands, results)";
}

//===-- quantization ------------------------------------------------------===//
def Graph_QuantizeOp : Graph_Op<"quantize"> {
  let summary = "saturate(round_even(x / scale) + zero_point), scale a scalar, along axis, or blocked";
  let description = [{
    `saturate` false lets floats out of range become infinity or NaN.

    Constraints:
    C1: scale is of floats.
    C2: block_size is not negative.
    C3: x and the result are of integers, floats or codes.
    ```mlir
    %y = graph.quantize %x, %scale, %zero_point {axis = 1 : i64, block_size = 4 : i64}
         : (tensor<2x8xf32>, tensor<2x2xf32>, tensor<2x2xi8>) -> tensor<2x8xi8>
    ```
  }];
  let extraClassDeclaration = [{
    /// Whether it is an elementwise op for kernels: one scale and zero point, f32 arithmetic.
    bool isElementwise();
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$scale, Optional<Graph_Tensor>:$zero_point, I64Attr:$axis,
    DefaultValuedAttr<I64Attr, "0">:$block_size, DefaultValuedAttr<BoolAttr, "true">:$saturate);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $scale (`,` $zero_point^)? attr-dict `:` functional-type(operands, $result)";
}
def Graph_DequantizeOp : Graph_Op<"dequantize"> {
  let summary = "(x - zero_point) * scale";
  let description = [{
    Constraints:
    C1: the result and scale are of floats.
    C2: block_size is not negative.
    ```mlir
    %y = graph.dequantize %x, %s, %z {axis = 0 : i64} : (tensor<4x8xi8>, tensor<4xf32>, tensor<4xi8>) -> tensor<4x8xf32>
    ```
  }];
  let extraClassDeclaration = [{
    /// Whether it is an elementwise op for kernels: one scale and zero point, f32 arithmetic.
    bool isElementwise();
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$scale, Optional<Graph_Tensor>:$zero_point, I64Attr:$axis,
    DefaultValuedAttr<I64Attr, "0">:$block_size);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$x `,` $scale (`,` $zero_point^)? attr-dict `:` functional-type(operands, $result)";
  let hasCanonicalizer = 1;
}
#endif
