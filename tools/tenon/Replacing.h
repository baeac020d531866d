// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an output would overwrite.
#ifndef TENON_TOOLS_TENON_REPLACING_H
#define TENON_TOOLS_TENON_REPLACING_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace tenon::driver {

/// What the file at `path` is if it is something else than an artifact compiled
/// from these very bytes of `model` (empty: not known), e.g. "no artifact". Empty if
/// there is no such file, or nothing in it.
std::string whatIsReplaced(llvm::StringRef path, llvm::StringRef model);
/// The same of an archive that a static library of the model would be written to.
std::string whatArchiveIsReplaced(llvm::StringRef path, llvm::StringRef model);
/// Whether a file begins as an artifact does.
bool isArtifact(llvm::StringRef path);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_REPLACING_H
