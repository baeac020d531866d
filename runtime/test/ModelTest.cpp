// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What can be asked of a model.
#include "ArtifactBuilder.h"

#include <cstring>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace tenon::testing;

namespace {

struct Model : ::testing::Test {
  TemporaryFile file{buildArtifact().bytes};
  Fixture fixture{file.path};
  tenon_model *model = fixture.model;
};

TEST_F(Model, Tensors) {
  ASSERT_EQ(tenon_model_num_inputs(model), 2);
  ASSERT_EQ(tenon_model_num_outputs(model), 2);
  tenon_tensor_info info = {sizeof info, nullptr, 0, 0, nullptr, nullptr};
  ASSERT_TRUE(Result(tenon_model_input(model, 1, &info)).ok());
  EXPECT_STREQ(info.name, "y");
  EXPECT_EQ(info.dtype, 1);
  ASSERT_EQ(info.rank, 2);
  EXPECT_EQ(info.dims[0], -1);
  EXPECT_EQ(info.dims[1], 4);
  EXPECT_STREQ(info.dim_names[0], "batch");
  EXPECT_STREQ(info.dim_names[1], "");
  ASSERT_TRUE(Result(tenon_model_output(model, 1, &info)).ok());
  EXPECT_STREQ(info.name, "total");
  EXPECT_EQ(info.dims[0], -1);
  EXPECT_STREQ(info.dim_names[0], "");
  for (int index : {-1, 2, 1 << 30}) {
    EXPECT_EQ(Result(tenon_model_input(model, index, &info)).code, TENON_INVALID_ARGUMENT);
    EXPECT_EQ(Result(tenon_model_output(model, index, &info)).code, TENON_INVALID_ARGUMENT);
  }
}

// Only as much is written as the caller's version of a struct has.
TEST_F(Model, DescriptionsOfAnEarlierVersion) {
  tenon_tensor_info info = {offsetof(tenon_tensor_info, dims), nullptr, 0, 0, nullptr, nullptr};
  ASSERT_TRUE(Result(tenon_model_input(model, 0, &info)).ok());
  EXPECT_STREQ(info.name, "x");
  EXPECT_EQ(info.rank, 2);
  EXPECT_EQ(info.dims, nullptr);
  EXPECT_EQ(info.size, offsetof(tenon_tensor_info, dims));
}

TEST_F(Model, WrongQueries) {
  tenon_tensor_info tensor = {};
  Result unset = tenon_model_input(model, 0, &tensor);
  EXPECT_EQ(unset.code, TENON_INVALID_ARGUMENT);
  EXPECT_NE(unset.text.find("size is 0"), std::string::npos) << unset.text;
  tenon_symbol_info symbol = {sizeof symbol, nullptr, 0, 0, 0};
  for (tenon_status *status : {tenon_model_input(model, 0, nullptr), tenon_model_output(model, 0, nullptr),
                               tenon_model_symbol(model, 0, nullptr), tenon_model_kernel_buffer(model, 0, 0, nullptr),
                               tenon_model_symbol(nullptr, 0, &symbol)})
    EXPECT_EQ(Result(status).code, TENON_INVALID_ARGUMENT);
}

// A forgotten check of a load that failed must not crash the caller.
TEST(Null, Queries) {
  for (auto count : {tenon_model_num_inputs, tenon_model_num_outputs, tenon_model_num_symbols, tenon_model_num_kernels})
    EXPECT_EQ(count(nullptr), 0);
  for (auto bytes : {tenon_model_weight_bytes, tenon_model_code_bytes, tenon_model_stack_bytes})
    EXPECT_EQ(bytes(nullptr), 0u);
  for (auto text : {tenon_model_ledger, tenon_model_plan, tenon_model_target, tenon_model_producer, tenon_model_driver})
    EXPECT_EQ(text(nullptr), nullptr);
  for (auto text : {tenon_model_kernel_name, tenon_model_kernel_strategy, tenon_model_kernel_nodes})
    EXPECT_EQ(text(nullptr, 0), nullptr);
  EXPECT_EQ(tenon_model_kernel_num_buffers(nullptr, 0), 0);
  EXPECT_EQ(tenon_session_arena_bytes(nullptr), 0u);
  tenon_session_set_observer(nullptr, nullptr, nullptr);
  tenon_session_free(nullptr);
  tenon_model_free(nullptr);
  tenon_pool_free(nullptr);
}

TEST(Null, Calls) {
  tenon_tensor_info tensor = {sizeof tensor, nullptr, 0, 0, nullptr, nullptr};
  tenon_buffer_info buffer = {sizeof buffer, nullptr, 0, 0, 0};
  tenon_model *model = nullptr;
  tenon_session *session = nullptr;
  for (tenon_status *status :
       {tenon_model_load("x", nullptr, nullptr), tenon_model_load_buffer(nullptr, 1, nullptr, &model),
        tenon_model_load_buffer("x", 1, nullptr, nullptr), tenon_model_input(nullptr, 0, &tensor),
        tenon_model_output(nullptr, 0, &tensor), tenon_model_kernel_buffer(nullptr, 0, 0, &buffer),
        tenon_pool_create(1, nullptr), tenon_session_create(nullptr, nullptr, &session),
        tenon_session_bind_input(nullptr, 0, nullptr), tenon_session_bind_output(nullptr, 0, nullptr, 0),
        tenon_session_output_shape(nullptr, 0, nullptr, nullptr), tenon_session_run(nullptr),
        tenon_session_output(nullptr, 0, nullptr)})
    EXPECT_EQ(Result(status).code, TENON_INVALID_ARGUMENT);
}

TEST_F(Model, Symbols) {
  ASSERT_EQ(tenon_model_num_symbols(model), 1);
  tenon_symbol_info info = {sizeof info, nullptr, 0, 0, 0};
  ASSERT_TRUE(Result(tenon_model_symbol(model, 0, &info)).ok());
  EXPECT_STREQ(info.name, "batch");
  EXPECT_EQ(info.min, 0);
  EXPECT_EQ(info.max, 1 << 20);
  EXPECT_EQ(info.divisor, 1);
  EXPECT_EQ(Result(tenon_model_symbol(model, 1, &info)).code, TENON_INVALID_ARGUMENT);
}

TEST_F(Model, Kernels) {
  ASSERT_EQ(tenon_model_num_kernels(model), 3);
  EXPECT_STREQ(tenon_model_kernel_name(model, 1), "multiply");
  EXPECT_STREQ(tenon_model_kernel_strategy(model, 1), "plain C");
  EXPECT_STREQ(tenon_model_kernel_nodes(model, 1), "mul_1\nmul_2");
  EXPECT_EQ(tenon_model_kernel_name(model, 3), nullptr);
  EXPECT_EQ(tenon_model_kernel_nodes(model, -1), nullptr);
  ASSERT_EQ(tenon_model_kernel_num_buffers(model, 0), 3);
  tenon_buffer_info info = {sizeof info, nullptr, 0, 0, 0};
  ASSERT_TRUE(Result(tenon_model_kernel_buffer(model, 0, 1, &info)).ok());
  EXPECT_STREQ(info.name, "w");
  EXPECT_EQ(info.weight_offset, 0);
  EXPECT_FALSE(info.is_output);
  EXPECT_EQ(Result(tenon_model_kernel_buffer(model, 0, 3, &info)).code, TENON_INVALID_ARGUMENT);
  EXPECT_EQ(Result(tenon_model_kernel_buffer(model, 3, 0, &info)).code, TENON_INVALID_ARGUMENT);
}

TEST_F(Model, Texts) {
  EXPECT_STREQ(tenon_model_ledger(model), "{}");
  EXPECT_STREQ(tenon_model_plan(model), "");
  EXPECT_STREQ(tenon_model_target(model), "cpu:test");
  EXPECT_STREQ(tenon_model_producer(model), "test");
  EXPECT_STREQ(tenon_model_driver(model), "cpu");
  EXPECT_EQ(tenon_model_weight_bytes(model), 16u);
  EXPECT_GT(tenon_model_code_bytes(model), 100u);
  EXPECT_STREQ(tenon_driver_name(0), "cpu");
  EXPECT_STREQ(tenon_driver_name(1), "null");
  EXPECT_EQ(tenon_driver_name(2), nullptr);
}

TEST(Load, WrongFiles) {
  tenon_model *model = nullptr;
  EXPECT_EQ(Result(tenon_model_load("/no/such/file.tenon", nullptr, &model)).code, TENON_IO);
  EXPECT_EQ(Result(tenon_model_load("/tmp", nullptr, &model)).code, TENON_IO);
  EXPECT_EQ(Result(tenon_model_load(nullptr, nullptr, &model)).code, TENON_INVALID_ARGUMENT);
  TemporaryFile empty("");
  EXPECT_EQ(Result(tenon_model_load(empty.path.c_str(), nullptr, &model)).code, TENON_CORRUPT);
}

// Loading a pipe must not wait for somebody to write to it.
TEST(Load, FilesThatAreNone) {
  std::string pipe = "/tmp/tenon-test-pipe-" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (auto [path, kind] : {std::pair(pipe.c_str(), "a pipe"),
                            {"/dev/null", "a device"},
                            {"/dev/zero", "a device"},
                            {"/tmp", "a folder"}}) {
    tenon_model *model = nullptr;
    Result result = tenon_model_load(path, nullptr, &model);
    EXPECT_EQ(result.code, TENON_IO);
    EXPECT_NE(result.text.find(std::string("is ") + kind + ", not a regular file"), std::string::npos) << result.text;
  }
  unlink(pipe.c_str());
}

TEST(Load, FromMemoryOfAnyAlignment) {
  Artifact artifact = buildArtifact();
  std::vector<char> memory(artifact.bytes.size() + 64);
  for (size_t shift : {0, 1, 8, 32}) {
    memcpy(memory.data() + shift, artifact.bytes.data(), artifact.bytes.size());
    tenon_model *model = nullptr;
    Result result = tenon_model_load_buffer(memory.data() + shift, artifact.bytes.size(), nullptr, &model);
    ASSERT_TRUE(result.ok()) << result.text;
    tenon_session *session = nullptr;
    ASSERT_TRUE(Result(tenon_session_create(model, nullptr, &session)).ok());
    tenon_model_free(model); // the session keeps it
    float x[4] = {1, 2, 3, 4}, y[4] = {1, 1, 2, 2};
    int64_t shape[] = {1, 4};
    tenon_tensor tensor = {x, 1, 2, shape, 0};
    ASSERT_TRUE(Result(tenon_session_bind_input(session, 0, &tensor)).ok());
    tensor.data = y;
    ASSERT_TRUE(Result(tenon_session_bind_input(session, 1, &tensor)).ok());
    ASSERT_TRUE(Result(tenon_session_run(session)).ok());
    ASSERT_TRUE(Result(tenon_session_output(session, 0, &tensor)).ok());
    EXPECT_EQ(static_cast<float *>(tensor.data)[3], 16);
    tenon_session_free(session);
  }
}

// A caller compiled against an earlier header passes a smaller size.
TEST(Load, OptionsOfAnEarlierVersion) {
  TemporaryFile file(buildArtifact().bytes);
  tenon_load_options options = {offsetof(tenon_load_options, driver), 0, reinterpret_cast<const char *>(1)};
  tenon_model *model = nullptr;
  Result result = tenon_model_load(file.path.c_str(), &options, &model);
  ASSERT_TRUE(result.ok()) << result.text;
  tenon_session_options with = {offsetof(tenon_session_options, pool), 1, reinterpret_cast<tenon_pool *>(1)};
  tenon_session *session = nullptr;
  ASSERT_TRUE(Result(tenon_session_create(model, &with, &session)).ok());
  tenon_session_free(session);
  tenon_model_free(model);
}

TEST(Status, NullIsSuccess) {
  EXPECT_EQ(tenon_status_code(nullptr), TENON_OK);
  EXPECT_STREQ(tenon_status_text(nullptr), "ok");
  tenon_status_free(nullptr);
}

} // namespace
