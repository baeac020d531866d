// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PLAN_OPS_TD
#define TENON_PLAN_OPS_TD
include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
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

def Plan_SubmitOp : Op<Plan_Dialect, "submit", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a run of a region's program on its device";
  let description = [{
    `device` is one of the module's `plan.devices`. `region` names the module with the
    program, beside that of the host; its main takes
    the operands and gives the results, all of which lie in the device's memory. The
    device's queue executes submits and transfers in the order of the text, those in branches
    where these are taken, while the host goes on. `places` has a `#plan.place` for each result.

    ```mlir
    %1 = plan.transfer %0 from "host" to "toy" : tensor<4x8xf32>
    %2 = plan.submit @toy_0 on "toy" (%1) : (tensor<4x8xf32>) -> tensor<4x2xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$region, StrAttr:$device, Variadic<AnyRankedTensor>:$inputs,
                       OptionalAttr<ArrayAttr>:$places);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "$region `on` $device `(` $inputs `)` attr-dict `:` functional-type($inputs, $results)";
  let hasVerifier = 1;
}

def Plan_TransferOp : Op<Plan_Dialect, "transfer", [
    Pure, AllTypesMatch<["x", "result"]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a copy of a tensor from one memory space into another";
  let description = [{
    One of the two is the host's, the other that of one of the module's `plan.devices`. A copy to the host is complete where `plan.await` says
    so, one to a device where its queue comes to what uses it.

    ```mlir
    %1 = plan.transfer %0 from "host" to "toy" : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$x, StrAttr:$source, StrAttr:$destination, OptionalAttr<ArrayAttr>:$places);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `from` $source `to` $destination attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Plan_AwaitOp : Op<Plan_Dialect, "await", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "the same buffer, when the transfer into it is complete";
  let description = [{
    ```mlir
    %2 = plan.submit @toy_0 on "toy" () : () -> tensor<4x2xf32>
    %3 = plan.transfer %2 from "toy" to "host" : tensor<4x2xf32>
    // Kernels that run meanwhile.
    %4 = plan.await %3 : tensor<4x2xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$x);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($result)";
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
