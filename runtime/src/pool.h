// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The thread pool that sessions launch kernels on.
#ifndef TENON_RUNTIME_POOL_H
#define TENON_RUNTIME_POOL_H

#include "tenon/abi.h"
#include "tenon/tenon.h"

#include <cstddef>

namespace tenon::rt {

/// Memory that grows and never shrinks, aligned to 64 bytes: who has seen the
/// largest request allocates no more.
struct Block {
  uint8_t *memory = nullptr;
  size_t bytes = 0;
  /// Makes room for so many bytes, which loses what is there; false if memory is out.
  bool grow(size_t needed);
};

/// Processors this process may use.
int processorCount();
/// The process's own pool, which grows to what sessions ask for.
tenon_pool *defaultPool();
void retainPool(tenon_pool *pool);

/// Runs fn over [0, total) on up to `threads` threads, the caller's included.
/// Chunks have at least `grain` units, except the last.
void parallelFor(tenon_pool *pool, int threads, tenon_kernel_fn fn, void *const *buffers, const int64_t *symbols,
                 int64_t total, int64_t grain);
/// The same for a kernel with scratch: the pool's threads have their own, the
/// caller brings `own`. False if there is no memory for that.
bool parallelFor(tenon_pool *pool, int threads, tenon_scratch_kernel_fn fn, size_t scratchBytes, Block &own,
                 void *const *buffers, const int64_t *symbols, int64_t total, int64_t grain);

} // namespace tenon::rt

#endif // TENON_RUNTIME_POOL_H
