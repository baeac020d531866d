// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The module of a planned model that becomes the host's code, and what the artifact
// tells of it. A target puts kernels and their launches into it, the room Target/Host
// the host program.
#ifndef TENON_TARGET_HOST_HOSTMODULE_H
#define TENON_TARGET_HOST_HOSTMODULE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "tenon/Target/Host/Launch.h"
#include "llvm/ADT/MapVector.h"

namespace tenon::host {

struct HostModule {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  llvm::MapVector<mlir::Operation *, KernelLaunch> launches; ///< by kernel of the plan, in the order of its text
  std::vector<WeightEntry> weights;
  uint64_t weightBytes = 0;
  std::vector<CheckDescription> checks;

  /// The check's number, as tenon_host_api.fail takes it.
  uint32_t addCheck(uint32_t code, llvm::StringRef node, llvm::StringRef text) {
    checks.push_back({code, node.str(), text.str()});
    return checks.size();
  }
};

/// Emits the host program's functions into the module, whose launches are known:
/// tenon_derive, tenon_main, tenon_arena_size, tenon_output_dims. Places the weights
/// that they read, numbers the checks, and describes the buffers of the kernels.
mlir::LogicalResult emitHostProgram(mlir::ModuleOp plan, HostModule &out);

} // namespace tenon::host

#endif // TENON_TARGET_HOST_HOSTMODULE_H
