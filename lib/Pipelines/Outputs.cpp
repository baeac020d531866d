// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The names of dumps begin with the number of their stage, so that a folder lists them in order. Whether an
// output would replace an input is asked before anything is written, and once more after import, when the
// files of external data are known.
#include "Outputs.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace tenon {

std::string dumpPath(StringRef folder, Stage stage) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, llvm::Twine(int(stage)) + "-" + stageName(stage) + ".mlir");
  return path.str().str();
}

std::vector<std::string> dumpPaths(StringRef folder) {
  std::vector<std::string> paths;
  for (unsigned stage = 0; !folder.empty() && stage < kStageCount; ++stage)
    paths.push_back(dumpPath(folder, Stage(stage)));
  return paths;
}

LogicalResult checkOutputs(MLIRContext &context, const InputFiles &inputs, ArrayRef<std::string> outputs) {
  bool ok = true;
  for (const std::string &path : outputs) {
    StringRef what = inputs.find(path);
    if (what.empty())
      continue;
    emitError(UnknownLoc::get(&context)) << "[TN8030] writing " << path << " would replace " << what
                                         << "; name another output";
    ok = false;
  }
  return success(ok);
}

} // namespace tenon
