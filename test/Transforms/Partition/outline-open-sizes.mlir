// RUN: tenon-opt %s --plan-outline-regions --split-input-file --mlir-print-local-scope | FileCheck %s
// RUN: tenon-opt %s --plan-outline-regions --split-input-file --tenon-verify-stage=stage=graph -o /dev/null

// A region's table has the symbols that its sizes need, with ranges and assumptions: not the
// dimension "other", and the derived size with the one that it is derived from. What has
// open sizes has them recorded on each side in the numbers of its program.

// CHECK-LABEL: module @host
// CHECK-SAME: graph.symbols = [{{.*}}"other"{{.*}}"seq"{{.*}}
// CHECK: plan.transfer %{{.*}} from "host" to "b" {graph.shape = affine_map<()[s0, s1, s2, s3] -> (s1, 8)>} : tensor<?x8xf32>
// CHECK: %[[S:.*]]:2 = plan.submit @b_0 on "b"({{.*}}) {graph.shapes = [affine_map<()[s0, s1, s2, s3] -> (s1, 8)>, affine_map<()[s0, s1, s2, s3] -> (s3, 8)>]}
// CHECK-DAG: plan.transfer %[[S]]#1 from "b" to "host" {graph.shape = affine_map<()[s0, s1, s2, s3] -> (s3, 8)>}
// CHECK-DAG: plan.await %{{.*}} {graph.shape = affine_map<()[s0, s1, s2, s3] -> (s3, 8)>}
// CHECK-LABEL: module @b_0
// CHECK-SAME: graph.assumptions = [{kind = "at_most", sizes = affine_map<()[s0, s1] -> (s0, 1000)>}]
// CHECK-SAME: graph.nominal_sizes = {seq = 64 : i64}
// CHECK-SAME: graph.symbols = [{divisor = 2 : i64, max = 4096 : i64, min = 2 : i64, name = "seq"}, {args = affine_map<()[s0] -> (s0, 512)>, max = 512 : i64, min = 2 : i64, op = "min"}]
// CHECK: func.func @main(%{{.*}}: tensor<?x8xf32> {graph.shape = affine_map<()[s0, s1] -> (s0, 8)>})
// CHECK: graph.unary relu {{.*}} {graph.shape = affine_map<()[s0, s1] -> (s0, 8)>}
// CHECK: graph.slice {{.*}}graph.shape = affine_map<()[s0, s1] -> (s1, 8)>
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">], graph.nominal_sizes = {seq = 64 : i64},
    graph.assumptions = [{kind = "at_most", sizes = affine_map<()[s0, s1, s2, s3] -> (s1, 1000)>},
                         {kind = "equal", sizes = affine_map<()[s0, s1, s2, s3] -> (s1, s0)>}],
    graph.symbols = [{name = "other", min = 0 : i64, max = 9 : i64, divisor = 1 : i64},
                     {name = "seq", min = 2 : i64, max = 4096 : i64, divisor = 2 : i64},
                     {op = "max", args = affine_map<()[s0, s1] -> (s0, 4)>, min = 4 : i64, max = 9 : i64},
                     {op = "min", args = affine_map<()[s0, s1, s2] -> (s1, 512)>, min = 2 : i64, max = 512 : i64}]} {
  func.func @main(%o: tensor<?xf32> {graph.shape = affine_map<()[s0, s1, s2, s3] -> (s0)>},
                  %x: tensor<?x8xf32> {graph.shape = affine_map<()[s0, s1, s2, s3] -> (s1, 8)>})
      -> (tensor<?xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
    %c0 = graph.constant dense<0> : tensor<1xi64>
    %c512 = graph.constant dense<512> : tensor<1xi64>
    %0 = graph.unary exp %o {plan.device = "host", graph.shape = affine_map<()[s0, s1, s2, s3] -> (s0)>} : (tensor<?xf32>) -> tensor<?xf32>
    %1 = graph.unary relu %x {plan.device = "b", graph.shape = affine_map<()[s0, s1, s2, s3] -> (s1, 8)>} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    %2 = graph.slice %1, %c0, %c512 {axes = array<i64: 0>, steps = array<i64: 1>, plan.device = "b", graph.shape = affine_map<()[s0, s1, s2, s3] -> (s3, 8)>} : (tensor<?x8xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x8xf32>
    return %0, %1, %2 : tensor<?xf32>, tensor<?x8xf32>, tensor<?x8xf32>
  }
}

// -----

// Sizes are in each program that reads them, like constants.

// CHECK-LABEL: module @host
// CHECK: plan.submit @b_0 on "b"(%{{[^,]*}})
// CHECK-LABEL: module @b_0
// CHECK: %[[C:.*]] = graph.constant{{.*}}
// CHECK: %[[W:.*]] = plan.view %[[C]] {graph.shape = affine_map<()[s0] -> (s0, 2, 4)>}
// CHECK: %[[S:.*]] = graph.shape %[[W]]
// CHECK: graph.reshape %{{.*}}, %[[S]]
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">], graph.symbols = [{name = "n", min = 0 : i64, max = 99 : i64, divisor = 1 : i64}]} {
  func.func @main(%x: tensor<?x8xf32> {graph.shape = affine_map<()[s0] -> (s0, 8)>}) -> tensor<?x2x4xf32> {
    %c = graph.constant dense<> : tensor<0xi64>
    %w = plan.view %c {graph.shape = affine_map<()[s0] -> (s0, 2, 4)>} : tensor<0xi64> -> tensor<?x2x4xi64>
    %s = graph.shape %w {end = 3 : i64, start = 0 : i64} : (tensor<?x2x4xi64>) -> tensor<3xi64>
    %0 = graph.reshape %x, %s {plan.device = "b", graph.shape = affine_map<()[s0] -> (s0, 2, 4)>} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
    return %0 : tensor<?x2x4xf32>
  }
}
