// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A driver's library stays loaded till the process ends: the runtime keeps its functions. What keeps one
// library from being loaded does not keep the next one from being tried.
#include "Drivers.h"

#include "tenon/device.h"
#include "llvm/Support/DynamicLibrary.h"

namespace tenon::driver {

DriverFlag::DriverFlag(FlagSet &set)
    : List(set, {"load-driver"}, "FILE.so",
           "Library with the driver of a device beside the host (docs/HowTo/add-a-target.md)") {}

static Exit loadDriver(const std::string &path) {
  auto fail = [&](const llvm::Twine &text) { return complain("[TN8052] --load-driver=" + path + ": " + text); };
  // The loader looks for a bare name in the system's folders, not in this one.
  std::string file = llvm::StringRef(path).contains('/') ? path : "./" + path;
  std::string why;
  auto library = llvm::sys::DynamicLibrary::getPermanentLibrary(file.c_str(), &why);
  if (!library.isValid())
    return fail("cannot be loaded: " + why + "; expected a shared library");
  auto entry = reinterpret_cast<tenon_driver_plugin_fn>(library.getAddressOfSymbol(TENON_DRIVER_PLUGIN));
  if (!entry)
    return fail("found no function " TENON_DRIVER_PLUGIN "; expected a driver (tenon/device.h)");
  const tenon_driver *driver = entry();
  if (!driver)
    return fail("found no driver, expected one: it says that there can be no such device here");
  tenon_status *status = tenon_driver_register(driver);
  if (!status)
    return kOk;
  std::string text = tenon_status_text(status);
  tenon_status_free(status);
  return fail(llvm::StringRef(text).starts_with("[TN") ? llvm::StringRef(text).split("] ").second : text);
}

Exit DriverFlag::load() const {
  Exit exit = kOk;
  for (const std::string &path : values)
    if (Exit failed = loadDriver(path))
      exit = failed;
  return exit;
}

} // namespace tenon::driver
