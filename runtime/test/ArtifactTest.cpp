// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Damaged artifacts: every one is refused with a code and a text, or is
// damaged where nothing is stored.
#include "ArtifactBuilder.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace tenon::testing;

namespace {

/// Loads from memory, checking the weights too, and frees what was loaded.
Result load(const std::string &bytes) {
  tenon_model *model = nullptr;
  tenon_load_options options = {sizeof options, 1, nullptr};
  // Exactly as long as the artifact, so that AddressSanitizer sees overruns.
  std::vector<char> copy(bytes.begin(), bytes.end());
  char none;
  Result result = tenon_model_load_buffer(copy.empty() ? &none : copy.data(), copy.size(), &options, &model);
  EXPECT_EQ(model != nullptr, result.ok());
  tenon_model_free(model);
  return result;
}

bool isRefusal(const Result &result) {
  return !result.ok() && result.text.rfind("[TN70", 0) == 0 && result.text.size() > 12;
}

TEST(Artifact, Loads) {
  Result result = load(buildArtifact().bytes);
  EXPECT_TRUE(result.ok()) << result.text;
}

TEST(Artifact, EveryTruncationIsRefused) {
  Artifact artifact = buildArtifact();
  for (size_t size = 0; size < artifact.bytes.size(); size += size < 64 ? 1 : 61)
    ASSERT_TRUE(isRefusal(load(artifact.bytes.substr(0, size)))) << size;
  ASSERT_TRUE(isRefusal(load(artifact.bytes.substr(0, artifact.bytes.size() - 1))));
}

TEST(Artifact, TruncatedFilesAreRefused) {
  Artifact artifact = buildArtifact();
  for (size_t size : {size_t(0), size_t(7), size_t(31), size_t(32), artifact.codeOffset + 5,
                      artifact.manifestOffset, artifact.bytes.size() - 1}) {
    TemporaryFile file(artifact.bytes.substr(0, size));
    tenon_model *model = nullptr;
    ASSERT_TRUE(isRefusal(tenon_model_load(file.path.c_str(), nullptr, &model))) << size;
    ASSERT_EQ(model, nullptr);
  }
}

TEST(Artifact, EveryFlippedBitThatMattersIsRefused) {
  Artifact artifact = buildArtifact();
  auto matters = [&](size_t at) {
    auto in = [&](size_t begin, size_t size) { return at >= begin && at < begin + size; };
    return in(0, 32) || in(artifact.codeOffset, artifact.codeSize) ||
           in(artifact.weightsOffset, artifact.weightsSize) ||
           in(artifact.manifestOffset, artifact.manifestSize);
  };
  size_t tried = 0;
  for (size_t at = 0; at < artifact.bytes.size(); ++at) {
    bool dense = at < 32 || at >= artifact.manifestOffset || at % 37 == 0;
    for (int bit = dense ? 0 : 8; bit < 8; bit += at % 37 == 0 ? 1 : 3) {
      artifact.bytes[at] ^= char(1 << bit);
      Result result = load(artifact.bytes);
      ASSERT_EQ(isRefusal(result), matters(at)) << "byte " << at << " bit " << bit << ": " << result.text;
      artifact.bytes[at] ^= char(1 << bit);
      ++tried;
    }
  }
  EXPECT_GT(tried, 4000u);
}

// A hash finds corruption, not malice; the structure is checked all the same.
TEST(Artifact, SealedDamageNeverCrashesTheLoader) {
  Artifact artifact = buildArtifact();
  uint64_t state = 0x9e3779b97f4a7c15u;
  for (int round = 0; round < 20000; ++round) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    size_t at = artifact.manifestOffset + state % artifact.manifestSize;
    char old = artifact.bytes[at];
    artifact.bytes[at] = char(state >> 32);
    sealManifest(artifact);
    Result result = load(artifact.bytes);
    ASSERT_TRUE(result.ok() || isRefusal(result));
    artifact.bytes[at] = old;
  }
}

TEST(Artifact, VersionWindow) {
  for (uint32_t version : {0u, 2u, 0xffffffffu}) {
    Result result = load(buildArtifact({.version = version}).bytes);
    EXPECT_EQ(result.code, TENON_VERSION);
    EXPECT_NE(result.text.find("reads 1 to 1"), std::string::npos) << result.text;
  }
  EXPECT_EQ(load(buildArtifact({.abi = 3}).bytes).code, TENON_VERSION);
}

TEST(Artifact, PartsOutsideTheFile) {
  for (uint64_t offset : {~uint64_t(0) - 63, uint64_t(1) << 40, uint64_t(4096 + 8)})
    EXPECT_EQ(load(buildArtifact({.weightsOffset = offset}).bytes).code, TENON_CORRUPT) << offset;
  for (uint64_t offset : {~uint64_t(0) - 4095, uint64_t(1) << 40, uint64_t(64)})
    EXPECT_EQ(load(buildArtifact({.variants = {{.offset = offset}}}).bytes).code, TENON_CORRUPT) << offset;
}

TEST(Artifact, IncompleteManifest) {
  EXPECT_EQ(load(buildArtifact({.noKernels = true}).bytes).code, TENON_CORRUPT);
  EXPECT_EQ(load(buildArtifact({.batchDivisor = 0}).bytes).code, TENON_CORRUPT);
  EXPECT_EQ(load(buildArtifact({.xSymbol = 1}).bytes).code, TENON_CORRUPT);
  EXPECT_EQ(load(buildArtifact({.xType = 8}).bytes).code, TENON_DTYPE); // string
}

TEST(Artifact, IncompleteChecks) {
  EXPECT_TRUE(load(buildArtifact({.checks = {{7010, "", ""}, {7999, "n", "of a later version"}}}).bytes).ok());
  for (Check check : {Check{7010, nullptr, "t"}, Check{7010, "n", nullptr}, Check{0, "n", "t"}, Check{8000, "n", "t"}})
    EXPECT_EQ(load(buildArtifact({.checks = {{7010, "", ""}, check}}).bytes).code, TENON_CORRUPT);
}

TEST(Artifact, WeightsAreHashedOnRequest) {
  Artifact artifact = buildArtifact();
  artifact.bytes[artifact.weightsOffset] ^= 1;
  TemporaryFile file(artifact.bytes);
  tenon_model *model = nullptr;
  EXPECT_TRUE(Result(tenon_model_load(file.path.c_str(), nullptr, &model)).ok());
  tenon_model_free(model);
  tenon_load_options options = {sizeof options, 1, nullptr};
  EXPECT_EQ(Result(tenon_model_load(file.path.c_str(), &options, &model)).code, TENON_CORRUPT);
}

} // namespace
