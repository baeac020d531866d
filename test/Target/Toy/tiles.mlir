// REQUIRES: target-toy
// RUN: tenon compile %s --start-from=graph --load-target-plugin=%build/lib/ToyTarget.so --target=cpu:x86-64-v3 --target=toy --pin='.*=toy' --stop-after=codegen | FileCheck %s

// A product of 17 x 40 and 40 x 18: tiles of the array's 16 x 16, as deep as 4 KiB hold,
// and what is left over in all three dimensions. Lines name the ONNX node.

// CHECK-LABEL: # region toy_0
// CHECK: # 4096 bytes of scratchpad, [[#]] instructions
// CHECK-NEXT: # in0: 2720 bytes
// CHECK-NEXT: # in1: 680 bytes
// CHECK-NEXT: # out0: 1224 bytes
// CHECK-NEXT: # out1: 1224 bytes
// CHECK-NEXT: # arena: 1280 bytes
// CHECK-NEXT: # weights: 3776 bytes
func.func @main(%x: tensor<17x40xf32> {onnx.name = "x", onnx.dims = ["", ""]}, %q: tensor<17x40xi8> {onnx.name = "q", onnx.dims = ["", ""]})
    -> (tensor<17x18xf32> {onnx.name = "y", onnx.dims = ["", ""]}, tensor<17x18xi32> {onnx.name = "z", onnx.dims = ["", ""]}) {
  %w = graph.constant dense<2.0> : tensor<40x18xf32>
  %b = graph.constant dense<1.0> : tensor<18xf32>
  %v = graph.constant dense<3> : tensor<18x40xi8>
  // CHECK: toy_0.matmul_0: # fc
  // CHECK-NEXT: load in0+0 -> 1024, 16 x 96 bytes, stride 160 # fc
  // CHECK-NEXT: load weights+0 -> 2560, 24 x 64 bytes, stride 72 # fc
  // CHECK-NEXT: matmul.f32 16x16x24, 1024, 2560 -> 0, start # fc
  // CHECK-NEXT: load in0+96 -> 1024, 16 x 64 bytes, stride 160
  // CHECK-NEXT: load weights+1728 -> 2560, 16 x 64 bytes, stride 72
  // CHECK-NEXT: matmul.f32 16x16x16, 1024, 2560 -> 0 # fc
  // CHECK-NEXT: store 0 -> arena+0, 16 x 64 bytes, stride 72
  // CHECK: load in0+0 -> 1024, 16 x 96 bytes
  // CHECK-NEXT: load weights+64 -> 2560, 24 x 8 bytes, stride 72
  // CHECK-NEXT: matmul.f32 16x2x24
  // CHECK: store 0 -> arena+64, 16 x 8 bytes, stride 72
  // CHECK: load in0+2560 -> 1024, 1 x 96 bytes
  // CHECK: matmul.f32 1x16x24
  // CHECK: matmul.f32 1x2x16
  // CHECK-NEXT: store 0 -> arena+1216, 1 x 8 bytes, stride 72
  %0 = graph.matmul %x, %w : (tensor<17x40xf32>, tensor<40x18xf32>) -> tensor<17x18xf32> loc("fc")
  // The sum and what follows are one kernel; the row is loaded 17 times over.
  // CHECK-NEXT: toy_0.elementwise_1: # bias, act
  // CHECK-NEXT: load arena+0 -> 0, 17 x 72 bytes, stride 72 # bias, act
  // CHECK-NEXT: load weights+2880 -> 2048, 17 x 72 bytes, stride 0
  // CHECK-NEXT: add 306, 0, 2048 -> 2048
  // CHECK-NEXT: relu 306, 2048 -> 2048
  // CHECK-NEXT: store 2048 -> out0+0, 17 x 72 bytes, stride 72
  %1 = graph.binary add %0, %b : (tensor<17x18xf32>, tensor<18xf32>) -> tensor<17x18xf32> loc("bias")
  %2 = graph.unary relu %1 : (tensor<17x18xf32>) -> tensor<17x18xf32> loc("act")
  // CHECK-NEXT: toy_0.matmul_2: # int
  // CHECK-NEXT: load in1+0 -> 1024, 16 x 40 bytes, stride 40
  // CHECK-NEXT: load weights+3008 -> 1664, 16 x 40 bytes, stride 40
  // CHECK-NEXT: matmul.i8 16x16x40, 1024, 1664t -> 0, start
  // CHECK-NEXT: store 0 -> out1+0, 16 x 64 bytes, stride 72
  %3 = graph.matmul %q, %v {transpose_rhs} : (tensor<17x40xi8>, tensor<18x40xi8>) -> tensor<17x18xi32> loc("int")
  // CHECK: {{^}} end{{$}}
  return %2, %3 : tensor<17x18xf32>, tensor<17x18xi32>
}
