// RUN: tenon-opt %s --onnx-observe-activations="weights=i8" --split-input-file 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=WARN < %t
// RUN: tenon-opt %s --onnx-observe-activations="layers=fc2=i8" --split-input-file 2>/dev/null | FileCheck %s --check-prefix=RULES
// RUN: not tenon-opt %s --onnx-observe-activations="weights=i9" --split-input-file 2>&1 | FileCheck %s --check-prefix=FORMAT

// FORMAT: [TN4102] unknown number format 'i9'
// WARN: [TN4111] output of relu cannot be observed: it is computed inside of If choose and its shape is not fixed
// WARN: [TN4111] output of relu cannot be observed: it is computed inside of Loop repeat

// One value of two layers is one output, f16 becomes f32, a product of two
// activations is no layer.
// CHECK-LABEL: func.func @main(%arg0: tensor<2x64xf16>)
// CHECK-SAME: -> (tensor<2x2xf16>, tensor<2x64xf32> {onnx.name = "observed_1"}, tensor<2x8xf32> {onnx.name = "observed_2"})
// CHECK: %[[Y:.*]] = onnx.node "MatMul"(%arg0,
// CHECK: onnx.node "MatMul"(%arg0,
// CHECK: onnx.node "MatMul"(%[[Y]],
// CHECK: %[[X32:.*]] = onnx.node "Cast"(%arg0) {attrs = {to = 1 : i64}
// CHECK: %[[Y32:.*]] = onnx.node "Cast"(%[[Y]])
// CHECK: return %{{.*}}, %[[X32]], %[[Y32]]

// RULES-LABEL: func.func @main(%arg0: tensor<2x64xf16>)
// RULES-SAME: -> (tensor<2x2xf16>, tensor<2x64xf32> {onnx.name = "observed_1"})
func.func @main(%x: tensor<2x64xf16>) -> tensor<2x2xf16> attributes {onnx.opset = 21 : i64} {
  %w = onnx.constant dense<0.5> : tensor<64x8xf16> {name = "w"}
  %v = onnx.constant dense<0.5> : tensor<8x8xf16> {name = "v"}
  %0 = onnx.node "MatMul"(%x, %w) {name = "fc1", opset = 21 : i64, since = 13 : i64} : (tensor<2x64xf16>, tensor<64x8xf16>) -> tensor<2x8xf16>
  %1 = onnx.node "MatMul"(%x, %w) {name = "fc2", opset = 21 : i64, since = 13 : i64} : (tensor<2x64xf16>, tensor<64x8xf16>) -> tensor<2x8xf16>
  %2 = onnx.node "MatMul"(%0, %v) {name = "fc3", opset = 21 : i64, since = 13 : i64} : (tensor<2x8xf16>, tensor<8x8xf16>) -> tensor<2x8xf16>
  %3 = onnx.node "Transpose"(%2) {name = "turn", opset = 21 : i64, since = 13 : i64} : (tensor<2x8xf16>) -> tensor<8x2xf16>
  %4 = onnx.node "MatMul"(%1, %3) {name = "product", opset = 21 : i64, since = 13 : i64} : (tensor<2x8xf16>, tensor<8x2xf16>) -> tensor<2x2xf16>
  return %4 : tensor<2x2xf16>
}

// -----

