// RUN: tenon-opt %s -convert-onnx-to-graph -split-input-file -verify-diagnostics

// All problems of a model are reported: unknown operators once each, and what
// depends on them is not reported again.
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{[TN2101] a (Nope, opset 17): the compiler does not know this operator; also used by b}}
  %0 = onnx.node "Nope"(%x) {name = "a", since = 1 : i64, opset = 17 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.node "Relu"(%0) {name = "r", since = 14 : i64, opset = 17 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = onnx.node "Nope"(%1) {name = "b", since = 1 : i64, opset = 17 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @+1 {{[TN2104] c (Concat, opset 17): axis = 3, expected a value in [-1, 0]}}
  %3 = onnx.node "Concat"(%x, %x) {name = "c", since = 13 : i64, opset = 17 : i64, attrs = {axis = 3 : i64}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  return %2 : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4x5xf32>, %axes: tensor<1xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{[TN2103] r (ReduceSum, opset 17): input axes must be constant}}
  %0 = onnx.node "ReduceSum"(%x, %axes) {name = "r", since = 13 : i64, opset = 17 : i64} : (tensor<4x5xf32>, tensor<1xi64>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

func.func @main(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32> {
  // expected-error @+1 {{[TN2102] p (MaxPool, opset 17): output 1 is used, the compiler does not compute it}}
  %0:2 = onnx.node "MaxPool"(%x) {name = "p", since = 12 : i64, opset = 17 : i64, attrs = {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>}} : (tensor<1x2x4x4xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x2x2xi64>)
  %1 = onnx.node "Cast"(%0#1) {name = "c", since = 13 : i64, opset = 17 : i64, attrs = {to = 1 : i64}} : (tensor<1x2x2x2xi64>) -> tensor<1x2x2x2xf32>
  return %1 : tensor<1x2x2x2xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4x!onnx.string> {
  // expected-error @+1 {{[TN2105] c (Cast, opset 17): attribute to = 8 is no type that compiled code can hold}}
  %0 = onnx.node "Cast"(%x) {name = "c", since = 13 : i64, opset = 17 : i64, attrs = {to = 8 : i64}} : (tensor<4xf32>) -> tensor<4x!onnx.string>
  return %0 : tensor<4x!onnx.string>
}

// -----

// expected-error @+1 {{[TN2106] input x has no rank; declare its shape in the model}}
func.func @main(%x: tensor<*xf32> {onnx.name = "x"}) -> tensor<*xf32> {
  return %x : tensor<*xf32>
}

// -----

// MatMulNBits: widths and blocks without a form, weights that are computed and
// cross bytes, steps of K out of order.
func.func @main(%x: tensor<2x32xf32>, %s: tensor<1xf32>, %b: tensor<1x1x12xui8>) -> (tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>) {
  // expected-error @+1 {{[TN2102] m (com.microsoft::MatMulNBits, opset 1): attribute bits = 9, expected 2 to 8}}
  %0 = onnx.node "MatMulNBits"(%x, %b, %s) {name = "m", domain = "com.microsoft", since = 1 : i64, opset = 1 : i64, attrs = {K = 32 : i64, N = 1 : i64, bits = 9 : i64, block_size = 32 : i64}} : (tensor<2x32xf32>, tensor<1x1x12xui8>, tensor<1xf32>) -> tensor<2x1xf32>
  // expected-error @+1 {{[TN2104] n (com.microsoft::MatMulNBits, opset 1): attributes K = 32, N = 1, block_size = 24, expected sizes above 0 and a block_size that is a power of two, 16 or more}}
  %1 = onnx.node "MatMulNBits"(%x, %b, %s) {name = "n", domain = "com.microsoft", since = 1 : i64, opset = 1 : i64, attrs = {K = 32 : i64, N = 1 : i64, bits = 4 : i64, block_size = 24 : i64}} : (tensor<2x32xf32>, tensor<1x1x12xui8>, tensor<1xf32>) -> tensor<2x1xf32>
  // expected-error @+1 {{[TN2103] o (com.microsoft::MatMulNBits, opset 1): inputs B and zero_points must be constants of 12 and 1 bytes where bits = 3}}
  %2 = onnx.node "MatMulNBits"(%x, %b, %s) {name = "o", domain = "com.microsoft", since = 1 : i64, opset = 1 : i64, attrs = {K = 32 : i64, N = 1 : i64, bits = 3 : i64, block_size = 32 : i64}} : (tensor<2x32xf32>, tensor<1x1x12xui8>, tensor<1xf32>) -> tensor<2x1xf32>
  %none = onnx.none : none
  %g = onnx.constant dense<1> : tensor<32xi32>
  // expected-error @+1 {{[TN2102] p (com.microsoft::MatMulNBits, opset 1): input g_idx puts step 0 of K into block 1, expected 0; export without act_order}}
  %3 = onnx.node "MatMulNBits"(%x, %b, %s, %none, %g) {name = "p", domain = "com.microsoft", since = 1 : i64, opset = 1 : i64, attrs = {K = 32 : i64, N = 1 : i64, bits = 4 : i64, block_size = 32 : i64}} : (tensor<2x32xf32>, tensor<1x1x12xui8>, tensor<1xf32>, none, tensor<32xi32>) -> tensor<2x1xf32>
  return %0, %1, %2, %3 : tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>
}
