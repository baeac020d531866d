// REQUIRES: target-toy
// RUN: tenon compile %s --start-from=graph --load-target-plugin=%build/lib/ToyTarget.so --target=cpu:x86-64-v3 --target=toy --stop-after=place | FileCheck %s
// RUN: not tenon compile %s --start-from=graph --load-target-plugin=%build/lib/ToyTarget.so --target=cpu:x86-64-v3 --target=toy --pin=mul=toy --stop-after=place 2>&1 | FileCheck %s --check-prefix=PIN

// What the device does not take stays on the host, and each kernel says why: element
// types, operators, ranks, ways to broadcast, sizes that are known only at run time.

// CHECK: "TN4224", "not on toy: operands are in a format that the array has: found f64, allowed is f32, i8"
// CHECK: "TN4225", "not on toy: the device has instructions for the operator: found binary mul, allowed is
// CHECK: "TN4226", "not on toy: operands are matrices: found tensor<2x4x4xf32>, allowed is two dimensions; reshape
// CHECK: "TN4226", "not on toy: an operand is broadcast as a whole: found tensor<4x1xf32> in tensor<4x4xf32>
// CHECK: "TN4226", "not on toy: the number of elements fits an instruction: found tensor<0x4xf32>
// CHECK: "TN4224", "not on toy: both operands are in one format, and sums in f32 or i32: found i8 x i8 -> i8
// CHECK: "TN4224", "not on toy: operands are in a format that the array has: found i16, allowed is f32"
// CHECK: "TN4221", "not on toy: all sizes are known when the model is compiled: found tensor<?x4xf32>, allowed is numbers in place of ?; give the open dimensions sizes by --sizes"
// CHECK-NOT: module @toy

// PIN: [TN8048] --pin=mul=toy: [TN4225] the device has instructions for the operator: found binary mul, allowed is matmul, binary add, unary relu and views
func.func @main(%d: tensor<4x4xf64>, %x: tensor<4x4xf32>, %b: tensor<2x4x4xf32>, %c: tensor<4x1xf32>, %n: tensor<0x4xf32>, %i: tensor<4x4xi8>, %w: tensor<4x4xi16>, %o: tensor<?x4xf32> {onnx.name = "o", onnx.dims = ["n", ""]})
    -> (tensor<4x4xf64>, tensor<4x4xf32>, tensor<2x4x4xf32>, tensor<4x4xf32>, tensor<0x4xf32>, tensor<4x4xi8>, tensor<4x4xi16>, tensor<?x4xf32>) {
  %0 = graph.matmul %d, %d : (tensor<4x4xf64>, tensor<4x4xf64>) -> tensor<4x4xf64> loc("wide")
  %1 = graph.binary mul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("mul")
  %2 = graph.matmul %b, %b : (tensor<2x4x4xf32>, tensor<2x4x4xf32>) -> tensor<2x4x4xf32> loc("batch")
  %3 = graph.binary add %x, %c : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32> loc("columns")
  %4 = graph.unary relu %n : (tensor<0x4xf32>) -> tensor<0x4xf32> loc("empty")
  %5 = graph.matmul %i, %i : (tensor<4x4xi8>, tensor<4x4xi8>) -> tensor<4x4xi8> loc("narrow")
  %6 = graph.binary add %w, %w : (tensor<4x4xi16>, tensor<4x4xi16>) -> tensor<4x4xi16> loc("short")
  %7 = graph.unary relu %o : (tensor<?x4xf32>) -> tensor<?x4xf32> loc("open")
  return %0, %1, %2, %3, %4, %5, %6, %7 : tensor<4x4xf64>, tensor<4x4xf32>, tensor<2x4x4xf32>, tensor<4x4xf32>, tensor<0x4xf32>, tensor<4x4xi8>, tensor<4x4xi16>, tensor<?x4xf32>
}
