// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What activations are like while the float model runs over sample data.
#ifndef TENON_TOOLS_TENON_CALIBRATING_H
#define TENON_TOOLS_TENON_CALIBRATING_H

#include "Compiling.h"

namespace tenon::driver {

/// Compiles the model with its activations as outputs, runs it over the samples
/// under `path` twice (to choose scales and biases, and to see what they cost) and
/// fills in options.calibration.
Exit calibrate(llvm::StringRef model, llvm::StringRef path, llvm::ArrayRef<std::string> formatFiles,
               const numerics::FormatRegistry &formats, Progress progress, numerics::ConvertOptions &options);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_CALIBRATING_H
