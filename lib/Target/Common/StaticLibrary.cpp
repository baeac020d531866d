// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An archive of two objects, the code as LLVM made it and the data, with a header beside
// it. The names of what they define begin with the library's, so that models can be
// linked into one program. Equal inputs give equal bytes.
#include "tenon/Target/Common/StaticLibrary.h"

#include "CHeader.h"
#include "ElfData.h"
#include "tenon/Support/Files.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/Path.h"

namespace tenon {
namespace {

/// Code reaches what lies within two gigabytes, and weights may come to lie between its parts.
constexpr uint64_t kMostWeights = uint64_t(1) << 30;

/// A failure to write, by its code.
std::string failure(llvm::StringRef code, const llvm::Twine &what, std::error_code why) {
  return ("[" + code + "] " + what + ": " + why.message()).str();
}

bool isFree(llvm::StringRef path, std::string &error) {
  if (!llvm::sys::fs::exists(path) || llvm::sys::fs::is_regular_file(path))
    return true;
  error = ("[TN6001] " + path + " exists and is not a regular file; name another output").str();
  return false;
}

/// The archive's bytes. The data goes through a file: it may be large, and is mapped from there.
std::unique_ptr<llvm::MemoryBuffer> pack(const Artifact &artifact, llvm::StringRef object, const ElfMachine &machine,
                                         const StaticLibraryNames &names, std::string &error) {
  TemporaryFile file;
  int fd = -1;
  if (std::error_code code = file.createBeside(names.archive, fd)) {
    error = failure("TN6001", "cannot write beside " + names.archive, code);
    return nullptr;
  }
  llvm::raw_fd_ostream os(fd, /*shouldClose=*/true);
  writeElfData(artifact, machine, names, os);
  os.close();
  std::error_code code = os.error();
  os.clear_error();
  auto data = llvm::MemoryBuffer::getFile(file.path(), /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (code || !data) {
    error = failure("TN6002", "writing beside " + names.archive + " failed", code ? code : data.getError());
    return nullptr;
  }
  std::string codeName = names.name + ".code.o", dataName = names.name + ".data.o";
  std::vector<llvm::NewArchiveMember> members;
  members.emplace_back(llvm::MemoryBufferRef(object, codeName));
  members.emplace_back(llvm::MemoryBufferRef((*data)->getBuffer(), dataName));
  auto archive = llvm::writeArchiveToBuffer(members, llvm::SymtabWritingMode::NormalSymtab,
                                            llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false);
  if (archive)
    return std::move(*archive);
  error = "[TN6003] the archive cannot be made: " + llvm::toString(archive.takeError());
  return nullptr;
}

} // namespace

std::optional<StaticLibraryNames> staticLibraryNames(llvm::StringRef archive) {
  llvm::StringRef stem = llvm::sys::path::filename(archive);
  if (!stem.consume_back(".a") || stem.empty())
    return std::nullopt;
  stem.consume_front("lib");
  StaticLibraryNames names{archive.str(), "", cIdentifier(stem)};
  llvm::SmallString<128> header(llvm::sys::path::parent_path(archive));
  llvm::sys::path::append(header, (stem.empty() ? "model" : stem) + ".h");
  names.header = header.str().str();
  if (names.name.empty() || llvm::isDigit(names.name.front()))
    names.name = "model" + (names.name.empty() ? "" : "_" + names.name);
  return names;
}

bool isOurHeader(llvm::StringRef path, llvm::StringRef modelHash) {
  constexpr uint64_t kStart = 4096;
  uint64_t size = 0;
  if (llvm::sys::fs::file_size(path, size))
    return false;
  auto start = llvm::MemoryBuffer::getFileSlice(path, std::min(kStart, size), 0);
  return start && (*start)->getBuffer().starts_with(kHeaderStart) &&
         (modelHash.empty() || (*start)->getBuffer().contains(hashLine(modelHash)));
}

bool writeStaticLibrary(const Artifact &artifact, llvm::StringRef object, const StaticLibraryNames &names,
                        std::string &error) {
  std::optional<ElfMachine> machine = readMachine(object);
  if (!machine || artifact.weightBytes > kMostWeights) {
    error = machine ? "[TN6003] a static library holds at most 1 GiB of weights, which linkers can place; these are " +
                          std::to_string(artifact.weightBytes) + " bytes: leave out --emit for an artifact"
                    : "[TN6003] " + artifact.target +
                          " makes no object files that a linker takes: leave out --emit for an artifact";
    return false;
  }
  // A header that somebody wrote by hand was not named, and is not replaced.
  if (llvm::sys::fs::exists(names.header) && llvm::sys::fs::is_regular_file(names.header) &&
      !isOurHeader(names.header)) {
    error = "[TN6004] " + names.header +
            ", which is written beside the archive, exists and is no header of a model; name another archive";
    return false;
  }
  if (!isFree(names.archive, error) || !isFree(names.header, error))
    return false;
  std::unique_ptr<llvm::MemoryBuffer> archive = pack(artifact, object, *machine, names, error);
  if (!archive)
    return false;
  OutputFile archiveFile, headerFile;
  const std::string *path = &names.archive;
  std::error_code code = archiveFile.open(names.archive);
  if (!code)
    code = headerFile.open(*(path = &names.header));
  if (code) {
    error = failure("TN6001", "cannot write beside " + *path, code);
    return false;
  }
  archiveFile.os() << archive->getBuffer();
  headerFile.os() << cHeader(artifact, names);
  code = archiveFile.commit();
  path = &names.archive;
  if (!code && (code = headerFile.commit())) {
    path = &names.header;
    llvm::sys::fs::remove(names.archive); // rather none than one of another model's header
  }
  if (code)
    error = failure("TN6002", "writing " + *path + " failed", code);
  return !code;
}

} // namespace tenon
