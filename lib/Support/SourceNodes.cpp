// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tenon/Support/SourceNodes.h"

using namespace mlir;

llvm::SetVector<StringRef> tenon::sourceNodes(Location location) {
  llvm::SetVector<StringRef> names;
  location->walk([&](Location nested) {
    if (auto name = dyn_cast<NameLoc>(nested))
      names.insert(name.getName().getValue());
    return WalkResult::advance();
  });
  return names;
}
