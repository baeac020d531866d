// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Debugging of generated code: runs in memory that lies between pages nothing may
// touch, and red zones behind the buffers of an arena.
#ifndef TENON_RUNTIME_GUARD_H
#define TENON_RUNTIME_GUARD_H

#include "internal.h"
#include "tenon/abi.h"

struct tenon_session;

namespace tenon::rt {

struct Invocation;

/// A buffer whose end, or beginning, touches a page without access; before it, or
/// behind it, lie up to 4,095 bytes and another such page.
struct GuardedBuffer {
  uint8_t *map = nullptr;
  size_t mapBytes = 0;
  uint8_t *data = nullptr;
  size_t bytes = 0;
};

/// What a guarded run reads and writes instead of the caller's memory.
struct Guard {
  bool atEnd = true;
  GuardedBuffer *inputs = nullptr, *outputs = nullptr;
  GuardedBuffer arena, weights, scratch;
  void **inputData = nullptr, **outputData = nullptr;
  size_t *outputBytes = nullptr;
  uint32_t kernel = UINT32_MAX; ///< the one that runs
};

/// Where the bytes behind a buffer of the arena begin, up to the next buffer.
struct RedZones {
  uint8_t **begins = nullptr;
  uint32_t count = 0, capacity = 0;
};

/// Makes a session's runs guarded (`mode` is a tenon_guard).
tenon_status *createGuard(tenon_session &session, int32_t mode);
void destroyGuard(tenon_session &session);
/// Copies inputs into guarded memory and fills outputs and arena with bytes that
/// are no value.
tenon_status *enterGuard(tenon_session &session, size_t arenaBytes);
/// Copies results to where the caller expects them.
void leaveGuard(tenon_session &session);
/// Runs a kernel on this thread alone, with guarded scratch whose bytes are no
/// value; false if there is no memory for it.
bool runGuarded(tenon_session &session, tenon_scratch_kernel_fn fn, size_t scratchBytes, void *const *buffers,
                const int64_t *symbols, int64_t total);

/// The code names its red zones before it launches the first kernel.
int32_t setRedZones(Invocation &run, void *const *begins, uint32_t count);
/// What a kernel that wrote into a zone gets, or null.
tenon_status *checkRedZones(const Invocation &run, uint32_t kernel, void *const *buffers, uint32_t numBuffers);

} // namespace tenon::rt

#endif // TENON_RUNTIME_GUARD_H
