// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The device, simulated: its memory is the process's own, and an interpreter executes its
// code. Copies take as long as the link of the chip's declaration would make them. A library
// of its own, which links the runtime for tenon_status_create alone.
#include "Interpreter.h"
#include "tenon/device.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <time.h>

/* What the runtime's handles are. */
struct tenon_device {
  uint64_t mbPerSecond, latencyNs; // of copies, 0: as fast as they are
};
struct tenon_executable {
  toy::Interpreter interpreter;
  std::unique_ptr<unsigned char *[]> memory; ///< of an execution, by buffer
  unsigned char *weights;
};

namespace {

constexpr size_t kAlign = 64;

struct Memory {
  size_t bytes;
  unsigned char *data; ///< allocated, or the caller's
};

tenon_status *outOfMemory() { return tenon_status_create(TENON_OUT_OF_MEMORY, "there is no memory left"); }

/// Whether bytes lie within a memory.
bool holds(const Memory &memory, int64_t offset, uint64_t bytes) {
  return offset >= 0 && uint64_t(offset) <= memory.bytes && bytes <= memory.bytes - uint64_t(offset);
}

uint64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return uint64_t(time.tv_sec) * 1000000000u + uint64_t(time.tv_nsec);
}

/// Waits until a copy that began at `start` has taken as long as over the device's link.
void imitateLink(const tenon_device &device, uint64_t start, size_t bytes) {
  uint64_t end = start + device.latencyNs;
  if (device.mbPerSecond) // a MB/s is a byte in 1000 ns
    end += uint64_t(double(bytes) * 1000 / double(device.mbPerSecond));
  for (uint64_t time; (time = now()) < end;) {
    timespec pause = {time_t((end - time) / 1000000000u), long((end - time) % 1000000000u)};
    nanosleep(&pause, nullptr);
  }
}

tenon_status *open(void *, const tenon_device_info *info, tenon_device **device) {
  *device = new (std::nothrow) tenon_device{info->mb_per_s, info->latency_ns};
  return *device ? nullptr : outOfMemory();
}

void close(tenon_device *device) { delete device; }

tenon_status *loadRegion(tenon_device *, const tenon_region_code *code, tenon_executable **executable) {
  std::unique_ptr<tenon_executable> loaded(new (std::nothrow) tenon_executable);
  if (!loaded)
    return outOfMemory();
  toy::Interpreter::Problem problem =
      loaded->interpreter.read(static_cast<const unsigned char *>(code->code), code->code_bytes, code->num_inputs,
                               code->num_outputs, code->weight_bytes);
  if (problem.text) {
    char where[32] = "", text[256];
    if (problem.instruction >= 0)
      snprintf(where, sizeof where, "instruction %lld: ", static_cast<long long>(problem.instruction));
    snprintf(text, sizeof text, "the instruction stream of region '%s' is wrong: %s%s", code->region, where,
             problem.text);
    return tenon_status_create(TENON_CORRUPT, text);
  }
  loaded->memory.reset(new (std::nothrow) unsigned char *[loaded->interpreter.buffers() + 2]);
  if (!loaded->memory)
    return outOfMemory();
  // No instruction stores there.
  loaded->weights = const_cast<unsigned char *>(static_cast<const unsigned char *>(code->weights));
  *executable = loaded.release();
  return nullptr;
}

void unloadRegion(tenon_executable *executable) { delete executable; }

int64_t scratchBytes(const tenon_executable *executable, const int64_t *) {
  return int64_t(executable->interpreter.arenaBytes());
}

tenon_status *alloc(tenon_device *, size_t bytes, void **memory) {
  auto *allocated = new (std::nothrow) Memory{bytes, nullptr};
  if (allocated)
    allocated->data = static_cast<unsigned char *>(aligned_alloc(kAlign, (bytes + kAlign - 1) / kAlign * kAlign));
  if (!allocated || !allocated->data) {
    delete allocated;
    return outOfMemory();
  }
  *memory = allocated;
  return nullptr;
}

void freeMemory(tenon_device *, void *memory) {
  if (memory)
    ::free(static_cast<Memory *>(memory)->data);
  delete static_cast<Memory *>(memory);
}

tenon_status *importMemory(tenon_device *, void *data, size_t bytes, void **memory) {
  *memory = new (std::nothrow) Memory{bytes, static_cast<unsigned char *>(data)};
  return *memory ? nullptr : outOfMemory();
}

void releaseMemory(tenon_device *, void *memory) { delete static_cast<Memory *>(memory); }

tenon_status *copyIn(tenon_device *device, void *memory, int64_t offset, const void *from, size_t bytes) {
  auto &to = *static_cast<Memory *>(memory);
  if (!holds(to, offset, bytes))
    return tenon_status_create(TENON_DEVICE, "a copy to the device is outside its memory");
  uint64_t start = now();
  if (bytes)
    memcpy(to.data + offset, from, bytes);
  imitateLink(*device, start, bytes);
  return nullptr;
}

tenon_status *copyOut(tenon_device *device, void *memory, int64_t offset, void *to, size_t bytes) {
  auto &from = *static_cast<Memory *>(memory);
  if (!holds(from, offset, bytes))
    return tenon_status_create(TENON_DEVICE, "a copy from the device is outside its memory");
  uint64_t start = now();
  if (bytes)
    memcpy(to, from.data + offset, bytes);
  imitateLink(*device, start, bytes);
  return nullptr;
}

tenon_status *execute(tenon_executable *executable, const tenon_execution *execution) {
  toy::Interpreter &interpreter = executable->interpreter;
  auto &memory = *static_cast<Memory *>(execution->memory);
  if (execution->count != interpreter.buffers())
    return tenon_status_create(TENON_DEVICE, "an execution has another number of buffers than its region");
  size_t arena = interpreter.buffers();
  for (size_t i = 0; i <= arena; ++i) {
    int64_t offset = i < arena ? execution->offsets[i] : execution->scratch;
    uint64_t bytes = i < arena ? interpreter.bufferBytes(i) : interpreter.arenaBytes();
    if (!bytes) // nothing is read or written there
      offset = 0;
    if (!holds(memory, offset, bytes))
      return tenon_status_create(TENON_DEVICE, "a buffer of an execution is outside the device's memory");
    executable->memory[i] = memory.data + offset;
  }
  executable->memory[arena + 1] = executable->weights;
  interpreter.execute(executable->memory.get());
  return nullptr;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const tenon_driver *tenon_driver_plugin(void) {
  static const tenon_driver driver = {sizeof driver, "toy",        nullptr,      open,         close,
                                      loadRegion,    unloadRegion, scratchBytes, alloc,        freeMemory,
                                      copyIn,        copyOut,      execute,      importMemory, releaseMemory};
  return &driver;
}
