// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PARTITION_PASSES_TD
#define TENON_PARTITION_PASSES_TD
include "mlir/Pass/PassBase.td"

def DeclareDevicesPass : Pass<"plan-declare-devices", "::mlir::ModuleOp"> {
  let summary = "Writes what the devices of --target are into the module";
  let description = [{
    The module gets `plan.host` and, of several targets, `plan.devices`: each device with its
    name, its spelling and its chip, which passes after this one read. A module that has them
    stays as it is: a test declares the chips that it is about, and a plan those that it was
    made for.

    ```mlir
    module attributes {
      plan.host = #plan.device<"cpu:x86-64-v3", "cpu:x86-64-v3", #hw.device<"x86-64-v3", family = "cpu">>,
      plan.devices = [#plan.device<"toy", "toy:small", #hw.device<"small", family = "toy">>]} {
    }
    ```
  }];
  let options = [
    ListOption<"specs", "targets", "std::string", "Spellings of --target, the host's first">
  ];
  let dependentDialects = ["::tenon::plan::PlanDialect"];
}

def ChooseDevicesPass : Pass<"plan-choose-devices", "::mlir::ModuleOp"> {
  let summary = "Chooses a device for each op: by what may run where, then by predicted time";
  let description = [{
    Each graph op of the function main, also in branches, gets a `plan.device`: the host, or one of
    the module's `plan.devices`, which it has to have (plan-declare-devices). A device takes an
    op if its target does, if all sizes are known or its target takes open ones, if no operand
    that is read when code is made is computed before, and if its memory has room for what the
    op reads and writes. Of what is legal, the assignment with the least predicted time is taken:
    ops on their devices, copies, launches of regions (Placement.h), at nominal sizes where
    sizes are open (32, if the user gives none). A branch is divided for itself, behind the block
    around it, and costs half (BlockPlacement.h). The module keeps its
    `plan.devices`, unless all stays on the host; ops that stay on the host though another device was asked
    for have a note in the ledger that says why (TN4220 to TN4226, TN4228).

    `fallback` says what becomes of ops that no device beside the host takes.
    `pins` and `forbids` are lists of REGEX=DEVICE; the expression matches whole names
    of ONNX nodes.

    ```mlir
    %0 = graph.matmul %a, %b {plan.device = "toy"} : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
    ```
  }];
  let options = [
    ListOption<"pins", "pin", "std::string", "REGEX=DEVICE: where ops of these ONNX nodes run">,
    ListOption<"forbids", "forbid", "std::string", "REGEX=DEVICE: where ops of these ONNX nodes do not run">,
    Option<"fallback", "fallback", "std::string", "", "What no device beside the host takes: error, warn, or allow:OP;OP (ONNX operators that may stay on the host; others are errors); empty: a note in the ledger">,
    Option<"mostRegions", "max-regions", "int64_t", "-1", "Regions that the plan may have at most; -1: any number">
  ];
  let dependentDialects = ["::tenon::plan::PlanDialect"];
}

def DetachSizesPass : Pass<"plan-detach-sizes", "::mlir::ModuleOp"> {
  let summary = "Computes sizes from symbols, and not from the shapes of tensors";
  let description = [{
    Exporters write sizes as tensors: the shape of one, parts of it, lists of these, which
    other ops read. Where the values are known as expressions over symbols, each such tensor
    of the function main, also in its branches, becomes one that needs no other: graph.shape of a view that has
    these sizes and no elements. So a device that reshapes what it has asks no other one for
    sizes. Reshape and expand read the shape of their result.

    ```mlir
    %0 = graph.shape %x {end = 1 : i64, start = 0 : i64} : (tensor<?x8xf32>) -> tensor<1xi64>
    %1 = graph.concat %0, %two {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
    %2 = graph.reshape %y, %1 : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
    ```
    becomes
    ```mlir
    %0 = graph.constant dense<> : tensor<0xi64>
    %1 = plan.view %0 {graph.shape = affine_map<()[s0] -> (s0, 2, 4)>} : tensor<0xi64> -> tensor<?x2x4xi64>
    %2 = graph.shape %1 {end = 3 : i64, start = 0 : i64} : (tensor<?x2x4xi64>) -> tensor<3xi64>
    %3 = graph.reshape %y, %2 : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
    ```
  }];
  let dependentDialects = ["::tenon::plan::PlanDialect"];
}

def OutlineRegionsPass : Pass<"plan-outline-regions", "::mlir::ModuleOp"> {
  let summary = "Makes a program of each device's ops, and what submits it";
  let description = [{
    Ops of one device between which no path leaves the device become a region: the
    function main of a module of its own, which every pass over programs takes as it
    is. What is left is the host's program, in the module @host, with a submit for each
    region, and transfers. A value is copied once to each device that reads it: before the
    branches of an scf.if if both read it there, else in those that do. A branch submits the
    regions of its ops, and yields what is on the host. A region has a table of symbols of its
    own: those that its sizes need, with their ranges and the assumptions about them, those of
    its branch among these; a named one is that of the host's program with its name.

    ```mlir
    func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
      %0 = graph.unary relu %x {plan.device = "toy"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
      return %0 : tensor<4x8xf32>
    }
    ```
    becomes
    ```mlir
    module @host {
      func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
        %0 = plan.transfer %x from "host" to "toy" : tensor<4x8xf32>
        %1 = plan.submit @toy_0 on "toy" (%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
        %2 = plan.transfer %1 from "toy" to "host" : tensor<4x8xf32>
        %3 = plan.await %2 : tensor<4x8xf32>
        return %3 : tensor<4x8xf32>
      }
    }
    module @toy_0 attributes {plan.device = "toy"} {
      func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> { ... }
    }
    ```
  }];
  let dependentDialects = ["::tenon::plan::PlanDialect"];
}

def ScheduleTransfersPass : Pass<"plan-schedule-transfers", "::mlir::func::FuncOp"> {
  let summary = "Lets the host work while devices do";
  let description = [{
    Transfers and submits move up to behind what they need, waits down to before what
    needs them, in each block. The order of the host's kernels, and that of a device's commands, stay.

    ```mlir
    %1 = plan.transfer %0 from "toy" to "host" : tensor<4xf32>
    %2 = plan.await %1 : tensor<4xf32>
    %3 = plan.kernel "independent" ...
    %4 = plan.kernel "reader" ... (%2) ...
    ```
    becomes
    ```mlir
    %1 = plan.transfer %0 from "toy" to "host" : tensor<4xf32>
    %3 = plan.kernel "independent" ...
    %2 = plan.await %1 : tensor<4xf32>
    %4 = plan.kernel "reader" ... (%2) ...
    ```
  }];
}
#endif
