// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every driver must do, tested for each driver of this build through the
// C ABI and through the driver interface itself. A new driver is in the suite
// by being registered; `computes` says whether values are compared.
#include "ArtifactBuilder.h"
#include "driver.h"

#include <cstring>
#include <gtest/gtest.h>
#include <thread>

using namespace tenon::testing;
using tenon::rt::Driver;

namespace {

struct Conformance : ::testing::TestWithParam<const Driver *> {
  const Driver &driver = *GetParam();
  Artifact artifact = buildArtifact();
  TemporaryFile file{artifact.bytes};

  void checkOutputs(Fixture &fixture) {
    std::vector<float> z = fixture.output(0);
    if (driver.computes)
      EXPECT_EQ(z, fixture.expected());
    else
      EXPECT_EQ(z, std::vector<float>(fixture.x.size(), 0));
  }
};

TEST_P(Conformance, HasAllFunctions) {
  EXPECT_TRUE(driver.name && driver.accepts && driver.check && driver.load && driver.unload && driver.arenaSize &&
              driver.outputDims && driver.run && driver.spaceSizes);
  EXPECT_EQ(tenon::rt::findDriver(driver.name), &driver);
}

TEST_P(Conformance, LoadsAndUnloadsOverAndOver) {
  tenon_load_options options = {sizeof options, 0, driver.name};
  for (int round = 0; round < 100; ++round) {
    tenon_model *model = nullptr;
    Result result = round % 2 ? tenon_model_load(file.path.c_str(), &options, &model)
                              : tenon_model_load_buffer(artifact.bytes.data(), artifact.bytes.size(), &options, &model);
    ASSERT_TRUE(result.ok()) << result.text;
    EXPECT_STREQ(tenon_model_driver(model), driver.name);
    tenon_model_free(model);
  }
}

TEST_P(Conformance, SeveralProgramsAtOnce) {
  Fixture one(file.path, 1, driver.name), two(file.path, 1, driver.name);
  for (Fixture *fixture : {&one, &two, &one}) {
    ASSERT_TRUE(fixture->bind(20).ok());
    ASSERT_TRUE(Result(tenon_session_run(fixture->session)).ok());
    checkOutputs(*fixture);
  }
}

TEST_P(Conformance, ShapesChangeFromRunToRun) {
  Fixture fixture(file.path, 2, driver.name);
  for (int64_t batch : {3, 0, 1, 4099, 16, 3}) {
    ASSERT_TRUE(fixture.bind(batch).ok());
    int64_t shape[2];
    ASSERT_TRUE(Result(tenon_session_output_shape(fixture.session, 0, shape, nullptr)).ok());
    EXPECT_EQ(shape[0], batch);
    EXPECT_EQ(shape[1], 4);
    ASSERT_TRUE(Result(tenon_session_run(fixture.session)).ok());
    checkOutputs(fixture);
  }
}

TEST_P(Conformance, ArenaAndDimsDependOnSymbolsOnly) {
  Fixture fixture(file.path, 1, driver.name);
  int64_t symbols[] = {48}, first[3], second[3];
  const auto *bytes = reinterpret_cast<const uint8_t *>(artifact.bytes.data());
  std::vector<uint64_t> manifest((artifact.manifestSize + 7) / 8);
  memcpy(manifest.data(), bytes + artifact.manifestOffset, artifact.manifestSize);
  const auto *root = tenon::schema::GetManifest(manifest.data());
  tenon::rt::CodeSource source = {-1, bytes + artifact.codeOffset, root->variants()->Get(0), root};
  tenon::rt::Program *program = nullptr;
  ASSERT_TRUE(driver.accepts(*source.code));
  ASSERT_TRUE(Result(driver.check(*source.code)).ok());
  ASSERT_TRUE(Result(driver.load(source, &program)).ok());
  EXPECT_GE(driver.arenaSize(program, symbols), 0);
  EXPECT_EQ(driver.arenaSize(program, symbols), driver.arenaSize(program, symbols));
  driver.outputDims(program, symbols, first);
  driver.outputDims(program, symbols, second);
  EXPECT_EQ(std::vector<int64_t>(first, first + 3), std::vector<int64_t>(second, second + 3));
  EXPECT_EQ(first[0], 48);
  driver.unload(program);
}

void count(void *user, uint32_t kernel, void *const *, uint32_t, const int64_t *, uint64_t) {
  static_cast<std::vector<uint32_t> *>(user)->push_back(kernel);
}

TEST_P(Conformance, LaunchesEveryKernelThroughTheRuntime) {
  Fixture fixture(file.path, 2, driver.name);
  std::vector<uint32_t> kernels;
  tenon_session_set_observer(fixture.session, count, &kernels);
  ASSERT_TRUE(fixture.bind(100).ok());
  ASSERT_TRUE(Result(tenon_session_run(fixture.session)).ok());
  EXPECT_EQ(kernels, (std::vector<uint32_t>{0, 1, 2}));
}

int32_t refuse(void *, uint32_t kernel, tenon_kernel_fn, void *const *, uint32_t, const int64_t *, int64_t, int64_t) {
  return kernel == 1 ? 77 : 0;
}

TEST_P(Conformance, StopsWhenALaunchFails) {
  Fixture fixture(file.path, 1, driver.name);
  std::vector<uint64_t> manifest((artifact.manifestSize + 7) / 8);
  const auto *bytes = reinterpret_cast<const uint8_t *>(artifact.bytes.data());
  memcpy(manifest.data(), bytes + artifact.manifestOffset, artifact.manifestSize);
  const auto *root = tenon::schema::GetManifest(manifest.data());
  tenon::rt::CodeSource source = {-1, bytes + artifact.codeOffset, root->variants()->Get(0), root};
  tenon::rt::Program *program = nullptr;
  ASSERT_TRUE(Result(driver.load(source, &program)).ok());
  tenon_host_api api = {sizeof api, TENON_ABI_VERSION, refuse,  nullptr, nullptr, nullptr,
                        nullptr,    nullptr,           nullptr, nullptr, nullptr};
  float memory[64] = {};
  void *inputs[] = {memory, memory}, *outputs[] = {memory, memory};
  alignas(64) uint8_t arena[64];
  int64_t symbols[] = {2};
  EXPECT_EQ(driver.run(program, &api, nullptr, inputs, outputs, reinterpret_cast<uint8_t *>(memory), arena, symbols),
            77);
  driver.unload(program);
}

TEST_P(Conformance, RunsOverlap) {
  Fixture first(file.path, 1, driver.name);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      Fixture fixture(file.path, 2, driver.name);
      for (int round = 0; round < 50; ++round) {
        EXPECT_TRUE(fixture.bind(100 + round).ok());
        EXPECT_TRUE(Result(tenon_session_run(fixture.session)).ok());
        checkOutputs(fixture);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

std::vector<const Driver *> allDrivers() {
  std::vector<const Driver *> drivers;
  for (int i = 0; const Driver *driver = tenon::rt::driverAt(i); ++i)
    drivers.push_back(driver);
  return drivers;
}

INSTANTIATE_TEST_SUITE_P(Drivers, Conformance, ::testing::ValuesIn(allDrivers()),
                         [](const auto &info) { return std::string(info.param->name); });

} // namespace
