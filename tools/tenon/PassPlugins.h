// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that a pipeline on the command line may name: Tenon's, MLIR's general
// ones, and those of shared libraries that MLIR's plugin interface loads.
#ifndef TENON_TOOLS_TENON_PASSPLUGINS_H
#define TENON_TOOLS_TENON_PASSPLUGINS_H

#include "Commands.h"

namespace tenon::driver {

/// Registers Tenon's own passes and those of MLIR for any dialect (canonicalize, cse, ...).
void registerNamedPasses();
/// Loads a plugin and registers its passes. A plugin of another version of MLIR
/// is refused: it would be bound to other classes.
Exit loadPassPlugin(const std::string &path);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_PASSPLUGINS_H
