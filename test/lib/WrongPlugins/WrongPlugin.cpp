// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A target plugin that says it is for another interface, or for another Tenon.
#include "tenon/Interfaces/TargetPlugin.h"

extern "C" tenon::TargetPluginInfo tenonTargetPlugin() { return {PLUGIN_API, PLUGIN_VERSION, nullptr}; }
