// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Artifacts for tests, made without the compiler from images of model.c.
#ifndef TENON_RUNTIME_TEST_ARTIFACTBUILDER_H
#define TENON_RUNTIME_TEST_ARTIFACTBUILDER_H

#include "manifest_generated.h"
#include "tenon/tenon.h"

#include <string>
#include <vector>

namespace tenon::testing {

/// A variant of the code in a test artifact.
struct Variant {
  std::string image = "good"; ///< name of an image of test/CMakeLists.txt
  std::vector<std::string> features = {};
  std::string triple = {}; ///< empty: this machine's
  std::string device = "cpu";
  uint64_t mainAddress = 0; ///< 0: the image's own
  uint64_t offset = 0;      ///< 0: where it is
};

/// A check in a test artifact's table.
struct Check {
  uint32_t code;
  const char *node, *text; ///< null: left out
};

struct Device {
  const char *name = "accel", *driver = "cpu", *spec = "cpu:test"; ///< null: left out
  uint64_t mbPerSecond = 0, latency = 0;
};

/// A region of a test artifact; what region.c is made for.
struct Region {
  std::string image = "region-add";
  const char *name = "adds"; ///< null: left out
  uint32_t device = 0, inputs = 1, outputs = 1;
  uint64_t weightsOffset = 0, weightsSize = 16;
  uint32_t firstKernel = 2, numKernels = 2, firstCheck = 0, firstSymbol = 0, numSymbols = 0;
  std::vector<std::string> features = {};
  std::string triple = {};  ///< empty: this machine's
  uint64_t offset = 0;      ///< 0: where the code is
  uint64_t mainAddress = 0; ///< 0: the image's own
  uint64_t hashChange = 0;
  bool hasCode = true;
};

struct Options {
  std::vector<Variant> variants = {Variant()};
  uint32_t version = 1, abi = 1;
  int64_t batchMin = 0, batchMax = 1 << 20, batchDivisor = 1;
  int32_t xType = 1;            ///< element type of x
  int32_t xSymbol = 0;          ///< symbol of x's first dimension
  int64_t xValue = -1;          ///< value beside it
  int32_t ySymbol = 0;          ///< symbol of y's first dimension
  int32_t zSymbol = 0;          ///< symbol of z's first dimension
  int64_t zColumns = 4;         ///< z's second dimension
  int64_t weightOffset = 0;     ///< of w in the weights
  bool weightIsWritten = false; ///< w is an output of its kernel
  bool writesFirst = false;     ///< the kernel lists its output before w
  std::string xName = "x";
  size_t describedKernels = 3; ///< of the code's three
  bool otherSymbol = false;    ///< a second symbol, which no input has unless asked for
  /// Kernels that all refer to one list of nodes, which refer to one text.
  size_t sharedNodes = 0, sharedBytes = 0, sharingKernels = 0;
  uint64_t weightsOffset = 0;     ///< 0: where they are
  bool noKernels = false;         ///< leave a required part out
  std::vector<Check> checks = {}; ///< none: no table, as in artifacts of the first version
  int64_t yDefault = -1;          ///< offset of y's default in the weights
  std::vector<int64_t> yDefaultDims = {1, 4};
  std::vector<std::string> fixedInputs = {};
  std::vector<Device> devices = {};
  std::vector<Region> regions = {};
  /// Regions that all have one code, whose features are sharedNodes times one text.
  size_t sharingRegions = 0;
  bool hasSpaceSizes = true;           ///< if there are devices
  uint32_t derivedSymbols = 0;         ///< that tenon_derive gives values; 0: there is none
  std::vector<int> kernelRegions = {}; ///< of the artifact's kernels; none: as the regions have them
};

/// Options of the model of offload.c, on one device or two.
Options offloaded(Device device = {});
Options offloadedTwice();
/// The latter with symbols of the regions' own: after the batch and a size of the host
/// program's come the batch and one that is 1000 larger for the first region, and the batch
/// for the second.
Options offloadedWithTables();

/// The bytes of an artifact, and where its parts are.
struct Artifact {
  std::string bytes;
  size_t codeOffset, codeSize, weightsOffset, weightsSize, manifestOffset, manifestSize;
};

Artifact buildArtifact(const Options &options = {});
/// Recomputes the header's hash after a change to the manifest.
void sealManifest(Artifact &artifact);

/// A file that is deleted at the end.
struct TemporaryFile {
  std::string path;
  explicit TemporaryFile(const std::string &bytes);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile &) = delete;
};

/// Takes a status apart and frees it.
struct Result {
  tenon_code code;
  std::string text;
  Result(tenon_status *status) : code(tenon_status_code(status)), text(tenon_status_text(status)) {
    tenon_status_free(status);
  }
  bool ok() const { return code == TENON_OK; }
};

/// A model and a session over it, with x and y of `batch` rows.
struct Fixture {
  tenon_model *model = nullptr;
  tenon_session *session = nullptr;
  std::vector<float> x, y;
  explicit Fixture(const std::string &path, int threads = 1, const char *driver = nullptr, tenon_pool *pool = nullptr);
  ~Fixture();
  Fixture(const Fixture &) = delete;
  /// Binds inputs of that many rows; y may have another number.
  Result bind(int64_t batch, int64_t batchOfY = -1);
  /// What z must be for these inputs.
  std::vector<float> expected() const;
  std::vector<float> output(int index);
};

} // namespace tenon::testing

#endif // TENON_RUNTIME_TEST_ARTIFACTBUILDER_H
