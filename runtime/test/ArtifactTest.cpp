// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Damaged artifacts: every one is refused with a code and a text, or is
// damaged where nothing is stored.
#include "ArtifactBuilder.h"

#include <array>
#include <cstring>
#include <ctime>
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
  for (size_t size : {size_t(0), size_t(7), size_t(31), size_t(32), artifact.codeOffset + 5, artifact.manifestOffset,
                      artifact.bytes.size() - 1}) {
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
           in(artifact.weightsOffset, artifact.weightsSize) || in(artifact.manifestOffset, artifact.manifestSize);
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
  EXPECT_EQ(load(buildArtifact({.abi = 6}).bytes).code, TENON_VERSION);
  EXPECT_TRUE(load(buildArtifact({.abi = 5}).bytes).ok());
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

// What the manifest alone shows to fit no code.
TEST(Artifact, DimensionsThatNothingGives) {
  auto refusal = [](const Options &options, const char *says) {
    Result result = load(buildArtifact(options).bytes);
    EXPECT_EQ(result.code, TENON_CORRUPT) << result.text;
    EXPECT_NE(result.text.find(says), std::string::npos) << result.text;
  };
  refusal({.xSymbol = -2}, "'x' has a dimension that nothing gives");
  refusal({.xSymbol = 0, .xValue = 3}, "'x' has a dimension that nothing gives");
  refusal({.xSymbol = -1}, "'x' has a dimension that nothing gives");
  refusal({.zSymbol = 1}, "'z' has a dimension that nothing gives");
  refusal({.zSymbol = -7}, "'z' has a dimension that nothing gives");
  refusal({.zColumns = -2}, "'z' has a dimension that nothing gives");
  refusal({.zSymbol = 1, .otherSymbol = true}, "'z' has the dimension 'other', which no input has");
  EXPECT_TRUE(load(buildArtifact({.ySymbol = 1, .zSymbol = 1, .otherSymbol = true}).bytes).ok());
  refusal({.batchMin = 8, .batchMax = 7}, "'batch' no size: from 8 to 7");
  refusal({.batchMin = -9, .batchMax = -1}, "'batch' no size");
  refusal({.weightOffset = 17}, "a kernel with a weight outside of the weights");
  refusal({.weightOffset = -2}, "a kernel with a weight outside of the weights");
  refusal({.weightIsWritten = true}, "a kernel with a weight outside of the weights");
  refusal({.writesFirst = true}, "a kernel that reads a buffer after those that it writes");
}

// Anyone can make a file in which a few kilobytes describe terabytes; looking at
// it must take neither memory nor time for them.
TEST(Artifact, SharedPartsAreRefused) {
  for (auto [nodes, bytes, kernels] :
       {std::array<size_t, 3>{1000, 100000, 1}, {200000, 1, 20000}, {1, 100000, 1000}, {20000, 100, 2}}) {
    Artifact artifact = buildArtifact({.sharedNodes = nodes, .sharedBytes = bytes, .sharingKernels = kernels});
    ASSERT_LT(artifact.bytes.size(), 4u << 20);
    clock_t start = clock();
    Result result = load(artifact.bytes);
    EXPECT_EQ(result.code, TENON_CORRUPT) << result.text;
    EXPECT_NE(result.text.find("refers to one part many times"), std::string::npos) << result.text;
    EXPECT_LT(clock() - start, CLOCKS_PER_SEC); // of processor time
  }
  // One reference each is what a compiler writes.
  EXPECT_TRUE(load(buildArtifact({.sharedNodes = 1, .sharedBytes = 2, .sharingKernels = 1}).bytes).ok());
}

// A name can hold what a terminal obeys, and be of any length.
TEST(Artifact, NamesInErrors) {
  auto textFor = [](const std::string &name) { return load(buildArtifact({.xType = 8, .xName = name}).bytes).text; };
  EXPECT_EQ(textFor("a\x1b[31m\nb\t\x7f").find("[TN7007] 'a\\x1b[31m\\nb\\t\\x7f' of the buffer has"), 0u);
  EXPECT_EQ(
      textFor("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80").find("[TN7007] '\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80' of"),
      0u);
  // C1 controls, a change of direction, and bytes that are no text.
  EXPECT_EQ(textFor("\xc2\x9b"
                    "1m")
                .find("[TN7007] '\\xc2\\x9b1m' of"),
            0u);
  EXPECT_EQ(textFor("\xe2\x80\xae").find("[TN7007] '\\xe2\\x80\\xae' of"), 0u);
  for (const char *none : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x9f"})
    EXPECT_EQ(textFor(none).find("[TN7007] '\\x"), 0u) << textFor(none);
  std::string name = "first" + std::string(100000, 'x') + "last", text = textFor(name);
  EXPECT_LT(text.size(), 700u);
  EXPECT_EQ(text.find("[TN7007] 'firstxxx"), 0u);
  EXPECT_NE(text.find("xxx...xxx"), std::string::npos);
  EXPECT_NE(text.find("xxxlast' of the buffer has ONNX element type 8"), std::string::npos) << text;
  // No character is cut in two.
  std::string wide;
  for (int i = 0; i < 1000; ++i)
    wide += "\xe2\x82\xac";
  for (const char *shift : {"", "a", "ab"})
    EXPECT_EQ(textFor(shift + wide).find("\\x"), std::string::npos);
  std::string hostile(100000, '\x1b');
  EXPECT_LT(textFor(hostile).size(), 4096u);
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
