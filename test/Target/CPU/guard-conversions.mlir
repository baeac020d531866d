// RUN: tenon-opt %s --cpu-guard-conversions | FileCheck %s --check-prefixes=CHECK,ANY
// RUN: tenon-opt %s --cpu-guard-conversions="any-for-nan=false" | FileCheck %s --check-prefixes=CHECK,ONE

// Nothing is known of the operand: the conversion saturates, NaN is the smallest.
// CHECK-LABEL: @unknown
// CHECK-SAME: %[[X:.*]]: vector<8xf32>
// CHECK: %[[LOW:.*]] = arith.constant dense<-2.14748365E+9>
// CHECK: %[[ABOVE:.*]] = arith.cmpf ogt, %[[X]], %[[LOW]]
// CHECK: %[[Y:.*]] = arith.select %[[ABOVE]], %[[X]], %[[LOW]]
// CHECK: %[[I:.*]] = arith.fptosi %[[Y]]
// CHECK: %[[F:.*]] = llvm.freeze %[[I]]
// CHECK: %[[END:.*]] = arith.constant dense<2.14748365E+9>
// CHECK: %[[BEYOND:.*]] = arith.cmpf oge, %[[X]], %[[END]]
// CHECK: %[[MOST:.*]] = arith.constant dense<2147483647>
// CHECK: %[[R:.*]] = arith.select %[[BEYOND]], %[[MOST]], %[[F]]
// CHECK: return %[[R]]
func.func @unknown(%x: vector<8xf32>) -> vector<8xi32> {
  %0 = arith.fptosi %x : vector<8xf32> to vector<8xi32>
  return %0 : vector<8xi32>
}

// CHECK-LABEL: @unsigned
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f64
// CHECK: arith.cmpf ogt, %{{.*}}, %[[ZERO]]
// CHECK: arith.fptoui
// CHECK: %[[END:.*]] = arith.constant 1.8446744073709552E+19 : f64
// CHECK: arith.cmpf oge, %{{.*}}, %[[END]]
// CHECK: %[[MOST:.*]] = arith.constant -1 : i64
// CHECK: arith.select %{{.*}}, %[[MOST]]
func.func @unsigned(%x: f64) -> i64 {
  %0 = arith.fptoui %x : f64 to i64
  return %0 : i64
}

// As in the exponential function: bounded, but NaN passes both comparisons.
// CHECK-LABEL: @clamped_or_nan
// ONE: arith.cmpf ogt
// ONE-NEXT: arith.select
// ANY: math.floor
// CHECK-NEXT: %[[I:.*]] = arith.fptosi
// CHECK-NEXT: %[[F:.*]] = llvm.freeze %[[I]] : i32
// CHECK-NEXT: return %[[F]]
func.func @clamped_or_nan(%x: f32) -> i32 {
  %low = arith.constant -127.0 : f32
  %high = arith.constant 127.0 : f32
  %0 = arith.cmpf uge, %x, %low : f32
  %1 = arith.select %0, %x, %low : f32
  %2 = arith.cmpf ule, %1, %high : f32
  %3 = arith.select %2, %1, %high : f32
  %4 = math.floor %3 : f32
  %5 = arith.fptosi %4 : f32 to i32
  return %5 : i32
}

// A quantization's clamp drops NaN, in this order.
// CHECK-LABEL: @clamped
// CHECK: %[[I:.*]] = arith.fptosi
// CHECK-NEXT: return %[[I]]
func.func @clamped(%x: f32) -> i32 {
  %low = arith.constant 0.0 : f32
  %high = arith.constant 255.0 : f32
  %0 = arith.cmpf ogt, %x, %low : f32
  %1 = arith.select %0, %x, %low : f32
  %2 = arith.cmpf olt, %1, %high : f32
  %3 = arith.select %2, %1, %high : f32
  %4 = arith.fptosi %3 : f32 to i32
  return %4 : i32
}

// maximumf keeps NaN, and nothing bounds the operand above.
// CHECK-LABEL: @half_clamped
// CHECK: llvm.freeze
// CHECK: arith.cmpf oge
func.func @half_clamped(%x: f32) -> i32 {
  %low = arith.constant 0.0 : f32
  %0 = arith.maximumf %x, %low : f32
  %1 = arith.fptosi %0 : f32 to i32
  return %1 : i32
}

// Bits without a sign, scaled, below a limit: no clamp is missing.
// CHECK-LABEL: @magnitude
// CHECK: %[[I:.*]] = arith.fptoui
// CHECK-NEXT: return %[[I]]
func.func @magnitude(%x: i32) -> i32 {
  %mask = arith.constant 0x7fffffff : i32
  %scale = arith.constant 8.0 : f32
  %high = arith.constant 16.0 : f32
  %zero = arith.constant 0.0 : f32
  %0 = arith.andi %x, %mask : i32
  %1 = arith.bitcast %0 : i32 to f32
  %2 = arith.mulf %1, %scale : f32
  %3 = arith.cmpf ole, %2, %high : f32
  %4 = arith.select %3, %2, %zero : f32
  %5 = math.roundeven %4 : f32
  %6 = arith.fptoui %5 : f32 to i32
  return %6 : i32
}

// CHECK-LABEL: @of_integer
// CHECK-NOT: llvm.freeze
// CHECK: return
func.func @of_integer(%x: i16) -> i32 {
  %0 = arith.sitofp %x : i16 to f32
  %1 = arith.fptosi %0 : f32 to i32
  return %1 : i32
}

// Whoever freezes knows that the value may be anything.
// CHECK-LABEL: @frozen
// CHECK-NEXT: arith.fptosi
// CHECK-NEXT: llvm.freeze
// CHECK-NEXT: return
func.func @frozen(%x: f32) -> i32 {
  %0 = arith.fptosi %x : f32 to i32
  %1 = llvm.freeze %0 : i32
  return %1 : i32
}

// CHECK-LABEL: @planes
// CHECK: vector.shape_cast {{.*}} : vector<2x4xi32> to vector<8xi32>
// CHECK: llvm.freeze {{.*}} : vector<8xi32>
func.func @planes(%x: vector<2x4xf32>) -> vector<2x4xi32> {
  %0 = arith.fptosi %x : vector<2x4xf32> to vector<2x4xi32>
  return %0 : vector<2x4xi32>
}
