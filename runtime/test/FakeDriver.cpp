// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A driver of a device whose memory is the process's own, and which looks closely
// at everything that the runtime gives it.
#include "FakeDriver.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace tenon::testing {
namespace {

constexpr int64_t kScratch = 100;

std::unique_ptr<FakeDriver> state;

struct FakeDevice {
  std::atomic<int> inside{0};
};
struct FakeRegion {
  FakeDevice *device;
  std::vector<float> weights;
};
struct FakeMemory {
  std::vector<uint8_t> bytes;
};

FakeDevice *deviceOf(tenon_device *device) { return reinterpret_cast<FakeDevice *>(device); }

/// The time that a call of the runtime is inside the driver.
struct Inside {
  FakeDevice &device;
  explicit Inside(FakeDevice *device) : device(*device) {
    if (this->device.inside.fetch_add(1))
      ++state->overlaps;
  }
  ~Inside() { device.inside.fetch_sub(1); }
};

tenon_status *fails(const char *step, std::atomic<int> &count) {
  if (state->failsAt == step && count >= state->passes)
    return tenon_status_create(state->code, (std::string("out of order at ") + step).c_str());
  ++count;
  return nullptr;
}

tenon_status *open(void *user, const tenon_device_info *info, tenon_device **device) {
  if (user != &state || info->size < sizeof *info)
    ++state->wrong;
  if (tenon_status *error = fails("open", state->opens))
    return error;
  state->opened = *info;
  *device = reinterpret_cast<tenon_device *>(new FakeDevice);
  return nullptr;
}

void close(tenon_device *device) {
  ++state->closes;
  delete deviceOf(device);
}

tenon_status *loadRegion(tenon_device *device, const tenon_region_code *code, tenon_executable **executable) {
  Inside inside(deviceOf(device));
  if (tenon_status *error = fails("load", state->loads))
    return error;
  if (reinterpret_cast<uintptr_t>(code->weights) % 64 || memcmp(code->code, "\177ELF", 4) != 0 || code->code_bytes < 64)
    ++state->wrong;
  state->region = code->region;
  state->triple = code->triple;
  state->symbols = code->num_symbols;
  for (uint32_t i = 0; i < code->num_features; ++i)
    state->features += std::string(code->features[i]) + ";";
  auto *region = new FakeRegion{deviceOf(device), {}};
  region->weights.resize(code->weight_bytes / sizeof(float));
  if (code->weight_bytes)
    memcpy(region->weights.data(), code->weights, code->weight_bytes);
  *executable = reinterpret_cast<tenon_executable *>(region);
  return nullptr;
}

void unloadRegion(tenon_executable *executable) {
  ++state->unloads;
  delete reinterpret_cast<FakeRegion *>(executable);
}

int64_t scratchBytes(const tenon_executable *, const int64_t *) { return kScratch; }

tenon_status *alloc(tenon_device *device, size_t bytes, void **memory) {
  Inside inside(deviceOf(device));
  if (tenon_status *error = fails("alloc", state->allocs))
    return error;
  if (!bytes)
    ++state->wrong;
  *memory = new FakeMemory{std::vector<uint8_t>(bytes, 0xff)};
  return nullptr;
}

void freeMemory(tenon_device *device, void *memory) {
  Inside inside(deviceOf(device));
  ++state->frees;
  delete static_cast<FakeMemory *>(memory);
}

/// Bytes of the memory; what lies outside is an error of the runtime.
uint8_t *bytesAt(void *memory, int64_t offset, size_t count) {
  auto &bytes = static_cast<FakeMemory *>(memory)->bytes;
  if (offset < 0 || size_t(offset) > bytes.size() || count > bytes.size() - size_t(offset)) {
    ++state->wrong;
    return nullptr;
  }
  return bytes.data() + offset;
}

tenon_status *copyIn(tenon_device *device, void *memory, int64_t offset, const void *from, size_t bytes) {
  Inside inside(deviceOf(device));
  if (tenon_status *error = fails("copy_in", state->copiesIn))
    return error;
  if (uint8_t *to = bytesAt(memory, offset, bytes); to && bytes)
    memcpy(to, from, bytes);
  return nullptr;
}

tenon_status *copyOut(tenon_device *device, void *memory, int64_t offset, void *to, size_t bytes) {
  Inside inside(deviceOf(device));
  if (tenon_status *error = fails("copy_out", state->copiesOut))
    return error;
  if (uint8_t *from = bytesAt(memory, offset, bytes); from && bytes)
    memcpy(to, from, bytes);
  return nullptr;
}

tenon_status *execute(tenon_executable *executable, const tenon_execution *execution) {
  const auto &region = *reinterpret_cast<FakeRegion *>(executable);
  Inside inside(region.device);
  if (tenon_status *error = fails("execute", state->executions))
    return error;
  if (state->onExecute)
    state->onExecute();
  if (execution->size < sizeof *execution || execution->count != 2 || execution->scratch % 64 != 0) {
    ++state->wrong;
    return nullptr;
  }
  state->given.assign(execution->symbols, execution->symbols + execution->num_symbols);
  size_t values = size_t(execution->symbols[0]) * 4;
  auto *from = reinterpret_cast<float *>(bytesAt(execution->memory, execution->offsets[0], values * sizeof(float)));
  auto *to = reinterpret_cast<float *>(bytesAt(execution->memory, execution->offsets[1], values * sizeof(float)));
  if (uint8_t *scratch = bytesAt(execution->memory, execution->scratch, kScratch))
    memset(scratch, 0xee, kScratch); // overwrites nothing that anyone needs
  if (to && values)
    state->foundInOutput = *reinterpret_cast<uint8_t *>(to);
  for (size_t i = 0; from && to && i < values; ++i)
    to[i] = from[i] + region.weights[i % 4];
  if (int64_t at = execution->offsets[1] + int64_t(values * sizeof(float)) + state->overrun; state->overrun >= 0)
    if (uint8_t *behind = bytesAt(execution->memory, at, 1))
      *behind = 1;
  return nullptr;
}

} // namespace

FakeDriver &fakeDriver() {
  state = std::make_unique<FakeDriver>();
  static tenon_status *const registered = [] {
    tenon_driver driver = {sizeof driver, "fake", &state,     open,   close,   loadRegion, unloadRegion,
                           scratchBytes,  alloc,  freeMemory, copyIn, copyOut, execute};
    return tenon_driver_register(&driver);
  }();
  if (registered)
    ++state->wrong;
  return *state;
}

} // namespace tenon::testing
