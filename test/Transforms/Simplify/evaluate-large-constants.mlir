// RUN: tenon-opt %s --tenon-evaluate-constants="max-bytes=512 max-splat-bytes=256 native-bytes=-1" --mlir-print-debuginfo --mlir-print-local-scope --mlir-print-op-on-diagnostic=false 2>&1 | FileCheck %s
// RUN: tenon-opt %s --tenon-evaluate-constants="max-bytes=512 max-splat-bytes=256 native-bytes=0" --mlir-print-debuginfo --mlir-print-local-scope --mlir-print-op-on-diagnostic=false 2>&1 | FileCheck %s

// What a cast or a transposition makes of a constant becomes one whatever its
// size, by compiled code as by the reference. A product of constants above the limit
// stays and is noted; so is what is computed from it, if that is large, too.
// CHECK: remark: [TN4014] outer is computed in each run, though from constants alone: its result of 1 MiB is above the 1 MiB that a constant is evaluated to
// CHECK: remark: [TN4014] root is computed in each run
// CHECK: remark: [TN4014] spread is computed in each run, {{.*}}, and more than what it is made of
// CHECK-NOT: remark
// CHECK-LABEL: func.func @large
// CHECK-DAG: graph.constant dense_resource<transposed> : tensor<16x20xf32>
// CHECK-NOT: graph.cast
// CHECK-NOT: graph.transpose
// CHECK: graph.matmul {{.*}}["TN4014", "outer is computed in each run
// CHECK: graph.unary sqrt {{.*}}["TN4014", "root is computed in each run
// CHECK: graph.reduce sum
// CHECK-NOT: TN4014
// CHECK: return
func.func @large() -> (tensor<16x20xf32>, tensor<16x16xf32>, tensor<f32>) {
  %w = graph.constant dense<1.5> : tensor<20x16xf16>
  %c = graph.cast %w : (tensor<20x16xf16>) -> tensor<20x16xf32> loc("cast")
  %t = graph.transpose %c {perm = array<i64: 1, 0>} : (tensor<20x16xf32>) -> tensor<16x20xf32> loc("transposed")
  %a = graph.constant dense<2.0> : tensor<16x1xf32>
  %o = graph.matmul %a, %a {transpose_rhs} : (tensor<16x1xf32>, tensor<16x1xf32>) -> tensor<16x16xf32> loc("outer")
  %r = graph.unary sqrt %o : (tensor<16x16xf32>) -> tensor<16x16xf32> loc("root")
  %s = graph.reduce sum %o {axes = array<i64: 0, 1>} : (tensor<16x16xf32>) -> tensor<f32> loc("sum")
  return %t, %r, %s : tensor<16x20xf32>, tensor<16x16xf32>, tensor<f32>
}

// An expand above the limit is evaluated for a user that is within it, and stays
// itself, with a note; not for a user that would take all of it at once.
// CHECK-LABEL: func.func @spread
// CHECK-DAG: graph.constant dense_resource<product> : tensor<16x16xf32>
// CHECK-DAG: graph.expand {{.*}}tensor<16x16xf32>{{.*}}["TN4014", "spread is computed in each run
// CHECK: graph.reduce sum
// CHECK-NOT: TN4014
// CHECK: return
func.func @spread() -> (tensor<16x16xf32>, tensor<f32>, tensor<16x16xf32>) {
  %v = graph.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0]> : tensor<16xf32>
  %n = graph.constant dense<16> : tensor<2xi64>
  %e = graph.expand %v, %n : (tensor<16xf32>, tensor<2xi64>) -> tensor<16x16xf32> loc("spread")
  %w = graph.constant dense<2.0> : tensor<16x16xf32>
  %p = graph.binary mul %e, %w : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32> loc("product")
  %s = graph.reduce sum %e {axes = array<i64: 0, 1>} : (tensor<16x16xf32>) -> tensor<f32> loc("sum")
  return %p, %s, %e : tensor<16x16xf32>, tensor<f32>, tensor<16x16xf32>
}

// Whatever bits of a NaN an evaluator gives, here they are the same.
// CHECK-LABEL: func.func @nan
// CHECK: graph.constant dense<0x7FC00000> : tensor<2xf32>
// CHECK: graph.constant dense<0x7E00> : tensor<2xf16>
func.func @nan() -> (tensor<2xf32>, tensor<2xf16>) {
  %z = graph.constant dense<0.0> : tensor<2xf32>
  %n = graph.constant dense<0xFFFF1234> : tensor<2xf32>
  %q = graph.binary div %z, %z : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %h = graph.cast %n : (tensor<2xf32>) -> tensor<2xf16>
  return %q, %h : tensor<2xf32>, tensor<2xf16>
}
