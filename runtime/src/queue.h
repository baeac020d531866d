// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A session's queue of commands to one device.
#ifndef TENON_RUNTIME_QUEUE_H
#define TENON_RUNTIME_QUEUE_H

#include "session.h"

namespace tenon::rt {

/// The device for the length of a call of its driver.
struct Hold {
  OpenDevice &device;
  explicit Hold(OpenDevice &device) : device(device) {
    if (!device.isConcurrent)
      device.lock.lock();
  }
  ~Hold() {
    if (!device.isConcurrent)
      device.lock.unlock();
  }
  Hold(const Hold &) = delete;
};

struct Command {
  enum Kind { CopyIn, Submit, CopyOut } kind;
  uint32_t region;
  int64_t offset, bytes;
  const void *from;
  void *to;
  int64_t *offsets; ///< the slot's own copy
  uint32_t count, capacity;
};

/// Where the bytes behind buffers of a device's memory begin that nothing may write.
struct DeviceZones {
  int64_t *begins = nullptr;
  uint32_t count = 0, capacity = 0;
};

/// Commands are given by the thread that runs the session and executed, in their
/// order, by the queue's own, or at once where somebody watches the run.
struct Queue {
  static constexpr uint32_t kSlots = 64; ///< who is that far ahead of the device waits

  OpenDevice *device = nullptr;
  Invocation region; ///< that the device executes
  void *memory = nullptr;
  int64_t memoryBytes = 0;
  bool isImported = false; ///< the memory is the guard's
  DeviceZones zones;       ///< of code compiled with them
  int64_t space = 0;       ///< bytes of the memory that commands may name
  int64_t scratch = 0;     ///< where what is the region's own begins
  Worker worker;
  Command slots[kSlots] = {};
  int64_t given = 0;     ///< commands of this run
  bool isInline = false; ///< the last was executed by who gave it
  /// Set by whoever executes commands; those behind one that failed do nothing.
  std::atomic<bool> failed{false};
  std::atomic<tenon_status *> error{nullptr};
};

/// Makes a session's queues, and frees them with the devices' memory.
bool createQueues(tenon_session &session);
void destroyQueues(tenon_session &session);

/// Gives each device the memory that a run over the session's symbols needs.
tenon_status *prepareQueues(tenon_session &session);
/// Waits until all devices have done what they were given in this run; where it has
/// failed, they may leave it. Returns a device's error that nobody knows, or null.
tenon_status *finishQueues(tenon_session &session, bool hasFailed);

/// The queue of a device that the host program names; null, and the run has an error, if
/// there is none.
Queue *queueOf(Invocation &run, uint32_t device);
/// Ends a run whose code asks for what it may not have.
template <typename... Arguments>
int32_t refuse(Invocation &run, const char *format, Arguments... arguments) {
  if (!run.error)
    run.error = fail(TENON_CORRUPT, format, arguments...);
  return -1;
}

/// The services of tenon_host_api.
int32_t copyIn(void *invocation, uint32_t device, int64_t offset, const void *from, int64_t bytes);
int32_t submit(void *invocation, uint32_t region, const int64_t *offsets, uint32_t count);
int32_t copyOut(void *invocation, uint32_t device, int64_t offset, void *to, int64_t bytes);
int32_t await(void *invocation, uint32_t device, int64_t count);

} // namespace tenon::rt

#endif // TENON_RUNTIME_QUEUE_H
