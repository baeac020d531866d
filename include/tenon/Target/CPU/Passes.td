// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_TARGET_CPU_PASSES_TD
#define TENON_TARGET_CPU_PASSES_TD
include "mlir/Pass/PassBase.td"

def WidenConvolutionsPass : Pass<"cpu-widen-convolutions", "::mlir::ModuleOp"> {
  let summary = "Convolutions on 16-bit floats read and write f32";
  let description = [{
    A convolution or transposed convolution on f16 or bf16 becomes one on f32
    between casts. Its result is still rounded to 16 bits, so no value changes.
    Casts to f32 move before ops that only move values (concatenation, slice,
    transposition, views, maximum pooling, relu) if nothing else reads the
    16-bit value; meeting the rounding, they keep it in f32 memory. Constant
    operands are cast too: run `tenon-evaluate-constants` afterwards, and
    `graph-infer-shapes`, which records symbolic dimensions of the casts.

    ```mlir
    %y = graph.conv %x, %w ... : (tensor<1x8x8x4xf16>, tensor<8x4x1x1xf16>) -> tensor<1x8x8x8xf16>
    ```
    becomes
    ```mlir
    %a = graph.cast %x : (tensor<1x8x8x4xf16>) -> tensor<1x8x8x4xf32>
    %b = graph.cast %w : (tensor<8x4x1x1xf16>) -> tensor<8x4x1x1xf32>
    %c = graph.conv %a, %b ... -> tensor<1x8x8x8xf32>
    %y = graph.cast %c : (tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf16>
    ```
  }];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

def GuardConversionsPass : Pass<"cpu-guard-conversions", "::mlir::ModuleOp"> {
  let summary = "Give conversions of floats to integers a result for every operand";
  let description = [{
    LLVM's conversions are poison for NaN and beyond the integer type, and what is
    computed from poison is never written: where the operand is a constant, a
    kernel loses its store. After this pass none is poison:

    - an operand that some clamp keeps within the type is converted as it is;
    - an operand that is within the type or NaN, as in the exponential function,
      gets some integer for NaN (`llvm.freeze`, which is no instruction), with
      `any-for-nan`;
    - all others saturate: the largest integer from there on, the smallest one
      below it and for NaN (0 for unsigned types).

    ```mlir
    %r = arith.fptosi %x : f32 to i32
    ```
    becomes
    ```mlir
    %c = arith.cmpf ogt, %x, %lowest : f32
    %y = arith.select %c, %x, %lowest : f32
    %i = arith.fptosi %y : f32 to i32
    %f = llvm.freeze %i : i32
    %d = arith.cmpf oge, %x, %end : f32
    %r = arith.select %d, %most, %f : i32
    ```
  }];
  let options = [
    Option<"anyForNan", "any-for-nan", "bool", "true",
           "some integer is enough for NaN where the operand is else within the type: right where what is computed from "
           "the integer meets the NaN again; off, NaN gives the smallest integer">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
}

def EmitKernelsPass : Pass<"cpu-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Replaces a planned module by the functions of its CPU kernels";
  let description = [{
    Emits each kernel by the strategy that takes it, over vectors and loops, as the
    compiler does before it lowers functions to the LLVM dialect; identical kernels
    become one function. Constants are packed first. The host program and all else
    that the module held are left out. Tests of strategies read what this pass makes.

    ```mlir
    %0 = plan.kernel "elementwise_0" on "cpu" root "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
    ^bb0(%a: tensor<8xf32>):
      %1 = graph.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
      plan.yield %1 : tensor<8xf32>
    }
    ```
    becomes
    ```mlir
    func.func private @kernel_elementwise_0(%buffers: !llvm.ptr {llvm.noalias}, %symbols: !llvm.ptr, %begin: i64, %end: i64) {
      ...
      scf.for %unit = %first to %last step %one {
        ...
          %v = vector.load %x[%at] : memref<?xf32>, vector<8xf32>
          %r = arith.maximumf %v, %zero : vector<8xf32>
          vector.store %r, %y[%at] : memref<?xf32>, vector<8xf32>
      }
      return
    }
    ```
  }];
  let options = [
    Option<"spec", "target", "std::string", "\"host\"", "The processor that the kernels are for, as --target names it, where the module has no plan.host">
  ];
  let dependentDialects = [
    "::mlir::func::FuncDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::mlir::LLVM::LLVMDialect", "::tenon::num::NumDialect"
  ];
}
#endif
