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

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %none = onnx.none : none
  // expected-error @+1 {{[TN2104] s (Sum, opset 17): input 1 is missing}}
  %0 = onnx.node "Sum"(%x, %none, %x) {name = "s", since = 13 : i64, opset = 17 : i64} : (tensor<4xf32>, none, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{[TN2102] p (MaxPool, opset 17): input has rank 1, expected 3 to 5}}
  %0 = onnx.node "MaxPool"(%x) {name = "p", since = 12 : i64, opset = 17 : i64, attrs = {kernel_shape = array<i64: 2>}} : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @+1 {{[TN2102] c (ConvTranspose, opset 17): input has rank 1, expected 3 to 5}}
  %1 = onnx.node "ConvTranspose"(%x, %x) {name = "c", since = 11 : i64, opset = 17 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %x : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<1x4x2x2xf32>, %m: tensor<2x2xi32>) -> tensor<2x2xi32> {
  // expected-error @+1 {{[TN2104] d (DepthToSpace, opset 17): input must have rank 4 and blocksize be in [1, 2^20]}}
  %0 = onnx.node "DepthToSpace"(%x) {name = "d", since = 13 : i64, opset = 17 : i64, attrs = {blocksize = 4294967296 : i64}} : (tensor<1x4x2x2xf32>) -> tensor<*xf32>
  // expected-error @+1 {{[TN2104] l (LpNormalization, opset 17): attribute p = 3, expected 1 or 2}}
  %1 = onnx.node "LpNormalization"(%x) {name = "l", since = 1 : i64, opset = 17 : i64, attrs = {p = 3 : i64}} : (tensor<1x4x2x2xf32>) -> tensor<*xf32>
  // expected-error @+1 {{[TN2102] g (Gemm, opset 17): attributes alpha and beta must be whole numbers for integer operands}}
  %3 = onnx.node "Gemm"(%m, %m) {name = "g", since = 13 : i64, opset = 17 : i64, attrs = {alpha = 0.5 : f32}} : (tensor<2x2xi32>, tensor<2x2xi32>) -> tensor<2x2xi32>
  return %3 : tensor<2x2xi32>
}

// -----

// A constant without a form cannot be an output.
// expected-error @+1 {{[TN2105] output 0 is a constant of type}}
func.func @main(%x: tensor<4xf32>) -> tensor<!onnx.string> {
  %0 = onnx.constant dense<"x"> : tensor<!onnx.string>
  return %0 : tensor<!onnx.string>
}

// -----

func.func @main(%x: tensor<1x2x4xf32>, %w: tensor<30x5x1xf32>, %d: tensor<1x2xf32>, %i: tensor<1x9xi64>, %u: tensor<1x9xf32>, %n: tensor<5x1xi64>, %e: tensor<3x2xf32>) -> tensor<1x2xf32> {
  // expected-error @+1 {{[TN2056] conv_transpose's data has 2 channels, its filter needs 30}}
  %0 = onnx.node "ConvTranspose"(%x, %w) {name = "c", since = 11 : i64, opset = 17 : i64} : (tensor<1x2x4xf32>, tensor<30x5x1xf32>) -> tensor<*xf32>
  // expected-error @+1 {{[TN2054] dimension 1 of the indices is 9, beyond the data's 2}}
  %1 = onnx.node "GatherElements"(%d, %i) {name = "g", since = 13 : i64, opset = 17 : i64} : (tensor<1x2xf32>, tensor<1x9xi64>) -> tensor<1x9xf32>
  // expected-error @+1 {{[TN2054] dimension 1 of the indices is 9, beyond the data's 2}}
  %2 = onnx.node "ScatterElements"(%d, %i, %u) {name = "s", since = 16 : i64, opset = 17 : i64} : (tensor<1x2xf32>, tensor<1x9xi64>, tensor<1x9xf32>) -> tensor<1x2xf32>
  // expected-error @+1 {{[TN2045] gather_nd's batch dimension 0 is 3 in the data and 5 in the indices}}
  %3 = onnx.node "GatherND"(%e, %n) {name = "n", since = 13 : i64, opset = 17 : i64, attrs = {batch_dims = 1 : i64}} : (tensor<3x2xf32>, tensor<5x1xi64>) -> tensor<5xf32>
  return %2 : tensor<1x2xf32>
}

// -----

func.func @main(%x: tensor<1x1x1xf32>, %w: tensor<1x4x1xf32>, %p: tensor<1x1xf32>) -> tensor<1x1x1x1xf32> {
  %none = onnx.none : none
  // expected-error @+1 {{[TN2064] P has type 'tensor<1x1xf32>', expected a shape of 1 3}}
  %0 = onnx.node "LSTM"(%x, %w, %w, %none, %none, %none, %none, %p) {name = "l", since = 14 : i64, opset = 17 : i64, attrs = {hidden_size = 1 : i64}} : (tensor<1x1x1xf32>, tensor<1x4x1xf32>, tensor<1x4x1xf32>, none, none, none, none, tensor<1x1xf32>) -> tensor<1x1x1x1xf32>
  return %0 : tensor<1x1x1x1xf32>
}
