// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A session's state: what is bound, what it owns, and the run in progress.
#ifndef TENON_RUNTIME_SESSION_H
#define TENON_RUNTIME_SESSION_H

#include "guard.h"
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
  Block own; ///< the session's buffer, where the caller gave none
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
  tenon::rt::Block arena;
  tenon::rt::Block scratch; ///< of the thread that runs the session
  size_t arenaBytes = 0;
  bool ran = false;
  tenon_status *runError = nullptr;
  tenon_observer observer = nullptr;
  void *observerUser = nullptr;
  tenon::rt::Guard *guard = nullptr; ///< of guarded runs
  tenon::rt::RedZones redZones;      ///< of code compiled with them
  std::atomic<bool> busy{false};
};

namespace tenon::rt {

/// Holds a session for the length of a call. `refused` is what the call returns
/// instead of going on: there is no session, or another call holds it.
struct Use {
  tenon_session *held = nullptr;
  tenon_status *refused = nullptr;

  Use(tenon_session *session, const char *function);
  ~Use() {
    if (held)
      held->busy.store(false, std::memory_order_release);
  }
  Use(const Use &) = delete;
  /// The description of an input or output, or what the call returns instead.
  tenon_status *input(int32_t index, const schema::Tensor *&tensor);
  tenon_status *output(int32_t index, const schema::Tensor *&tensor);
};

} // namespace tenon::rt

#endif // TENON_RUNTIME_SESSION_H
