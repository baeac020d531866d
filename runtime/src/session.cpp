// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sessions: bound buffers, an arena, and a run.
#include "internal.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <time.h>

using namespace tenon::rt;

#define TENON_API extern "C" __attribute__((visibility("default")))

namespace {

constexpr size_t kAlign = 64;

struct Output {
  void *bound = nullptr;
  size_t boundBytes = 0;
  uint8_t *own = nullptr;
  size_t ownBytes = 0;
  int64_t *shape = nullptr;
};

/// Bytes of an element of an ONNX TensorProto.DataType; 0 if it has no fixed size here.
size_t elementBytes(int dtype) {
  switch (dtype) {
  case 2: case 3: case 9: case 17: case 18: case 19: case 20: case 21: case 22: case 24: return 1;
  case 4: case 5: case 10: case 16: return 2;
  case 1: case 6: case 12: return 4;
  case 7: case 11: case 13: return 8;
  default: return 0;
  }
}

uint64_t now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return uint64_t(t.tv_sec) * 1000000000u + t.tv_nsec;
}

bool grow(uint8_t *&memory, size_t &capacity, size_t bytes) {
  if (bytes <= capacity && memory)
    return true;
  free(memory);
  bytes = (bytes + kAlign) / kAlign * kAlign;
  memory = static_cast<uint8_t *>(aligned_alloc(kAlign, bytes));
  capacity = memory ? bytes : 0;
  return memory != nullptr;
}

} // namespace

struct tenon_session {
  tenon_model *model;
  int threads;
  void **inputs = nullptr;
  void **outputs = nullptr;
  Output *outputState = nullptr;
  int64_t **inputShapes = nullptr;
  int64_t *symbols = nullptr;
  uint8_t *arena = nullptr;
  size_t arenaCapacity = 0, arenaBytes = 0;
  bool ran = false;
  tenon_observer observer = nullptr;
  void *observerUser = nullptr;
};

namespace {

int32_t launch(void *invocation, uint32_t kernel, tenon_kernel_fn fn, void *const *buffers, uint32_t numBuffers,
               const int64_t *symbols, int64_t total, int64_t grain) {
  auto *session = static_cast<tenon_session *>(invocation);
  if (!session->observer) {
    parallelFor(session->threads, fn, buffers, symbols, total, grain);
    return 0;
  }
  uint64_t start = now();
  parallelFor(session->threads, fn, buffers, symbols, total, grain);
  session->observer(session->observerUser, kernel, buffers, numBuffers, symbols, now() - start);
  return 0;
}

const tenon_host_api kApi = {sizeof(tenon_host_api), TENON_ABI_VERSION, launch};

/// Gives every symbol its value from the inputs' shapes.
tenon_status *bindSymbols(tenon_session &session) {
  const auto &m = *session.model->manifest;
  for (uint32_t s = 0; s < m.symbols()->size(); ++s)
    session.symbols[s] = -1;
  for (uint32_t i = 0; i < m.inputs()->size(); ++i) {
    const auto *input = m.inputs()->Get(i);
    for (uint32_t d = 0; d < input->dims()->size(); ++d) {
      int32_t s = input->dims()->Get(d)->symbol();
      if (s < 0)
        continue;
      int64_t value = session.inputShapes[i][d];
      const auto *symbol = m.symbols()->Get(s);
      if (session.symbols[s] >= 0 && session.symbols[s] != value)
        return fail(TENON_SHAPE, "input '%s': dimension %u (%s) is %lld, but another input has %s = %lld; they must agree",
                    input->name()->c_str(), d, symbol->name()->c_str(), (long long)value, symbol->name()->c_str(),
                    (long long)session.symbols[s]);
      if (value < symbol->min() || value > symbol->max() || value % symbol->divisor() != 0)
        return fail(TENON_SHAPE, "input '%s': dimension %u (%s) is %lld; expected %lld to %lld, a multiple of %lld",
                    input->name()->c_str(), d, symbol->name()->c_str(), (long long)value, (long long)symbol->min(),
                    (long long)symbol->max(), (long long)symbol->divisor());
      session.symbols[s] = value;
    }
  }
  return nullptr;
}

tenon_status *prepareOutputs(tenon_session &session) {
  const auto &m = *session.model->manifest;
  size_t dims = 1;
  for (const auto *output : *m.outputs())
    dims += output->dims()->size();
  auto *values = static_cast<int64_t *>(malloc(dims * sizeof(int64_t)));
  if (!values)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate the outputs' shapes");
  session.model->image.outputDims(session.symbols, values);
  size_t at = 0;
  tenon_status *status = nullptr;
  for (uint32_t i = 0; i < m.outputs()->size() && !status; ++i) {
    const auto *output = m.outputs()->Get(i);
    Output &state = session.outputState[i];
    size_t bytes = elementBytes(output->dtype());
    for (uint32_t d = 0; d < output->dims()->size(); ++d) {
      state.shape[d] = values[at++];
      if (state.shape[d] < 0 || __builtin_mul_overflow(bytes, size_t(state.shape[d]), &bytes)) {
        status = fail(TENON_SHAPE, "output '%s': dimension %u would be %lld for these inputs", output->name()->c_str(), d,
                      (long long)state.shape[d]);
        break;
      }
    }
    if (status)
      break;
    if (state.bound) {
      if (state.boundBytes < bytes)
        status = fail(TENON_SHAPE, "output '%s' needs %zu bytes; the bound buffer has %zu", output->name()->c_str(), bytes,
                      state.boundBytes);
      session.outputs[i] = state.bound;
    } else {
      if (!grow(state.own, state.ownBytes, bytes))
        status = fail(TENON_OUT_OF_MEMORY, "cannot allocate %zu bytes for output '%s'", bytes, output->name()->c_str());
      session.outputs[i] = state.own;
    }
  }
  free(values);
  return status;
}

void destroy(tenon_session *session) {
  const auto &m = *session->model->manifest;
  if (session->inputShapes)
    for (uint32_t i = 0; i < m.inputs()->size(); ++i)
      free(session->inputShapes[i]);
  if (session->outputState)
    for (uint32_t i = 0; i < m.outputs()->size(); ++i) {
      free(session->outputState[i].own);
      free(session->outputState[i].shape);
    }
  free(session->inputShapes);
  free(session->inputs);
  free(session->outputs);
  free(session->outputState);
  free(session->symbols);
  free(session->arena);
  tenon_model_free(session->model);
  free(session);
}

} // namespace

