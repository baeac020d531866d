// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// A known format by its name, another one by its declaration: both print as declarations.
// CHECK-DAG: !f8E5M3FNU = !num.format<"{name: f8E5M3FNU, kind: float, sign: false, exponent: 5, mantissa: 3, bias: 15, nan: all_ones}">
// CHECK-DAG: !f8E6M1 = !num.format<"{name: f8E6M1, kind: float, exponent: 6, mantissa: 1, bias: 31}">
// CHECK-DAG: !cFP8E4M3_b11 = !num.format<"{name: cFP8E4M3_b11, kind: float, exponent: 4, mantissa: 3, bias: 11}">
// CHECK-DAG: !ternary = !num.format<"{name: ternary, kind: codebook, values: [-1, 0, 1]}">
!f8E6M1 = !num.format<"{name: f8E6M1, exponent: 6, mantissa: 1, bias: 31, kind: float}">

// CHECK: func.func private @types(tensor<4x!f8E5M3FNU>, tensor<4x!f8E6M1>, tensor<4x!cFP8E4M3_b11>, tensor<4x!ternary>)
func.func private @types(tensor<4x!num.format<"f8E5M3FNU">>, tensor<4x!f8E6M1>,
                         tensor<4x!num.format<"{name: cFP8E4M3_b11, kind: float, exponent: 4, mantissa: 3, bias: 11}">>,
                         tensor<4x!num.format<"{name: ternary, kind: codebook, values: [-1, 0, 1]}">>)

// CHECK-LABEL: func.func @conversions
func.func @conversions(%codes: vector<16xi8>, %values: vector<16xf32>, %one: f32, %index: vector<16xi64>) {
  // CHECK: num.decode %{{.*}} as f8E4M3FN : vector<16xi8> -> vector<16xf32>
  %0 = num.decode %codes as f8E4M3FN : vector<16xi8> -> vector<16xf32>
  // CHECK: num.encode %{{.*}} as !f8E6M1 toward_zero nonfinite : f32 -> i8
  %1 = num.encode %one as !f8E6M1 toward_zero nonfinite : f32 -> i8
  // CHECK: num.encode %{{.*}} at %{{.*}} : vector<16xi64> as f8E5M2 stochastic saturate {seed = 7 : i64} : vector<16xf32> -> vector<16xi8>
  %2 = num.encode %values at %index : vector<16xi64> as f8E5M2 stochastic saturate {seed = 7 : i64} : vector<16xf32> -> vector<16xi8>
  return
}
