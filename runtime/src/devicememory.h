// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The memory that a session has of each device, and its debugging: in guarded
// sessions it lies between pages that nothing may touch and holds bytes that are no
// value when a run begins, and code compiled with red zones has them there, too.
#ifndef TENON_RUNTIME_DEVICEMEMORY_H
#define TENON_RUNTIME_DEVICEMEMORY_H

#include "queue.h"

namespace tenon::rt {

/// Gives a queue at least `bytes` of its device's memory, 1 or more; in a guarded session
/// exactly so many, with bytes that are no value. What was there before is lost if there
/// were fewer.
tenon_status *prepareMemory(Queue &queue, int64_t bytes);
void freeMemory(Queue &queue);

/// What a command that wrote into a red zone gets, or null. The caller holds the device.
tenon_status *checkZones(const Queue &queue, const Command &command);

/// The service of tenon_host_api.
int32_t deviceZones(void *invocation, uint32_t device, const int64_t *begins, uint32_t count);

} // namespace tenon::rt

#endif // TENON_RUNTIME_DEVICEMEMORY_H
