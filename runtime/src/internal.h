// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime's own structures. No libstdc++ at run time: memory comes from
// malloc, strings are the manifest's.
#ifndef TENON_RUNTIME_INTERNAL_H
#define TENON_RUNTIME_INTERNAL_H

#include "manifest_generated.h"
#include "tenon/abi.h"
#include "tenon/tenon.h"

struct tenon_status {
  tenon_code code;
  char text[1];
};

namespace tenon::rt {

/// Makes an error with a printf-style text.
tenon_status *fail(tenon_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// A code image mapped from the artifact.
struct Image {
  uint8_t *base = nullptr;
  size_t bytes = 0;
  tenon_main_fn main = nullptr;
  tenon_arena_size_fn arenaSize = nullptr;
  tenon_output_dims_fn outputDims = nullptr;
};

tenon_status *mapImage(int fd, const uint8_t *file, size_t fileBytes, const schema::Code &code, Image &image);
void unmapImage(Image &image);
/// Null if this CPU has every feature, else the first one it lacks.
const char *missingFeature(const schema::Code &code);

/// Runs fn over [0, total) on up to `threads` threads, the caller's included.
void parallelFor(int threads, tenon_kernel_fn fn, void *const *buffers, const int64_t *symbols, int64_t total,
                 int64_t grain);
int processorCount();

} // namespace tenon::rt

struct tenon_model {
  int fd = -1;
  const uint8_t *file = nullptr;
  size_t fileBytes = 0;
  const tenon::schema::Manifest *manifest = nullptr;
  const uint8_t *weights = nullptr;
  tenon::rt::Image image;
  int references = 1;
  // Flattened descriptions that queries point into.
  int64_t *dims = nullptr;
  const char **dimNames = nullptr;
  char **kernelNodes = nullptr;
};

#endif // TENON_RUNTIME_INTERNAL_H
