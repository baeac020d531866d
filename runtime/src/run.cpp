// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A run of a session: symbols from the inputs' shapes, memory for outputs and
// arena, the compiled host program, and the services it calls.
#include "element.h"
#include "session.h"

#include <cstdio>
#include <cstdlib>
#include <time.h>

using namespace tenon::rt;

namespace {

uint64_t now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return uint64_t(t.tv_sec) * 1000000000u + t.tv_nsec;
}

bool isDescribed(const tenon::schema::Manifest &m, uint32_t kernel, uint32_t numBuffers) {
  if (kernel >= m.kernels()->size())
    return false;
  const auto *buffers = m.kernels()->Get(kernel)->buffers();
  return !buffers || !numBuffers || buffers->size() == numBuffers;
}

/// Runs a kernel by `work`, between what an observer asks for.
template <typename Work>
int32_t observed(void *invocation, uint32_t kernel, void *const *buffers, uint32_t numBuffers, Work work) {
  auto *session = static_cast<tenon_session *>(invocation);
  if (session->observer && !isDescribed(*session->model->manifest, kernel, numBuffers)) {
    // The observer looks at buffers as the manifest describes them.
    if (!session->runError)
      session->runError =
          fail(TENON_CORRUPT, "the code launches kernel %u with %u buffers, which the manifest does not describe",
               kernel, numBuffers);
    return -1;
  }
  uint64_t start = session->observer ? now() : 0;
  if (session->guard)
    session->guard->kernel = kernel;
  if (int32_t error = work(*session))
    return error;
  if (session->observer)
    session->observer(session->observerUser, kernel, buffers, numBuffers, session->symbols, now() - start);
  if (session->redZones.count && (session->runError = checkRedZones(*session, kernel, buffers, numBuffers)))
    return -1;
  return 0;
}

int32_t redZones(void *invocation, void *const *begins, uint32_t count) {
  return setRedZones(*static_cast<tenon_session *>(invocation), begins, count);
}

int32_t launch(void *invocation, uint32_t kernel, tenon_kernel_fn fn, void *const *buffers, uint32_t numBuffers,
               const int64_t *symbols, int64_t total, int64_t grain) {
  return observed(invocation, kernel, buffers, numBuffers, [&](tenon_session &session) {
    parallelFor(session.pool, session.threads, fn, buffers, symbols, total, grain);
    return 0;
  });
}

int32_t launchScratch(void *invocation, uint32_t kernel, tenon_scratch_kernel_fn fn, void *const *buffers,
                      uint32_t numBuffers, const int64_t *symbols, int64_t total, int64_t grain, int64_t scratchBytes) {
  return observed(invocation, kernel, buffers, numBuffers, [&](tenon_session &session) {
    bool ran = session.guard ? runGuarded(session, fn, size_t(scratchBytes), buffers, symbols, total)
                             : parallelFor(session.pool, session.threads, fn, size_t(scratchBytes), session.scratch,
                                           buffers, symbols, total, grain);
    if (ran)
      return 0;
    if (!session.runError)
      session.runError = fail(TENON_OUT_OF_MEMORY, "cannot allocate %lld bytes for temporaries of kernel %u",
                              (long long)scratchBytes, kernel);
    return -1;
  });
}

/// A check's text with its two numbers in the places {0} and {1}.
void fillIn(char *to, size_t size, const char *text, long long a, long long b) {
  size_t used = 0;
  for (; *text && used + 1 < size; ++text) {
    if (text[0] == '{' && (text[1] == '0' || text[1] == '1') && text[2] == '}') {
      int length = snprintf(to + used, size - used, "%lld", text[1] == '0' ? a : b);
      used += size_t(length) < size - used ? size_t(length) : size - used - 1;
      text += 2;
    } else {
      to[used++] = *text;
    }
  }
  to[used] = 0;
}

/// A check in the compiled code failed: the manifest's table knows what it is
/// about, and the named dimensions' values say for which sizes it failed.
int32_t failed(void *invocation, int32_t code, int64_t a, int64_t b) {
  auto *session = static_cast<tenon_session *>(invocation);
  int32_t result = code ? code : -1;
  if (session->runError)
    return result;
  const auto &m = *session->model->manifest;
  char sizes[512] = "";
  size_t used = 0;
  for (uint32_t s = 0; s < m.symbols()->size() && used < sizeof sizes; ++s)
    used += size_t(snprintf(sizes + used, sizeof sizes - used, "%s%s = %lld", s ? ", " : " where ",
                            m.symbols()->Get(s)->name()->c_str(), (long long)session->symbols[s]));
  if (!m.checks() || code < 1 || uint32_t(code) > m.checks()->size()) { // of an artifact without the table
    session->runError =
        fail(TENON_RUN, "the inputs' dimensions do not fit together (check %d: found %lld, expected %lld)%s", code,
             (long long)a, (long long)b, used ? sizes : " where the model has no open dimensions");
    return result;
  }
  const auto *check = m.checks()->Get(uint32_t(code) - 1);
  char text[1024];
  fillIn(text, sizeof text, check->text()->c_str(), a, b);
  const char *node = check->node()->c_str();
  session->runError =
      fail(tenon_code(check->code()), "%s%s%s%s%s", *node ? "node '" : "", node, *node ? "': " : "", text, sizes);
  return result;
}

const tenon_host_api kApi = {sizeof(tenon_host_api), TENON_ABI_VERSION, launch, failed, redZones, launchScratch};

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
    failed(&session, check, numbers[0], numbers[1]);
  tenon_status *error = session.runError;
  session.runError = nullptr;
  return error;
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

tenon_status *run(tenon_session &session) {
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
  session.redZones.count = 0;
  Guard *guard = session.guard;
  if (guard)
    if (tenon_status *status = enterGuard(session, size_t(arena)))
      return status;
  int32_t result =
      model.driver->run(model.program, &kApi, &session, guard ? guard->inputData : session.inputData,
                        guard ? guard->outputData : session.outputData, guard ? guard->weights.data : model.weights,
                        guard ? guard->arena.data : session.arena.memory, session.symbols);
  tenon_status *error = session.runError;
  session.runError = nullptr;
  if (error || result != 0)
    return error ? error : fail(TENON_RUN, "the compiled code returned error %d", result);
  if (guard)
    leaveGuard(session);
  session.ran = true;
  return nullptr;
}

} // namespace

TENON_API tenon_status *tenon_session_run(tenon_session *session) {
  Use use(session, __func__);
  return use.refused ? use.refused : run(*session);
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
