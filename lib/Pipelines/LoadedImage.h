// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled program in this process's memory.
#ifndef TENON_LIB_PIPELINES_LOADEDIMAGE_H
#define TENON_LIB_PIPELINES_LOADEDIMAGE_H

#include "tenon/Interfaces/ModuleCode.h"
#include "llvm/Support/Memory.h"
#include <optional>

namespace tenon {

class LoadedImage {
public:
  /// Nothing where the system does not let memory become executable.
  static std::optional<LoadedImage> load(const ModuleCode &code);

  /// Runs a program without weights and open dimensions, on this thread. False if
  /// a check in it failed.
  bool run(llvm::ArrayRef<const void *> inputs, llvm::ArrayRef<void *> outputs) const;

private:
  llvm::sys::OwningMemoryBlock memory;
  uint64_t mainAddress = 0, arenaSizeAddress = 0;
};

} // namespace tenon

#endif // TENON_LIB_PIPELINES_LOADEDIMAGE_H