// Out of two Ifs; the flag is that of both.
// CHECK-LABEL: func.func @main(%arg0: tensor<i1>
// CHECK-SAME: -> (tensor<2x8xf32>, tensor<2x64xf32> {onnx.name = "observed_1"}, tensor<i1> {onnx.name = "observed_2"})
// CHECK: %[[OUTER:.*]]:3 = onnx.node "If"(%arg0)
// CHECK: %[[INNER:.*]]:3 = onnx.node "If"(%arg1)
// CHECK: %[[R:.*]] = onnx.node "Relu"
// CHECK: %[[TRUE:.*]] = onnx.constant dense<true> : tensor<i1>
// CHECK: onnx.yield %{{.*}}, %[[R]], %[[TRUE]]
// CHECK: %[[ZERO:.*]] = onnx.constant dense<0.000000e+00> : tensor<2x64xf32>
// CHECK: %[[FALSE:.*]] = onnx.constant dense<false> : tensor<i1>
// CHECK: onnx.yield %{{.*}}, %[[ZERO]], %[[FALSE]]
// CHECK: onnx.yield %[[INNER]]#0, %[[INNER]]#1, %[[INNER]]#2
// CHECK: onnx.yield %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8xf32>, tensor<2x64xf32>, tensor<i1>
// CHECK: return %[[OUTER]]#0, %[[OUTER]]#1, %[[OUTER]]#2
func.func @main(%c: tensor<i1>, %d: tensor<i1>, %x: tensor<2x64xf32>) -> tensor<2x8xf32> attributes {onnx.opset = 21 : i64} {
  %w = onnx.constant dense<0.5> : tensor<64x8xf32> {name = "w"}
  %z = onnx.constant dense<0.0> : tensor<2x8xf32> {name = "z"}
  %0 = onnx.node "If"(%c) {name = "outer", opset = 21 : i64, since = 21 : i64, subgraphs = ["then_branch", "else_branch"]} : (tensor<i1>) -> tensor<2x8xf32> {
    %1 = onnx.node "If"(%d) {name = "inner", opset = 21 : i64, since = 21 : i64, subgraphs = ["then_branch", "else_branch"]} : (tensor<i1>) -> tensor<2x8xf32> {
      %2 = onnx.node "Relu"(%x) {name = "relu", opset = 21 : i64, since = 14 : i64} : (tensor<2x64xf32>) -> tensor<2x64xf32>
      %3 = onnx.node "MatMul"(%2, %w) {name = "fc", opset = 21 : i64, since = 13 : i64} : (tensor<2x64xf32>, tensor<64x8xf32>) -> tensor<2x8xf32>
      onnx.yield %3 : tensor<2x8xf32>
    }, {
      onnx.yield %z : tensor<2x8xf32>
    }
    onnx.yield %1 : tensor<2x8xf32>
  }, {
    onnx.yield %z : tensor<2x8xf32>
  }
  return %0 : tensor<2x8xf32>
}

// -----

// The input itself has a fixed place; what a branch makes of it has no shape.
// CHECK-LABEL: func.func @main(%arg0: tensor<i1>, %arg1: tensor<?x64xf32>)
// CHECK-SAME: -> (tensor<?x8xf32>, tensor<?x64xf32> {onnx.name = "observed_1"})
// CHECK: return %{{.*}}, %arg1
func.func @main(%c: tensor<i1>, %x: tensor<?x64xf32>) -> tensor<?x8xf32> attributes {onnx.opset = 21 : i64} {
  %w = onnx.constant dense<0.5> : tensor<64x8xf32> {name = "w"}
  %0 = onnx.node "If"(%c) {name = "choose", opset = 21 : i64, since = 21 : i64, subgraphs = ["then_branch", "else_branch"]} : (tensor<i1>) -> tensor<?x8xf32> {
    %2 = onnx.node "Relu"(%x) {name = "relu", opset = 21 : i64, since = 14 : i64} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %3 = onnx.node "MatMul"(%2, %w) {name = "fc", opset = 21 : i64, since = 13 : i64} : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
    onnx.yield %3 : tensor<?x8xf32>
  }, {
    %2 = onnx.node "MatMul"(%x, %w) {name = "other", opset = 21 : i64, since = 13 : i64} : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
    onnx.yield %2 : tensor<?x8xf32>
  }
  return %0 : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @main(%arg0: tensor<i64>, %arg1: tensor<i1>, %arg2: tensor<2x8xf32>) -> tensor<2x8xf32>
func.func @main(%n: tensor<i64>, %c: tensor<i1>, %x: tensor<2x8xf32>) -> tensor<2x8xf32> attributes {onnx.opset = 21 : i64} {
  %w = onnx.constant dense<0.5> : tensor<8x8xf32> {name = "w"}
  %0 = onnx.node "Loop"(%n, %c, %x) {name = "repeat", opset = 21 : i64, since = 21 : i64, subgraphs = ["body"]} : (tensor<i64>, tensor<i1>, tensor<2x8xf32>) -> tensor<2x8xf32> {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %y: tensor<2x8xf32>):
    %2 = onnx.node "Relu"(%y) {name = "relu", opset = 21 : i64, since = 14 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
    %3 = onnx.node "MatMul"(%2, %w) {name = "fc", opset = 21 : i64, since = 13 : i64} : (tensor<2x8xf32>, tensor<8x8xf32>) -> tensor<2x8xf32>
    onnx.yield %go, %3 : tensor<i1>, tensor<2x8xf32>
  }
  return %0 : tensor<2x8xf32>
}
