// RUN: tenon-opt %s --split-input-file --graph-infer-shapes | FileCheck %s

// What is left of an open size on either side is one symbol, and so is what two
// such parts are joined to: nothing is broadcast, nothing is checked.
// CHECK-DAG: #[[$REST:map[0-9]*]] = affine_map<()[s0] -> (s0 - 1, 0)>
// CHECK-NOT: graph.assumptions
// CHECK: op = "max"}]
// CHECK-LABEL: func.func @main
// CHECK: graph.binary sub {{.*}} -> tensor<?xf32>
func.func @main(%x: tensor<?xf32> {onnx.dims = ["n"]}) -> tensor<*xf32> {
  %zero = graph.constant dense<0> : tensor<1xi64>
  %one = graph.constant dense<1> : tensor<1xi64>
  %minus = graph.constant dense<-1> : tensor<1xi64>
  %end = graph.constant dense<9223372036854775807> : tensor<1xi64>
  %a = graph.slice %x, %one, %end {axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %b = graph.slice %x, %zero, %minus {axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %r = graph.binary sub %a, %b : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %r : tensor<*xf32>
}

// -----

// The first rows of a table of 512, added to as many: only sizes up to 512 fit,
// which the dimension's range says from then on.
// CHECK: graph.symbols = [{divisor = 1 : i64, max = 512 : i64, min = 0 : i64, name = "n"}
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<?xf32> {onnx.dims = ["n"]}, %table: tensor<512xf32>) -> tensor<*xf32> {
  %zero = graph.constant dense<0> : tensor<1xi64>
  %n = graph.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?xf32>) -> tensor<1xi64>
  %rows = graph.slice %table, %zero, %n {axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<512xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %r = graph.binary add %x, %rows : (tensor<?xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %r : tensor<*xf32>
}

// -----

// Equal operations are one symbol, whatever their order; sizes that a condition
// on sizes chooses, too. What only one branch needs is checked in it.
// CHECK-DAG: #[[$NEED:map[0-9]*]] = affine_map<()[s0, s1, {{.*}}] -> (s0, s1)>
// CHECK-DAG: #[[$LESS:map[0-9]*]] = affine_map<()[s0, s1] -> (s0, s1)>
// CHECK: graph.symbols = [{{.*}}name = "a"}, {{.*}}name = "b"}, {args = #[[$LESS]], max = 1 : i64, min = 0 : i64, op = "lt"}
// CHECK-SAME: op = "select"}
// CHECK-NOT: op = "lt"
// CHECK-LABEL: func.func @main
// CHECK: scf.if
// CHECK: } {graph.else_assumptions = [{kind = "equal", sizes = #[[$NEED]]}]
func.func @main(%x: tensor<?xf32> {onnx.dims = ["a"]}, %y: tensor<?xf32> {onnx.dims = ["b"]}) -> tensor<*xf32> {
  %a = graph.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?xf32>) -> tensor<1xi64>
  %b = graph.shape %y {start = 0 : i64, end = 1 : i64} : (tensor<?xf32>) -> tensor<1xi64>
  %less = graph.binary lt %a, %b : (tensor<1xi64>, tensor<1xi64>) -> tensor<*xi1>
  %scalar = graph.squeeze %less {axes = array<i64: 0>} : (tensor<*xi1>) -> tensor<i1>
  %c = tensor.extract %scalar[] : tensor<i1>
  %r = scf.if %c -> tensor<*xf32> {
    %t = graph.concat %x, %y {axis = 0 : i64} : (tensor<?xf32>, tensor<?xf32>) -> tensor<*xf32>
    scf.yield %t : tensor<*xf32>
  } else {
    %m = graph.matmul %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<*xf32>
    %axis = graph.unsqueeze %m {axes = array<i64: 0>} : (tensor<*xf32>) -> tensor<*xf32>
    scf.yield %axis : tensor<*xf32>
  }
  return %r : tensor<*xf32>
}

// -----

// A quotient of sizes rounds as the model's integers or reals do.
// CHECK-DAG: affine_map<()[s0] -> (s0 ceildiv 2)>
// CHECK-LABEL: func.func @main
// CHECK: graph.fill
func.func @main(%x: tensor<?xf32> {onnx.dims = ["n"]}) -> tensor<*xf32> {
  %n = graph.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?xf32>) -> tensor<1xi64>
  %real = graph.cast %n : (tensor<1xi64>) -> tensor<*xf32>
  %half = graph.constant dense<0.5> : tensor<1xf32>
  %part = graph.binary mul %real, %half : (tensor<*xf32>, tensor<1xf32>) -> tensor<*xf32>
  %up = graph.unary ceil %part : (tensor<*xf32>) -> tensor<*xf32>
  %size = graph.cast %up : (tensor<*xf32>) -> tensor<*xi64>
  %value = graph.constant dense<0.0> : tensor<f32>
  %r = graph.fill %size, %value : (tensor<*xi64>, tensor<f32>) -> tensor<*xf32>
  return %r : tensor<*xf32>
}
