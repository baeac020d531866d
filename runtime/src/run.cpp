// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A run of a session: symbols from the inputs' shapes, memory for outputs, arena
// and devices, and the compiled host program.
#include "element.h"
#include "queue.h"
#include "services.h"
#include "session.h"

#include <cstdlib>

using namespace tenon::rt;

namespace {

/// The error that the code or a service has recorded, or null.
tenon_status *takeError(tenon_session &session) {
  tenon_status *error = session.host.error;
  session.host.error = nullptr;
  return error;
}

/// Gives every symbol its value from the inputs' shapes, and derives the other sizes.
tenon_status *bindSymbols(tenon_session &session) {
  const auto &m = *session.model->manifest;
  for (uint32_t s = 0; s < m.symbols()->size(); ++s)
    session.symbols[s] = -1;
  for (uint32_t i = 0; i < m.inputs()->size(); ++i) {
    const auto *input = m.inputs()->Get(i);
    const char *name = input->name()->c_str();
    if (!session.inputs[i].data)
      return fail(TENON_NO_INPUT, "input '%s' is not bound; the model needs all %u inputs but the optional ones", name,
                  m.inputs()->size());
    for (uint32_t d = 0; d < input->dims()->size(); ++d) {
      int32_t s = input->dims()->Get(d)->symbol();
      if (s < 0)
        continue;
      auto found = (long long)session.inputs[i].shape[d];
      const auto *symbol = m.symbols()->Get(s);
      const char *text = symbol->name()->c_str();
      if (session.symbols[s] >= 0 && session.symbols[s] != found)
        return fail(TENON_SHAPE,
                    "input '%s': dimension %u (%s) is %lld; expected %lld, as another dimension of "
                    "that name has",
                    name, d, text, found, (long long)session.symbols[s]);
      if (found < symbol->min() && symbol->max() == INT64_MAX)
        return fail(TENON_SHAPE, "input '%s': dimension %u (%s) is %lld; expected %lld or more", name, d, text, found,
                    (long long)symbol->min());
      if (found < symbol->min() || found > symbol->max())
        return fail(TENON_SHAPE, "input '%s': dimension %u (%s) is %lld; expected %lld to %lld", name, d, text, found,
                    (long long)symbol->min(), (long long)symbol->max());
      if (found % symbol->divisor() != 0)
        return fail(TENON_SHAPE, "input '%s': dimension %u (%s) is %lld; expected a multiple of %lld", name, d, text,
                    found, (long long)symbol->divisor());
      session.symbols[s] = found;
    }
  }
  int64_t numbers[2] = {0, 0};
  int32_t check = session.model->driver->derive(session.model->program, session.symbols, numbers);
  if (check)
    failed(&session.host, check, numbers[0], numbers[1]);
  return takeError(session);
}

/// The outputs' shapes and sizes for the symbols; `bytes` may be null.
tenon_status *shapeOutputs(tenon_session &session, size_t *bytes) {
  const auto &m = *session.model->manifest;
  session.model->driver->outputDims(session.model->program, session.symbols, session.outputDims);
  const int64_t *dims = session.outputDims;
  for (uint32_t i = 0; i < m.outputs()->size(); ++i) {
    const auto *output = m.outputs()->Get(i);
    const char *name = output->name()->c_str();
    size_t size = elementBytes(output->dtype());
    bool isEmpty = false, tooLarge = false;
    for (uint32_t d = 0; d < output->dims()->size(); ++d) {
      int64_t dim = session.outputs[i].shape[d] = *dims++;
      if (dim < 0)
        return fail(TENON_SHAPE, "output '%s': dimension %u would be %lld for these inputs", name, d, (long long)dim);
      const auto *described = output->dims()->Get(d);
      int64_t expected = described->symbol() >= 0 ? session.symbols[described->symbol()] : described->value();
      if (dim != expected && expected >= 0)
        return fail(TENON_CORRUPT, "output '%s': dimension %u is %lld by the code and %lld by the manifest", name, d,
                    (long long)dim, (long long)expected);
      isEmpty |= dim == 0;
      tooLarge |= __builtin_mul_overflow(size, size_t(dim), &size);
    }
    if (tooLarge && !isEmpty)
      return fail(TENON_SHAPE, "output '%s' would have more elements than memory can hold for these inputs", name);
    if (bytes)
      bytes[i] = isEmpty ? 0 : size;
  }
  return nullptr;
}

tenon_status *placeOutput(tenon_session &session, uint32_t i, size_t bytes) {
  Output &output = session.outputs[i];
  const char *name = session.model->manifest->outputs()->Get(i)->name()->c_str();
  if (output.bound) {
    if (output.boundBytes < bytes)
      return fail(TENON_SHAPE, "output '%s' needs %zu bytes; the bound buffer has %zu", name, bytes, output.boundBytes);
    session.outputData[i] = output.bound;
    return nullptr;
  }
  if (!output.own.grow(bytes))
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate %zu bytes for output '%s'", bytes, name);
  session.outputData[i] = output.own.memory;
  return nullptr;
}

tenon_status *placeOutputs(tenon_session &session) {
  uint32_t count = session.model->manifest->outputs()->size();
  size_t few[16], *bytes = few;
  if (count > 16 && !(bytes = static_cast<size_t *>(malloc(count * sizeof(size_t)))))
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate the outputs' sizes");
  tenon_status *status = shapeOutputs(session, bytes);
  for (uint32_t i = 0; i < count && !status; ++i)
    status = placeOutput(session, i, bytes[i]);
  if (bytes != few)
    free(bytes);
  return status;
}

} // namespace

