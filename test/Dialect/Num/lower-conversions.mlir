// RUN: tenon-opt %s --num-lower-conversions --canonicalize --cse | FileCheck %s --implicit-check-not="= num."

// Fields move to float32's places; a subnormal code is an integer times the smallest value.
// CHECK-LABEL: func.func @decode_e5m2
// CHECK-SAME: (%[[C:.*]]: vector<16xi8>)
// CHECK: %[[WIDE:.*]] = arith.extui %[[C]] : vector<16xi8> to vector<16xi32>
// CHECK: %[[MAGNITUDE:.*]] = arith.andi %[[WIDE]], %{{.*}} : vector<16xi32>
// CHECK: %[[ALIGNED:.*]] = arith.shli %[[MAGNITUDE]], %{{.*}} : vector<16xi32>
// CHECK: %[[NORMAL:.*]] = arith.addi %[[ALIGNED]], %{{.*}} : vector<16xi32>
// CHECK: %[[IS_SMALL:.*]] = arith.cmpi ult, %[[MAGNITUDE]], %{{.*}} : vector<16xi32>
// CHECK: arith.uitofp %[[MAGNITUDE]] : vector<16xi32> to vector<16xf32>
// CHECK: arith.mulf %{{.*}} : vector<16xf32>
// CHECK: arith.select %[[IS_SMALL]], %{{.*}}, %[[NORMAL]]
// Infinity and NaN take float32's highest exponent.
// CHECK: arith.cmpi uge, %[[MAGNITUDE]], %{{.*}} : vector<16xi32>
// CHECK: arith.ori %[[ALIGNED]], %{{.*}} : vector<16xi32>
func.func @decode_e5m2(%c: vector<16xi8>) -> vector<16xf32> {
  %v = num.decode %c as f8E5M2 : vector<16xi8> -> vector<16xf32>
  return %v : vector<16xf32>
}

// Without special values nothing is compared with them.
// CHECK-LABEL: func.func @decode_e2m1
// CHECK-COUNT-1: arith.cmpi
// CHECK-NOT: arith.cmpi
// CHECK: return
func.func @decode_e2m1(%c: i8) -> f32 {
  %v = num.decode %c as f4E2M1FN : i8 -> f32
  return %v : f32
}

// A small table is chosen from by the bits of the code, a larger one lies in memory.
// CHECK-LABEL: func.func @decode_nf3
// CHECK-COUNT-7: arith.select
// CHECK-NOT: arith.select
// CHECK: return
func.func @decode_nf3(%c: vector<8xi8>) -> vector<8xf32> {
  %v = num.decode %c as !num.format<"NF3"> : vector<8xi8> -> vector<8xf32>
  return %v : vector<8xf32>
}

!steps = !num.format<"{name: steps, kind: codebook, values: [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8]}">
// CHECK-LABEL: func.func @decode_table
// CHECK: %[[TABLE:.*]] = memref.get_global @num.table.steps : memref<32xf32>
// CHECK: vector.gather %[[TABLE]]
func.func @decode_table(%c: vector<8xi8>) -> vector<8xf32> {
  %v = num.decode %c as !steps : vector<8xi8> -> vector<8xf32>
  return %v : vector<8xf32>
}

// Rounding to nearest even adds half a unit less one, and the last bit that stays.
// CHECK-LABEL: func.func @encode_e4m3fn
// CHECK-SAME: (%[[X:.*]]: vector<16xf32>)
// CHECK: %[[BITS:.*]] = arith.bitcast %[[X]] : vector<16xf32> to vector<16xi32>
// CHECK: %[[MAGNITUDE:.*]] = arith.andi %[[BITS]]
// CHECK: %[[LAST:.*]] = arith.shrui %[[MAGNITUDE]]
// CHECK: arith.andi %[[LAST]]
// CHECK: math.roundeven
// CHECK: arith.fptoui
// CHECK: arith.trunci %{{.*}} : vector<16xi32> to vector<16xi8>
func.func @encode_e4m3fn(%x: vector<16xf32>) -> vector<16xi8> {
  %c = num.encode %x as f8E4M3FN nearest_even saturate : vector<16xf32> -> vector<16xi8>
  return %c : vector<16xi8>
}

// Ten rounds of the counter-based generator.
// CHECK-LABEL: func.func @encode_stochastic
// CHECK-COUNT-10: arith.muli
// CHECK-NOT: arith.muli
// CHECK: return
func.func @encode_stochastic(%x: vector<16xf32>, %i: vector<16xi64>) -> vector<16xi8> {
  %c = num.encode %x at %i : vector<16xi64> as f8E5M2 stochastic saturate : vector<16xf32> -> vector<16xi8>
  return %c : vector<16xi8>
}

// Two midpoints: ties go to the even code.
// CHECK-LABEL: func.func @encode_ternary
// CHECK: arith.cmpf ogt
// CHECK: arith.cmpf oge
func.func @encode_ternary(%x: f32) -> i8 {
  %c = num.encode %x as !num.format<"{name: ternary, kind: codebook, values: [-1, 0, 1]}"> nearest_even saturate : f32 -> i8
  return %c : i8
}
