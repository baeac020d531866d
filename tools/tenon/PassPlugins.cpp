// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's table of named passes belongs to the process, not to a context: whatever is registered here can be
// named in every pipeline that is parsed afterwards, and Tenon's own passes are registered once.
#include "PassPlugins.h"

#include "mlir/Tools/Plugins/PassPlugin.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Pipelines/Compile.h"
#include "llvm/Config/llvm-config.h"

namespace tenon::driver {

void registerNamedPasses() {
  static bool registered = (registerTenonPasses(), mlir::registerTransformsPasses(), true);
  (void)registered;
}

Exit loadPassPlugin(const std::string &path) {
  llvm::Expected<mlir::PassPlugin> plugin = mlir::PassPlugin::load(path);
  if (!plugin)
    return complain("[TN8022] --load-pass-plugin=" + path + ": " + toString(plugin.takeError()));
  if (plugin->getPluginVersion() != LLVM_VERSION_STRING)
    return complain("[TN8022] --load-pass-plugin=" + path + ": it says it is for MLIR " + plugin->getPluginVersion() +
                    ", this is " LLVM_VERSION_STRING "; build it against this one");
  plugin->registerPassRegistryCallbacks();
  return kOk;
}

} // namespace tenon::driver
