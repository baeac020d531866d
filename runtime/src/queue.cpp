// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Queues of commands to devices. A queue is a ring of slots: the thread that runs
// the session fills them, the queue's worker empties them, and two counters are all
// that both write. After a fork the child finds the worker to be of another epoch
// and starts its own; a ring is empty between runs, so nothing is lost.
#include "queue.h"

#include "devicememory.h"
#include "services.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace tenon::rt {
namespace {

constexpr int64_t kAlign = 64;

tenon_status *execute(Queue &queue, const Command &command) {
  const tenon_session &session = *queue.region.session;
  const auto *region = session.model->manifest->regions()->Get(command.region);
  queue.region.firstKernel = region->first_kernel();
  queue.region.numKernels = region->num_kernels();
  queue.region.firstCheck = region->first_check();
  queue.region.firstSymbol = region->first_symbol();
  queue.region.redZones.count = 0;
  Guard *guard = session.guard;
  if (guard) {
    guard->kernel = UINT32_MAX;
    guard->region = command.region;
  }
  RegionRun run = {{sizeof(tenon_execution), queue.memory, command.offsets, command.count, queue.scratch,
                    session.symbols + region->first_symbol(), region->num_symbols()},
                   &kHostApi,
                   &queue.region,
                   guard ? guard->weights.data + region->weights_offset() : nullptr};
  tenon_status *error = ofDevice(
      *queue.device, queue.device->driver->execute(session.model->regions[command.region].handle, &run.execution));
  // What the services have recorded says more than that the code returned an error.
  tenon_status *recorded = queue.region.error;
  if (!recorded)
    return error;
  queue.region.error = nullptr;
  tenon_status_free(error);
  return recorded;
}

tenon_status *carryOut(Queue &queue, const Command &command) {
  OpenDevice &device = *queue.device;
  const tenon_driver &driver = *device.driver;
  Hold hold(device);
  tenon_status *error = nullptr;
  switch (command.kind) {
  case Command::CopyIn:
    error = ofDevice(device,
                     driver.copy_in(device.handle, queue.memory, command.offset, command.from, size_t(command.bytes)));
    break;
  case Command::CopyOut:
    return ofDevice(device,
                    driver.copy_out(device.handle, queue.memory, command.offset, command.to, size_t(command.bytes)));
  case Command::Submit: error = execute(queue, command); break;
  }
  return error ? error : checkZones(queue, command);
}

void perform(void *user, uint32_t number) {
  auto &queue = *static_cast<Queue *>(user);
  if (queue.failed.load(std::memory_order_acquire))
    return;
  tenon_status *error = carryOut(queue, queue.slots[number % Queue::kSlots]);
  if (!error)
    return;
  queue.error.store(error, std::memory_order_release);
  queue.failed.store(true, std::memory_order_release);
}

/// A device's error becomes that of the run, unless the run has one.
int32_t takeError(Invocation &run, Queue &queue) {
  tenon_status *error = queue.error.exchange(nullptr, std::memory_order_acq_rel);
  if (run.error)
    tenon_status_free(error);
  else
    run.error = error;
  return -1;
}

/// The slot of the next command, once it is free. A run that somebody watches is one
/// thread's; so is one for which there is no thread to be had.
Command &freeSlot(Queue &queue) {
  const tenon_session &session = *queue.region.session;
  queue.isInline = session.observer || session.guard || !queue.worker.start();
  queue.worker.waitUntil(Queue::kSlots - 1);
  return queue.slots[queue.worker.next() % Queue::kSlots];
}

/// Gives the command in that slot to the device.
int32_t give(Queue &queue) {
  ++queue.given;
  if (queue.isInline)
    perform(&queue, queue.worker.next());
  else
    queue.worker.post();
  return 0;
}

int32_t giveCopy(Invocation &run, Command::Kind kind, uint32_t device, int64_t offset, const void *from, void *to,
                 int64_t bytes) {
  Queue *queue = queueOf(run, device);
  if (!queue)
    return -1;
  if (offset < 0 || bytes < 0 || offset > queue->space || bytes > queue->space - offset)
    return refuse(run, "the code copies %lld bytes at %lld of the %lld that it asked of device '%s'", (long long)bytes,
                  (long long)offset, (long long)queue->space, queue->device->name);
  Command &command = freeSlot(*queue);
  command.kind = kind;
  command.offset = offset;
  command.bytes = bytes;
  command.from = from;
  command.to = to;
  return give(*queue);
}

/// Bytes of scratch that regions of a device need; negative beyond i64.
int64_t scratchOf(const tenon_session &session, uint32_t device) {
  const tenon_model &model = *session.model;
  int64_t most = 0;
  for (uint32_t r = 0; r < model.numRegions; ++r) {
    const auto *region = model.manifest->regions()->Get(r);
    if (region->device() != device)
      continue;
    int64_t bytes =
        model.devices[device].driver->scratch_bytes(model.regions[r].handle, session.symbols + region->first_symbol());
    if (bytes < 0)
      return bytes;
    most = bytes > most ? bytes : most;
  }
  return most;
}

} // namespace

Queue *queueOf(Invocation &run, uint32_t device) {
  uint32_t count = run.session->model->numDevices;
  if (run.isRegion)
    refuse(run, "the code of a region gives a command to device %u, as only the host program may", device);
  else if (device >= count)
    refuse(run, "the code names device %u; there are %u", device, count);
  else
    return &run.session->queues[device];
  return nullptr;
}

