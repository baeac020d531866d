// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The last stage: code, weights and what is told of them become one artifact.
#include "Package.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Conversion/ONNXToGraph/Passes.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Frontend/ONNX/Import.h"
#include "tenon/Pipelines/BuildLedger.h"
#include "tenon/Target/Common/Artifact.h"
#include "tenon/Target/Common/ManifestTypes.h"
#include "tenon/Target/Common/StaticLibrary.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace tenon {
namespace {

constexpr uint64_t kAlign = 64; // of each weight

ArtifactTensor describe(StringRef name, RankedTensorType type, AffineMapAttr map) {
  ArtifactTensor tensor{name.str(), manifestType(type.getElementType()), {}};
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      tensor.dims.push_back({size, -1});
      continue;
    }
    auto symbol = map ? dyn_cast<AffineSymbolExpr>(map.getValue().getResult(i)) : AffineSymbolExpr(nullptr);
    tensor.dims.push_back({-1, symbol ? int32_t(symbol.getPosition()) : -1});
  }
  return tensor;
}

/// The model's inputs and outputs.
void addInterface(func::FuncOp func, Artifact &artifact) {
  // Graph IR may come without names; equal ones could not be told apart.
  auto nameOf = [](StringAttr name, StringRef otherwise, size_t i) {
    return name ? name.str() : i ? (otherwise + Twine(i)).str() : otherwise.str();
  };
  for (auto [i, argument] : llvm::enumerate(func.getArguments())) {
    auto name = func.getArgAttrOfType<StringAttr>(i, "onnx.name");
    artifact.inputs.push_back(describe(nameOf(name, "input", i), cast<RankedTensorType>(argument.getType()),
                                       func.getArgAttrOfType<AffineMapAttr>(i, "graph.shape")));
  }
  for (auto [i, type] : llvm::enumerate(func.getResultTypes())) {
    auto name = func.getResultAttrOfType<StringAttr>(i, "onnx.name");
    artifact.outputs.push_back(describe(nameOf(name, "output", i), cast<RankedTensorType>(type),
                                        func.getResultAttrOfType<AffineMapAttr>(i, "graph.shape")));
  }
}

/// The symbols that inputs have, and how many the code derives from them.
void addSymbols(ModuleOp plan, Artifact &artifact) {
  for (const graph::Symbol &symbol : graph::readSymbols(plan)) {
    if (symbol.isDerived())
      ++artifact.derivedSymbols;
    else
      artifact.symbols.push_back({symbol.name, symbol.min, symbol.max, symbol.divisor});
  }
  // An output's size that the inputs do not have is asked of the code.
  for (ArtifactTensor &tensor : artifact.outputs)
    for (auto &[value, symbol] : tensor.dims)
      symbol = symbol < int32_t(artifact.symbols.size()) ? symbol : -1;
}

/// Defaults of optional inputs lie behind the weights that kernels read, or are
/// the same ones.
void addDefaults(func::FuncOp func, Artifact &artifact, GeneratedCode &generated) {
  for (auto [i, input] : llvm::enumerate(artifact.inputs)) {
    auto value = func.getArgAttrOfType<ElementsAttr>(i, kDefaultAttr);
    if (!value)
      continue;
    llvm::append_range(input.defaultDims, value.getShapedType().getShape());
    auto known = llvm::find_if(generated.weights, [&](const WeightEntry &entry) { return entry.value == value; });
    if (known != generated.weights.end()) {
      input.defaultOffset = int64_t(known->offset);
      continue;
    }
    uint64_t bytes = weightBytes(value).size();
    input.defaultOffset = int64_t(generated.weightBytes);
    generated.weights.push_back({value, generated.weightBytes, bytes});
    generated.weightBytes += llvm::alignTo(bytes, kAlign);
  }
  if (auto names = func->getAttrOfType<ArrayAttr>(kFixedInputsAttr))
    for (auto name : names.getAsRange<StringAttr>())
      artifact.fixedInputs.push_back(name.str());
}

void addDevices(ModuleOp host, Artifact &artifact) {
  for (plan::DeviceAttr device : plan::devicesOf(host)) {
    hw::DeviceAttr chip = device.getChip();
    ArtifactDevice entry{device.getName().str(), chip.getFamily().str(), device.getSpec().str()};
    for (hw::LinkAttr link : chip.getLinks())
      if (link.getFrom() == plan::kHostSpace || link.getTo() == plan::kHostSpace) {
        entry.mbPerS = link.getMbPerS();
        entry.latencyNs = link.getLatencyNs();
      }
    artifact.devices.push_back(std::move(entry));
    plan::ArenaAttr arena = plan::arenaOf(host, device.getName());
    artifact.hasDeviceZones |= arena && arena.getRedZone() > 0;
  }
}

