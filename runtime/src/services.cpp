// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The services that compiled code calls on the host, from the host program or from
// a region on a device of the runtime's own: kernels are launched, and checks that
// failed are put into words.
#include "services.h"

#include "devicememory.h"
#include "queue.h"
#include "session.h"

#include <cstdio>

using namespace tenon::rt;

namespace {

bool isDescribed(const Invocation &run, uint32_t kernel, uint32_t numBuffers) {
  if (kernel >= run.numKernels)
    return false;
  const auto *buffers = run.session->model->manifest->kernels()->Get(run.firstKernel + kernel)->buffers();
  return !buffers || !numBuffers || buffers->size() == numBuffers;
}

/// Runs a kernel by `work`, between what an observer asks for.
template <typename Work>
int32_t observed(void *invocation, uint32_t kernel, void *const *buffers, uint32_t numBuffers, Work work) {
  auto &run = *static_cast<Invocation *>(invocation);
  tenon_session &session = *run.session;
  if (session.observer && !isDescribed(run, kernel, numBuffers)) {
    // The observer looks at buffers as the manifest describes them.
    if (!run.error)
      run.error =
          fail(TENON_CORRUPT, "the code launches kernel %u with %u buffers, which the manifest does not describe",
               kernel, numBuffers);
    return -1;
  }
  kernel += run.firstKernel;
  uint64_t start = session.observer ? now() : 0;
  if (session.guard)
    session.guard->kernel = kernel;
  if (int32_t error = work(run, session))
    return error;
  if (session.observer)
    session.observer(session.observerUser, kernel, buffers, numBuffers, session.symbols + run.firstSymbol,
                     now() - start);
  if (run.redZones.count && (run.error = checkRedZones(run, kernel, buffers, numBuffers)))
    return -1;
  return 0;
}

int32_t redZones(void *invocation, void *const *begins, uint32_t count) {
  return setRedZones(*static_cast<Invocation *>(invocation), begins, count);
}

int32_t launch(void *invocation, uint32_t kernel, tenon_kernel_fn fn, void *const *buffers, uint32_t numBuffers,
               const int64_t *symbols, int64_t total, int64_t grain) {
  return observed(invocation, kernel, buffers, numBuffers, [&](Invocation &, tenon_session &session) {
    parallelFor(session.pool, session.threads, fn, buffers, symbols, total, grain);
    return 0;
  });
}

int32_t launchScratch(void *invocation, uint32_t kernel, tenon_scratch_kernel_fn fn, void *const *buffers,
                      uint32_t numBuffers, const int64_t *symbols, int64_t total, int64_t grain, int64_t scratchBytes) {
  return observed(invocation, kernel, buffers, numBuffers, [&](Invocation &run, tenon_session &session) {
    bool ran = session.guard ? runGuarded(session, fn, size_t(scratchBytes), buffers, symbols, total)
                             : parallelFor(session.pool, session.threads, fn, size_t(scratchBytes), run.scratch,
                                           buffers, symbols, total, grain);
    if (ran)
      return 0;
    if (!run.error)
      run.error = fail(TENON_OUT_OF_MEMORY, "cannot allocate %lld bytes for temporaries of kernel %u",
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

} // namespace

/// A check in the compiled code failed: the manifest's table knows what it is
/// about, and the named dimensions' values say for which sizes it failed.
int32_t tenon::rt::failed(void *invocation, int32_t code, int64_t a, int64_t b) {
  auto &run = *static_cast<Invocation *>(invocation);
  int32_t result = code ? code : -1;
  if (run.error)
    return result;
  const auto &m = *run.session->model->manifest;
  char sizes[512] = "";
  size_t used = 0;
  for (uint32_t s = 0; s < m.symbols()->size() && used < sizeof sizes; ++s)
    used += size_t(snprintf(sizes + used, sizeof sizes - used, "%s%s = %lld", s ? ", " : " where ",
                            m.symbols()->Get(s)->name()->c_str(), (long long)run.session->symbols[s]));
  if (!m.checks() || code < 1 ||
      uint32_t(code) > m.checks()->size() - run.firstCheck) { // of an artifact without the table
    run.error = fail(TENON_RUN, "the inputs' dimensions do not fit together (check %d: found %lld, expected %lld)%s",
                     code, (long long)a, (long long)b, used ? sizes : " where the model has no open dimensions");
    return result;
  }
  const auto *check = m.checks()->Get(run.firstCheck + uint32_t(code) - 1);
  char text[1024];
  fillIn(text, sizeof text, check->text()->c_str(), a, b);
  const char *node = check->node()->c_str();
  run.error =
      fail(tenon_code(check->code()), "%s%s%s%s%s", *node ? "node '" : "", node, *node ? "': " : "", text, sizes);
  return result;
}

const tenon_host_api tenon::rt::kHostApi = {sizeof(tenon_host_api),
                                            TENON_ABI_VERSION,
                                            launch,
                                            failed,
                                            redZones,
                                            launchScratch,
                                            copyIn,
                                            submit,
                                            copyOut,
                                            await,
                                            deviceZones};