bool createQueues(tenon_session &session) {
  uint32_t count = session.model->numDevices;
  if (!count)
    return true;
  session.spaceSizes = static_cast<int64_t *>(calloc(count, sizeof(int64_t)));
  void *memory = malloc(count * sizeof(Queue));
  if (!session.spaceSizes || !memory) {
    free(memory);
    return false;
  }
  session.queues = static_cast<Queue *>(memory);
  for (uint32_t d = 0; d < count; ++d) {
    auto *queue = new (&session.queues[d]) Queue();
    queue->device = &session.model->devices[d];
    queue->region.session = &session;
    queue->region.isRegion = true;
    queue->worker.work = perform;
    queue->worker.user = queue;
  }
  return true;
}

void destroyQueues(tenon_session &session) {
  for (uint32_t d = session.queues ? session.model->numDevices : 0; d-- > 0;) {
    Queue &queue = session.queues[d];
    queue.worker.join();
    freeMemory(queue);
    for (Command &command : queue.slots)
      free(command.offsets);
    free(queue.region.scratch.memory);
    free(queue.region.redZones.begins);
  }
  free(session.queues);
  free(session.spaceSizes);
}

tenon_status *prepareQueues(tenon_session &session) {
  if (!session.queues)
    return nullptr;
  const tenon_model &model = *session.model;
  model.driver->spaceSizes(model.program, session.symbols, session.spaceSizes);
  for (uint32_t d = 0; d < model.numDevices; ++d) {
    Queue &queue = session.queues[d];
    int64_t space = session.spaceSizes[d], scratch = scratchOf(session, d), bytes = 0;
    if (space < 0 || scratch < 0 || __builtin_add_overflow(space, kAlign - 1, &bytes) ||
        __builtin_add_overflow(bytes / kAlign * kAlign, scratch, &bytes))
      return fail(TENON_SHAPE, "what these inputs need of device '%s' would have more than 2^63 bytes",
                  queue.device->name);
    queue.space = space;
    queue.scratch = (space + kAlign - 1) / kAlign * kAlign;
    queue.given = 0;
    queue.zones.count = 0;
    if (tenon_status *error = prepareMemory(queue, bytes ? bytes : kAlign))
      return error;
  }
  return nullptr;
}

tenon_status *finishQueues(tenon_session &session, bool hasFailed) {
  tenon_status *first = nullptr;
  uint32_t count = session.queues ? session.model->numDevices : 0;
  for (uint32_t d = 0; d < count && hasFailed; ++d)
    session.queues[d].failed.store(true, std::memory_order_release);
  for (uint32_t d = 0; d < count; ++d) {
    Queue &queue = session.queues[d];
    queue.worker.waitUntil(0);
    tenon_status *error = queue.error.exchange(nullptr, std::memory_order_acq_rel);
    queue.failed.store(false, std::memory_order_relaxed);
    if (first)
      tenon_status_free(error);
    else
      first = error;
  }
  return first;
}

int32_t copyIn(void *invocation, uint32_t device, int64_t offset, const void *from, int64_t bytes) {
  return giveCopy(*static_cast<Invocation *>(invocation), Command::CopyIn, device, offset, from, nullptr, bytes);
}

int32_t copyOut(void *invocation, uint32_t device, int64_t offset, void *to, int64_t bytes) {
  return giveCopy(*static_cast<Invocation *>(invocation), Command::CopyOut, device, offset, nullptr, to, bytes);
}

int32_t submit(void *invocation, uint32_t index, const int64_t *offsets, uint32_t count) {
  auto &run = *static_cast<Invocation *>(invocation);
  const tenon_model &model = *run.session->model;
  if (index >= model.numRegions)
    return refuse(run, "the code submits region %u; there are %u", index, model.numRegions);
  const auto *region = model.manifest->regions()->Get(index);
  Queue *queue = queueOf(run, region->device());
  if (!queue)
    return -1;
  if (count != region->inputs() + region->outputs())
    return refuse(run, "the code submits region '%s' with %u buffers; it has %u", region->name()->c_str(), count,
                  region->inputs() + region->outputs());
  for (uint32_t i = 0; i < count; ++i)
    if (offsets[i] < 0 || offsets[i] > queue->space)
      return refuse(run, "the code submits region '%s' with a buffer at %lld of the %lld bytes of device '%s'",
                    region->name()->c_str(), (long long)offsets[i], (long long)queue->space, queue->device->name);
  Command &command = freeSlot(*queue);
  if (count > command.capacity) {
    free(command.offsets);
    command.offsets = static_cast<int64_t *>(malloc(count * sizeof(int64_t)));
    command.capacity = command.offsets ? count : 0;
    if (!command.offsets) {
      if (!run.error)
        run.error = fail(TENON_OUT_OF_MEMORY, "cannot allocate the places of %u buffers", count);
      return -1;
    }
  }
  command.kind = Command::Submit;
  command.region = index;
  command.count = count;
  if (count)
    memcpy(command.offsets, offsets, count * sizeof(int64_t));
  return give(*queue);
}

int32_t await(void *invocation, uint32_t device, int64_t count) {
  auto &run = *static_cast<Invocation *>(invocation);
  Queue *queue = queueOf(run, device);
  if (!queue)
    return -1;
  if (count < 0 || count > queue->given)
    return refuse(run, "the code awaits %lld commands of device '%s'; it has given it %lld", (long long)count,
                  queue->device->name, (long long)queue->given);
  // The last commands may be left.
  int64_t mayBeLeft = queue->given - count;
  if (mayBeLeft < Queue::kSlots)
    queue->worker.waitUntil(uint32_t(mayBeLeft));
  return queue->failed.load(std::memory_order_acquire) ? takeError(run, *queue) : 0;
}

} // namespace tenon::rt
