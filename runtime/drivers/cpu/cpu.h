// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parts of the cpu drivers: code images, the processor's features, and the
// floating-point mode.
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
  tenon_output_dims_fn outputDims = nullptr; ///< null in a region's code
  tenon_space_sizes_fn spaceSizes = nullptr; ///< null in code without devices
};

// What a driver does with a program that is an Image, see driver.h.
int32_t deriveSizes(const Program *program, int64_t *symbols, int64_t (&numbers)[2]);
int64_t imageArenaSize(const Program *program, const int64_t *symbols);
void imageOutputDims(const Program *program, const int64_t *symbols, int64_t *dims);
void imageSpaceSizes(const Program *program, const int64_t *symbols, int64_t *bytes);
int32_t runImage(const Program *program, const tenon_host_api *api, void *invocation, void *const *inputs,
                 void *const *outputs, const uint8_t *weights, uint8_t *arena, const int64_t *symbols);

/// The size of this machine's pages: 4 KiB, on AArch64 also 16 or 64 KiB.
uint64_t machinePage();
/// Maps an ELF image from the artifact's pages (through a memfd if the artifact
/// is in memory only), or copies it where it is not aligned to pages of `page`
/// bytes. Refuses whatever is not position-independent, read-only and
/// self-contained. The caller unmaps `image`, also after an error.
tenon_status *mapImage(const CodeSource &source, uint64_t page, Image &image);
void unmapImage(Image &image);

/// Null, or an error of that code naming all that this machine lacks.
tenon_status *checkMachine(const schema::Code &code, tenon_code error);

/// Denormals are kept and rounding is to nearest while a model runs, whatever
/// the calling thread has set: results are the same from every thread.
struct FloatState {
#if defined(__x86_64__)
  unsigned saved = __builtin_ia32_stmxcsr();
  FloatState() { __builtin_ia32_ldmxcsr(0x1f80); }
  ~FloatState() { __builtin_ia32_ldmxcsr(saved); }
#elif defined(__aarch64__)
  uint64_t saved;
  FloatState() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    __asm__ volatile("msr fpcr, %0" ::"r"(uint64_t(0)));
  }
  ~FloatState() { __asm__ volatile("msr fpcr, %0" ::"r"(saved)); }
#endif
};

enum class Feature { Present, Missing, Unknown };
/// Whether this processor, as the operating system set it up, has an LLVM
/// feature. May ask the kernel for permission to use it.
Feature hasFeature(const char *name);

} // namespace tenon::rt

#endif // TENON_RUNTIME_CPU_H
