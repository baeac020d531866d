// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads targets from shared libraries. What a library says of itself is judged before it
// is given anything: classes of another version would have other members. Of a device
// that has a family already a second one is refused, since the first would get all
// spellings of both.
#include "tenon/Interfaces/TargetPlugin.h"

#include "llvm/Support/DynamicLibrary.h"
#include <set>

namespace tenon {

bool loadTargetPlugin(llvm::StringRef path, TargetRegistry &registry, std::string &error) {
  auto fail = [&](const llvm::Twine &text) {
    error = (path + ": " + text).str();
    return false;
  };
  // The loader looks for a bare name in the system's folders, not in this one.
  std::string file = path.contains('/') ? path.str() : ("./" + path).str();
  std::string why;
  llvm::sys::DynamicLibrary library = llvm::sys::DynamicLibrary::getPermanentLibrary(file.c_str(), &why);
  if (!library.isValid())
    return fail("cannot be loaded: " + why + "; expected a shared library");
  auto *entry = reinterpret_cast<decltype(&tenonTargetPlugin)>(library.getAddressOfSymbol(kTargetPluginEntry.data()));
  if (!entry)
    return fail("found no function " + kTargetPluginEntry +
                "; expected a plugin with targets (tenon/Interfaces/TargetPlugin.h)");
  TargetPluginInfo info = entry();
  if (info.api != kTargetPluginApi)
    return fail("found version " + llvm::Twine(info.api) + " of the interface, expected " +
                llvm::Twine(kTargetPluginApi) + "; build it with this Tenon's headers");
  if (!info.tenonVersion || info.tenonVersion != llvm::StringRef(TENON_VERSION))
    return fail(llvm::Twine("found a plugin for Tenon ") + (info.tenonVersion ? info.tenonVersion : "of no version") +
                ", expected one for " TENON_VERSION "; build it with this Tenon's headers");
  if (!info.registerTargets)
    return fail("found no function to register targets, expected one");
  TargetRegistry added;
  info.registerTargets(added);
  std::set<llvm::StringRef> devices;
  for (const std::unique_ptr<TargetFamily> &family : registry.getFamilies())
    devices.insert(family->device());
  for (const std::unique_ptr<TargetFamily> &family : added.getFamilies())
    if (!devices.insert(family->device()).second)
      return fail("found a target for the device '" + family->device() +
                  "', which has one already; expected another name");
  for (std::unique_ptr<TargetFamily> &family : added.takeFamilies())
    registry.add(std::move(family));
  return true;
}

} // namespace tenon
