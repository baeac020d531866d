// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel notes the largest index in a register and asks once, behind its loop.
// If that one lies outside its axis, a second loop looks for the first that does;
// it is stored in the error record behind the kernel's buffers.
// Kernels of equal code are one function: each launch adds where its own checks
// begin in the program's table. Sizes alone are tested before the launch.
// RUN: rm -rf %t && tenon compile %s --start-from=graph --target=cpu:x86-64-v3 --stop-after=codegen --dump-to=%t > %t.s
// RUN: FileCheck %s < %t/4-codegen.mlir

// CHECK:      func.func private @[[$GATHER:kernel_gather_[0-9]]](%[[BUFFERS:[a-z0-9]+]]:
// CHECK:      scf.for
// CHECK-NOT:  scf.if
// CHECK:      arith.maxui
// CHECK:      %[[OK:.+]] = arith.cmpi ult
// CHECK:      arith.select %[[OK]], %{{.+}}, %{{.+}} : index
// CHECK-NOT:  scf.if
// CHECK:      vector.store
// CHECK:      %[[OUTSIDE:.+]] = arith.cmpi uge
// CHECK:      scf.if %[[OUTSIDE]]
// CHECK:      scf.for
// CHECK:      %[[INSIDE:.+]] = arith.cmpi ult
// CHECK:      arith.select %[[INSIDE]], %{{.+}}, %{{.+}} : index
// CHECK:      %[[OWN:.+]] = arith.select %[[INSIDE]], %{{.+}}, %{{.+}} : index
// CHECK:      arith.minsi %{{.+}}, %[[OWN]] : index
// CHECK:      scf.if
// CHECK:      llvm.getelementptr %[[BUFFERS]][3]
// CHECK:      llvm.cmpxchg
// CHECK-NOT:  llvm.call
// CHECK:      llvm.store %{{.+}}, %{{.+}} atomic release
// CHECK-NOT:  func.func private @kernel_gather

// Constants that lie inside are not asked.
// CHECK:      func.func private @kernel_scatter_nd
// CHECK:      scf.for
// CHECK-NOT:  arith.cmpi
// CHECK-NOT:  arith.select
// CHECK-NOT:  llvm.cmpxchg
// CHECK:      return

// CHECK-LABEL: func.func @tenon_main(
// CHECK:      %[[LIST:.+]] = llvm.alloca %{{.+}} x !llvm.ptr
// CHECK:      llvm.alloca %{{.+}} x i64
// CHECK:      %[[RECORD:.+]] = llvm.alloca %{{.+}} x i64
// CHECK:      %[[BEHIND:.+]] = llvm.getelementptr %[[LIST]][3]
// CHECK-NEXT: llvm.store %[[RECORD]], %[[BEHIND]]
// CHECK:      constant @[[$GATHER]]
// CHECK:      %[[THREE:.+]] = arith.constant 3 : i32
// CHECK:      llvm.call %{{.+}}(%{{.+}}, %{{.+}}, %{{.+}}, %[[LIST]], %[[THREE]],
// CHECK:      %[[FAILED:.+]] = llvm.getelementptr %[[RECORD]][2]
// CHECK-NEXT: llvm.load %[[FAILED]]
// CHECK:      constant @[[$GATHER]]
// CHECK:      %[[AGAIN:.+]] = llvm.getelementptr %[[RECORD]][2]
// CHECK-NEXT: %[[NUMBER:.+]] = llvm.load %[[AGAIN]]
// CHECK:      %[[BASE:.+]] = arith.constant 1 : i64
// CHECK-NEXT: arith.addi %[[NUMBER]], %[[BASE]]
// CHECK:      arith.cmpi sle
// CHECK-NEXT: %[[CHECK:.+]] = arith.constant 3 : i32
// CHECK:      llvm.call %{{.+}}(%{{.+}}, %[[CHECK]],
// CHECK:      constant @kernel_top_k
func.func @main(%x: tensor<4x8xf32> {onnx.name = "x", onnx.dims = ["", ""]}, %i: tensor<2xi64> {onnx.name = "i", onnx.dims = [""]},
                %j: tensor<2xi64> {onnx.name = "j", onnx.dims = [""]},
                %u: tensor<2xf32> {onnx.name = "u", onnx.dims = [""]}, %z: tensor<?xf32> {onnx.name = "z", onnx.dims = ["n"]})
    -> (tensor<2x8xf32> {onnx.name = "a", onnx.dims = ["", ""]}, tensor<2x8xf32> {onnx.name = "b", onnx.dims = ["", ""]},
        tensor<5xf32> {onnx.name = "c", onnx.dims = [""]}, tensor<4x8xf32> {onnx.name = "d", onnx.dims = ["", ""]}) {
  %at = graph.constant dense<[[0, 7], [3, 1]]> : tensor<2x2xi64>
  %k = graph.constant dense<5> : tensor<1xi64>
  %0 = graph.gather %x, %i {axis = 0 : i64} : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<2x8xf32>
  %1 = graph.gather %x, %j {axis = 0 : i64} : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<2x8xf32>
  %2, %3 = graph.top_k %z, %k {axis = 0 : i64, largest = true} : (tensor<?xf32>, tensor<1xi64>) -> (tensor<5xf32>, tensor<5xi64>)
  %4 = graph.scatter_nd %x, %at, %u : (tensor<4x8xf32>, tensor<2x2xi64>, tensor<2xf32>) -> tensor<4x8xf32>
  return %0, %1, %2, %4 : tensor<2x8xf32>, tensor<2x8xf32>, tensor<5xf32>, tensor<4x8xf32>
}
