// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_GRAPH_ENUMS_TD
#define TENON_GRAPH_ENUMS_TD
include "mlir/IR/EnumAttr.td"

class Graph_Enum<string name, string summary, list<string> cases>
    : I32EnumAttr<name, summary,
        !foreach(i, !range(!size(cases)), I32EnumAttrCase<cases[i], i>)> {
  let cppNamespace = "::tenon::graph";
}

// alpha and beta are the operation's parameters where the formula has some:
// leaky_relu (alpha), elu (alpha), celu (alpha), selu (alpha, gamma=beta),
// hard_sigmoid (alpha, beta), thresholded_relu (alpha), shrink (lambd=alpha, bias=beta),
// swish (alpha: x*sigmoid(alpha*x)).
def Graph_UnaryKind : Graph_Enum<"UnaryKind", "elementwise function of one operand", [
  "abs", "neg", "exp", "log", "sqrt", "rsqrt", "reciprocal", "floor", "ceil", "round_even", "sign",
  "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
  "erf", "sigmoid", "relu", "leaky_relu", "elu", "celu", "selu", "softplus", "softsign",
  "hard_sigmoid", "hard_swish", "mish", "gelu", "gelu_tanh", "swish", "thresholded_relu", "shrink",
  "logical_not", "bitwise_not", "is_nan", "is_inf", "is_pos_inf", "is_neg_inf"]>;

// mod is Python's (sign of the divisor), fmod is C's. Comparisons yield i1.
def Graph_BinaryKind : Graph_Enum<"BinaryKind", "elementwise function of two operands", [
  "add", "sub", "mul", "div", "pow", "min", "max", "mod", "fmod", "atan2", "prelu",
  "logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor",
  "shift_left", "shift_right", "eq", "ne", "lt", "le", "gt", "ge"]>;

def Graph_ReduceKind : Graph_Enum<"ReduceKind", "reduction", [
  "sum", "mean", "max", "min", "prod", "l1", "l2", "log_sum", "log_sum_exp", "sum_square"]>;
def Graph_PoolKind : Graph_Enum<"PoolKind", "pooling window", ["max", "average", "lp"]>;
def Graph_NormKind : Graph_Enum<"NormKind", "normalisation: layer subtracts the mean, rms does not", ["layer", "rms"]>;
def Graph_PadMode : Graph_Enum<"PadMode", "padding mode", ["constant", "reflect", "edge", "wrap"]>;
def Graph_ScatterKind : Graph_Enum<"ScatterKind", "how scattered values combine", ["none", "add", "mul", "max", "min"]>;
def Graph_RnnDirection : Graph_Enum<"RnnDirection", "recurrence direction", ["forward", "reverse", "bidirectional"]>;
// first: channels at dimension 1 (NCHW, NCW, NCDHW); last: channels innermost (NHWC, ...).
def Graph_ChannelLayout : Graph_Enum<"ChannelLayout", "position of the channel dimension", ["first", "last"]>;
def Graph_AutoPad : Graph_Enum<"AutoPad", "how padding is derived", ["notset", "same_upper", "same_lower", "valid"]>;
def Graph_ResizeMode : Graph_Enum<"ResizeMode", "interpolation", ["nearest", "linear", "cubic"]>;
def Graph_CoordinateMode : Graph_Enum<"CoordinateMode", "mapping from output to input coordinates", [
  "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]>;
def Graph_NearestMode : Graph_Enum<"NearestMode", "rounding of nearest resize", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]>;
#endif
