// RUN: rm -rf %t && mkdir %t
// RUN: echo '#!/bin/sh' > %t/test.sh
// RUN: echo 'tenon-opt "$1" | grep -q "graph.softmax.*axis = 2"' >> %t/test.sh
// RUN: chmod +x %t/test.sh
// RUN: tenon-reduce %s --test=%t/test.sh -o %t/small.mlir 2>&1 | FileCheck %s --check-prefix=SAYS
// RUN: FileCheck %s < %t/small.mlir
// RUN: not tenon-reduce %t/small.mlir --test=/bin/false 2>&1 | FileCheck %s --check-prefix=FALSE
// RUN: not tenon-reduce %t/small.mlir --test=%t/none 2>&1 | FileCheck %s --check-prefix=NONE

// RUN: not tenon-reduce %t/small.mlir --test=%t/test.sh -o %t/small.mlir 2>&1 | FileCheck %s --check-prefix=SAME
// SAME: error: [TN8030] -o: {{.*}}small.mlir is the module

// SAYS: tried {{[0-9]+}} modules, took {{[0-9]+}}
// FALSE: error: [TN8050] --test: /bin/false does not exit with 0
// NONE: error: [TN8050] --test: {{.*}}none: {{.*}}No such file or directory

// What comes before the softmax is its input, what comes after it is gone, and so
// are the branch and all inputs that nothing reads.
// CHECK: func.func @main(%[[X:.*]]: tensor<1x4x8xf32> {onnx.dims = ["", "", ""], onnx.name = "reduced_{{[0-9]+}}"}) {
// CHECK-NEXT: graph.softmax %[[X]] {axis = 2
// CHECK-NEXT: return
// CHECK-NEXT: }
// CHECK-NOT: {{graph|scf}}.
func.func @main(%x: tensor<1x4x8xf32> {onnx.name = "x", onnx.dims = ["", "", ""]}, %c: tensor<i1>)
    -> (tensor<1x4x8xf32>, tensor<1x8x4xf32>) {
  %w = graph.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %0 = graph.unary exp %x : (tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  %1 = graph.binary add %0, %x : (tensor<1x4x8xf32>, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  %2 = graph.softmax %1 {axis = 2 : i64} : (tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  %3 = graph.unary neg %2 : (tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  %t = tensor.extract %c[] : tensor<i1>
  %4 = scf.if %t -> tensor<1x4x8xf32> {
    %5 = graph.unary relu %3 : (tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
    scf.yield %5 : tensor<1x4x8xf32>
  } else {
    scf.yield %3 : tensor<1x4x8xf32>
  }
  %6 = graph.transpose %4 {perm = array<i64: 0, 2, 1>} : (tensor<1x4x8xf32>) -> tensor<1x8x4xf32>
  return %4, %6 : tensor<1x4x8xf32>, tensor<1x8x4xf32>
}
