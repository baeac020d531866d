// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_TRANSFORMS_MEMORY_PASSES_TD
#define TENON_TRANSFORMS_MEMORY_PASSES_TD
include "mlir/Pass/PassBase.td"

def AssignMemoryPass : Pass<"plan-assign-memory", "::mlir::ModuleOp"> {
  let summary = "Gives every kernel result a place in the arena or in an output";
  let description = [{
    Results that the model returns are written into the output's own buffer.
    Of the others, those of static size get a byte offset by best fit over
    their lifetimes (largest first); those of symbolic size share slots, whose
    sizes and offsets are computed at entry. Sets on every kernel
    `plan.buffers`, one of `output = N`, `offset = N`, `slot = N` a result, and
    on the module `plan.arena_bytes` (static part) and `plan.slots` (an array
    of maps from symbols to the bytes that the slot must hold).

    With `red-zones` no two results share memory, behind each lie at least 64
    bytes that belong to none (`plan.red_zone` says so on the module), and
    `plan.buffers` has each result's `bytes`: the runtime checks after every
    kernel that nothing was written there.
  }];
  let options = [
    Option<"redZones", "red-zones", "bool", "false", "Leave bytes behind every result that the runtime checks">
  ];
  let statistics = [
    Statistic<"arenaBytes", "arena-bytes", "Bytes of the arena's static part">,
    Statistic<"unsharedBytes", "unshared-bytes", "Bytes without sharing">
  ];
}
#endif
