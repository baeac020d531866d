// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The chips that a command may name.
#ifndef TENON_TOOLS_TENON_CHIPS_H
#define TENON_TOOLS_TENON_CHIPS_H

#include "Commands.h"
#include "tenon/Interfaces/Target.h"

namespace tenon::driver {

constexpr llvm::StringLiteral kTargetPluginHelp = "Library with targets to load (docs/HowTo/add-a-target.md)";
constexpr llvm::StringLiteral kTargetFileHelp = "Declaration of a chip to load; without --target, the chip is this one";

/// Fills a registry with the shipped targets, those of plugins and the chips of files.
/// Complains of every problem of these.
Exit registerChips(TargetRegistry &targets, llvm::ArrayRef<std::string> files, llvm::ArrayRef<std::string> plugins);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_CHIPS_H
