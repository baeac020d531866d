// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tenon bench --fit-target`: the numbers of a chip from kernels that are run on it.
#ifndef TENON_TOOLS_TENON_FITTARGET_H
#define TENON_TOOLS_TENON_FITTARGET_H

#include "Compiling.h"

namespace tenon::driver {

struct FitOptions {
  std::string output;              ///< the declaration to write
  std::vector<std::string> models; ///< none: built-in ones
  int threads = 1;
  double seconds = 2; ///< that each model is run for
  bool json = false;
};

/// Compiles each model for the flags' chip, runs it, fits the chip's numbers to the least
/// times of its kernels, and writes them. Says what error remains: of all kernels, and of
/// those of each half of the models by numbers that were fitted to the other half.
Exit fitTarget(const FitOptions &options, const CompilationFlags &flags);

/// Models in the text of the stage graph that keep each kind of work busy at several sizes.
std::vector<std::pair<std::string, std::string>> builtInModels();

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_FITTARGET_H
