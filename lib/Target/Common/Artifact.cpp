// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing of .tenon artifacts. Nothing in the file depends on time, path or
// machine: equal inputs give equal bytes.
#include "tenon/Target/Common/Artifact.h"

#include "Manifest.h"
#include "tenon/Support/Files.h"
#include "llvm/Support/MathExtras.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tenon {
namespace {

constexpr uint64_t kPage = 4096, kHeaderBytes = 32;

Layout layOut(const Artifact &artifact) {
  Layout layout;
  uint64_t at = kPage;
  for (const ModuleCode *code : codesOf(artifact)) {
    layout.codeOffsets.push_back(at);
    at = llvm::alignTo(at + code->image.size(), kPage);
  }
  layout.weightsOffset = at;
  return layout;
}

void writeContents(const Artifact &artifact, const Layout &layout, llvm::raw_fd_ostream &os) {
  os.write_zeros(kPage);
  for (auto [i, code] : llvm::enumerate(codesOf(artifact))) {
    os.write_zeros(layout.codeOffsets[i] - os.tell());
    os << code->image;
  }
  os.write_zeros(layout.weightsOffset - os.tell());
  uint64_t hash = writeWeights(artifact, os);
  os.write_zeros(llvm::alignTo(os.tell(), kPage) - os.tell());
  uint64_t manifestOffset = os.tell();
  flatbuffers::DetachedBuffer manifest = buildManifest(artifact, layout, hash);
  os.write(reinterpret_cast<const char *>(manifest.data()), manifest.size());
  char header[kHeaderBytes] = {'T', 'E', 'N', 'O', 'N', 0, 1, 0};
  uint32_t version = 1, size = manifest.size();
  uint64_t manifestHash = XXH3_64bits(manifest.data(), manifest.size());
  memcpy(header + 8, &version, 4);
  memcpy(header + 12, &size, 4);
  memcpy(header + 16, &manifestOffset, 8);
  memcpy(header + 24, &manifestHash, 8);
  os.pwrite(header, sizeof header, 0);
}

} // namespace

bool writeArtifact(const Artifact &artifact, llvm::StringRef path, std::string &error) {
  // Renaming over a device or a pipe would replace it.
  if (llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path)) {
    error = ("[TN6001] " + path + " exists and is not a regular file; name another output").str();
    return false;
  }
  OutputFile file;
  if (std::error_code code = file.open(path)) {
    error = ("[TN6001] cannot write beside " + path + ": " + code.message()).str();
    return false;
  }
  Layout layout = layOut(artifact);
  writeContents(artifact, layout, file.os());
  if (std::error_code code = file.commit()) {
    error = ("[TN6002] writing " + path + " failed: " + code.message()).str();
    return false;
  }
  return true;
}

} // namespace tenon
