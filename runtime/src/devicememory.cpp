// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory of devices for a session. All that is written or read here goes through the
// driver's copies, which work for every device; only the pages without access need a
// driver that takes memory of the process.
#include "devicememory.h"

#include <cstdlib>
#include <cstring>

namespace tenon::rt {
namespace {

constexpr uint64_t kAlign = 64;
constexpr size_t kMostZone = 2 * kAlign; // bytes

tenon_status *allocate(Queue &queue, size_t bytes) {
  OpenDevice &device = *queue.device;
  return ofDevice(device, device.driver->alloc(device.handle, bytes, &queue.memory));
}

/// Memory whose end, or beginning, touches a page without access.
tenon_status *allocateGuarded(Queue &queue, size_t bytes) {
  OpenDevice &device = *queue.device;
  Guard &guard = *queue.region.session->guard;
  GuardedBuffer &buffer = guard.devices[&device - queue.region.session->model->devices];
  if (!place(buffer, bytes, guard.atEnd))
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate %zu bytes for device '%s'", bytes, device.name);
  if (tenon_status *error =
          ofDevice(device, device.driver->import_memory(device.handle, buffer.data, bytes, &queue.memory)))
    return error;
  queue.isImported = true;
  return nullptr;
}

/// Fills the memory with bytes that are no value.
tenon_status *poison(Queue &queue) {
  size_t bytes = size_t(queue.memoryBytes);
  void *values = malloc(bytes);
  if (!values)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate %zu bytes to fill the memory of device '%s'", bytes,
                queue.device->name);
  memset(values, queue.region.session->guard->poison(), bytes);
  OpenDevice &device = *queue.device;
  tenon_status *error = ofDevice(device, device.driver->copy_in(device.handle, queue.memory, 0, values, bytes));
  free(values);
  return error;
}

void releaseMemory(Queue &queue) {
  OpenDevice &device = *queue.device;
  if (queue.memory && queue.isImported)
    device.driver->release_memory(device.handle, queue.memory);
  else if (queue.memory)
    device.driver->free(device.handle, queue.memory);
  queue.memory = nullptr;
  queue.memoryBytes = 0;
  queue.isImported = false;
}

/// Fills red zones with what they are looked for.
tenon_status *fillZones(Queue &queue) {
  OpenDevice &device = *queue.device;
  Hold hold(device);
  uint8_t bytes[kMostZone];
  memset(bytes, kZone, sizeof bytes);
  for (uint32_t i = 0; i < queue.zones.count; ++i) {
    int64_t begin = queue.zones.begins[i];
    if (tenon_status *error = ofDevice(
            device, device.driver->copy_in(device.handle, queue.memory, begin, bytes, zoneBytes(uint64_t(begin)))))
      return error;
  }
  return nullptr;
}

tenon_status *hit(const Queue &queue, const Command &command, uint32_t zone, int64_t behind) {
  const DeviceZones &zones = queue.zones;
  long long at = zones.begins[zone];
  const char *device = queue.device->name;
  if (command.kind != Command::Submit)
    return fail(TENON_RED_ZONE,
                "a copy of %lld bytes to byte %lld of device '%s' wrote %lld bytes behind the end of the buffer that "
                "ends at byte %lld, red zone %u of %u",
                (long long)command.bytes, (long long)command.offset, device, (long long)behind, at, zone + 1,
                zones.count);
  // The region's own buffer that lies next before the zone is the likely one.
  const auto *region = queue.region.session->model->manifest->regions()->Get(command.region);
  uint32_t which = 0;
  int64_t nearest = -1;
  for (uint32_t b = 0; b < command.count; ++b)
    if (command.offsets[b] <= at && command.offsets[b] > nearest) {
      nearest = command.offsets[b];
      which = b;
    }
  bool isOutput = which >= region->inputs();
  return fail(TENON_RED_ZONE,
              "region '%s' wrote %lld bytes behind the end of the buffer that ends at byte %lld of device '%s', red "
              "zone %u of %u (next before it: the region's %s %u)",
              region->name()->c_str(), (long long)behind, at, device, zone + 1, zones.count,
              isOutput ? "output" : "input", isOutput ? which - region->inputs() : which);
}

} // namespace

tenon_status *prepareMemory(Queue &queue, int64_t bytes) {
  bool isGuarded = queue.region.session->guard;
  if (isGuarded) // so that the end, which touches the page, is aligned as the beginning
    bytes = int64_t((uint64_t(bytes) + kAlign - 1) / kAlign * kAlign);
  Hold hold(*queue.device);
  if (isGuarded ? queue.memoryBytes != bytes : queue.memoryBytes < bytes) {
    releaseMemory(queue);
    tenon_status *error = isGuarded && queue.device->driver->import_memory ? allocateGuarded(queue, size_t(bytes))
                                                                           : allocate(queue, size_t(bytes));
    if (error) {
      queue.memory = nullptr;
      return error;
    }
    queue.memoryBytes = bytes;
  }
  return isGuarded ? poison(queue) : nullptr;
}

void freeMemory(Queue &queue) {
  Hold hold(*queue.device);
  releaseMemory(queue);
  free(queue.zones.begins);
  queue.zones = DeviceZones();
}

tenon_status *checkZones(const Queue &queue, const Command &command) {
  OpenDevice &device = *queue.device;
  for (uint32_t i = 0; i < queue.zones.count; ++i) {
    int64_t begin = queue.zones.begins[i];
    size_t count = zoneBytes(uint64_t(begin)), at = 0;
    uint8_t bytes[kMostZone];
    if (tenon_status *error =
            ofDevice(device, device.driver->copy_out(device.handle, queue.memory, begin, bytes, count)))
      return error;
    while (at < count && bytes[at] == kZone)
      ++at;
    if (at < count)
      return hit(queue, command, i, int64_t(at));
  }
  return nullptr;
}

int32_t deviceZones(void *invocation, uint32_t device, const int64_t *begins, uint32_t count) {
  auto &run = *static_cast<Invocation *>(invocation);
  Queue *queue = queueOf(run, device);
  if (!queue)
    return -1;
  if (queue->given)
    return refuse(run, "the code names red zones of device '%s' behind a command, expected before the first",
                  queue->device->name);
  for (uint32_t i = 0; i < count; ++i)
    if (begins[i] < 0 || begins[i] > queue->space ||
        uint64_t(begins[i]) + zoneBytes(uint64_t(begins[i])) > (uint64_t(queue->space) + kAlign - 1) / kAlign * kAlign)
      return refuse(run, "the code has a red zone at %lld of the %lld bytes that it asked of device '%s'",
                    (long long)begins[i], (long long)queue->space, queue->device->name);
  DeviceZones &zones = queue->zones;
  zones.count = 0;
  if (count > zones.capacity) {
    free(zones.begins);
    zones = DeviceZones();
    zones.begins = static_cast<int64_t *>(malloc(count * sizeof(int64_t)));
    zones.capacity = zones.begins ? count : 0;
  }
  tenon_status *error = nullptr;
  if (count && !zones.begins) {
    error = fail(TENON_OUT_OF_MEMORY, "cannot allocate the list of %u red zones", count);
  } else {
    if (count)
      memcpy(zones.begins, begins, count * sizeof(int64_t));
    zones.count = count;
    error = fillZones(*queue);
  }
  if (run.error)
    tenon_status_free(error);
  else
    run.error = error;
  return error ? -1 : 0;
}

} // namespace tenon::rt
