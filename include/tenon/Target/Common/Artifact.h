// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing of .tenon artifacts (layout: docs/Runtime/artifact.md).
#ifndef TENON_TARGET_COMMON_ARTIFACT_H
#define TENON_TARGET_COMMON_ARTIFACT_H

#include "tenon/Interfaces/ModuleCode.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tenon {

struct ArtifactTensor {
  std::string name;
  int32_t dtype;                                 ///< ONNX TensorProto.DataType
  std::vector<std::pair<int64_t, int32_t>> dims; ///< value, or -1 and a symbol (or -1 if computed)
  int64_t defaultOffset = -1;                    ///< of an optional input's value in the weights; -1: required
  std::vector<int64_t> defaultDims;
};
struct ArtifactSymbol {
  std::string name;
  int64_t min, max, divisor;
};
/// A device beside the host, see the manifest's Device.
struct ArtifactDevice {
  std::string name, driver, spec;
  int64_t mbPerS = 0, latencyNs = 0; ///< of its link with the host; 0: none stated
};
/// The program of one of them, see the manifest's Region.
struct ArtifactRegion {
  std::string name;
  uint32_t device = 0, inputs = 0, outputs = 0;
  ModuleCode code;
  uint64_t weightsOffset = 0, weightsSize = 0;              ///< in the weights
  uint32_t firstKernel = 0, numKernels = 0, firstCheck = 0; ///< in the artifact's lists
  uint32_t firstSymbol = 0, numSymbols = 0;                 ///< among the named and then the derived ones
};
struct Artifact {
  std::string model, modelHash, target, ledger, plan;
  std::vector<ArtifactTensor> inputs, outputs;
  std::vector<std::string> fixedInputs; ///< the model's inputs that are constants here
  std::vector<ArtifactSymbol> symbols;
  uint32_t derivedSymbols = 0; ///< sizes that the code derives from them
  std::vector<ModuleCode> variants;
  std::vector<KernelDescription> kernels;
  std::vector<CheckDescription> checks; ///< in the order of their numbers
  std::vector<ArtifactDevice> devices;
  std::vector<ArtifactRegion> regions;
  bool hasDeviceZones = false; ///< the code has red zones in devices' memory
  uint64_t weightBytes = 0;
  /// Calls its argument for each weight in file order: offset and bytes.
  std::function<void(llvm::function_ref<void(uint64_t, llvm::StringRef)>)> forEachWeight;
};

/// Writes to a temporary file beside `path` and renames it, so that a failure
/// leaves nothing half-written. False with a message on failure.
bool writeArtifact(const Artifact &artifact, llvm::StringRef path, std::string &error);

} // namespace tenon

#endif // TENON_TARGET_COMMON_ARTIFACT_H
