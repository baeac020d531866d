// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing of a model as an archive and a C header (docs/HowTo/link-a-model.md).
#ifndef TENON_TARGET_COMMON_STATICLIBRARY_H
#define TENON_TARGET_COMMON_STATICLIBRARY_H

#include "tenon/Target/Common/Artifact.h"

namespace tenon {

/// What a static library is called.
struct StaticLibraryNames {
  std::string archive; ///< the path of NAME.a or libNAME.a
  std::string header;  ///< NAME.h beside it
  std::string name;    ///< NAME as a C identifier, with which all that is declared begins

  /// The names of the code's entry points begin with this.
  std::string prefix() const { return name + "_"; }
};
/// Nothing if the path does not end as an archive's.
std::optional<StaticLibraryNames> staticLibraryNames(llvm::StringRef archive);

/// Whether a file is a header that writeStaticLibrary wrote; with a hash, for that model.
bool isOurHeader(llvm::StringRef path, llvm::StringRef modelHash = "");

/// Writes both files, each whole or not at all. The artifact has one variant, without an
/// image, whose code `object` is, and no devices. Where the name of one of the files
/// cannot be given, neither is left. False with a message on failure.
bool writeStaticLibrary(const Artifact &artifact, llvm::StringRef object, const StaticLibraryNames &names,
                        std::string &error);

} // namespace tenon

#endif // TENON_TARGET_COMMON_STATICLIBRARY_H
