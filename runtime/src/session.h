// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A session's state: what is bound, what it owns, and the run in progress.
#ifndef TENON_RUNTIME_SESSION_H
#define TENON_RUNTIME_SESSION_H

#include "internal.h"

#include <atomic>

namespace tenon::rt {

struct Input {
  void *data;
  int64_t *shape;
};

struct Output {
  void *bound; ///< the caller's buffer, or null
  size_t boundBytes;
  uint8_t *own; ///< the session's buffer, where the caller gave none
  size_t ownBytes;
  int64_t *shape;
};

} // namespace tenon::rt

struct tenon_session {
  tenon_model *model = nullptr;
  tenon_pool *pool = nullptr;
  int threads = 1;
  tenon::rt::Input *inputs = nullptr;
  tenon::rt::Output *outputs = nullptr;
  void **inputData = nullptr; ///< as tenon_main wants them
  void **outputData = nullptr;
  int64_t *symbols = nullptr;
  int64_t *outputDims = nullptr;
  int64_t *shapes = nullptr; ///< memory of all shapes
  uint8_t *arena = nullptr;
  size_t arenaCapacity = 0, arenaBytes = 0;
  bool ran = false;
  tenon_status *runError = nullptr;
  tenon_observer observer = nullptr;
  void *observerUser = nullptr;
  std::atomic<bool> busy{false};
};

namespace tenon::rt {

/// Holds a session for the length of a call; a second call fails.
struct Use {
  tenon_session &session;
  bool mine;
  explicit Use(tenon_session *s) : session(*s), mine(!s->busy.exchange(true, std::memory_order_acquire)) {}
  ~Use() {
    if (mine)
      session.busy.store(false, std::memory_order_release);
  }
};
/// What such a second call returns.
tenon_status *busy();

/// Refuses an index that is none of the `count` inputs or outputs (`what`).
tenon_status *checkIndex(const char *what, int32_t index, uint32_t count);

} // namespace tenon::rt

#endif // TENON_RUNTIME_SESSION_H
