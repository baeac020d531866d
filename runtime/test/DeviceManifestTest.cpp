// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Manifests that describe devices and regions wrongly: each is refused before a
// device is opened.
#include "ArtifactBuilder.h"
#include "FakeDriver.h"

#include <array>
#include <ctime>
#include <functional>
#include <gtest/gtest.h>

using namespace tenon::testing;

namespace {

Result load(const Artifact &artifact, const char *driver = nullptr) {
  tenon_load_options options = {sizeof options, 1, driver};
  tenon_model *model = nullptr;
  // Exactly as long as the artifact, so that AddressSanitizer sees overruns.
  std::vector<char> copy(artifact.bytes.begin(), artifact.bytes.end());
  Result result = tenon_model_load_buffer(copy.data(), copy.size(), &options, &model);
  EXPECT_EQ(model != nullptr, result.ok());
  tenon_model_free(model);
  return result;
}

void expectRefused(const char *part, const std::function<void(Options &)> &change) {
  FakeDriver &fake = fakeDriver();
  Options options = offloadedTwice();
  for (Device &device : options.devices)
    device.driver = "fake";
  change(options);
  for (const char *driver : {static_cast<const char *>(nullptr), "null"}) {
    Result result = load(buildArtifact(options), driver);
    EXPECT_EQ(result.code, TENON_CORRUPT) << part << ": " << result.text;
    EXPECT_NE(result.text.find(part), std::string::npos) << part << " is not in: " << result.text;
  }
  EXPECT_EQ(fake.opens, 0);
}

TEST(DeviceManifest, GoodOnes) {
  fakeDriver();
  for (const char *driver : {static_cast<const char *>(nullptr), "null"})
    for (const Options &options :
         {offloaded(), offloaded({.driver = "fake"}), offloadedTwice(), offloadedWithTables()}) {
      Result result = load(buildArtifact(options), driver);
      EXPECT_TRUE(result.ok()) << result.text;
    }
}

TEST(DeviceManifest, Devices) {
  expectRefused("a device without name", [](Options &o) { o.devices[0].name = nullptr; });
  expectRefused("a device without name, driver", [](Options &o) { o.devices[1].driver = nullptr; });
  expectRefused("driver or target", [](Options &o) { o.devices[0].spec = nullptr; });
  expectRefused("wait for more than a second", [](Options &o) { o.devices[0].latency = 1000000001; });
  expectRefused("has 1000 devices", [](Options &o) { o.devices.resize(1000); });
}

TEST(DeviceManifest, Versions) {
  for (uint32_t abi : {1u, 2u}) {
    expectRefused("has devices, which code of ABI version", [=](Options &o) { o.abi = abi; });
    expectRefused("has devices, which code of ABI version", [=](Options &o) {
      o.abi = abi;
      o.regions.clear();
    });
  }
  expectRefused("code that does not say what memory they need", [](Options &o) { o.hasSpaceSizes = false; });
  // A variant that would not be taken, too.
  expectRefused("code that does not say what memory they need", [](Options &o) { o.variants.push_back({}); });
}

TEST(DeviceManifest, Regions) {
  expectRefused("a region without name or code", [](Options &o) { o.regions[0].name = nullptr; });
  expectRefused("a region without name or code", [](Options &o) { o.regions[1].hasCode = false; });
  for (uint32_t device : {2u, 0xffffffffu})
    expectRefused("of a device that does not exist", [=](Options &o) { o.regions[1].device = device; });
  for (uint64_t offset : {~uint64_t(0) - 4095, uint64_t(1) << 40, uint64_t(64)})
    expectRefused("whose code lies outside the file", [=](Options &o) { o.regions[0].offset = offset; });
  for (uint64_t offset : {uint64_t(4), uint64_t(64), ~uint64_t(0) - 63})
    expectRefused("whose weights lie outside the weights", [=](Options &o) { o.regions[0].weightsOffset = offset; });
  for (uint64_t size : {uint64_t(17), ~uint64_t(0)})
    expectRefused("whose weights lie outside the weights", [=](Options &o) { o.regions[0].weightsSize = size; });
  for (uint32_t count : {(1u << 20) + 1, 0xffffffffu}) {
    expectRefused("too many inputs or outputs", [=](Options &o) { o.regions[0].inputs = count; });
    expectRefused("too many inputs or outputs", [=](Options &o) { o.regions[0].outputs = count; });
  }
  for (uint32_t first : {5u, 0xffffffffu})
    expectRefused("kernels that do not exist", [=](Options &o) { o.regions[1].firstKernel = first; });
  expectRefused("kernels that do not exist", [](Options &o) { o.regions[1].numKernels = 0xffffffff; });
  expectRefused("checks that do not exist", [](Options &o) { o.regions[1].firstCheck = 2; });
}

// What regions have of sizes lies behind the model's own, without gaps, to the end of what the code derives.
TEST(DeviceManifest, SymbolsOfRegions) {
  auto expectNoValue = [](const std::function<void(Options &)> &change) {
    expectRefused("regions with symbols that nothing gives a value", [&](Options &o) {
      o.abi = 4;
      o.derivedSymbols = 4;
      o.regions[0].firstSymbol = 2, o.regions[0].numSymbols = 2;
      o.regions[1].firstSymbol = 4, o.regions[1].numSymbols = 1;
      change(o);
    });
  };
  for (uint32_t count : {0u, 1u, 3u, 0xffffffffu}) {
    expectNoValue([=](Options &o) { o.regions[0].numSymbols = count; });
    expectNoValue([=](Options &o) { o.regions[1].numSymbols = count ? count + 1 : 0; });
  }
  for (uint32_t first : {0u, 1u, 3u, 5u, 0xffffffffu})
    expectNoValue([=](Options &o) { o.regions[1].firstSymbol = first; });
  for (uint32_t derived : {0u, 3u, 5u, 1u << 24})
    expectNoValue([=](Options &o) { o.derivedSymbols = derived; });
  expectNoValue([](Options &o) { o.regions[0].firstSymbol = 0, o.regions[0].numSymbols = 4; });
  expectRefused("before ABI version 4", [](Options &o) { o.regions[1].numSymbols = 1; });
  expectRefused("before ABI version 4", [](Options &o) { o.regions[0].firstSymbol = 1; });
}

TEST(DeviceManifest, KernelsAndRegionsNameEachOther) {
  const char *text = "do not name each other";
  expectRefused(text, [](Options &o) { o.kernelRegions = {-1, -1, 0, -1, 1}; });
  expectRefused(text, [](Options &o) { o.kernelRegions = {-1, 0, 0, 0, 1}; });
  expectRefused(text, [](Options &o) { o.kernelRegions = {-1, -1, 0, 0, 2}; });
  expectRefused(text, [](Options &o) { o.regions[1].firstKernel = 3; });
  expectRefused("a kernel of region -2", [](Options &o) { o.kernelRegions = {-2, -1, 0, 0, 1}; });
}

// As of kernels: a few kilobytes can describe terabytes of features.
TEST(DeviceManifest, SharedPartsAreRefused) {
  for (auto [features, bytes, regions] :
       {std::array<size_t, 3>{1000, 1000, 1000}, {20000, 1, 20000}, {1, 10000, 10000}, {20000, 100, 2}}) {
    Options options = offloaded({.driver = "fake"});
    options.sharedNodes = features;
    options.sharedBytes = bytes;
    options.sharingRegions = regions;
    clock_t start = clock();
    Result result = load(buildArtifact(options));
    EXPECT_EQ(result.code, TENON_CORRUPT) << result.text;
    EXPECT_NE(result.text.find("refers to one part many times"), std::string::npos) << result.text;
    EXPECT_LT(clock() - start, CLOCKS_PER_SEC); // of processor time
  }
}

TEST(DeviceManifest, SealedDamageNeverCrashesTheLoader) {
  FakeDriver &fake = fakeDriver();
  Options options = offloadedTwice();
  options.devices[0].driver = "fake";
  Artifact artifact = buildArtifact(options);
  uint64_t state = 0x9e3779b97f4a7c15u;
  for (int round = 0; round < 20000; ++round) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    size_t at = artifact.manifestOffset + state % artifact.manifestSize;
    char old = artifact.bytes[at];
    artifact.bytes[at] = char(state >> 32);
    sealManifest(artifact);
    Result result = load(artifact);
    ASSERT_TRUE(result.ok() || result.text.rfind("[TN70", 0) == 0);
    artifact.bytes[at] = old;
  }
  EXPECT_TRUE(fake.isBalanced());
}

TEST(DeviceManifest, EveryFlippedBitOfARegionsCodeIsRefused) {
  Artifact artifact = buildArtifact(offloaded());
  // The region's code lies behind the variant's and before the weights.
  size_t begin = (artifact.codeOffset + artifact.codeSize + 4095) / 4096 * 4096, end = artifact.weightsOffset,
         taken = 0;
  for (size_t at = begin; at < end; at += 97) {
    artifact.bytes[at] ^= 1;
    Result result = load(artifact);
    taken += result.ok();
    if (!result.ok())
      EXPECT_NE(result.text.find("the code of region 'adds' does not match its hash"), std::string::npos);
    else
      EXPECT_EQ(artifact.bytes[at], 1); // padding, which nothing is read from
    artifact.bytes[at] ^= 1;
  }
  EXPECT_LT(taken, 4096u / 97 + 2);
}

} // namespace
