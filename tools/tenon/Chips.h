// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The chips that a command may name.
#ifndef TENON_TOOLS_TENON_CHIPS_H
#define TENON_TOOLS_TENON_CHIPS_H

#include "Commands.h"
#include "tenon/Interfaces/Target.h"

namespace tenon::driver {

constexpr llvm::StringLiteral kTargetFileHelp = "Declaration of a chip to load; without --target, the chip is this one";

/// Fills a registry with the shipped targets and the chips of files. Complains of every
/// problem of the files.
Exit registerChips(TargetRegistry &targets, llvm::ArrayRef<std::string> files);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_CHIPS_H
