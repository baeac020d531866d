// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Out-of-tree passes: shared libraries that MLIR's plugin interface loads.
#ifndef TENON_TOOLS_TENON_PASSPLUGINS_H
#define TENON_TOOLS_TENON_PASSPLUGINS_H

#include "Commands.h"

namespace tenon::driver {

/// Loads a plugin and registers its passes, beside Tenon's own. A plugin of
/// another version of MLIR is refused: it would be bound to other classes.
Exit loadPassPlugin(const std::string &path);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_PASSPLUGINS_H
