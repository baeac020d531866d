// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an artifact and a static library have in common: the manifest, and the weights as
// one block.
#ifndef TENON_LIB_TARGET_COMMON_MANIFEST_H
#define TENON_LIB_TARGET_COMMON_MANIFEST_H

#include "manifest_generated.h"
#include "tenon/Target/Common/Artifact.h"

namespace tenon {

/// Where the manifest says that code and weights are.
struct Layout {
  std::vector<uint64_t> codeOffsets; ///< of variants, then of regions
  uint64_t weightsOffset = 0;
};

/// The code of the variants, then of the regions.
std::vector<const ModuleCode *> codesOf(const Artifact &artifact);
flatbuffers::DetachedBuffer buildManifest(const Artifact &artifact, const Layout &layout, uint64_t weightsHash);
/// Writes the weights, with zeros between them, and returns their hash.
uint64_t writeWeights(const Artifact &artifact, llvm::raw_ostream &os);

} // namespace tenon

#endif // TENON_LIB_TARGET_COMMON_MANIFEST_H