tenon_status *tenon::rt::runSession(tenon_session &session) {
  session.ran = false;
  if (tenon_status *status = bindSymbols(session))
    return status;
  if (tenon_status *status = placeOutputs(session))
    return status;
  const tenon_model &model = *session.model;
  int64_t arena = model.driver->arenaSize(model.program, session.symbols);
  if (arena < 0)
    return fail(TENON_SHAPE, "the buffers that these inputs need would have more than 2^63 bytes");
  if (!session.arena.grow(size_t(arena)))
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate the arena of %lld bytes", (long long)arena);
  session.arenaBytes = size_t(arena);
  if (tenon_status *status = prepareQueues(session))
    return status;
  session.host.redZones.count = 0;
  Guard *guard = session.guard;
  if (guard)
    if (tenon_status *status = enterGuard(session, size_t(arena)))
      return status;
  int32_t result =
      model.driver->run(model.program, &kHostApi, &session.host, guard ? guard->inputData : session.inputData,
                        guard ? guard->outputData : session.outputData, guard ? guard->weights.data : model.weights,
                        guard ? guard->arena.data : session.arena.memory, session.symbols);
  tenon_status *ofDevices = finishQueues(session, result != 0 || session.host.error);
  tenon_status *error = takeError(session);
  if (error)
    tenon_status_free(ofDevices);
  else
    error = ofDevices;
  if (error || result != 0)
    return error ? error : fail(TENON_RUN, "the compiled code returned error %d", result);
  if (guard)
    leaveGuard(session);
  session.ran = true;
  return nullptr;
}

TENON_API tenon_status *tenon_session_run(tenon_session *session) {
  Use use(session, __func__);
  return use.refused ? use.refused : runSession(*session);
}

TENON_API tenon_status *tenon_session_output_shape(tenon_session *session, int32_t index, int64_t *shape,
                                                   int32_t *rank) {
  Use use(session, __func__);
  const tenon::schema::Tensor *output;
  if (tenon_status *status = use.output(index, output))
    return status;
  session->ran = false;
  if (tenon_status *status = bindSymbols(*session))
    return status;
  if (tenon_status *status = shapeOutputs(*session, nullptr))
    return status;
  uint32_t count = output->dims()->size();
  if (rank)
    *rank = int32_t(count);
  for (uint32_t d = 0; shape && d < count; ++d)
    shape[d] = session->outputs[index].shape[d];
  return nullptr;
}

TENON_API tenon_status *tenon_session_output(tenon_session *session, int32_t index, tenon_tensor *tensor) {
  Use use(session, __func__);
  const tenon::schema::Tensor *output;
  if (tenon_status *status = use.output(index, output))
    return status;
  if (!tensor)
    return fail(TENON_INVALID_ARGUMENT, "tenon_session_output: tensor must not be NULL");
  if (!session->ran)
    return fail(TENON_INVALID_ARGUMENT, "the session has no results: its last run failed, or there was none");
  tensor->data = session->outputData[index];
  tensor->dtype = output->dtype();
  tensor->rank = int32_t(output->dims()->size());
  tensor->shape = session->outputs[index].shape;
  tensor->byte_size = elementBytes(output->dtype());
  for (uint32_t d = 0; d < output->dims()->size(); ++d)
    tensor->byte_size *= size_t(tensor->shape[d]);
  return nullptr;
}
