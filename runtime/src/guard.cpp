// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Guarded runs. Inputs and weights are copied where they cannot be written,
// outputs and arena are filled with bytes that are no value; an access beyond a
// buffer ends the process, after one line on stderr that names kernel and buffer.
#include "guard.h"

#include "element.h"
#include "session.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using namespace tenon::rt;

namespace {

constexpr size_t kAlign = 64;

size_t pageBytes() {
  static const size_t bytes = size_t(sysconf(_SC_PAGESIZE));
  return bytes;
}

void forbidWrites(const GuardedBuffer &buffer) {
  mprotect(buffer.map + pageBytes(), buffer.mapBytes - 2 * pageBytes(), PROT_READ);
}

size_t bytesOf(const tenon::schema::Tensor &tensor, const int64_t *shape) {
  size_t bytes = elementBytes(tensor.dtype());
  for (uint32_t d = 0; d < tensor.dims()->size(); ++d)
    bytes *= size_t(shape[d]);
  return bytes;
}

/// The guarded run that began last. One process debugs one session at a time;
/// with more of them the line may name another one's kernel.
tenon_session *volatile running = nullptr;
struct sigaction previous[2];

bool contains(const GuardedBuffer &buffer, const uint8_t *at) {
  return buffer.map && at >= buffer.map && at < buffer.map + buffer.mapBytes;
}

/// "4 bytes behind the end of output 'y' (12 bytes)".
void describe(char *text, size_t size, const char *what, const char *name, const GuardedBuffer &buffer,
              const uint8_t *at) {
  const uint8_t *end = buffer.data + buffer.bytes;
  if (at < buffer.data)
    snprintf(text, size, "%lld bytes before %s '%s' (%zu bytes)", (long long)(buffer.data - at), what, name,
             buffer.bytes);
  else if (at >= end)
    snprintf(text, size, "%lld bytes behind the end of %s '%s' (%zu bytes)", (long long)(at - end), what, name,
             buffer.bytes);
  else
    snprintf(text, size, "a write to %s '%s', which is only read", what, name);
}

/// Says what a fault in generated code touched, then lets the fault happen again
/// under whatever was in place before.
void onFault(int signal, siginfo_t *info, void *) {
  int saved = errno;
  // Of threads that fault at the same time one tells; the process ends when it has.
  static int told = 0;
  while (__atomic_exchange_n(&told, 1, __ATOMIC_ACQ_REL))
    pause();
  tenon_session *session = running;
  if (session && session->guard) {
    const Guard &guard = *session->guard;
    const auto &m = *session->model->manifest;
    auto *at = static_cast<const uint8_t *>(info->si_addr);
    char place[256], text[512];
    snprintf(place, sizeof place, "outside of every buffer (address %p)", info->si_addr);
    for (uint32_t i = 0; i < m.inputs()->size(); ++i)
      if (contains(guard.inputs[i], at))
        describe(place, sizeof place, "input", m.inputs()->Get(i)->name()->c_str(), guard.inputs[i], at);
    for (uint32_t i = 0; i < m.outputs()->size(); ++i)
      if (contains(guard.outputs[i], at))
        describe(place, sizeof place, "output", m.outputs()->Get(i)->name()->c_str(), guard.outputs[i], at);
    if (contains(guard.arena, at))
      describe(place, sizeof place, "the", "arena", guard.arena, at);
    if (contains(guard.weights, at))
      describe(place, sizeof place, "the", "weights", guard.weights, at);
    if (contains(guard.scratch, at))
      describe(place, sizeof place, "the", "scratch", guard.scratch, at);
    for (uint32_t d = 0; d < session->model->numDevices; ++d)
      if (contains(guard.devices[d], at))
        describe(place, sizeof place, "the memory of device", session->model->devices[d].name, guard.devices[d], at);
    bool isKernel = guard.kernel < m.kernels()->size(),
         isRegion = !isKernel && guard.region < session->model->numRegions;
    const char *name = isKernel   ? m.kernels()->Get(guard.kernel)->name()->c_str()
                       : isRegion ? m.regions()->Get(guard.region)->name()->c_str()
                                  : "none";
    int length = snprintf(text, sizeof text, "tenon: memory error in %s '%s': %s\n", isRegion ? "region" : "kernel",
                          name, place);
    if (write(2, text, size_t(length) < sizeof text ? size_t(length) : sizeof text - 1) < 0)
      errno = saved;
  }
  sigaction(signal, &previous[signal == SIGSEGV], nullptr);
  errno = saved;
}

void watchFaults() {
  static bool watched = false;
  if (__atomic_exchange_n(&watched, true, __ATOMIC_ACQ_REL))
    return;
  struct sigaction action = {};
  action.sa_sigaction = onFault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &previous[1]);
  sigaction(SIGBUS, &action, &previous[0]);
}

