// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The thread pool that sessions launch kernels on.
#ifndef TENON_RUNTIME_POOL_H
#define TENON_RUNTIME_POOL_H

#include "tenon/abi.h"
#include "tenon/tenon.h"

namespace tenon::rt {

/// Processors this process may use.
int processorCount();
/// The process's own pool, which grows to what sessions ask for.
tenon_pool *defaultPool();
void retainPool(tenon_pool *pool);

/// Runs fn over [0, total) on up to `threads` threads, the caller's included.
/// Chunks have at least `grain` units, except the last.
void parallelFor(tenon_pool *pool, int threads, tenon_kernel_fn fn, void *const *buffers,
                 const int64_t *symbols, int64_t total, int64_t grain);

} // namespace tenon::rt

#endif // TENON_RUNTIME_POOL_H
