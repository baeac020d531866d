// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tenon/Interfaces/Target.h"

namespace tenon {

std::unique_ptr<Target> TargetRegistry::parse(llvm::StringRef spec, std::string &error) const {
  if (spec.empty())
    return families.front()->parse(families.front()->specs().front(), error);
  llvm::StringRef device = spec.split(':').first;
  for (const std::unique_ptr<TargetFamily> &family : families)
    if (family->device() == device)
      return family->parse(spec, error);
  return families.front()->parse(spec, error);
}

std::unique_ptr<Target> TargetRegistry::baselineOfProcess() const {
  for (const std::unique_ptr<TargetFamily> &family : families)
    if (std::unique_ptr<Target> target = family->baselineOfProcess())
      return target;
  return nullptr;
}

} // namespace tenon
