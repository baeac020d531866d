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

/// Readable and writable memory of exactly `bytes` in `buffer`; false if there is none.
bool place(GuardedBuffer &buffer, size_t bytes, bool atEnd);
void release(GuardedBuffer &buffer);

/// What a guarded run reads and writes instead of the caller's memory, and what devices
/// have instead of their own where their drivers take memory of the process.
struct Guard {
  bool atEnd = true;
  GuardedBuffer *inputs = nullptr, *outputs = nullptr, *devices = nullptr;
  GuardedBuffer arena, weights, scratch;
  void **inputData = nullptr, **outputData = nullptr;
  size_t *outputBytes = nullptr;
  uint32_t kernel = UINT32_MAX; ///< the one that runs
  uint32_t region = UINT32_MAX; ///< the one that a device executes, if it launches no kernels

  /// NaN in every float type and -1, or a large number; a result that is the same
  /// over both was written.
  uint8_t poison() const { return atEnd ? 0xff : 0x5a; }
};

/// What a red zone is filled with.
constexpr uint8_t kZone = 0xc3;
/// Bytes of a zone that begins at an offset or address: to where the next buffer may begin, at
/// least 64 bytes on.
constexpr size_t zoneBytes(uint64_t begin) { return size_t((begin + 63) / 64 * 64 + 64 - begin); }
inline size_t zoneBytes(const uint8_t *begin) { return zoneBytes(uint64_t(reinterpret_cast<uintptr_t>(begin))); }

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