template <typename T>
bool make(T *&array, size_t count) {
  array = static_cast<T *>(calloc(count + 1, sizeof(T)));
  return array != nullptr;
}

} // namespace

void tenon::rt::release(GuardedBuffer &buffer) {
  if (buffer.map)
    munmap(buffer.map, buffer.mapBytes);
  buffer = GuardedBuffer();
}

bool tenon::rt::place(GuardedBuffer &buffer, size_t bytes, bool atEnd) {
  size_t page = pageBytes();
  if (buffer.map && buffer.bytes == bytes)
    return mprotect(buffer.map + page, buffer.mapBytes - 2 * page, PROT_READ | PROT_WRITE) == 0;
  release(buffer);
  if (bytes > SIZE_MAX / 4)
    return false;
  size_t inner = (bytes + page - 1) / page * page;
  inner = inner ? inner : page;
  void *map = mmap(nullptr, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED)
    return false;
  buffer.map = static_cast<uint8_t *>(map);
  buffer.mapBytes = inner + 2 * page;
  buffer.bytes = bytes;
  buffer.data = buffer.map + page + (atEnd ? inner - bytes : 0);
  return mprotect(buffer.map + page, inner, PROT_READ | PROT_WRITE) == 0;
}

tenon_status *tenon::rt::createGuard(tenon_session &session, int32_t mode) {
  if (mode == TENON_GUARD_NONE)
    return nullptr;
  if (mode != TENON_GUARD_END && mode != TENON_GUARD_BEGIN)
    return fail(TENON_INVALID_ARGUMENT, "guard is %d; expected a tenon_guard, 0 to 2", mode);
  const auto &m = *session.model->manifest;
  auto *guard = static_cast<Guard *>(calloc(1, sizeof(Guard)));
  session.guard = guard;
  if (!guard || !make(guard->inputs, m.inputs()->size()) || !make(guard->outputs, m.outputs()->size()) ||
      !make(guard->inputData, m.inputs()->size()) || !make(guard->outputData, m.outputs()->size()) ||
      !make(guard->outputBytes, m.outputs()->size()) || !make(guard->devices, session.model->numDevices))
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a session");
  guard->atEnd = mode == TENON_GUARD_END;
  guard->kernel = guard->region = UINT32_MAX;
  size_t bytes = (size_t(m.weights_size()) + kAlign - 1) / kAlign * kAlign;
  if (!place(guard->weights, bytes, guard->atEnd))
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate %zu bytes for a guarded copy of the weights", bytes);
  if (m.weights_size())
    memcpy(guard->weights.data, session.model->weights, m.weights_size());
  forbidWrites(guard->weights);
  watchFaults();
  return nullptr;
}

void tenon::rt::destroyGuard(tenon_session &session) {
  Guard *guard = session.guard;
  if (!guard)
    return;
  if (running == &session)
    running = nullptr;
  for (uint32_t i = 0; guard->inputs && i < session.model->manifest->inputs()->size(); ++i)
    release(guard->inputs[i]);
  for (uint32_t i = 0; guard->outputs && i < session.model->manifest->outputs()->size(); ++i)
    release(guard->outputs[i]);
  for (uint32_t d = 0; guard->devices && d < session.model->numDevices; ++d)
    release(guard->devices[d]);
  release(guard->arena);
  release(guard->weights);
  release(guard->scratch);
  free(guard->inputs);
  free(guard->outputs);
  free(guard->inputData);
  free(guard->outputData);
  free(guard->outputBytes);
  free(guard->devices);
  free(guard);
}

