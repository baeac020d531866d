// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The manifest's table of contents, and the weights that it names by offsets. Each part
// is written once: the runtime refuses a manifest that refers to one many times.
#include "Manifest.h"

#include "tenon/abi.h"
#include "llvm/ADT/STLExtras.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tenon {
namespace {

// Of code that asks for no later services, so that earlier runtimes take it, too: without
// devices beside the host, with regions of known sizes, and with others.
constexpr uint32_t kHostAbiVersion = 2, kKnownSizesAbiVersion = 3, kOpenSizesAbiVersion = 4;

bool hasOpenRegions(const Artifact &artifact) {
  return llvm::any_of(artifact.regions, [](const ArtifactRegion &r) { return r.numSymbols > 0; });
}

uint32_t abiVersionOf(const Artifact &artifact) {
  if (artifact.devices.empty())
    return kHostAbiVersion;
  if (artifact.hasDeviceZones)
    return TENON_ABI_VERSION;
  return hasOpenRegions(artifact) ? kOpenSizesAbiVersion : kKnownSizesAbiVersion;
}

template <typename Items, typename Fn>
auto each(flatbuffers::FlatBufferBuilder &b, const Items &items, Fn fn) {
  std::vector<decltype(fn(*items.begin()))> offsets;
  for (const auto &item : items)
    offsets.push_back(fn(item));
  return b.CreateVector(offsets);
}

/// The region that a kernel is of, -1 for the host's.
int32_t regionOf(const Artifact &artifact, uint32_t kernel) {
  for (auto [i, region] : llvm::enumerate(artifact.regions))
    if (kernel >= region.firstKernel && kernel - region.firstKernel < region.numKernels)
      return int32_t(i);
  return -1;
}

/// Each method writes what it returns, with what that refers to before it.
class ManifestWriter {
public:
  ManifestWriter(const Artifact &artifact, const Layout &layout) : artifact(artifact), layout(layout) {}

  flatbuffers::DetachedBuffer write(uint64_t weightsHash) {
    auto tensor = [&](const ArtifactTensor &t) { return writeTensor(t); };
    auto inputs = each(b, artifact.inputs, tensor), outputs = each(b, artifact.outputs, tensor);
    auto symbols = each(b, artifact.symbols, [&](const ArtifactSymbol &s) {
      return schema::CreateSymbol(b, b.CreateString(s.name), s.min, s.max, s.divisor);
    });
    auto variants = each(b, artifact.variants, [&](const ModuleCode &c) { return writeCode(c); });
    int32_t kernel = 0;
    auto kernels = each(b, artifact.kernels, [&](const KernelDescription &k) { return writeKernel(k, kernel++); });
    auto checks = each(b, artifact.checks, [&](const CheckDescription &c) {
      auto node = b.CreateString(c.node), text = b.CreateString(c.text);
      return schema::CreateCheck(b, c.code, node, text);
    });
    auto producer = b.CreateString("tenon " TENON_VERSION_TEXT), model = b.CreateString(artifact.model),
         target = b.CreateString(artifact.target);
    auto ledger = b.CreateString(artifact.ledger), plan = b.CreateString(artifact.plan);
    auto fixed = artifact.fixedInputs.empty() ? decltype(b.CreateVectorOfStrings(artifact.fixedInputs))()
                                              : b.CreateVectorOfStrings(artifact.fixedInputs);
    List<schema::Device> devices;
    List<schema::Region> regions;
    if (!artifact.devices.empty()) {
      devices = each(b, artifact.devices, [&](const ArtifactDevice &d) { return writeDevice(d); });
      regions = each(b, artifact.regions, [&](const ArtifactRegion &r) { return writeRegion(r); });
    }
    schema::FinishManifestBuffer(b, schema::CreateManifest(b, abiVersionOf(artifact), producer, model, target, inputs,
                                                           outputs, symbols, variants, kernels, layout.weightsOffset,
                                                           artifact.weightBytes, weightsHash, ledger, plan, checks,
                                                           artifact.derivedSymbols, fixed, devices, regions));
    return b.Release();
  }

private:
  template <typename T>
  using List = flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<T>>>;

