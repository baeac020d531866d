// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_LIB_PIPELINES_GENERATECODE_H
#define TENON_LIB_PIPELINES_GENERATECODE_H

#include "tenon/Pipelines/Compile.h"

namespace tenon {

/// The code of a region, for the device with that index.
struct RegionCode {
  mlir::ModuleOp program;
  unsigned device = 0;
  GeneratedCode code;
};

/// The code of all programs of a planned module.
struct ProgramCode {
  GeneratedCode host;
  std::vector<RegionCode> regions; ///< in the order of the module's text
};

/// Packs weights, plans memory, and lets each program's target make code of it.
mlir::FailureOr<ProgramCode> generateAll(mlir::ModuleOp module, const Targets &targets, const GenerateOptions &options,
                                         bool redZones);

} // namespace tenon

#endif // TENON_LIB_PIPELINES_GENERATECODE_H