TENON_API tenon_status *tenon_session_create(tenon_model *model, const tenon_session_options *options, tenon_session **session) {
  if (!model || !session)
    return fail(TENON_INVALID_ARGUMENT, "tenon_session_create: model and session must not be NULL");
  int threads = options && options->size >= sizeof(tenon_session_options) ? options->threads : 0;
  if (threads < 0)
    return fail(TENON_INVALID_ARGUMENT, "threads is %d; expected 0 (one a processor) or more", threads);
  void *memory = malloc(sizeof(tenon_session));
  if (!memory)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a session");
  auto *made = new (memory) tenon_session();
  made->model = model;
  __atomic_add_fetch(&model->references, 1, __ATOMIC_RELAXED);
  made->threads = threads ? threads : processorCount();
  const auto &m = *model->manifest;
  uint32_t inputs = m.inputs()->size(), outputs = m.outputs()->size();
  made->inputs = static_cast<void **>(calloc(inputs + 1, sizeof(void *)));
  made->outputs = static_cast<void **>(calloc(outputs + 1, sizeof(void *)));
  made->inputShapes = static_cast<int64_t **>(calloc(inputs + 1, sizeof(int64_t *)));
  made->outputState = static_cast<Output *>(calloc(outputs + 1, sizeof(Output)));
  made->symbols = static_cast<int64_t *>(calloc(m.symbols()->size() + 1, sizeof(int64_t)));
  bool ok = made->inputs && made->outputs && made->inputShapes && made->outputState && made->symbols;
  for (uint32_t i = 0; ok && i < inputs; ++i)
    ok = (made->inputShapes[i] = static_cast<int64_t *>(calloc(m.inputs()->Get(i)->dims()->size() + 1, sizeof(int64_t))));
  for (uint32_t i = 0; ok && i < outputs; ++i)
    ok = (made->outputState[i].shape = static_cast<int64_t *>(calloc(m.outputs()->Get(i)->dims()->size() + 1, sizeof(int64_t))));
  if (!ok) {
    destroy(made);
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a session");
  }
  *session = made;
  return nullptr;
}

TENON_API void tenon_session_free(tenon_session *session) {
  if (session)
    destroy(session);
}