tenon_status *tenon::rt::enterGuard(tenon_session &session, size_t arenaBytes) {
  Guard &guard = *session.guard;
  const auto &m = *session.model->manifest;
  for (uint32_t i = 0; i < m.inputs()->size(); ++i) {
    size_t bytes = bytesOf(*m.inputs()->Get(i), session.inputs[i].shape);
    if (!place(guard.inputs[i], bytes, guard.atEnd))
      return fail(TENON_OUT_OF_MEMORY, "cannot allocate %zu bytes for input '%s'", bytes,
                  m.inputs()->Get(i)->name()->c_str());
    if (bytes)
      memcpy(guard.inputs[i].data, session.inputs[i].data, bytes);
    forbidWrites(guard.inputs[i]);
    guard.inputData[i] = guard.inputs[i].data;
  }
  for (uint32_t i = 0; i < m.outputs()->size(); ++i) {
    size_t bytes = guard.outputBytes[i] = bytesOf(*m.outputs()->Get(i), session.outputs[i].shape);
    if (!place(guard.outputs[i], bytes, guard.atEnd))
      return fail(TENON_OUT_OF_MEMORY, "cannot allocate %zu bytes for output '%s'", bytes,
                  m.outputs()->Get(i)->name()->c_str());
    memset(guard.outputs[i].data, guard.poison(), bytes);
    guard.outputData[i] = guard.outputs[i].data;
  }
  if (!place(guard.arena, (arenaBytes + kAlign - 1) / kAlign * kAlign, guard.atEnd))
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate the arena of %zu bytes", arenaBytes);
  memset(guard.arena.data, guard.poison(), guard.arena.bytes);
  guard.kernel = guard.region = UINT32_MAX;
  running = &session;
  return nullptr;
}

void tenon::rt::leaveGuard(tenon_session &session) {
  for (uint32_t i = 0; i < session.model->manifest->outputs()->size(); ++i)
    if (session.guard->outputBytes[i])
      memcpy(session.outputData[i], session.guard->outputs[i].data, session.guard->outputBytes[i]);
}

bool tenon::rt::runGuarded(tenon_session &session, tenon_scratch_kernel_fn fn, size_t scratchBytes,
                           void *const *buffers, const int64_t *symbols, int64_t total) {
  Guard &guard = *session.guard;
  if (!place(guard.scratch, (scratchBytes + kAlign - 1) / kAlign * kAlign, guard.atEnd))
    return false;
  memset(guard.scratch.data, guard.poison(), guard.scratch.bytes);
  if (total > 0)
    fn(buffers, symbols, 0, total, guard.scratch.data);
  return true;
}

int32_t tenon::rt::setRedZones(Invocation &run, void *const *begins, uint32_t count) {
  RedZones &zones = run.redZones;
  if (count > zones.capacity) {
    free(zones.begins);
    zones = RedZones();
    zones.begins = static_cast<uint8_t **>(malloc(count * sizeof(void *)));
    if (!zones.begins) {
      run.error = fail(TENON_OUT_OF_MEMORY, "cannot allocate the list of %u red zones", count);
      return -1;
    }
    zones.capacity = count;
  }
  zones.count = count;
  for (uint32_t i = 0; i < count; ++i) {
    zones.begins[i] = static_cast<uint8_t *>(begins[i]);
    memset(zones.begins[i], kZone, zoneBytes(zones.begins[i]));
  }
  return 0;
}

tenon_status *tenon::rt::checkRedZones(const Invocation &run, uint32_t kernel, void *const *buffers,
                                       uint32_t numBuffers) {
  const RedZones &zones = run.redZones;
  for (uint32_t i = 0; i < zones.count; ++i) {
    const uint8_t *at = zones.begins[i], *end = at + zoneBytes(at);
    while (at < end && *at == kZone)
      ++at;
    if (at == end)
      continue;
    // The kernel's own buffer that lies next before the zone is the likely one.
    const uint8_t *nearest = nullptr;
    uint32_t which = 0;
    for (uint32_t b = 0; b < numBuffers; ++b) {
      auto *buffer = static_cast<const uint8_t *>(buffers[b]);
      if (buffer <= zones.begins[i] && (!nearest || buffer >= nearest)) {
        nearest = buffer;
        which = b;
      }
    }
    const auto &kernels = *run.session->model->manifest->kernels();
    return fail(
        TENON_RED_ZONE,
        "kernel '%s' wrote %lld bytes behind the end of the arena's buffer %u, red zone %u of %u (next before it: "
        "buffer %u of the kernel)",
        kernel < kernels.size() ? kernels.Get(kernel)->name()->c_str() : "?", (long long)(at - zones.begins[i]), i,
        i + 1, zones.count, which);
  }
  return nullptr;
}
