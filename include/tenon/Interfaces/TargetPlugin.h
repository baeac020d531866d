// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Targets from outside the tree: a shared library that --load-target-plugin loads, built
// with these headers and linked against libtenon-compiler.so alone
// (docs/HowTo/add-a-target.md).
#ifndef TENON_INTERFACES_TARGETPLUGIN_H
#define TENON_INTERFACES_TARGETPLUGIN_H

#include "tenon/Interfaces/Target.h"
#include "tenon/Support/Version.h"

namespace tenon {

/// Changes with the classes that a plugin derives from or is given.
inline constexpr uint32_t kTargetPluginApi = 3;
inline constexpr llvm::StringLiteral kTargetPluginEntry = "tenonTargetPlugin";

/// What a plugin says of itself. The first two members stay as they are in all versions.
struct TargetPluginInfo {
  uint32_t api;             ///< kTargetPluginApi
  const char *tenonVersion; ///< TENON_VERSION: C++ classes are those of one version
  void (*registerTargets)(TargetRegistry &registry);
};

/// Loads a plugin, for as long as the process lives, and lets it add its families to a
/// registry. False with an error that names the file, what was found and what is expected.
bool loadTargetPlugin(llvm::StringRef path, TargetRegistry &registry, std::string &error);

} // namespace tenon

/// A plugin defines this function:
///
///   extern "C" tenon::TargetPluginInfo tenonTargetPlugin() {
///     return {tenon::kTargetPluginApi, TENON_VERSION,
///             [](tenon::TargetRegistry &registry) { registry.add(std::make_unique<Family>()); }};
///   }
extern "C" tenon::TargetPluginInfo tenonTargetPlugin();

#endif // TENON_INTERFACES_TARGETPLUGIN_H
