// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A session's state: what is bound, what it owns, and the run in progress.
//
// What code hands back to the services that it calls is an Invocation. A session
// has one for the host program and one for each device's queue, which may launch
// kernels at the same time from two threads.
#ifndef TENON_RUNTIME_SESSION_H
#define TENON_RUNTIME_SESSION_H

#include "guard.h"
#include "internal.h"
#include "threads.h"

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

struct Queue;

/// A run of the host program, or of a region.
struct Invocation {
  tenon_session *session = nullptr;
  bool isRegion = false;
  /// Of the manifest's kernels, which the code counts from 0.
  uint32_t firstKernel = 0, numKernels = 0;
  uint32_t firstCheck = 0;  ///< of the manifest's checks, which the code counts from 1
  uint32_t firstSymbol = 0; ///< of the session's symbols, which the code counts from 0
  Block scratch;            ///< of the thread that runs the code
  RedZones redZones;        ///< of code compiled with them
  tenon_status *error = nullptr;
};

/// How far tenon_session_start and tenon_session_wait have come.
enum class Background : uint32_t { None, Started, AwaitedFor };

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
  size_t arenaBytes = 0;
  bool ran = false;
  tenon::rt::Invocation host;
  tenon::rt::Queue *queues = nullptr; ///< one for each device that the model has opened
  int64_t *spaceSizes = nullptr;      ///< of the devices
  tenon_observer observer = nullptr;
  void *observerUser = nullptr;
  tenon::rt::Guard *guard = nullptr; ///< of guarded runs
  std::atomic<bool> busy{false};
  // Runs that the caller does not wait for.
  tenon::rt::Worker runner;
  std::atomic<tenon::rt::Background> background{tenon::rt::Background::None};
  tenon_status *backgroundResult = nullptr;
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

/// One run of a session that the caller holds.
tenon_status *runSession(tenon_session &session);
/// Waits for a run in the background and ends its thread.
void endBackground(tenon_session &session);

} // namespace tenon::rt

#endif // TENON_RUNTIME_SESSION_H
