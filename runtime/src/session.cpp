// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Creation of sessions and binding of buffers.
#include "session.h"

#include "element.h"
#include "queue.h"

#include <cstdlib>
#include <new>

using namespace tenon::rt;

namespace tenon::rt {

Use::Use(tenon_session *session, const char *function) {
  if (!session)
    refused = fail(TENON_INVALID_ARGUMENT, "%s: session must not be NULL", function);
  else if (session->busy.exchange(true, std::memory_order_acquire))
    refused = fail(TENON_BUSY, "the session is in use by another call; create one session a thread");
  else
    held = session;
}

template <typename List>
static tenon_status *select(const char *what, const List &list, int32_t index, const schema::Tensor *&tensor) {
  if (tenon_status *status = checkIndex(what, index, list.size()))
    return status;
  tensor = list.Get(index);
  return nullptr;
}

tenon_status *Use::input(int32_t index, const schema::Tensor *&tensor) {
  return refused ? refused : select("input", *held->model->manifest->inputs(), index, tensor);
}
tenon_status *Use::output(int32_t index, const schema::Tensor *&tensor) {
  return refused ? refused : select("output", *held->model->manifest->outputs(), index, tensor);
}

} // namespace tenon::rt

namespace {

template <typename T>
bool make(T *&array, size_t count) {
  array = static_cast<T *>(calloc(count + 1, sizeof(T)));
  return array != nullptr;
}

void destroy(tenon_session *session) {
  endBackground(*session);
  destroyQueues(*session);
  destroyGuard(*session);
  if (session->outputs)
    for (uint32_t i = 0; i < session->model->manifest->outputs()->size(); ++i)
      free(session->outputs[i].own.memory);
  free(session->inputs);
  free(session->outputs);
  free(session->inputData);
  free(session->outputData);
  free(session->symbols);
  free(session->outputDims);
  free(session->shapes);
  free(session->arena.memory);
  free(session->host.scratch.memory);
  free(session->host.redZones.begins);
  tenon_status_free(session->host.error);
  if (session->pool)
    tenon_pool_free(session->pool);
  tenon_model_free(session->model);
  free(session);
}

bool allocate(tenon_session &session) {
  const auto &m = *session.model->manifest;
  uint32_t inputs = m.inputs()->size(), outputs = m.outputs()->size();
  size_t inputDims = 0, outputDims = 0;
  for (const auto *input : *m.inputs())
    inputDims += input->dims()->size();
  for (const auto *output : *m.outputs())
    outputDims += output->dims()->size();
  if (!make(session.inputs, inputs) || !make(session.outputs, outputs) || !make(session.inputData, inputs) ||
      !make(session.outputData, outputs) || !make(session.symbols, m.symbols()->size() + size_t(m.derived_symbols())) ||
      !make(session.outputDims, outputDims) || !make(session.shapes, inputDims + outputDims))
    return false;
  int64_t *shape = session.shapes;
  for (uint32_t i = 0; i < inputs; ++i) {
    session.inputs[i].shape = shape;
    shape += m.inputs()->Get(i)->dims()->size();
  }
  for (uint32_t i = 0; i < outputs; ++i) {
    session.outputs[i].shape = shape;
    shape += m.outputs()->Get(i)->dims()->size();
  }
  return true;
}

/// Checks a tensor against what the model declares of an input.
tenon_status *checkInput(const tenon::schema::Tensor &input, const tenon_tensor &tensor) {
  const char *name = input.name()->c_str();
  if (tensor.dtype != input.dtype())
    return fail(TENON_DTYPE, "input '%s' has ONNX element type %d; the model expects %d", name, tensor.dtype,
                input.dtype());
  if (tensor.rank < 0 || uint32_t(tensor.rank) != input.dims()->size())
    return fail(TENON_SHAPE, "input '%s' has rank %d; the model expects %u", name, tensor.rank, input.dims()->size());
  size_t element = elementBytes(tensor.dtype), bytes = element;
  bool isEmpty = false, tooLarge = false;
  for (int32_t d = 0; d < tensor.rank; ++d) {
    const auto *dim = input.dims()->Get(d);
    if (dim->symbol() < 0 && tensor.shape[d] != dim->value())
      return fail(TENON_SHAPE, "input '%s': dimension %d is %lld; the model expects %lld", name, d,
                  (long long)tensor.shape[d], (long long)dim->value());
    if (tensor.shape[d] < 0)
      return fail(TENON_SHAPE, "input '%s': dimension %d is %lld; expected 0 or more", name, d,
                  (long long)tensor.shape[d]);
    isEmpty |= tensor.shape[d] == 0;
    tooLarge |= __builtin_mul_overflow(bytes, size_t(tensor.shape[d]), &bytes) || bytes > (size_t(1) << 62);
  }
  if (isEmpty)
    bytes = 0;
  else if (tooLarge)
    return fail(TENON_SHAPE, "input '%s' has more elements than memory can hold", name);
  if (tensor.byte_size && tensor.byte_size < bytes)
    return fail(TENON_SHAPE, "input '%s' has %zu bytes; its shape and type need %zu", name, tensor.byte_size, bytes);
  if (!tensor.data && bytes > 0)
    return fail(TENON_INVALID_ARGUMENT, "input '%s': no data given", name);
  if (reinterpret_cast<uintptr_t>(tensor.data) % element != 0)
    return fail(TENON_INVALID_ARGUMENT, "input '%s': the data is not aligned to its elements of %zu bytes", name,
                element);
  return nullptr;
}

void bind(tenon_session &session, int32_t index, const tenon_tensor &tensor) {
  alignas(64) static char empty[64]; // something to point at where there is nothing to read
  session.inputs[index].data = tensor.data ? tensor.data : empty;
  session.inputData[index] = session.inputs[index].data;
  for (int32_t d = 0; d < tensor.rank; ++d)
    session.inputs[index].shape[d] = tensor.shape[d];
}

} // namespace

