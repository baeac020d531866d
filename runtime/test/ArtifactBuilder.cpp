// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Artifacts for tests: the same layout as the compiler's, written plainly.
#include "ArtifactBuilder.h"

#include <gtest/gtest.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <map>
#include <sstream>
#include <unistd.h>

namespace tenon::testing {
namespace {

constexpr size_t kPage = 4096;

/// The tests' own set-up is broken; there is nothing to test.
[[noreturn]] void giveUp(const std::string &why) {
  fprintf(stderr, "%s\n", why.c_str());
  exit(1);
}

std::string readImage(const std::string &name) {
  std::ifstream file(std::string(TENON_TEST_IMAGES) + "/" + name + ".image", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  if (bytes.str().empty())
    giveUp("no image " + name);
  return bytes.str();
}

/// Exported symbols, from the section headers.
std::map<std::string, uint64_t> exportsOf(const std::string &image) {
  std::map<std::string, uint64_t> exports;
  const auto *header = reinterpret_cast<const Elf64_Ehdr *>(image.data());
  const auto *sections = reinterpret_cast<const Elf64_Shdr *>(image.data() + header->e_shoff);
  for (int i = 0; i < header->e_shnum; ++i) {
    if (sections[i].sh_type != SHT_DYNSYM)
      continue;
    const char *names = image.data() + sections[sections[i].sh_link].sh_offset;
    const auto *symbols = reinterpret_cast<const Elf64_Sym *>(image.data() + sections[i].sh_offset);
    for (size_t s = 0; s < sections[i].sh_size / sizeof(Elf64_Sym); ++s)
      exports[names + symbols[s].st_name] = symbols[s].st_value;
  }
  return exports;
}

std::string ownTriple() {
#if defined(__x86_64__)
  return "x86_64-unknown-linux-gnu";
#elif defined(__aarch64__)
  return "aarch64-unknown-linux-gnu";
#else
  return "riscv64-unknown-linux-gnu";
#endif
}

/// The file grows by code and weights, while the manifest of them is built beside it.
class ArtifactWriter {
public:
  explicit ArtifactWriter(const Options &options) : options(options) {}

  Artifact write() {
    artifact.bytes.resize(kPage); // for the header
    List<schema::Code> variants;
    for (const Variant &variant : options.variants) {
      pad();
      artifact.codeOffset = artifact.bytes.size();
      variants.push_back(addCode(variant, options.hasSpaceSizes, /*hashChange=*/0));
      artifact.codeSize = artifact.bytes.size() - artifact.codeOffset;
    }
    auto devices = optional(makeDevices());
    auto regions = optional(addRegions());
    addWeights();
    auto inputs = b.CreateVector(makeInputs()), outputs = b.CreateVector(makeOutputs());
    auto symbols = b.CreateVector(makeSymbols());
    addKernels();
    Offset<flatbuffers::Vector<Offset<schema::Kernel>>> kernelList;
    if (!options.noKernels)
      kernelList = b.CreateVector(kernels);
    auto checks = optional(makeChecks());
    schema::FinishManifestBuffer(
        b, schema::CreateManifest(
               b, options.abi, b.CreateString("test"), b.CreateString("model"), b.CreateString("cpu:test"), inputs,
               outputs, symbols, b.CreateVector(variants), kernelList,
               options.weightsOffset ? options.weightsOffset : artifact.weightsOffset, artifact.weightsSize,
               XXH3_64bits(artifact.bytes.data() + artifact.weightsOffset, artifact.weightsSize), b.CreateString("{}"),
               /*plan=*/0, checks, options.derivedSymbols, b.CreateVectorOfStrings(options.fixedInputs), devices,
               regions));
    addManifest();
    return std::move(artifact);
  }

private:
  template <typename T>
  using Offset = flatbuffers::Offset<T>;
  template <typename T>
  using List = std::vector<Offset<T>>;

  void pad() { artifact.bytes.resize((artifact.bytes.size() + kPage - 1) / kPage * kPage); }

  /// Null: left out.
  Offset<flatbuffers::String> optional(const char *text) {
    return text ? b.CreateString(text) : Offset<flatbuffers::String>();
  }
  /// Empty: left out.
  template <typename T>
  Offset<flatbuffers::Vector<Offset<T>>> optional(const List<T> &list) {
    return list.empty() ? Offset<flatbuffers::Vector<Offset<T>>>() : b.CreateVector(list);
  }

  Offset<schema::Code> addCode(const Variant &variant, bool hasSpaceSizes, uint64_t hashChange) {
    pad();
    std::string image = readImage(variant.image);
    auto exports = exportsOf(image);
    uint64_t offset = variant.offset ? variant.offset : artifact.bytes.size();
    auto device = b.CreateString(variant.device);
    auto triple = b.CreateString(variant.triple.empty() ? ownTriple() : variant.triple);
    auto features = b.CreateVectorOfStrings(variant.features);
    artifact.bytes += image;
    return schema::CreateCode(
        b, device, triple, features, offset, image.size(), XXH3_64bits(image.data(), image.size()) + hashChange,
        variant.mainAddress ? variant.mainAddress : exports["tenon_main"], exports["tenon_arena_size"],
        exports["tenon_output_dims"], options.derivedSymbols ? exports["tenon_derive"] : 0,
        /*stack_bytes=*/0, hasSpaceSizes ? exports["tenon_space_sizes"] : 0);
  }

  List<schema::Device> makeDevices() {
    List<schema::Device> devices;
    for (const Device &device : options.devices) {
      auto name = optional(device.name), driver = optional(device.driver), spec = optional(device.spec);
      devices.push_back(schema::CreateDevice(b, name, driver, spec, device.mbPerSecond, device.latency));
    }
    return devices;
  }

  List<schema::Region> addRegions() {
    List<schema::Region> regions;
    for (const Region &region : options.regions) {
      Variant variant = {region.image, region.features, region.triple, "cpu", region.mainAddress, region.offset};
      Offset<schema::Code> code;
      if (region.hasCode)
        code = addCode(variant, /*hasSpaceSizes=*/false, region.hashChange);
      auto name = optional(region.name);
      regions.push_back(schema::CreateRegion(
          b, name, region.device, code, region.inputs, region.outputs, region.weightsOffset, region.weightsSize,
          region.firstKernel, region.numKernels, region.firstCheck, region.firstSymbol, region.numSymbols));
    }
    if (options.sharingRegions) {
      auto text = b.CreateString(std::string(options.sharedBytes, 'f'));
      auto features = b.CreateVector(std::vector(options.sharedNodes, text));
      auto code = schema::CreateCode(b, text, text, features);
      for (size_t i = 0; i < options.sharingRegions; ++i)
        regions.push_back(schema::CreateRegion(b, text, 0, code));
    }
    return regions;
  }

  void addWeights() {
    pad();
    const float weights[4] = {1, 2, 3, 4};
    artifact.weightsOffset = artifact.bytes.size();
    artifact.weightsSize = sizeof weights;
    artifact.bytes.append(reinterpret_cast<const char *>(weights), sizeof weights);
    pad();
  }

  Offset<schema::Tensor> makeTensor(const std::string &name, int type, std::vector<schema::Dim> dims) {
    return schema::CreateTensor(b, b.CreateString(name), type, b.CreateVectorOfStructs(dims));
  }

  List<schema::Tensor> makeInputs() {
    auto x = makeTensor(options.xName, options.xType, {{options.xValue, options.xSymbol}, {4, -1}});
    std::vector<schema::Dim> dims = {{-1, options.ySymbol}, {4, -1}};
    if (options.yDefault < 0)
      return {x, makeTensor("y", 1, dims)};
    auto name = b.CreateString("y");
    auto shape = b.CreateVectorOfStructs(dims);
    return {x, schema::CreateTensor(b, name, 1, shape, options.yDefault, b.CreateVector(options.yDefaultDims))};
  }

  List<schema::Tensor> makeOutputs() {
    return {makeTensor("z", 1, {{-1, options.zSymbol}, {options.zColumns, -1}}), makeTensor("total", 1, {{-1, -1}})};
  }

  List<schema::Symbol> makeSymbols() {
    List<schema::Symbol> symbols = {
        schema::CreateSymbol(b, b.CreateString("batch"), options.batchMin, options.batchMax, options.batchDivisor)};
    if (options.otherSymbol)
      symbols.push_back(schema::CreateSymbol(b, b.CreateString("other"), 0, 100, 1));
    return symbols;
  }

  Offset<schema::Buffer> makeBuffer(const char *name, bool isOutput, int64_t weight = -1) {
    return schema::CreateBuffer(b, b.CreateString(name), 1, isOutput, weight);
  }

  int regionOf(size_t kernel) const {
    if (!options.kernelRegions.empty())
      return kernel < options.kernelRegions.size() ? options.kernelRegions[kernel] : -1;
    for (size_t r = 0; r < options.regions.size(); ++r)
      if (kernel >= options.regions[r].firstKernel &&
          kernel - options.regions[r].firstKernel < options.regions[r].numKernels)
        return int(r);
    return -1;
  }

  void addKernel(const char *name, std::vector<std::string> nodes, List<schema::Buffer> buffers) {
    int region = regionOf(kernels.size());
    kernels.push_back(schema::CreateKernel(b, b.CreateString(name), b.CreateString("plain C"),
                                           b.CreateVectorOfStrings(nodes), b.CreateVector(buffers), /*work=*/0,
                                           region));
  }

  void addKernels() {
    if (options.devices.empty())
      addKernel("add", {"add_1"}, buffersOfAdd());
    addKernel("multiply", {"mul_1", "mul_2"}, {makeBuffer("t", false), makeBuffer("y", false), makeBuffer("z", true)});
    addKernel("sum", {"sum_1"}, {makeBuffer("z", false), makeBuffer("total", true)});
    if (!options.devices.empty()) { // the host's kernels are first
      addKernel("add", {"add_1"}, {makeBuffer("x", false), makeBuffer("w", false, 0), makeBuffer("t", true)});
      addKernel("move", {"add_1"}, {makeBuffer("t", false), makeBuffer("t", true)});
      addKernel("multiply", {"mul_1"}, {makeBuffer("t", false), makeBuffer("y", false), makeBuffer("z", true)});
    }
    kernels.resize(options.describedKernels);
    if (options.sharingKernels) {
      auto text = b.CreateString(std::string(options.sharedBytes, 'n'));
      auto nodes = b.CreateVector(std::vector(options.sharedNodes, text));
      for (size_t i = 0; i < options.sharingKernels; ++i)
        kernels.push_back(schema::CreateKernel(b, text, text, nodes));
    }
  }

  List<schema::Buffer> buffersOfAdd() {
    if (options.writesFirst)
      return {makeBuffer("x", false), makeBuffer("t", true), makeBuffer("w", false, options.weightOffset)};
    return {makeBuffer("x", false), makeBuffer("w", options.weightIsWritten, options.weightOffset),
            makeBuffer("t", true)};
  }

  List<schema::Check> makeChecks() {
    List<schema::Check> checks;
    for (const Check &check : options.checks) {
      auto node = optional(check.node), what = optional(check.text);
      checks.push_back(schema::CreateCheck(b, check.code, node, what));
    }
    return checks;
  }

  /// The manifest at the end, and the header that says where it is.
  void addManifest() {
    std::string &bytes = artifact.bytes;
    artifact.manifestOffset = bytes.size();
    artifact.manifestSize = b.GetSize();
    bytes.append(reinterpret_cast<const char *>(b.GetBufferPointer()), b.GetSize());
    memcpy(bytes.data(), "TENON\0\1\0", 8);
    memcpy(bytes.data() + 8, &options.version, 4);
    uint32_t size = b.GetSize();
    uint64_t offset = artifact.manifestOffset;
    memcpy(bytes.data() + 12, &size, 4);
    memcpy(bytes.data() + 16, &offset, 8);
    sealManifest(artifact);
  }

  const Options &options;
  Artifact artifact;
  flatbuffers::FlatBufferBuilder b;
  List<schema::Kernel> kernels;
};

} // namespace

Artifact buildArtifact(const Options &options) { return ArtifactWriter(options).write(); }

Options offloaded(Device device) {
  Options options;
  options.variants = {{.image = "offload"}};
  options.abi = 3;
  options.describedKernels = 4;
  options.devices = {device};
  options.regions = {Region()};
  options.checks = {{TENON_COUNT, "add_1", "{0} rows are more than {1}"}};
  return options;
}

Options offloadedTwice() {
  Options options = offloaded();
  options.variants = {{.image = "offload-twice"}};
  options.describedKernels = 5;
  options.devices.push_back({.name = "other"});
  options.regions.push_back({.image = "region-multiply",
                             .name = "multiplies",
                             .device = 1,
                             .inputs = 2,
                             .weightsSize = 0,
                             .firstKernel = 4,
                             .numKernels = 1,
                             .firstCheck = 1});
  return options;
}

Options offloadedWithTables() {
  Options options = offloadedTwice();
  options.abi = 4;
  options.derivedSymbols = 4;
  options.regions[0].firstSymbol = 2;
  options.regions[0].numSymbols = 2;
  options.regions[1].firstSymbol = 4;
  options.regions[1].numSymbols = 1;
  return options;
}

void sealManifest(Artifact &artifact) {
  uint64_t hash = XXH3_64bits(artifact.bytes.data() + artifact.manifestOffset, artifact.manifestSize);
  memcpy(artifact.bytes.data() + 24, &hash, 8);
}

TemporaryFile::TemporaryFile(const std::string &bytes) {
  char name[] = "/tmp/tenon-test-XXXXXX";
  int fd = mkstemp(name);
  path = name;
  for (size_t done = 0; done < bytes.size();) {
    ssize_t written = write(fd, bytes.data() + done, bytes.size() - done);
    if (written <= 0)
      giveUp("cannot write " + path);
    done += written;
  }
  close(fd);
}
TemporaryFile::~TemporaryFile() { unlink(path.c_str()); }

Fixture::Fixture(const std::string &path, int threads, const char *driver, tenon_pool *pool) {
  tenon_load_options load = {sizeof load, 1, driver};
  Result loaded = tenon_model_load(path.c_str(), &load, &model);
  EXPECT_TRUE(loaded.ok()) << loaded.text;
  if (!model)
    return;
  tenon_session_options options = {sizeof options, threads, pool, TENON_GUARD_NONE};
  Result created = tenon_session_create(model, &options, &session);
  EXPECT_TRUE(created.ok()) << created.text;
}

Fixture::~Fixture() {
  tenon_session_free(session);
  tenon_model_free(model);
}

Result Fixture::bind(int64_t batch, int64_t batchOfY) {
  if (batchOfY < 0)
    batchOfY = batch;
  x.resize(batch * 4);
  y.resize(batchOfY * 4);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(i % 97) / 7;
  for (size_t i = 0; i < y.size(); ++i)
    y[i] = float(i % 89) / 11 - 3;
  int64_t shapeOfX[] = {batch, 4}, shapeOfY[] = {batchOfY, 4};
  tenon_tensor tensor = {x.data(), 1, 2, shapeOfX, x.size() * sizeof(float)};
  Result result = tenon_session_bind_input(session, 0, &tensor);
  if (!result.ok())
    return result;
  tensor = {y.data(), 1, 2, shapeOfY, y.size() * sizeof(float)};
  return tenon_session_bind_input(session, 1, &tensor);
}

std::vector<float> Fixture::expected() const {
  std::vector<float> z(x.size());
  for (size_t i = 0; i < z.size(); ++i)
    z[i] = (x[i] + float(i % 4 + 1)) * y[i];
  return z;
}

std::vector<float> Fixture::output(int index) {
  tenon_tensor tensor;
  Result result = tenon_session_output(session, index, &tensor);
  EXPECT_TRUE(result.ok()) << result.text;
  if (!result.ok())
    return {};
  const auto *data = static_cast<const float *>(tensor.data);
  return std::vector<float>(data, data + tensor.byte_size / sizeof(float));
}

} // namespace tenon::testing
