// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parts of the cpu driver: code images and the processor's features.
#ifndef TENON_RUNTIME_CPU_H
#define TENON_RUNTIME_CPU_H

#include "../driver.h"

namespace tenon::rt {

/// A mapped code image with its entry points.
struct Image {
  uint8_t *base = nullptr;
  size_t bytes = 0;
  tenon_main_fn main = nullptr;
  tenon_derive_fn derive = nullptr; ///< null in code that derives and checks nothing
  tenon_arena_size_fn arenaSize = nullptr;
  tenon_output_dims_fn outputDims = nullptr;
};

/// The size of this machine's pages: 4 KiB, on AArch64 also 16 or 64 KiB.
uint64_t machinePage();
/// Maps an ELF image from the artifact's pages (through a memfd if the artifact
/// is in memory only), or copies it where it is not aligned to pages of `page`
/// bytes. Refuses whatever is not position-independent, read-only and
/// self-contained. The caller unmaps `image`, also after an error.
tenon_status *mapImage(const CodeSource &source, uint64_t page, Image &image);
void unmapImage(Image &image);

enum class Feature { Present, Missing, Unknown };
/// Whether this processor, as the operating system set it up, has an LLVM
/// feature. May ask the kernel for permission to use it.
Feature hasFeature(const char *name);

} // namespace tenon::rt

#endif // TENON_RUNTIME_CPU_H
