// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of a gather's table that the second-level cache does not hold are prefetched some indices ahead, but no index
// behind the last of the call is read. Up to four lines of a row are; rows shorter than half a line, and those of a table
// that the cache holds, are not. The cache of x86-64-v3 has 256 KiB, that of x86-64-v4 has 1 MiB.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s --check-prefixes=CHECK,SMALL
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s --check-prefixes=CHECK,LARGE

// Two lines of each row of 2.56 MB.
// CHECK-LABEL: func.func private @kernel_gather_0(
// CHECK-SAME: %{{[a-z0-9]+}}: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[LAST:.*]] = arith.subi %{{.*}}, %c1{{(_[0-9]+)?}} : index
// CHECK: scf.for %[[UNIT:.*]] =
// CHECK: %[[AHEAD:.*]] = arith.addi %[[UNIT]], %c16{{(_[0-9]+)?}} : index
// CHECK: %[[AT:.*]] = arith.minsi %[[AHEAD]], %[[LAST]] : index
// CHECK: memref.load %{{.*}}[%[[AT]]] : memref<?xi64>
// CHECK-COUNT-2: memref.prefetch %{{.*}}, read, locality<3>, data : memref<?xf32>
// CHECK-NOT: memref.prefetch
// CHECK: memref.load %{{.*}}[%[[UNIT]]] : memref<?xi64>
// CHECK: vector.load

// Of 4 KiB, four lines, in the loop over indices for each coordinate before the axis.
// CHECK-LABEL: func.func private @kernel_gather_1(
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-4: memref.prefetch
// CHECK-NOT: memref.prefetch

// Of 28 bytes.
// CHECK-LABEL: func.func private @kernel_gather_2(
// CHECK-NOT: memref.prefetch

// A table of 512,000 bytes.
// CHECK-LABEL: func.func private @kernel_gather_3(
// SMALL-COUNT-2: memref.prefetch
// LARGE-NOT: memref.prefetch
func.func @main(%x: tensor<20000x32xf32>, %y: tensor<2x1000x1024xf32>, %z: tensor<80000x7xf32>,
                %w: tensor<4000x32xf32>, %i: tensor<40xi64>)
    -> (tensor<40x32xf32>, tensor<2x40x1024xf32>, tensor<40x7xf32>, tensor<40x32xf32>) {
  %0 = graph.gather %x, %i {axis = 0 : i64} : (tensor<20000x32xf32>, tensor<40xi64>) -> tensor<40x32xf32>
  %1 = graph.gather %y, %i {axis = 1 : i64} : (tensor<2x1000x1024xf32>, tensor<40xi64>) -> tensor<2x40x1024xf32>
  %2 = graph.gather %z, %i {axis = 0 : i64} : (tensor<80000x7xf32>, tensor<40xi64>) -> tensor<40x7xf32>
  %3 = graph.gather %w, %i {axis = 0 : i64} : (tensor<4000x32xf32>, tensor<40xi64>) -> tensor<40x32xf32>
  return %0, %1, %2, %3 : tensor<40x32xf32>, tensor<2x40x1024xf32>, tensor<40x7xf32>, tensor<40x32xf32>
}
