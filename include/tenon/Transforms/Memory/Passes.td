// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_TRANSFORMS_MEMORY_PASSES_TD
#define TENON_TRANSFORMS_MEMORY_PASSES_TD
include "mlir/Pass/PassBase.td"

def AssignMemoryPass : Pass<"plan-assign-memory", "::mlir::ModuleOp"> {
  let summary = "Gives every result of kernels, submits and transfers a place in an arena or in an output";
  let description = [{
    Results that the model returns are written into the output's own buffer.
    Of the others, those of static size get a byte offset by best fit over
    their lifetimes (largest first); those of symbolic size share slots, whose
    sizes and offsets are computed at entry. Every kernel gets its `places`,
    a `#plan.place` a result, and the module `plan.arenas`.

    A space is the buffer memory of its device's chip (`plan.host`, `plan.devices`): places
    are aligned as it asks for, to 64 bytes at least, and what a device beside the host has no
    room for is an error (TN4004).

    With `red-zones` no two results share memory, behind each lie at least 64
    bytes that belong to none (the arena's `red_zone`), and a place has its
    result's `bytes`: the runtime checks after every kernel, and in the memory of
    a device after every command, that nothing was written there.

    ```mlir
    %1 = plan.kernel "softmax_0" ... {places = [#plan.place<"host", offset 0>]} ...
    %2 = plan.kernel "softmax_1" ... {places = [#plan.place<"host", output 0>]} ...
    ```
  }];
  let options = [
    Option<"redZones", "red-zones", "bool", "false", "Leave bytes behind every result that the runtime checks">
  ];
  let statistics = [
    Statistic<"arenaBytes", "arena-bytes", "Bytes of the arena's static part">,
    Statistic<"unsharedBytes", "unshared-bytes", "Bytes without sharing">
  ];
}

def VerifyMemoryPass : Pass<"plan-verify-memory", "::mlir::ModuleOp"> {
  let summary = "Checks the places of all results against each other and their arena";
  let description = [{
    Every result of a kernel has a place; one that the model returns is in that
    output's buffer, and no other is. A place in an arena lies within it, aligned; two
    results that are in use at the same time share no byte of it, and no slot; a slot
    holds the size of each of its results. What is found wrong is an error (TN4002)
    that names the kernels.
  }];
}
#endif
