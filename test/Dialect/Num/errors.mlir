// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{[TN4102] unknown format 'f8E9M9'; known are}}
func.func private @unknown(tensor<4x!num.format<"f8E9M9">>)

// -----

// expected-error @+1 {{C1: [TN4101] declaration: format 'x': rule F4: infinity and `nan: ieee` come together}}
func.func private @rule(tensor<4x!num.format<"{name: x, kind: float, exponent: 4, mantissa: 3, bias: 7, infinity: true}">>)

// -----

// expected-error @+1 {{C1: [TN4101] declaration:1:50: unknown key 'bais'}}
func.func private @key(tensor<4x!num.format<"{name: x, kind: float, exponent: 4, mantissa: 3, bais: 7, bias: 7}">>)

// -----

// expected-error @+1 {{C2: 'cFP8E4M3' is no format of single values}}
func.func private @open(tensor<4x!num.format<"cFP8E4M3">>)

// -----

// expected-error @+1 {{C2: 'MXFP4' is no format of single values}}
func.func private @block(tensor<4x!num.format<"MXFP4">>)

// -----

// expected-error @+1 {{C3: 'E4M3' is the builtin type f8E4M3FN}}
func.func private @builtin(tensor<4x!num.format<"E4M3">>)

// -----

func.func @decode_format(%x: i8) {
  // expected-error @+1 {{C1: 'index' is no number format}}
  %0 = num.decode %x as index : i8 -> f32
  return
}

// -----

func.func @decode_width(%x: i8) {
  // expected-error @+1 {{C1: codes of f16 have 16 bits, the integers 8}}
  %0 = num.decode %x as f16 : i8 -> f32
  return
}

// -----

func.func @decode_wide(%x: i64) {
  // expected-error @+1 {{C1: codes of f64 have 64 bits; values are f32}}
  %0 = num.decode %x as f64 : i64 -> f32
  return
}

// -----

func.func @decode_shape(%x: vector<4xi8>) {
  // expected-error @+1 {{C2: codes are 'vector<4xi8>', values 'vector<8xf32>'}}
  %0 = num.decode %x as f8E5M2 : vector<4xi8> -> vector<8xf32>
  return
}

// -----

func.func @encode_width(%x: f32) {
  // expected-error @+1 {{C1: codes of bf16 have 16 bits, the integers 8}}
  %0 = num.encode %x as bf16 nearest_even saturate : f32 -> i8
  return
}

// -----

func.func @encode_shape(%x: vector<4xf32>) {
  // expected-error @+1 {{C2: codes are 'i8', values 'vector<4xf32>'}}
  %0 = num.encode %x as f8E5M2 nearest_even saturate : vector<4xf32> -> i8
  return
}

// -----

func.func @encode_no_index(%x: f32) {
  // expected-error @+1 {{C3: stochastic rounding needs the values' index, other rounding has none}}
  %0 = num.encode %x as f8E5M2 stochastic saturate : f32 -> i8
  return
}

// -----

func.func @encode_index_shape(%x: vector<4xf32>, %i: i64) {
  // expected-error @+1 {{C3: index is 'i64', values 'vector<4xf32>'}}
  %0 = num.encode %x at %i : i64 as f8E5M2 stochastic saturate : vector<4xf32> -> vector<4xi8>
  return
}

// -----

func.func @encode_rounding(%x: f32) {
  // expected-error @+1 {{C4: i4 rounds to the nearest even value only}}
  %0 = num.encode %x as i4 toward_zero saturate : f32 -> i8
  return
}
