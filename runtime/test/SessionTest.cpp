// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sessions: right results for many shapes, and typed errors for wrong ones.
#include "ArtifactBuilder.h"

#include <gtest/gtest.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace tenon::testing;

namespace {

struct Session : ::testing::Test {
  TemporaryFile file{buildArtifact({.batchMax = 5000}).bytes};
  Fixture fixture{file.path};
  tenon_session *session = fixture.session;

  void expect(const Result &result, tenon_code code, std::initializer_list<const char *> parts) {
    EXPECT_EQ(result.code, code) << result.text;
    for (const char *part : parts)
      EXPECT_NE(result.text.find(part), std::string::npos) << part << " is not in: " << result.text;
  }
  Result bindX(int32_t type, std::vector<int64_t> shape, size_t bytes = 0, void *data = nullptr) {
    static float memory[64];
    tenon_tensor tensor = {data ? data : memory, type, int32_t(shape.size()), shape.data(), bytes};
    return tenon_session_bind_input(session, 0, &tensor);
  }
};

TEST_F(Session, RunsAnyShape) {
  for (int64_t batch : {1, 0, 7, 16, 17, 1000, 3}) {
    ASSERT_TRUE(fixture.bind(batch).ok());
    Result result = tenon_session_run(session);
    ASSERT_TRUE(result.ok()) << result.text;
    EXPECT_EQ(fixture.output(0), fixture.expected()) << batch;
    EXPECT_EQ(fixture.output(1).size(), size_t(batch + 15) / 16);
    EXPECT_EQ(tenon_session_arena_bytes(session), uint64_t(batch) * 16);
  }
}

TEST(OptionalInputs, HaveTheirDefaultUnlessBound) {
  TemporaryFile file{buildArtifact({.yDefault = 0, .fixedInputs = {"w"}}).bytes};
  Fixture fixture(file.path);
  tenon_tensor_info info{.size = sizeof info};
  ASSERT_TRUE(Result(tenon_model_input(fixture.model, 0, &info)).ok());
  EXPECT_FALSE(info.is_optional);
  ASSERT_TRUE(Result(tenon_model_input(fixture.model, 1, &info)).ok());
  EXPECT_TRUE(info.is_optional);
  tenon_tensor value{};
  ASSERT_TRUE(Result(tenon_model_input_default(fixture.model, 1, &value)).ok());
  EXPECT_EQ(value.rank, 2);
  EXPECT_EQ(value.shape[1], 4);
  EXPECT_EQ(value.byte_size, 16u);
  EXPECT_EQ(static_cast<const float *>(value.data)[3], 4);
  EXPECT_EQ(Result(tenon_model_input_default(fixture.model, 0, &value)).code, TENON_INVALID_ARGUMENT);
  EXPECT_EQ(tenon_model_num_fixed_inputs(fixture.model), 1);
  EXPECT_STREQ(tenon_model_fixed_input(fixture.model, 0), "w");
  EXPECT_EQ(tenon_model_fixed_input(fixture.model, 1), nullptr);

  float x[4] = {1, 2, 3, 4}, y[4] = {10, 20, 30, 40};
  int64_t shape[2] = {1, 4};
  tenon_tensor ofX = {x, 1, 2, shape, sizeof x}, ofY = {y, 1, 2, shape, sizeof y};
  ASSERT_TRUE(Result(tenon_session_bind_input(fixture.session, 0, &ofX)).ok());
  auto run = [&] {
    Result result = tenon_session_run(fixture.session);
    EXPECT_TRUE(result.ok()) << result.text;
    return fixture.output(0);
  };
  const std::vector<float> byDefault = {2, 8, 18, 32}, byY = {20, 80, 180, 320};
  EXPECT_EQ(run(), byDefault);
  ASSERT_TRUE(Result(tenon_session_bind_input(fixture.session, 1, &ofY)).ok());
  EXPECT_EQ(run(), byY);
  ASSERT_TRUE(Result(tenon_session_bind_input(fixture.session, 1, nullptr)).ok());
  EXPECT_EQ(run(), byDefault);
  EXPECT_EQ(Result(tenon_session_bind_input(fixture.session, 0, nullptr)).code, TENON_INVALID_ARGUMENT);
}

TEST(OptionalInputs, DefaultsThatDoNotFitAreRefused) {
  // Outside of the weights, not aligned, of another rank, of another fixed size, too many, negative.
  const std::pair<int64_t, std::vector<int64_t>> bad[] = {{64, {1, 4}}, {4, {0, 4}},  {0, {4}},           {0, {1, 3}},
                                                          {0, {2, 4}},  {0, {-1, 4}}, {0, {INT64_MAX, 4}}};
  for (const auto &[offset, dims] : bad) {
    TemporaryFile file{buildArtifact({.yDefault = offset, .yDefaultDims = dims}).bytes};
    tenon_model *model = nullptr;
    Result result = tenon_model_load(file.path.c_str(), nullptr, &model);
    EXPECT_EQ(result.code, TENON_CORRUPT) << offset << " " << result.text;
    tenon_model_free(model);
  }
}

TEST_F(Session, OutputShapeBeforeTheRun) {
  int64_t shape[2];
  int32_t rank;
  expect(tenon_session_output_shape(session, 0, shape, &rank), TENON_NO_INPUT, {"'x'"});
  ASSERT_TRUE(fixture.bind(33).ok());
  ASSERT_TRUE(Result(tenon_session_output_shape(session, 0, shape, &rank)).ok());
  EXPECT_EQ(rank, 2);
  EXPECT_EQ(shape[0], 33);
  EXPECT_EQ(shape[1], 4);
  ASSERT_TRUE(Result(tenon_session_output_shape(session, 1, shape, nullptr)).ok());
  EXPECT_EQ(shape[0], 3);
  ASSERT_TRUE(Result(tenon_session_output_shape(session, 1, nullptr, nullptr)).ok());
}

TEST_F(Session, BoundOutputs) {
  ASSERT_TRUE(fixture.bind(5).ok());
  std::vector<float> z(20);
  ASSERT_TRUE(Result(tenon_session_bind_output(session, 0, z.data(), 80)).ok());
  ASSERT_TRUE(Result(tenon_session_run(session)).ok());
  EXPECT_EQ(z, fixture.expected());
  ASSERT_TRUE(Result(tenon_session_bind_output(session, 0, z.data(), 79)).ok());
  expect(tenon_session_run(session), TENON_SHAPE, {"output 'z'", "needs 80 bytes", "has 79"});
  tenon_tensor tensor;
  expect(tenon_session_output(session, 0, &tensor), TENON_INVALID_ARGUMENT, {"no results"});
  ASSERT_TRUE(Result(tenon_session_bind_output(session, 0, nullptr, 0)).ok());
  ASSERT_TRUE(Result(tenon_session_run(session)).ok());
  EXPECT_EQ(fixture.output(0), z);
  expect(tenon_session_bind_output(session, 2, z.data(), 80), TENON_INVALID_ARGUMENT, {"output 2"});
}

TEST_F(Session, WrongInputs) {
  expect(bindX(7, {1, 4}), TENON_DTYPE, {"'x'", "type 7", "expects 1"});
  expect(bindX(1, {4}), TENON_SHAPE, {"'x'", "rank 1", "expects 2"});
  expect(bindX(1, {1, 5}), TENON_SHAPE, {"'x'", "dimension 1 is 5", "expects 4"});
  expect(bindX(1, {-1, 4}), TENON_SHAPE, {"'x'", "dimension 0 is -1"});
  expect(bindX(1, {int64_t(1) << 62, 4}), TENON_SHAPE, {"'x'", "more elements"});
  expect(bindX(1, {2, 4}, 31), TENON_SHAPE, {"'x'", "31 bytes", "need 32"});
  expect(bindX(1, {1, 4}, 0, reinterpret_cast<void *>(0x1001)), TENON_INVALID_ARGUMENT, {"'x'", "aligned"});
  int64_t shape[] = {1, 4};
  tenon_tensor tensor = {nullptr, 1, 2, shape, 0};
  expect(tenon_session_bind_input(session, 0, &tensor), TENON_INVALID_ARGUMENT, {"'x'", "no data"});
  expect(tenon_session_bind_input(session, 0, nullptr), TENON_INVALID_ARGUMENT, {"'x'"});
  for (int index : {-1, 2})
    expect(tenon_session_bind_input(session, index, &tensor), TENON_INVALID_ARGUMENT, {"there are 2 inputs"});
  expect(tenon_session_run(session), TENON_NO_INPUT, {"'x'", "all 2 inputs"});
}

TEST_F(Session, SymbolsMustAgree) {
  ASSERT_TRUE(fixture.bind(4, 5).ok());
  expect(tenon_session_run(session), TENON_SHAPE, {"'y'", "dimension 0 (batch) is 5", "expected 4"});
  ASSERT_TRUE(fixture.bind(5001).ok());
  expect(tenon_session_run(session), TENON_SHAPE, {"'x'", "(batch) is 5001", "expected 0 to 5000"});
  ASSERT_TRUE(fixture.bind(5).ok());
  EXPECT_TRUE(Result(tenon_session_run(session)).ok()); // the session has recovered
}

TEST(Symbols, Divisor) {
  TemporaryFile file(buildArtifact({.batchMin = 8, .batchDivisor = 8}).bytes);
  Fixture fixture(file.path);
  ASSERT_TRUE(fixture.bind(12).ok());
  Result result = tenon_session_run(fixture.session);
  EXPECT_EQ(result.code, TENON_SHAPE);
  EXPECT_NE(result.text.find("multiple of 8"), std::string::npos) << result.text;
  ASSERT_TRUE(fixture.bind(0).ok());
  EXPECT_EQ(Result(tenon_session_run(fixture.session)).code, TENON_SHAPE);
  ASSERT_TRUE(fixture.bind(16).ok());
  EXPECT_TRUE(Result(tenon_session_run(fixture.session)).ok());
}

TEST_F(Session, ErrorsOfTheCode) {
  ASSERT_TRUE(fixture.bind(13).ok());
  expect(tenon_session_run(session), TENON_RUN, {"check 4", "found 13", "expected 12"});
  ASSERT_TRUE(fixture.bind(26).ok());
  expect(tenon_session_run(session), TENON_RUN, {"error 5"});
  ASSERT_TRUE(fixture.bind(14).ok());
  EXPECT_TRUE(Result(tenon_session_run(session)).ok());
}

// With a table, the check's number says which node failed, and how.
TEST(Checks, HaveNodesCodesAndNumbers) {
  std::vector<Check> checks = {{7010, "", "sizes {0} and {1} must be equal"},
                               {7010, "", ""},
                               {7010, "", ""},
                               {7013, "gather_1", "index {0} lies outside an axis of {1} elements"}};
  auto run = [&](int64_t batch) {
    TemporaryFile file(buildArtifact({.checks = checks}).bytes);
    Fixture fixture(file.path);
    EXPECT_TRUE(fixture.bind(batch).ok());
    Result result = tenon_session_run(fixture.session);
    EXPECT_TRUE(fixture.bind(14).ok());
    EXPECT_TRUE(Result(tenon_session_run(fixture.session)).ok()); // the session has recovered
    return result;
  };
  Result result = run(13);
  EXPECT_EQ(result.code, TENON_INDEX);
  EXPECT_EQ(result.text, "[TN7013] node 'gather_1': index 13 lies outside an axis of 12 elements where batch = 13");
  // The whole model's check names no node.
  checks[3] = checks[0];
  EXPECT_EQ(run(13).text, "[TN7010] sizes 13 and 12 must be equal where batch = 13");
  // Texts are no formats, and numbers may stand anywhere, or nowhere.
  checks[3] = {7015, "%s%n", "{1}{0}{2} %d {"};
  EXPECT_EQ(run(13).text, "[TN7015] node '%s%n': 1213{2} %d { where batch = 13");
  // A text that is too long is cut.
  std::string text(3000, 'x');
  checks[3] = {7014, "n", text.c_str()};
  EXPECT_EQ(run(13).code, TENON_EMPTY_AXIS);
  // A number beyond the table, and code without a check.
  checks.pop_back();
  EXPECT_NE(run(13).text.find("check 4: found 13, expected 12"), std::string::npos);
  EXPECT_EQ(run(26).text, "[TN7010] the compiled code returned error 5");
}

struct Seen {
  tenon_session *session;
  std::vector<uint32_t> kernels, buffers;
  tenon_code nested = TENON_OK;
};
void see(void *user, uint32_t kernel, void *const *, uint32_t buffers, const int64_t *symbols, uint64_t) {
  auto *seen = static_cast<Seen *>(user);
  seen->kernels.push_back(kernel);
  seen->buffers.push_back(buffers);
  EXPECT_EQ(symbols[0], 40);
  seen->nested = Result(tenon_session_run(seen->session)).code;
}

TEST_F(Session, Observer) {
  Seen seen = {session, {}, {}};
  tenon_session_set_observer(session, see, &seen);
  ASSERT_TRUE(fixture.bind(40).ok());
  ASSERT_TRUE(Result(tenon_session_run(session)).ok());
  EXPECT_EQ(seen.kernels, (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(seen.buffers, (std::vector<uint32_t>{3, 3, 2}));
  EXPECT_EQ(seen.nested, TENON_BUSY);
  tenon_session_set_observer(session, nullptr, nullptr);
  ASSERT_TRUE(Result(tenon_session_run(session)).ok());
  EXPECT_EQ(seen.kernels.size(), 3u);
}

// What only a run can show: the code is trusted, but where its answers meet the
// manifest's they are compared.
TEST(Disagreement, OutputDimensions) {
  TemporaryFile file(buildArtifact({.zColumns = 5}).bytes);
  Fixture fixture(file.path);
  ASSERT_TRUE(fixture.bind(8).ok());
  Result result = tenon_session_run(fixture.session);
  EXPECT_EQ(result.code, TENON_CORRUPT);
  EXPECT_NE(result.text.find("output 'z': dimension 1 is 4 by the code and 5 by the manifest"), std::string::npos)
      << result.text;
}

TEST(Disagreement, ObservedKernels) {
  TemporaryFile file(buildArtifact({.describedKernels = 2}).bytes);
  Fixture fixture(file.path);
  ASSERT_TRUE(fixture.bind(40).ok());
  EXPECT_TRUE(Result(tenon_session_run(fixture.session)).ok());
  Seen seen = {fixture.session, {}, {}};
  tenon_session_set_observer(fixture.session, see, &seen);
  Result result = tenon_session_run(fixture.session);
  EXPECT_EQ(result.code, TENON_CORRUPT);
  EXPECT_NE(result.text.find("launches kernel 2"), std::string::npos) << result.text;
  EXPECT_EQ(seen.kernels, (std::vector<uint32_t>{0, 1}));
}

TEST(SessionCreate, WrongArguments) {
  TemporaryFile file(buildArtifact().bytes);
  Fixture fixture(file.path);
  tenon_session *session = nullptr;
  tenon_session_options options = {sizeof options, -1, nullptr, TENON_GUARD_NONE};
  EXPECT_EQ(Result(tenon_session_create(fixture.model, &options, &session)).code, TENON_INVALID_ARGUMENT);
  EXPECT_EQ(Result(tenon_session_create(nullptr, nullptr, &session)).code, TENON_INVALID_ARGUMENT);
  EXPECT_EQ(Result(tenon_session_create(fixture.model, nullptr, nullptr)).code, TENON_INVALID_ARGUMENT);
}

TEST_F(Session, NullArguments) {
  int64_t shape[2];
  int32_t rank;
  tenon_tensor tensor = {};
  expect(tenon_session_run(nullptr), TENON_INVALID_ARGUMENT, {"tenon_session_run", "session"});
  expect(tenon_session_bind_input(nullptr, 0, &tensor), TENON_INVALID_ARGUMENT, {"bind_input", "session"});
  expect(tenon_session_bind_output(nullptr, 0, shape, 8), TENON_INVALID_ARGUMENT, {"bind_output", "session"});
  expect(tenon_session_output_shape(nullptr, 0, shape, &rank), TENON_INVALID_ARGUMENT, {"output_shape", "session"});
  expect(tenon_session_output(nullptr, 0, &tensor), TENON_INVALID_ARGUMENT, {"session_output", "session"});
  ASSERT_TRUE(fixture.bind(4).ok());
  ASSERT_TRUE(Result(tenon_session_run(session)).ok());
  expect(tenon_session_output(session, 0, nullptr), TENON_INVALID_ARGUMENT, {"tensor must not be NULL"});
  EXPECT_EQ(fixture.output(0), fixture.expected()); // the session is not left busy
}

#if defined(__x86_64__)
// A caller that flushes denormals to zero gets the same results as any other.
TEST_F(Session, KeepsDenormals) {
  ASSERT_TRUE(fixture.bind(1).ok());
  for (float &value : fixture.x)
    value = 0;
  for (float &value : fixture.y)
    value = 1e-40f;
  unsigned saved = _mm_getcsr();
  _mm_setcsr(saved | 0x8040);
  Result result = tenon_session_run(session);
  unsigned after = _mm_getcsr();
  _mm_setcsr(saved);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(after, saved | 0x8040);
  EXPECT_EQ(fixture.output(0)[0], 1e-40f);
}
#endif

} // namespace