  flatbuffers::Offset<schema::Tensor> writeTensor(const ArtifactTensor &t) {
    std::vector<schema::Dim> dims;
    for (auto [value, symbol] : t.dims)
      dims.emplace_back(value, symbol);
    auto name = b.CreateString(t.name);
    auto shape = b.CreateVectorOfStructs(dims);
    if (t.defaultOffset < 0)
      return schema::CreateTensor(b, name, t.dtype, shape);
    return schema::CreateTensor(b, name, t.dtype, shape, t.defaultOffset, b.CreateVector(t.defaultDims));
  }

  /// Codes come in the order of codesOf().
  flatbuffers::Offset<schema::Code> writeCode(const ModuleCode &c) {
    auto device = b.CreateString(c.device), triple = b.CreateString(c.triple);
    auto features = b.CreateVectorOfStrings(c.features);
    return schema::CreateCode(b, device, triple, features, layout.codeOffsets[numCodes++], c.image.size(),
                              XXH3_64bits(c.image.data(), c.image.size()), c.mainAddress, c.arenaSizeAddress,
                              c.outputDimsAddress, c.deriveAddress, c.stackBytes, c.spaceSizesAddress);
  }

  flatbuffers::Offset<schema::Kernel> writeKernel(const KernelDescription &k, int32_t number) {
    auto name = b.CreateString(k.name), strategy = b.CreateString(k.strategyAndSchedule());
    auto nodes = b.CreateVectorOfStrings(k.nodes);
    auto buffers = each(b, k.buffers, [&](const BufferDescription &buffer) {
      return schema::CreateBuffer(b, b.CreateString(buffer.name), buffer.dtype, buffer.isOutput, buffer.weightOffset);
    });
    return schema::CreateKernel(b, name, strategy, nodes, buffers, k.work, regionOf(artifact, number));
  }

  flatbuffers::Offset<schema::Device> writeDevice(const ArtifactDevice &d) {
    auto name = b.CreateString(d.name), driver = b.CreateString(d.driver), spec = b.CreateString(d.spec);
    return schema::CreateDevice(b, name, driver, spec, d.mbPerS, d.latencyNs);
  }

  flatbuffers::Offset<schema::Region> writeRegion(const ArtifactRegion &r) {
    auto name = b.CreateString(r.name);
    auto code = writeCode(r.code);
    return schema::CreateRegion(b, name, r.device, code, r.inputs, r.outputs, r.weightsOffset, r.weightsSize,
                                r.firstKernel, r.numKernels, r.firstCheck,
                                abiVersionOf(artifact) >= kOpenSizesAbiVersion ? r.firstSymbol : 0, r.numSymbols);
  }

  const Artifact &artifact;
  const Layout &layout;
  flatbuffers::FlatBufferBuilder b;
  size_t numCodes = 0; ///< written so far
};

} // namespace

std::vector<const ModuleCode *> codesOf(const Artifact &artifact) {
  std::vector<const ModuleCode *> codes;
  for (const ModuleCode &code : artifact.variants)
    codes.push_back(&code);
  for (const ArtifactRegion &region : artifact.regions)
    codes.push_back(&region.code);
  return codes;
}

flatbuffers::DetachedBuffer buildManifest(const Artifact &artifact, const Layout &layout, uint64_t weightsHash) {
  return ManifestWriter(artifact, layout).write(weightsHash);
}

uint64_t writeWeights(const Artifact &artifact, llvm::raw_ostream &os) {
  XXH3_state_t *state = XXH3_createState();
  XXH3_64bits_reset(state);
  uint64_t written = 0;
  static const char zeros[64] = {};
  auto put = [&](llvm::StringRef bytes) {
    os << bytes;
    XXH3_64bits_update(state, bytes.data(), bytes.size());
    written += bytes.size();
  };
  if (artifact.forEachWeight)
    artifact.forEachWeight([&](uint64_t offset, llvm::StringRef bytes) {
      while (written < offset)
        put(llvm::StringRef(zeros, std::min<uint64_t>(64, offset - written)));
      put(bytes);
    });
  while (written < artifact.weightBytes)
    put(llvm::StringRef(zeros, std::min<uint64_t>(64, artifact.weightBytes - written)));
  uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return hash;
}

} // namespace tenon