TENON_API tenon_status *tenon_session_create(tenon_model *model, const tenon_session_options *options,
                                             tenon_session **session) {
  if (!model || !session)
    return fail(TENON_INVALID_ARGUMENT, "tenon_session_create: model and session must not be NULL");
  *session = nullptr;
  int32_t threads = TENON_FIELD(options, threads, 0);
  if (threads < 0)
    return fail(TENON_INVALID_ARGUMENT, "threads is %d; expected 0 (one a processor) or more", threads);
  void *memory = malloc(sizeof(tenon_session));
  if (!memory)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a session");
  auto *made = new (memory) tenon_session();
  made->model = model;
  __atomic_add_fetch(&model->references, 1, __ATOMIC_RELAXED);
  made->threads = threads ? threads : processorCount();
  made->pool = TENON_FIELD(options, pool, nullptr);
  if (!made->pool)
    made->pool = defaultPool();
  retainPool(made->pool);
  made->host.session = made;
  made->host.numKernels = model->manifest->kernels()->size();
  if (!allocate(*made) || !createQueues(*made)) {
    destroy(made);
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a session");
  }
  if (tenon_status *status = createGuard(*made, TENON_FIELD(options, guard, TENON_GUARD_NONE))) {
    destroy(made);
    return status;
  }
  const auto &inputs = *model->manifest->inputs();
  for (uint32_t i = 0; i < inputs.size(); ++i)
    if (inputs.Get(i)->default_offset() >= 0)
      bind(*made, int32_t(i), defaultOf(*model, *inputs.Get(i)));
  *session = made;
  return nullptr;
}

TENON_API void tenon_session_free(tenon_session *session) {
  if (session)
    destroy(session);
}

TENON_API tenon_status *tenon_session_bind_input(tenon_session *session, int32_t index, const tenon_tensor *tensor) {
  Use use(session, __func__);
  const tenon::schema::Tensor *input;
  if (tenon_status *status = use.input(index, input))
    return status;
  if (!tensor && input->default_offset() >= 0) {
    bind(*session, index, defaultOf(*session->model, *input));
    return nullptr;
  }
  if (!tensor || (!tensor->shape && tensor->rank > 0))
    return fail(TENON_INVALID_ARGUMENT, "input '%s': no tensor given", input->name()->c_str());
  if (tenon_status *status = checkInput(*input, *tensor))
    return status;
  bind(*session, index, *tensor);
  return nullptr;
}

TENON_API tenon_status *tenon_session_bind_output(tenon_session *session, int32_t index, void *data, size_t bytes) {
  Use use(session, __func__);
  const tenon::schema::Tensor *output;
  if (tenon_status *status = use.output(index, output))
    return status;
  size_t element = elementBytes(output->dtype());
  if (reinterpret_cast<uintptr_t>(data) % element != 0)
    return fail(TENON_INVALID_ARGUMENT, "output '%s': the buffer is not aligned to its elements of %zu bytes",
                output->name()->c_str(), element);
  session->outputs[index].bound = data;
  session->outputs[index].boundBytes = data ? bytes : 0;
  return nullptr;
}

TENON_API uint64_t tenon_session_arena_bytes(const tenon_session *session) { return session ? session->arenaBytes : 0; }

TENON_API void tenon_session_set_observer(tenon_session *session, tenon_observer observer, void *user) {
  if (!session)
    return;
  session->observer = observer;
  session->observerUser = user;
}
