// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Guarded sessions and red zones: right results from right code, and a named
// kernel for code that leaves its buffers.
#include "ArtifactBuilder.h"

#include <gtest/gtest.h>

using namespace tenon::testing;

namespace {

struct Guarded {
  TemporaryFile file;
  Fixture fixture{file.path};
  explicit Guarded(int32_t guard, const char *image = "good")
      : file(buildArtifact({.variants = {Variant{.image = image}}}).bytes) {
    tenon_session_free(fixture.session);
    tenon_session_options options{sizeof(options), 2, nullptr, guard};
    Result result = tenon_session_create(fixture.model, &options, &fixture.session);
    EXPECT_TRUE(result.ok()) << result.text;
  }
  Result run(int64_t batch) {
    Result bound = fixture.bind(batch);
    return bound.ok() ? Result(tenon_session_run(fixture.session)) : bound;
  }
};

TEST(Guard, RightResults) {
  for (int32_t guard : {TENON_GUARD_END, TENON_GUARD_BEGIN}) {
    Guarded guarded(guard);
    for (int64_t batch : {5, 5, 0, 1, 1025, 17}) {
      Result result = guarded.run(batch);
      ASSERT_TRUE(result.ok()) << result.text;
      EXPECT_EQ(guarded.fixture.output(0), guarded.fixture.expected()) << batch;
    }
  }
}

TEST(Guard, CallersOutputs) {
  Guarded guarded(TENON_GUARD_END);
  std::vector<float> z(21, -7.f);
  ASSERT_TRUE(Result(tenon_session_bind_output(guarded.fixture.session, 0, z.data(), 80)).ok());
  ASSERT_TRUE(guarded.run(5).ok());
  EXPECT_EQ(z.back(), -7.f);
  z.pop_back();
  EXPECT_EQ(z, guarded.fixture.expected());
}

TEST(Guard, UnknownMode) {
  Guarded guarded(TENON_GUARD_NONE);
  tenon_session *session = nullptr;
  tenon_session_options options{sizeof(options), 1, nullptr, 3};
  Result result = tenon_session_create(guarded.fixture.model, &options, &session);
  EXPECT_EQ(result.code, TENON_INVALID_ARGUMENT);
  EXPECT_NE(result.text.find("guard is 3"), std::string::npos) << result.text;
}

TEST(RedZone, NamesTheKernel) {
  for (int32_t guard : {TENON_GUARD_NONE, TENON_GUARD_END, TENON_GUARD_BEGIN}) {
    Guarded guarded(guard, "overrunning");
    ASSERT_TRUE(guarded.run(20).ok());
    EXPECT_EQ(guarded.fixture.output(0), guarded.fixture.expected());
    Result result = guarded.run(21);
    EXPECT_EQ(result.code, TENON_RED_ZONE);
    EXPECT_NE(result.text.find("kernel 'add' wrote 0 bytes behind the end"), std::string::npos) << result.text;
    EXPECT_NE(result.text.find("buffer 2 of the kernel"), std::string::npos) << result.text;
    EXPECT_TRUE(guarded.run(20).ok()); // the session has recovered
  }
}

#ifndef TENON_TEST_SANITIZED // a sanitizer reports the signal itself
TEST(GuardDeathTest, NamesKernelAndBuffer) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(Guarded(TENON_GUARD_END, "overrunning").run(22),
               "memory error in kernel 'add': 0 bytes behind the end of input 'x' \\(352 bytes\\)");
  EXPECT_DEATH(Guarded(TENON_GUARD_END, "overrunning").run(23), "a write to input 'x', which is only read");
  EXPECT_DEATH(Guarded(TENON_GUARD_BEGIN, "overrunning").run(24), "4 bytes before input 'x' \\(384 bytes\\)");
}
#endif

} // namespace
