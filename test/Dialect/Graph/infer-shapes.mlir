// RUN: tenon-opt %s --split-input-file --graph-infer-shapes | FileCheck %s

// Named dimensions become symbols; shape arithmetic is resolved and removed.
// CHECK-DAG: #[[$M0:map[0-9]*]] = affine_map<()[s0] -> (s0, 3, 2)>
// CHECK: graph.symbols = [{divisor = 1 : i64, max = {{.*}}, min = 0 : i64, name = "batch"}]
// CHECK-LABEL: func.func @main
// CHECK-SAME: graph.shape = affine_map<()[s0] -> (s0, 6)>
// CHECK: graph.reshape
// CHECK-SAME: graph.shape = #[[$M0]]
func.func @main(%x: tensor<?x6xf32> {onnx.dims = ["batch", ""]}) -> tensor<*xf32> {
  %s = graph.shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x6xf32>) -> tensor<2xi64>
  %zero = graph.constant dense<0> : tensor<1xi64>
  %b = graph.gather %s, %zero {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<*xi64>
  %rest = graph.constant dense<[-1, 2]> : tensor<2xi64>
  %t = graph.concat %b, %rest {axis = 0 : i64} : (tensor<*xi64>, tensor<2xi64>) -> tensor<*xi64>
  %r = graph.reshape %x, %t : (tensor<?x6xf32>, tensor<*xi64>) -> tensor<*xf32>
  return %r : tensor<*xf32>
}

// -----

// Products of symbols divide exactly.
// CHECK-DAG: #[[$M0:map[0-9]*]] = affine_map<()[s0, s1] -> ((s0 * s1) * 12)>
// CHECK-DAG: #[[$M1:map[0-9]*]] = affine_map<()[s0, s1] -> (s1, s0 * 12)>
// CHECK-LABEL: func.func @main
// CHECK: graph.flatten
// CHECK-SAME: #[[$M0]]
// CHECK: graph.reshape
// CHECK-SAME: #[[$M1]]
func.func @main(%x: tensor<?x12x?xf32> {onnx.dims = ["n", "", "t"]}) -> tensor<*xf32> {
  %f = graph.flatten %x {begin = 0 : i64, end = 3 : i64} : (tensor<?x12x?xf32>) -> tensor<*xf32>
  %t = graph.shape %x {start = 2 : i64, end = 3 : i64} : (tensor<?x12x?xf32>) -> tensor<1xi64>
  %w = graph.constant dense<-1> : tensor<1xi64>
  %s = graph.concat %t, %w {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<*xi64>
  %r = graph.reshape %f, %s : (tensor<*xf32>, tensor<*xi64>) -> tensor<*xf32>
  return %r : tensor<*xf32>
}

// -----

// Sizes of two inputs that are added are equal, or one of them is 1 when the
// model runs: the result has the first size that is not.
// CHECK-DAG: #[[$FIRST:map[0-9]*]] = affine_map<()[s0, s1, s2] -> (s0, s2)>
// CHECK-DAG: #[[$SECOND:map[0-9]*]] = affine_map<()[s0, s1, s2] -> (s1, s2)>
// CHECK-DAG: #[[$BOTH:map[0-9]*]] = affine_map<()[s0, s1] -> (s0, s1)>
// CHECK-DAG: #[[$SHAPE:map[0-9]*]] = affine_map<()[s0, s1, s2] -> (s2, 4)>
// CHECK: graph.assumptions = [{kind = "broadcasts", sizes = #[[$FIRST]]}, {kind = "broadcasts", sizes = #[[$SECOND]]}]
// CHECK-SAME: {args = #[[$BOTH]], {{.*}}op = "broadcast"}
// CHECK-LABEL: func.func @main
// CHECK: graph.binary add
// CHECK-SAME: graph.shape = #[[$SHAPE]]
func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["a", ""]}, %y: tensor<?x4xf32> {onnx.dims = ["b", ""]}) -> tensor<*xf32> {
  %r = graph.binary add %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<*xf32>
  return %r : tensor<*xf32>
}

// -----