TENON_API tenon_status *tenon_session_bind_input(tenon_session *session, int32_t index, const tenon_tensor *tensor) {
  const auto *inputs = session->model->manifest->inputs();
  if (index < 0 || uint32_t(index) >= inputs->size())
    return fail(TENON_INVALID_ARGUMENT, "input %d does not exist; the model has %u inputs", index, inputs->size());
  const auto *input = inputs->Get(index);
  const char *name = input->name()->c_str();
  if (!tensor || (!tensor->shape && tensor->rank > 0))
    return fail(TENON_INVALID_ARGUMENT, "input '%s': no tensor given", name);
  if (tensor->dtype != input->dtype())
    return fail(TENON_DTYPE, "input '%s' has ONNX element type %d; the model expects %d", name, tensor->dtype, input->dtype());
  if (uint32_t(tensor->rank) != input->dims()->size())
    return fail(TENON_SHAPE, "input '%s' has rank %d; the model expects %u", name, tensor->rank, input->dims()->size());
  int64_t elements = 1;
  for (int32_t d = 0; d < tensor->rank; ++d) {
    const auto *dim = input->dims()->Get(d);
    if (tensor->shape[d] < 0 || (dim->symbol() < 0 && tensor->shape[d] != dim->value()))
      return fail(TENON_SHAPE, "input '%s': dimension %d is %lld; the model expects %lld", name, d,
                  (long long)tensor->shape[d], (long long)dim->value());
    if (__builtin_mul_overflow(elements, tensor->shape[d], &elements))
      return fail(TENON_SHAPE, "input '%s' has too many elements", name);
  }
  if (!tensor->data && elements > 0)
    return fail(TENON_INVALID_ARGUMENT, "input '%s': no data given", name);
  static char empty[64];
  session->inputs[index] = tensor->data ? tensor->data : empty;
  for (int32_t d = 0; d < tensor->rank; ++d)
    session->inputShapes[index][d] = tensor->shape[d];
  return nullptr;
}

TENON_API tenon_status *tenon_session_bind_output(tenon_session *session, int32_t index, void *data, size_t bytes) {
  const auto *outputs = session->model->manifest->outputs();
  if (index < 0 || uint32_t(index) >= outputs->size())
    return fail(TENON_INVALID_ARGUMENT, "output %d does not exist; the model has %u outputs", index, outputs->size());
  session->outputState[index].bound = data;
  session->outputState[index].boundBytes = data ? bytes : 0;
  return nullptr;
}

TENON_API tenon_status *tenon_session_run(tenon_session *session) {
  const auto &m = *session->model->manifest;
  for (uint32_t i = 0; i < m.inputs()->size(); ++i)
    if (!session->inputs[i])
      return fail(TENON_NO_INPUT, "input '%s' is not bound; the model needs all %u inputs", m.inputs()->Get(i)->name()->c_str(),
                  m.inputs()->size());
  if (tenon_status *status = bindSymbols(*session))
    return status;
  if (tenon_status *status = prepareOutputs(*session))
    return status;
  int64_t arena = session->model->image.arenaSize(session->symbols);
  if (arena < 0 || !grow(session->arena, session->arenaCapacity, size_t(arena)))
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate the arena of %lld bytes", (long long)arena);
  session->arenaBytes = arena;
  session->model->image.main(&kApi, session, session->inputs, session->outputs, session->model->weights, session->arena,
                             session->symbols);
  session->ran = true;
  return nullptr;
}

TENON_API tenon_status *tenon_session_output(tenon_session *session, int32_t index, tenon_tensor *tensor) {
  const auto *outputs = session->model->manifest->outputs();
  if (index < 0 || uint32_t(index) >= outputs->size())
    return fail(TENON_INVALID_ARGUMENT, "output %d does not exist; the model has %u outputs", index, outputs->size());
  if (!session->ran)
    return fail(TENON_INVALID_ARGUMENT, "the session has not run yet");
  tensor->data = session->outputs[index];
  tensor->dtype = outputs->Get(index)->dtype();
  tensor->rank = outputs->Get(index)->dims()->size();
  tensor->shape = session->outputState[index].shape;
  return nullptr;
}

TENON_API uint64_t tenon_session_arena_bytes(const tenon_session *session) { return session->arenaBytes; }

TENON_API void tenon_session_set_observer(tenon_session *session, tenon_observer observer, void *user) {
  session->observer = observer;
  session->observerUser = user;
}
