// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A relocatable ELF file with a model's data: weights, manifest, and the table that names
// these and the code.
#ifndef TENON_LIB_TARGET_COMMON_ELFDATA_H
#define TENON_LIB_TARGET_COMMON_ELFDATA_H

#include "tenon/Target/Common/StaticLibrary.h"

namespace tenon {

/// Of the object with the code: what a linker compares, and the bytes of a program it takes.
struct ElfMachine {
  uint16_t machine = 0;
  uint32_t flags = 0;
  uint64_t bytes = 0;
};
/// Nothing if the object is no 64-bit little-endian ELF of a machine that is known here.
std::optional<ElfMachine> readMachine(llvm::StringRef object);

/// Writes the data of `artifact`, whose code has functions that begin with the prefix of
/// `names`. `os` must be at its beginning.
void writeElfData(const Artifact &artifact, const ElfMachine &machine, const StaticLibraryNames &names,
                  llvm::raw_fd_ostream &os);

} // namespace tenon

#endif // TENON_LIB_TARGET_COMMON_ELFDATA_H
