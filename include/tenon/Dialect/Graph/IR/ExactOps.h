// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops whose result has but one right value, to the bit.
#ifndef TENON_DIALECT_GRAPH_IR_EXACTOPS_H
#define TENON_DIALECT_GRAPH_IR_EXACTOPS_H

#include "mlir/IR/Operation.h"

namespace tenon::graph {

/// Whether the result's elements are elements of the operands, bit by bit.
bool movesElements(mlir::Operation *op);

/// Whether compiled code gives the bits that the reference gives, which computes in
/// double and rounds once: elementwise ops that choose, or round but once. That a
/// result is a NaN is certain, not its bits. Not among them are:
/// - sums, transcendental functions, and casts that draw their rounding by place;
/// - minimum, maximum, relu and sign of floats, which treat -0 in ways of their own;
/// - products and quotients of bf16 and a dequantize to it: f32's exponents are
///   bf16's own, so that a denormal result would be rounded twice;
/// - casts of 64-bit integers to bf16 and codes, which the reference rounds to f64 first;
/// - codes and results of 32 bits in quantize and dequantize, which f32 cannot hold.
bool isExactlyRounded(mlir::Operation *op);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_EXACTOPS_H
