// RUN: tenon-opt %s --graph-simplify --split-input-file | FileCheck %s

// A result that nothing uses goes, and what computes it; what the branches assume of
// sizes stays, and so does the shape of the result that is left.
// CHECK-DAG: #[[$M:map[0-9]*]] = affine_map<()[s0, s1] -> (s1)>
// CHECK-LABEL: func.func @unused
// CHECK: scf.if %{{.*}} -> (tensor<?xf32>) {
// CHECK-NEXT: graph.unary relu
// CHECK-NEXT: scf.yield
// CHECK-NEXT: } else {
// CHECK-NEXT: graph.unary abs
// CHECK-NEXT: scf.yield
// CHECK-NEXT: } {graph.shape = #[[$M]], graph.then_assumptions = [{kind = "equal"
module attributes {graph.symbols = [{name = "n", min = 0 : i64, max = 64 : i64, divisor = 1 : i64}, {name = "m", min = 0 : i64, max = 64 : i64, divisor = 1 : i64}]} {
func.func @unused(%x: tensor<?xf32> {graph.shape = affine_map<()[s0, s1] -> (s0)>}, %y: tensor<?xf32> {graph.shape = affine_map<()[s0, s1] -> (s1)>}, %c: i1) -> tensor<?xf32> {
  %0:2 = scf.if %c -> (tensor<?xf32>, tensor<?xf32>) {
    %1 = graph.unary neg %x {graph.shape = affine_map<()[s0, s1] -> (s0)>} : (tensor<?xf32>) -> tensor<?xf32>
    %2 = graph.unary relu %y {graph.shape = affine_map<()[s0, s1] -> (s1)>} : (tensor<?xf32>) -> tensor<?xf32>
    scf.yield %1, %2 : tensor<?xf32>, tensor<?xf32>
  } else {
    %2 = graph.unary abs %y {graph.shape = affine_map<()[s0, s1] -> (s1)>} : (tensor<?xf32>) -> tensor<?xf32>
    scf.yield %x, %2 : tensor<?xf32>, tensor<?xf32>
  } {graph.shapes = [affine_map<()[s0, s1] -> (s0)>, affine_map<()[s0, s1] -> (s1)>], graph.then_assumptions = [{kind = "equal", sizes = affine_map<()[s0, s1] -> (s0, s1)>}]}
  return %0#1 : tensor<?xf32>
}
}

// -----

// Of three results two stay.
// CHECK-DAG: #[[$N:map[0-9]*]] = affine_map<()[s0] -> (s0)>
// CHECK-DAG: #[[$TWICE:map[0-9]*]] = affine_map<()[s0] -> (s0 * 2)>
// CHECK-LABEL: func.func @two
// CHECK: scf.if %{{.*}} -> (tensor<?xf32>, tensor<?xf32>) {
// CHECK: } {graph.shapes = [#[[$N]], #[[$TWICE]]]}
module attributes {graph.symbols = [{name = "n", min = 0 : i64, max = 64 : i64, divisor = 1 : i64}]} {
func.func @two(%x: tensor<?xf32> {graph.shape = affine_map<()[s0] -> (s0)>}, %y: tensor<?xf32> {graph.shape = affine_map<()[s0] -> (s0 * 2)>}, %c: i1) -> (tensor<?xf32>, tensor<?xf32>) {
  %0:3 = scf.if %c -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
    %1 = graph.unary neg %x {graph.shape = affine_map<()[s0] -> (s0)>} : (tensor<?xf32>) -> tensor<?xf32>
    scf.yield %1, %1, %y : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
  } else {
    scf.yield %x, %x, %y : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
  } {graph.shapes = [affine_map<()[s0] -> (s0)>, affine_map<()[s0] -> (s0)>, affine_map<()[s0] -> (s0 * 2)>]}
  return %0#0, %0#2 : tensor<?xf32>, tensor<?xf32>
}
}

// -----

// Branches without code may still have checks.
// CHECK-LABEL: func.func @checks
// CHECK-NOT: select
// CHECK: scf.if
// CHECK: } {graph.then_assumptions
module attributes {graph.symbols = [{name = "n", min = 0 : i64, max = 64 : i64, divisor = 1 : i64}, {name = "m", min = 0 : i64, max = 64 : i64, divisor = 1 : i64}]} {
func.func @checks(%x: tensor<3xf32>, %y: tensor<3xf32>, %c: i1) -> tensor<3xf32> {
  %0 = scf.if %c -> tensor<3xf32> {
    scf.yield %x : tensor<3xf32>
  } else {
    scf.yield %y : tensor<3xf32>
  } {graph.then_assumptions = [{kind = "equal", sizes = affine_map<()[s0, s1] -> (s0, s1)>}]}
  return %0 : tensor<3xf32>
}
}
