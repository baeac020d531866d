// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs that the caller does not wait for, on a thread that a session makes when it
// first needs it and keeps.
#include "session.h"

using namespace tenon::rt;

namespace {

void runOnce(void *user, uint32_t) {
  auto &session = *static_cast<tenon_session *>(user);
  session.backgroundResult = runSession(session);
}

} // namespace

void tenon::rt::endBackground(tenon_session &session) {
  if (session.runner.isRunning())
    session.runner.waitUntil(0);
  session.runner.join();
  tenon_status_free(session.backgroundResult);
}

TENON_API tenon_status *tenon_session_start(tenon_session *session) {
  Use use(session, __func__);
  if (use.refused)
    return use.refused;
  session->runner.work = runOnce;
  session->runner.user = session;
  if (!session->runner.start())
    return fail(TENON_OUT_OF_MEMORY, "cannot start a thread for the session");
  use.held = nullptr; // until tenon_session_wait
  session->runner.post();
  session->background.store(Background::Started);
  return nullptr;
}

TENON_API tenon_status *tenon_session_wait(tenon_session *session) {
  if (!session)
    return fail(TENON_INVALID_ARGUMENT, "%s: session must not be NULL", __func__);
  Background found = Background::Started;
  if (!session->background.compare_exchange_strong(found, Background::AwaitedFor)) {
    if (found == Background::AwaitedFor)
      return fail(TENON_BUSY, "another call waits for the session");
    return fail(TENON_INVALID_ARGUMENT, "%s: the session has not been started", __func__);
  }
  if (!session->runner.isRunning()) {
    session->background.store(Background::Started);
    return fail(TENON_BUSY, "the session was started before a fork, and its run goes on in the parent alone");
  }
  session->runner.waitUntil(0);
  tenon_status *result = session->backgroundResult;
  session->backgroundResult = nullptr;
  session->background.store(Background::None);
  session->busy.store(false, std::memory_order_release);
  return result;
}
