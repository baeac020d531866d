// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The cpu device: the processor once more, as a device beside the host with
// memory of its own. Everything that a real accelerator asks for happens (weights
// and activations are copied, regions are submitted and awaited), so that models
// with several devices run, and are tested, on any machine. Copies can take as
// long as a link of a given latency and speed would make them.
#include "cpu.h"
#include "threads.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <time.h>

namespace tenon::rt {
namespace {

/// What the runtime knows as tenon_device and tenon_executable.
struct Link {
  uint64_t mbPerSecond, latency;
};
struct LoadedRegion {
  Image image;
  uint8_t *weights; ///< in the device's memory
  uint32_t inputs;
};

constexpr size_t kAlign = 64;
// Who sleeps wakes up some time later; the last microseconds are waited for.
constexpr uint64_t kSpinNanoseconds = 100000;

tenon_status *open(void *, const tenon_device_info *info, tenon_device **device) {
  void *memory = malloc(sizeof(Link));
  if (!memory)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a device");
  *device = reinterpret_cast<tenon_device *>(new (memory) Link{info->mb_per_s, info->latency_ns});
  return nullptr;
}

void close(tenon_device *device) { ::free(device); }

tenon_status *alloc(tenon_device *, size_t bytes, void **memory) {
  if (bytes > SIZE_MAX - kAlign || !(*memory = aligned_alloc(kAlign, (bytes + kAlign - 1) / kAlign * kAlign)))
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate %zu bytes", bytes);
  return nullptr;
}

void free(tenon_device *, void *memory) { ::free(memory); }

// The device's addresses are the process's.
tenon_status *importMemory(tenon_device *, void *data, size_t, void **memory) {
  *memory = data;
  return nullptr;
}

void releaseMemory(tenon_device *, void *) {}

void unloadRegion(tenon_executable *executable) {
  auto *loaded = reinterpret_cast<LoadedRegion *>(executable);
  unmapImage(loaded->image);
  ::free(loaded->weights);
  ::free(loaded);
}

tenon_status *loadRegion(tenon_device *device, const tenon_region_code *code, tenon_executable **executable) {
  const CodeSource &source = reinterpret_cast<const RegionSource *>(code)->source;
  if (tenon_status *status = checkMachine(*source.code, TENON_UNSUPPORTED_DEVICE))
    return status;
  void *memory = malloc(sizeof(LoadedRegion)), *weights = nullptr;
  if (!memory)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate an executable");
  auto *made = new (memory) LoadedRegion{{}, nullptr, code->num_inputs};
  *executable = reinterpret_cast<tenon_executable *>(made);
  tenon_status *status = alloc(device, code->weight_bytes + 1, &weights); // some, so that there is an address
  made->weights = static_cast<uint8_t *>(weights);
  if (!status)
    status = mapImage(source, machinePage(), made->image);
  if (status) {
    unloadRegion(*executable);
    return status;
  }
  memcpy(made->weights, code->weights, code->weight_bytes);
  return nullptr;
}

int64_t scratchBytes(const tenon_executable *executable, const int64_t *symbols) {
  return reinterpret_cast<const LoadedRegion *>(executable)->image.arenaSize(symbols);
}

/// Lets a copy that began at `start` last as long as the link makes it.
void imitateLink(const tenon_device *device, uint64_t start, uint64_t bytes) {
  const auto &link = *reinterpret_cast<const Link *>(device);
  if (!link.latency && !link.mbPerSecond)
    return;
  uint64_t end = start + link.latency;
  if (uint64_t speed = link.mbPerSecond) // a MB/s is a byte in 1000 ns
    end += bytes / speed * 1000 + bytes % speed * 1000 / speed;
  for (uint64_t time; (time = now()) < end;)
    if (end - time > kSpinNanoseconds) {
      uint64_t rest = end - time - kSpinNanoseconds;
      timespec pause = {time_t(rest / 1000000000u), long(rest % 1000000000u)};
      nanosleep(&pause, nullptr);
    }
}

tenon_status *copyIn(tenon_device *device, void *memory, int64_t offset, const void *from, size_t bytes) {
  uint64_t start = now();
  if (bytes)
    memcpy(static_cast<uint8_t *>(memory) + offset, from, bytes);
  imitateLink(device, start, bytes);
  return nullptr;
}

tenon_status *copyOut(tenon_device *device, void *memory, int64_t offset, void *to, size_t bytes) {
  uint64_t start = now();
  if (bytes)
    memcpy(to, static_cast<const uint8_t *>(memory) + offset, bytes);
  imitateLink(device, start, bytes);
  return nullptr;
}

tenon_status *execute(tenon_executable *executable, const tenon_execution *execution) {
  const auto *run = reinterpret_cast<const RegionRun *>(execution);
  const auto &loaded = *reinterpret_cast<const LoadedRegion *>(executable);
  auto *memory = static_cast<uint8_t *>(execution->memory);
  void *few[32], **buffers = few;
  if (execution->count > 32 && !(buffers = static_cast<void **>(malloc(execution->count * sizeof(void *)))))
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate the addresses of %u buffers", execution->count);
  for (uint32_t i = 0; i < execution->count; ++i)
    buffers[i] = memory + execution->offsets[i];
  int32_t result;
  {
    [[maybe_unused]] FloatState state;
    result = loaded.image.main(run->api, run->invocation, buffers, buffers + loaded.inputs,
                               run->weights ? run->weights : loaded.weights, memory + execution->scratch,
                               execution->symbols);
  }
  if (buffers != few)
    ::free(buffers);
  return result ? fail(TENON_RUN, "the compiled code returned error %d", result) : nullptr;
}

} // namespace

const DeviceDriver kCpuDevice = {{sizeof(tenon_driver), "cpu", nullptr, open, close, loadRegion, unloadRegion,
                                  scratchBytes, alloc, free, copyIn, copyOut, execute, importMemory, releaseMemory},
                                 /*isConcurrent=*/true,
                                 nullptr};

} // namespace tenon::rt
