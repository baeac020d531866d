// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PLAN_OPS_TD
#define TENON_PLAN_OPS_TD
include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "tenon/Dialect/Plan/IR/PlanDialect.td"

def Plan_KernelOp : Op<Plan_Dialect, "kernel", [
    Pure, IsolatedFromAbove, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "a fused group of graph ops that one device runs as one kernel";
  let description = [{
    Block arguments are the operands; the yield's operands are the results.
    `root` names the op that decides the schedule ("elementwise" if none).
    `arg_shapes` holds each block argument's dimensions over the module's
    symbols, as `graph.shape` does for results. `packed` names, per operand,
    the layout that a constant was packed into ("" if none). `places` has a
    `#plan.place` for each result, once memory is assigned.

    ```mlir
    %0 = plan.kernel "conv1" on "cpu" root "conv" (%x, %w) {...} : (tensor<1x8x8x4xf32>, tensor<...>) -> tensor<...> {
    ^bb0(%a: tensor<1x8x8x4xf32>, %b: tensor<...>):
      %c = graph.conv %a, %b ...
      plan.yield %c : tensor<...>
    }
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$device, StrAttr:$root, Variadic<AnyRankedTensor>:$inputs,
                       OptionalAttr<ArrayAttr>:$arg_shapes, OptionalAttr<StrArrayAttr>:$packed,
                       OptionalAttr<ArrayAttr>:$places);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$name `on` $device `root` $root `(` $inputs `)` attr-dict `:` functional-type($inputs, $results) $body";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The op that decides the schedule: the first of the kernel's ops whose
    /// mnemonic is `root`; null for an elementwise kernel.
    ::mlir::Operation *getRootOp();
  }];
}

def Plan_ViewOp : Op<Plan_Dialect, "view", [Pure]> {
  let summary = "the same buffer under another shape; costs nothing";
  let arguments = (ins AnyRankedTensor:$x);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def Plan_YieldOp : Op<Plan_Dialect, "yield", [Pure, Terminator, ReturnLike, HasParent<"KernelOp">]> {
  let summary = "the results of a kernel";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  // The body must not be empty: ODS would only declare the builder.
  let builders = [OpBuilder<(ins), [{ /* yields nothing */ }]>];
}
#endif
