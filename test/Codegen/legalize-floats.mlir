// RUN: tenon-opt %s --codegen-legalize-floats | FileCheck %s --check-prefixes=CHECK,HAS
// RUN: tenon-opt %s --codegen-legalize-floats="fma=false half=false" | FileCheck %s --check-prefixes=CHECK,LACKS

// CHECK-LABEL: @fma
// HAS: math.fma
// HAS: vector.fma
// LACKS-COUNT-2: arith.mulf {{.*}} : vector<4xf32>
// LACKS-NOT: fma
func.func @fma(%a: vector<4xf32>, %b: vector<4xf32>) -> vector<4xf32> {
  %0 = math.fma %a, %b, %a : vector<4xf32>
  %1 = vector.fma %0, %b, %a : vector<4xf32>
  return %1 : vector<4xf32>
}

// CHECK-LABEL: @half
// HAS: arith.extf {{.*}} : vector<4xf16> to vector<4xf32>
// HAS: arith.truncf {{.*}} : vector<4xf32> to vector<4xf16>
// LACKS-NOT: arith.extf
// LACKS-NOT: arith.truncf
// LACKS: arith.bitcast %arg0 : vector<4xf16> to vector<4xi16>
// LACKS-NOT: arith.extf
// LACKS-NOT: arith.truncf
// LACKS: %[[Y:.*]] = arith.bitcast {{.*}} : vector<4xi16> to vector<4xf16>
// LACKS-NEXT: return %[[Y]]
func.func @half(%x: vector<4xf16>) -> vector<4xf16> {
  %0 = arith.extf %x : vector<4xf16> to vector<4xf32>
  %1 = arith.mulf %0, %0 : vector<4xf32>
  %2 = arith.truncf %1 : vector<4xf32> to vector<4xf16>
  return %2 : vector<4xf16>
}

// Arithmetic on f16 itself is done in f32, and rounded after each operation.
// CHECK-LABEL: @half_arithmetic
// HAS: arith.addf {{.*}} : f16
// LACKS: arith.addf {{.*}} : f32
func.func @half_arithmetic(%x: f16, %y: f16) -> f16 {
  %0 = arith.addf %x, %y : f16
  return %0 : f16
}

// CHECK-LABEL: @bfloat
// CHECK: arith.extf {{.*}} : bf16 to f32
// CHECK: arith.addf {{.*}} : f32
// CHECK: arith.truncf {{.*}} : f32 to bf16
func.func @bfloat(%x: bf16, %y: bf16) -> bf16 {
  %0 = arith.addf %x, %y : bf16
  return %0 : bf16
}

// A double is narrowed once in effect: the step through f32 keeps, as an odd last
// bit, that something was lost.
// CHECK-LABEL: @double
// CHECK: arith.truncf {{.*}} : vector<2xf64> to vector<2xf32>
// CHECK: arith.ori
// HAS: arith.truncf {{.*}} : vector<2xf32> to vector<2xf16>
// CHECK-NOT: vector<2xf64> to vector<2xf16>
// CHECK-NOT: vector<2xf16> to vector<2xf64>
// CHECK: arith.extf {{.*}} : vector<2xf32> to vector<2xf64>
// CHECK: return
func.func @double(%x: vector<2xf64>) -> vector<2xf64> {
  %0 = arith.truncf %x : vector<2xf64> to vector<2xf16>
  %1 = arith.extf %0 : vector<2xf16> to vector<2xf64>
  return %1 : vector<2xf64>
}
