// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Large temporaries lie in a thread's scratch, small ones on the stack at the
// kernel's start, and a frame of more than a page is touched page by page.
// RUN: rm -rf %t && tenon compile %s --start-from=graph --target=cpu:x86-64-v4 --stop-after=codegen --dump-to=%t > %t.s
// RUN: FileCheck %s < %t/4-codegen.mlir
// RUN: FileCheck %s --check-prefix=X86 < %t.s
// RUN: tenon compile %s --start-from=graph --target=cpu:aarch64 --stop-after=codegen | FileCheck %s --check-prefix=ARM
// RUN: tenon compile %s --start-from=graph --target=cpu:riscv64 --stop-after=codegen | FileCheck %s --check-prefix=RISCV
// RUN: tenon compile %s --start-from=graph --target=cpu:x86-64-v4 -q -o %t.tenon
// RUN: tenon inspect %t.tenon | FileCheck %s --check-prefix=STATED
// RUN: tenon inspect --json %t.tenon | FileCheck %s --check-prefix=JSON

// CHECK-LABEL: func.func private @kernel_lstm_0(
// CHECK-SAME:   !llvm.ptr {llvm.align = 64 : i64, llvm.noalias}
// CHECK:        memref.alloca() {alignment = 64 : i64} : memref<1024xf32>
// CHECK-LABEL: func.func private @scratch_kernel_lstm_0(
// CHECK:        %[[FIRST:.+]] = llvm.getelementptr %arg4[0]
// CHECK:        call @kernel_lstm_0({{.+}}%[[FIRST]]

// CHECK-LABEL: func.func @tenon_main(
// CHECK:        constant @scratch_kernel_lstm_0
// CHECK:        %[[SERVICE:.+]] = llvm.getelementptr %{{.+}}[32]
// CHECK-NEXT:   llvm.load %[[SERVICE]]

// X86-LABEL:   kernel_lstm_0:
// X86:         subq $4096, %rsp
// X86:         movq $0, (%rsp)
// ARM-LABEL:   kernel_lstm_0:
// ARM:         sub sp, sp, #1, lsl #12
// ARM:         str xzr, [sp]
// RISCV-LABEL: kernel_lstm_0:
// RISCV:       sd zero, 0(sp)

// STATED:      stack {{[1-3][0-9]+}} bytes at most
// JSON:        "stack_bytes": {{[1-3][0-9]+}},
func.func @main(%x: tensor<5x2x8xf32> {onnx.name = "x", onnx.dims = ["", "", ""]},
                %w: tensor<1x2048x8xf32> {onnx.name = "w", onnx.dims = ["", "", ""]},
                %r: tensor<1x2048x512xf32> {onnx.name = "r", onnx.dims = ["", "", ""]})
    -> (tensor<5x1x2x512xf32> {onnx.name = "y", onnx.dims = ["", "", "", ""]}) {
  %y, %yh, %yc = graph.lstm %x, %w, %r {hidden_size = 512 : i64, direction = 0 : i32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>} : (tensor<5x2x8xf32>, tensor<1x2048x8xf32>, tensor<1x2048x512xf32>) -> (tensor<5x1x2x512xf32>, tensor<1x2x512xf32>, tensor<1x2x512xf32>)
  return %y : tensor<5x1x2x512xf32>
}