/// A region's kernels, checks and weights lie behind those of the host and of regions before it.
void addRegion(RegionCode &region, GeneratedCode &host, Artifact &artifact) {
  auto main = region.program.lookupSymbol<func::FuncOp>("main");
  ArtifactRegion entry;
  entry.name = region.program.getSymName()->str();
  entry.device = region.device;
  entry.inputs = main.getNumArguments();
  entry.outputs = main.getNumResults();
  entry.firstKernel = artifact.kernels.size();
  entry.numKernels = region.code.kernels.size();
  entry.firstCheck = artifact.checks.size();
  // The host's program derives them behind its own (Conductor::deriveForRegions).
  entry.firstSymbol = artifact.symbols.size() + artifact.derivedSymbols;
  entry.numSymbols = graph::readSymbols(region.program).size();
  artifact.derivedSymbols += entry.numSymbols;
  entry.weightsOffset = host.weightBytes;
  entry.weightsSize = region.code.weightBytes;
  for (KernelDescription &kernel : region.code.kernels) {
    kernel.device = artifact.devices[region.device].name;
    for (BufferDescription &buffer : kernel.buffers)
      if (buffer.weightOffset >= 0)
        buffer.weightOffset += int64_t(entry.weightsOffset);
    artifact.kernels.push_back(std::move(kernel));
  }
  for (WeightEntry &weight : region.code.weights)
    host.weights.push_back({weight.value, weight.offset + entry.weightsOffset, weight.bytes});
  host.weightBytes += llvm::alignTo(region.code.weightBytes, kAlign);
  llvm::append_range(artifact.checks, std::move(region.code.checks));
  entry.code = std::move(region.code.code);
  artifact.regions.push_back(std::move(entry));
}

/// Kernels and checks of the host's program, then the devices and what runs on them.
void addPrograms(ModuleOp plan, ProgramCode &code, Artifact &artifact) {
  artifact.kernels = std::move(code.host.kernels);
  artifact.checks = std::move(code.host.checks);
  addDevices(plan, artifact);
  for (KernelDescription &kernel : artifact.kernels)
    if (!artifact.devices.empty())
      kernel.device = plan::kHostSpace.str();
  for (RegionCode &region : code.regions)
    addRegion(region, code.host, artifact);
}

/// Writes the artifact with the host's code in it, or a library and its header: there the
/// code stands beside the manifest, which has code without bytes. False with a message.
bool write(ModuleCode hostCode, StringRef output, Emit emit, Artifact &artifact, CompileResult &result,
           std::string &error) {
  bool isLibrary = emit == Emit::StaticLibrary;
  std::string object = isLibrary ? std::exchange(hostCode.image, {}) : std::string();
  artifact.variants.push_back(std::move(hostCode));
  if (!isLibrary)
    return writeArtifact(artifact, output, error);
  StaticLibraryNames names = *staticLibraryNames(output);
  result.header = names.header;
  return writeStaticLibrary(artifact, object, names, error);
}

} // namespace

LogicalResult package(ModuleOp module, const Targets &targets, ProgramCode code, StringRef output, StringRef model,
                      const CompileOptions &options, CompileResult &result) {
  ModuleOp plan = plan::programsOf(module).host;
  GeneratedCode &generated = code.host;
  auto func = plan.lookupSymbol<func::FuncOp>("main");
  Artifact artifact;
  artifact.model = llvm::sys::path::filename(model).str();
  artifact.target = result.target;
  if (options.keepPlan) {
    llvm::raw_string_ostream text(artifact.plan);
    module->print(text, elided());
  }
  addInterface(func, artifact);
  addSymbols(plan, artifact);
  addDefaults(func, artifact, generated);
  addPrograms(plan, code, artifact);
  result.ledger = buildLedger(module, artifact.kernels);
  artifact.modelHash = result.ledger.modelHash;
  llvm::raw_string_ostream(artifact.ledger) << llvm::json::Value(result.ledger.toJson());
  artifact.weightBytes = generated.weightBytes;
  artifact.forEachWeight = [&](llvm::function_ref<void(uint64_t, StringRef)> put) {
    for (const WeightEntry &entry : generated.weights)
      put(entry.offset, weightBytes(entry.value));
  };
  result.weightBytes = generated.weightBytes;
  result.codeBytes = generated.code.image.size();
  for (const ArtifactRegion &region : artifact.regions)
    result.codeBytes += region.code.image.size();
  tenon::plan::ArenaAttr arena = tenon::plan::arenaOf(plan, tenon::plan::kHostSpace);
  result.arenaBytes = arena.getBytes();
  result.symbolicSlots = arena.getSlots().size();
  std::string error;
  if (!write(std::move(generated.code), output, options.emit, artifact, result, error))
    return plan.emitError(error);
  return success();
}

} // namespace tenon
