// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The families of targets that the driver knows, with plugins and the chips of --target-file. A file with problems does
// not keep the next one from being read: the problems of all files are printed.
#include "Chips.h"

#include "tenon/Pipelines/RegisterTargets.h"

namespace tenon::driver {

Exit registerChips(TargetRegistry &targets, llvm::ArrayRef<std::string> files, llvm::ArrayRef<std::string> plugins) {
  std::vector<std::string> problems;
  registerTargets(targets, files, plugins, problems);
  Exit exit = kOk;
  for (const std::string &problem : problems)
    exit = complain(problem);
  return exit;
}

} // namespace tenon::driver
