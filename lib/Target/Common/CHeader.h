// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C header of a model that is linked into a program.
#ifndef TENON_LIB_TARGET_COMMON_CHEADER_H
#define TENON_LIB_TARGET_COMMON_CHEADER_H

#include "tenon/Target/Common/StaticLibrary.h"

namespace tenon {

/// How every such header begins.
inline constexpr llvm::StringLiteral kHeaderStart = "/* A model for the runtime of Tenon, made by `tenon compile`";
/// The line with the hash of the model's file.
std::string hashLine(llvm::StringRef modelHash);
/// A name in what C takes for one; "" if there is nothing left of it.
std::string cIdentifier(llvm::StringRef name);
std::string cHeader(const Artifact &artifact, const StaticLibraryNames &names);

} // namespace tenon

#endif // TENON_LIB_TARGET_COMMON_CHEADER_H
