// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An artifact is recognised by its first bytes, and the model it was compiled from by the hash in its ledger,
// for which the runtime loads it with the driver "null". Something that is no regular file counts as nothing
// here, since whoever writes the output refuses it.
#include "Replacing.h"
#include "Session.h"

#include "tenon/Pipelines/BuildLedger.h"
#include "tenon/Target/Common/StaticLibrary.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

namespace tenon::driver {

static const llvm::StringRef kArtifactMagic("TENON\0\1\0", 8); // docs/Runtime/artifact.md

bool isArtifact(llvm::StringRef path) {
  auto start = llvm::MemoryBuffer::getFileSlice(path, kArtifactMagic.size(), 0);
  return start && (*start)->getBuffer() == kArtifactMagic;
}

std::string whatIsReplaced(llvm::StringRef path, llvm::StringRef model) {
  llvm::sys::fs::file_status status;
  if (llvm::sys::fs::status(path, status) || status.type() != llvm::sys::fs::file_type::regular_file ||
      status.getSize() == 0)
    return ""; // what is no file is for the writer to refuse
  if (status.getSize() < kArtifactMagic.size() || !isArtifact(path))
    return "no artifact of Tenon";
  tenon_load_options options{sizeof options, /*check_weights=*/0, "null"};
  tenon_model *loaded = nullptr;
  tenon_status *problem = tenon_model_load(path.str().c_str(), &options, &loaded);
  std::optional<Ledger> ledger = problem ? std::nullopt : Ledger::fromJson(tenon_model_ledger(loaded));
  tenon_status_free(problem);
  tenon_model_free(loaded);
  if (!ledger)
    return "an artifact that this version cannot read";
  if (!model.empty() && !ledger->modelHash.empty() && ledger->modelHash == hashModelFile(model))
    return "";
  return "an artifact of another model";
}

std::string whatArchiveIsReplaced(llvm::StringRef path, llvm::StringRef model) {
  uint64_t size = 0;
  std::optional<StaticLibraryNames> names = staticLibraryNames(path);
  if (!llvm::sys::fs::is_regular_file(path) || llvm::sys::fs::file_size(path, size) || size == 0 || !names)
    return "";
  if (!isOurHeader(names->header))
    return "no archive of Tenon";
  return !model.empty() && isOurHeader(names->header, hashModelFile(model)) ? "" : "the archive of another model";
}

} // namespace tenon::driver