// A constant wins against a symbol, a symbol against 1.
// CHECK-DAG: #[[$M0:map[0-9]*]] = affine_map<()[s0, s1] -> (5, s1)>
// CHECK-LABEL: func.func @main
// CHECK: graph.binary add
// CHECK-SAME: graph.shape = #[[$M0]]
// CHECK-SAME: -> tensor<5x?xf32>
func.func @main(%x: tensor<?x?xf32> {onnx.dims = ["a", "b"]}, %y: tensor<5x1xf32>) -> tensor<*xf32> {
  %r = graph.binary add %x, %y : (tensor<?x?xf32>, tensor<5x1xf32>) -> tensor<*xf32>
  return %r : tensor<*xf32>
}

// -----

// Windows: padding, strides and ceil mode on a symbolic size.
// CHECK-DAG: #[[$M0:map[0-9]*]] = affine_map<()[s0] -> (1, 8, (s0 - 1) floordiv 2 + 1, 16)>
// CHECK-DAG: #[[$M1:map[0-9]*]] = affine_map<()[s0] -> (1, 8, (s0 - 1) floordiv 4 + 1, 8)>
// CHECK-LABEL: func.func @main
// CHECK: graph.conv
// CHECK-SAME: #[[$M0]]
// CHECK: graph.pool
// CHECK-SAME: #[[$M1]]
func.func @main(%x: tensor<1x3x?x32xf32> {onnx.dims = ["", "", "h", ""]}, %w: tensor<8x3x3x3xf32>) -> tensor<*xf32> {
  %c = graph.conv %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
    : (tensor<1x3x?x32xf32>, tensor<8x3x3x3xf32>) -> tensor<*xf32>
  %p = graph.pool max %c {kernel = array<i64: 1, 1>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, ceil_mode}
    : (tensor<*xf32>) -> tensor<*xf32>
  return %p : tensor<*xf32>
}

// -----

