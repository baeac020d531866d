// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads chips from files and finds the family that reads a target's spelling. A chip has to pass its family's
// checks and needs a name that no shipped or loaded chip of the family has. Without a spelling the target is
// the first loaded chip, else the first one of the first family. A spelling that begins with no family's
// device goes to the first family, which may know it as a short name.
#include "tenon/Interfaces/Target.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

namespace tenon {

bool TargetRegistry::load(llvm::StringRef path, std::vector<std::string> &problems) {
  if (!llvm::sys::fs::is_regular_file(path)) {
    problems.push_back(path.str() + (llvm::sys::fs::exists(path) ? ": not a regular file" : ": no such file"));
    return false;
  }
  auto text = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!text) {
    problems.push_back(path.str() + ": " + text.getError().message());
    return false;
  }
  std::optional<hw::Device> chip = hw::parseDevice((*text)->getBuffer(), path, problems);
  if (!chip)
    return false;
  auto family = llvm::find_if(families, [&](const auto &family) { return family->device() == chip->family; });
  if (family == families.end()) {
    std::string known =
        llvm::join(llvm::map_range(families, [](const auto &family) { return family->device(); }), ", ");
    problems.push_back(chip->where("device") + ": found '" + chip->family + "', allowed is " + known);
    return false;
  }
  std::vector<std::string> own = (*family)->check(*chip);
  std::string spec = chip->family + ":" + chip->name;
  bool isShipped = llvm::is_contained((*family)->specs(), spec);
  bool isLoaded = llvm::any_of(
      loaded, [&](const hw::Device &other) { return other.family == chip->family && other.name == chip->name; });
  if (isShipped || isLoaded)
    own.push_back(chip->where("name") + ": found '" + chip->name + "', the name of a chip that is " +
                  (isShipped ? "shipped" : "loaded already") + "; allowed is any other");
  problems.insert(problems.end(), own.begin(), own.end());
  if (!own.empty())
    return false;
  loaded.push_back(std::move(*chip));
  return true;
}

std::unique_ptr<Target> TargetRegistry::parse(llvm::StringRef spec, std::string &error) const {
  std::string byDefault;
  if (spec.empty()) {
    byDefault = loaded.empty() ? families.front()->specs().front() : loaded[0].family + ":" + loaded[0].name;
    spec = byDefault;
  }
  llvm::StringRef device = spec.split(':').first;
  for (const std::unique_ptr<TargetFamily> &family : families)
    if (family->device() == device)
      return family->parse(spec, loaded, error);
  return families.front()->parse(spec, loaded, error);
}

std::unique_ptr<Target> TargetRegistry::find(plan::DeviceAttr device, std::string &error) const {
  if (!device.getChip())
    return parse(device.getSpec(), error);
  hw::Device chip = device.getChip().toDevice();
  for (const std::unique_ptr<TargetFamily> &family : families) {
    if (family->device() != chip.family)
      continue;
    std::vector<std::string> problems = family->check(chip);
    if (problems.empty())
      return family->make(chip, device.getSpec());
    error = "[TN8014] " + llvm::join(problems, "; ");
    return nullptr;
  }
  std::string known = llvm::join(llvm::map_range(families, [](const auto &family) { return family->device(); }), ", ");
  error = "[TN8010] " + chip.where("family") + ": found '" + chip.family + "', allowed is " + known +
          "; other families come by --load-target-plugin";
  return nullptr;
}

std::unique_ptr<Target> TargetRegistry::baselineOfProcess() const {
  for (const std::unique_ptr<TargetFamily> &family : families)
    if (std::unique_ptr<Target> target = family->baselineOfProcess())
      return target;
  return nullptr;
}

} // namespace tenon
