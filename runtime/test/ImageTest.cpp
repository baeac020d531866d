// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code images and variants: what the cpu driver refuses, and what it takes.
#include "ArtifactBuilder.h"
#include "cpu/cpu.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>

using namespace tenon::testing;

namespace {

Result load(const Options &options, const char *driver = nullptr) {
  TemporaryFile file(buildArtifact(options).bytes);
  tenon_load_options with = {sizeof with, 0, driver};
  tenon_model *model = nullptr;
  Result result = tenon_model_load(file.path.c_str(), &with, &model);
  tenon_model_free(model);
  return result;
}

void expectRefused(const char *image, const char *reason) {
  Result result = load({.variants = {{.image = image}}});
  EXPECT_EQ(result.code, TENON_CORRUPT);
  EXPECT_NE(result.text.find(reason), std::string::npos) << result.text;
}

TEST(Image, Relocations) { expectRefused("relocated", "has relocations"); }
TEST(Image, Imports) { expectRefused("importing", "has relocations (an import"); }
TEST(Image, WritableData) { expectRefused("writable", "is writable"); }
TEST(Image, Constructors) { expectRefused("constructed", "has relocations"); }
TEST(Image, Initializers) { expectRefused("initializing", "work at load time"); }

// The hash keeps accidents out; behind it the loader still believes nothing.
TEST(Image, DamageNeverCrashesTheLoader) {
  Artifact artifact = buildArtifact();
  std::vector<uint64_t> manifest((artifact.manifestSize + 7) / 8);
  memcpy(manifest.data(), artifact.bytes.data() + artifact.manifestOffset, artifact.manifestSize);
  const auto *root = tenon::schema::GetManifest(manifest.data());
  std::vector<uint8_t> image(artifact.bytes.begin() + artifact.codeOffset,
                             artifact.bytes.begin() + artifact.codeOffset + artifact.codeSize);
  const tenon::rt::Driver &driver = tenon::rt::kCpuDriver;
  uint64_t state = 0x9e3779b97f4a7c15u;
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    size_t at = round < 4096 ? round / 8 : state % image.size();
    uint8_t old = image[at];
    image[at] = round < 4096 ? old ^ (1 << round % 8) : uint8_t(state >> 32);
    tenon::rt::CodeSource source = {-1, image.data(), root->variants()->Get(0), root};
    tenon::rt::Program *program = nullptr;
    Result result = driver.load(source, &program);
    ASSERT_EQ(program != nullptr, result.ok());
    refused += !result.ok();
    if (program)
      driver.unload(program);
    image[at] = old;
  }
  EXPECT_GT(refused, 1000);
}

/// The access rights of the mappings in [base, base + bytes), in order: "r-xp r--p".
std::string rights(const uint8_t *base, size_t bytes) {
  std::ifstream maps("/proc/self/maps");
  std::string all;
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    char access[5] = "";
    if (sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, access) == 3 && begin >= reinterpret_cast<uintptr_t>(base) &&
        end <= reinterpret_cast<uintptr_t>(base) + bytes)
      all += (all.empty() ? "" : " ") + std::string(access);
  }
  return all;
}

// AArch64 machines have pages of 16 or 64 KiB too, which images are not laid out
// for; such a page size makes the loader copy here as it does there.
TEST(Image, LargerPagesThanTheImageIsLaidOutFor) {
  Artifact artifact = buildArtifact();
  std::vector<uint64_t> manifest((artifact.manifestSize + 7) / 8);
  memcpy(manifest.data(), artifact.bytes.data() + artifact.manifestOffset, artifact.manifestSize);
  const auto *root = tenon::schema::GetManifest(manifest.data());
  // Nothing but the image itself may be needed: an invalid descriptor goes unused.
  const auto *bytes = reinterpret_cast<const uint8_t *>(artifact.bytes.data()) + artifact.codeOffset;
  for (uint64_t page : {uint64_t(16) << 10, uint64_t(64) << 10}) {
    tenon::rt::CodeSource source = {1 << 20, bytes, root->variants()->Get(0), root};
    tenon::rt::Image image;
    Result result = tenon::rt::mapImage(source, page, image);
    ASSERT_TRUE(result.ok()) << result.text;
    EXPECT_EQ(image.bytes % page, 0u);
    int64_t symbols[] = {5}, dims[3] = {};
    EXPECT_EQ(image.arenaSize(symbols), 5 * 4 * 4);
    image.outputDims(symbols, dims);
    EXPECT_EQ(dims[0], 5);
    EXPECT_EQ(dims[2], 1);
    std::string access = rights(image.base, image.bytes);
    EXPECT_NE(access.find("r-x"), std::string::npos) << access;
    EXPECT_EQ(access.find('w'), std::string::npos) << access;
    tenon::rt::unmapImage(image);
  }
}

TEST(Image, EntryPointMustBeCode) {
  for (uint64_t address : {uint64_t(1), uint64_t(1) << 20, ~uint64_t(0)})
    EXPECT_EQ(load({.variants = {{.mainAddress = address}}}).code, TENON_CORRUPT);
}

TEST(Variants, MissingFeaturesAreNamed) {
  Result result = load({.variants = {{.features = {"sse2", "avx99", "tachyons"}}}});
  EXPECT_EQ(result.code, TENON_UNSUPPORTED_CPU);
  EXPECT_NE(result.text.find("avx99, tachyons"), std::string::npos) << result.text;
  EXPECT_NE(result.text.find("cpu:test"), std::string::npos) << result.text;
}

TEST(Variants, AnotherArchitectureIsRefused) {
  Result result = load({.variants = {{.triple = "vax-unknown-linux-gnu"}}});
  EXPECT_EQ(result.code, TENON_UNSUPPORTED_CPU);
  EXPECT_NE(result.text.find("vax-unknown-linux-gnu"), std::string::npos) << result.text;
  EXPECT_EQ(load({.variants = {{.triple = "x86_64h"}}}).code, TENON_UNSUPPORTED_CPU);
}

TEST(Variants, TheFirstThatFitsIsTaken) {
  // The first variant asks for too much, the second fits, the third would be
  // refused if it were looked at.
  Options options;
  options.variants = {{.image = "writable", .features = {"tachyons"}}, {}, {.image = "writable"}};
  Result result = load(options);
  EXPECT_TRUE(result.ok()) << result.text;
  options.variants = {{.image = "writable"}, {}};
  EXPECT_EQ(load(options).code, TENON_CORRUPT);
  options.variants = {{.device = "npu"}, {}};
  EXPECT_TRUE(load(options).ok());
}

TEST(Variants, Drivers) {
  EXPECT_EQ(load({}, "npu").code, TENON_NO_DRIVER);
  EXPECT_EQ(load({.variants = {{.device = "npu"}}}).code, TENON_NO_DRIVER);
  EXPECT_TRUE(load({.variants = {{.triple = "vax", .device = "npu"}}}, "null").ok());
  EXPECT_TRUE(load({}, "cpu").ok());
}

} // namespace