// To the end, from the end, backwards; bounds beyond a size are clamped to it.
// CHECK-DAG: #[[$REST:map[0-9]*]] = affine_map<()[s0] -> (s0 - 2, 0)>
// CHECK-DAG: #[[$LEAST:map[0-9]*]] = affine_map<()[s0, s1] -> (s0, 512)>
// CHECK-DAG: #[[$M0:map[0-9]*]] = affine_map<()[s0, s1, s2] -> (1, s1)>
// CHECK-DAG: #[[$M1:map[0-9]*]] = affine_map<()[s0, s1, s2] -> (1, s2)>
// CHECK: min = 0 : i64, name = "t"}, {args = #[[$REST]], {{.*}}op = "max"}, {args = #[[$LEAST]], max = 512 : i64, min = 0 : i64, op = "min"}
// CHECK-LABEL: func.func @main
// CHECK: graph.slice
// CHECK-SAME: #[[$M0]]
// CHECK: graph.slice
// CHECK-SAME: #[[$M0]]
// CHECK: graph.slice
// CHECK-SAME: #[[$M1]]
func.func @main(%x: tensor<1x?xf32> {onnx.dims = ["", "t"]}, %table: tensor<1x512xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) {
  %two = graph.constant dense<2> : tensor<1xi64>
  %end = graph.constant dense<9223372036854775807> : tensor<1xi64>
  %minus = graph.constant dense<-1> : tensor<1xi64>
  %before = graph.constant dense<-9223372036854775807> : tensor<1xi64>
  %zero = graph.constant dense<0> : tensor<1xi64>
  %a = graph.slice %x, %two, %end {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<1x?xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %b = graph.slice %a, %minus, %before {axes = array<i64: 1>, steps = array<i64: -1>} : (tensor<*xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %t = graph.shape %x {start = 1 : i64, end = 2 : i64} : (tensor<1x?xf32>) -> tensor<1xi64>
  %c = graph.slice %table, %zero, %t {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<1x512xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  return %a, %b, %c : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

// PyTorch's way to make the amounts of a pad, and integer scales of a resize.
// CHECK-LABEL: func.func @main
// CHECK: %[[$P:.*]] = graph.constant dense<[0, 0, 1, 3, 0, 0, 2, 4]> : tensor<8xi64>
// CHECK: graph.pad constant %{{.*}}, %[[$P]]
// CHECK-SAME: -> tensor<1x2x13x17xf32>
// CHECK: graph.resize
// CHECK-SAME: -> tensor<1x2x26x8xf32>
func.func @main(%x: tensor<1x2x10x10xf32>) -> tensor<*xf32> {
  %raw = graph.constant dense<[3, 4, 1, 2, 0, 0, 0, 0]> : tensor<8xi64>
  %pairs = graph.constant dense<[-1, 2]> : tensor<2xi64>
  %m = graph.constant dense<-1> : tensor<1xi64>
  %low = graph.constant dense<-9223372036854775807> : tensor<1xi64>
  %a = graph.reshape %raw, %pairs : (tensor<8xi64>, tensor<2xi64>) -> tensor<*xi64>
  %b = graph.slice %a, %m, %low {axes = array<i64: 0>, steps = array<i64: -1>} : (tensor<*xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xi64>
  %c = graph.transpose %b {perm = array<i64: 1, 0>} : (tensor<*xi64>) -> tensor<*xi64>
  %d = graph.reshape %c, %m : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %p = graph.pad constant %x, %d : (tensor<1x2x10x10xf32>, tensor<*xi64>) -> tensor<*xf32>
  %s = graph.constant dense<[1.0, 1.0, 2.0, 0.5]> : tensor<4xf32>
  %r = graph.resize %p scales %s : tensor<4xf32> {mode = 0 : i32, coordinate = 0 : i32, nearest = 0 : i32} : (tensor<*xf32>) -> tensor<*xf32>
  return %r : tensor<*xf32>
}

// -----

// A branch on a known condition is taken; the other need not be valid.
// CHECK-LABEL: func.func @main
// CHECK-NOT: scf.if
// CHECK: graph.squeeze
// CHECK-NOT: scf.if
// CHECK: return %{{.*}} : tensor<?xf32>
func.func @main(%x: tensor<?x1xf32> {onnx.dims = ["n", ""]}) -> tensor<*xf32> {
  %s = graph.shape %x {start = 1 : i64, end = 2 : i64} : (tensor<?x1xf32>) -> tensor<1xi64>
  %one = graph.constant dense<1> : tensor<1xi64>
  %eq = graph.binary eq %s, %one : (tensor<1xi64>, tensor<1xi64>) -> tensor<*xi1>
  %scalar = graph.squeeze %eq {axes = array<i64: 0>} : (tensor<*xi1>) -> tensor<i1>
  %c = tensor.extract %scalar[] : tensor<i1>
  %r = scf.if %c -> tensor<*xf32> {
    %a = graph.squeeze %x {axes = array<i64: 1>} : (tensor<?x1xf32>) -> tensor<*xf32>
    scf.yield %a : tensor<*xf32>
  } else {
    %b = graph.unary relu %x : (tensor<?x1xf32>) -> tensor<*xf32>
    scf.yield %b : tensor<*xf32>
  }
  return %r : tensor<*xf32>
}

// -----

// What a reshape needs of a size is checked at run time.
// CHECK-DAG: #[[$MULTIPLE:map[0-9]*]] = affine_map<()[s0] -> ((s0 * 6) mod 4, 0)>
// CHECK-DAG: #[[$QUOTIENT:map[0-9]*]] = affine_map<()[s0] -> ((s0 * 3) floordiv 2, 4)>
// CHECK: graph.assumptions = [{kind = "equal", sizes = #[[$MULTIPLE]]}]
// CHECK-LABEL: func.func @main
// CHECK: graph.reshape
// CHECK-SAME: #[[$QUOTIENT]]
func.func @main(%x: tensor<?x6xf32> {onnx.dims = ["n", ""]}) -> tensor<*xf32> {
  %s = graph.constant dense<[-1, 4]> : tensor<2xi64>
  %r = graph.reshape %x, %s : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %r : tensor<*xf32>
}
