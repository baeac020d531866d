// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files as the compiler reads and writes them. What it reads are regular files,
// never something that waits or answers. What it writes is there whole or not at
// all, also after an interruption or a power failure, and replaces nothing that
// it was made from.
#ifndef TENON_SUPPORT_FILES_H
#define TENON_SUPPORT_FILES_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <string>
#include <vector>

namespace tenon {

/// The contents of a regular file, mapped where it is large. Null with `error`
/// saying why: "is a pipe, not a regular file", "cannot be opened: ...".
std::unique_ptr<llvm::MemoryBuffer> openInput(llvm::StringRef path, std::string &error, bool terminated = false);

/// Files that something is made from, whatever their spelling.
class InputFiles {
public:
  /// `what` says what the file is, as in "the model".
  void add(const llvm::Twine &path, llvm::StringRef what);
  /// The same of a file that need not be there yet: by its name in its folder.
  void addOutput(const llvm::Twine &path, llvm::StringRef what);
  /// What the file is that an output would replace; empty for none.
  llvm::StringRef find(const llvm::Twine &output) const;

private:
  std::vector<std::pair<std::string, std::string>> names; ///< with the folder's real path
  std::vector<std::pair<llvm::sys::fs::UniqueID, std::string>> files;
};

/// A file that exists from its creation to the end of its owner's life. It is
/// also removed by removeTemporaryFiles.
class TemporaryFile {
public:
  TemporaryFile() = default;
  ~TemporaryFile() { remove(); }
  TemporaryFile(const TemporaryFile &) = delete;

  /// Creates an empty file in the folder for such files (TMPDIR).
  std::error_code create(llvm::StringRef stem, llvm::StringRef suffix);
  /// Creates it beside `path`; `fd` is open for writing.
  std::error_code createBeside(llvm::StringRef path, int &fd);
  llvm::StringRef path() const { return name; }
  /// Gives it another name, under which it stays.
  std::error_code keepAs(llvm::StringRef path);
  void remove();

private:
  std::error_code createNew(llvm::StringRef stem, llvm::StringRef suffix, unsigned mode, int &fd);

  llvm::SmallString<128> name;
  int slot = -1; ///< in the list of those to remove
};

/// Removes all temporary files that exist: what a process does whose end has been
/// asked for. Safe in a signal handler.
void removeTemporaryFiles();
/// Has the process do so when a signal ends it (SIGINT, SIGTERM, SIGHUP and such;
/// not those that it was started to ignore). For programs, not for libraries; once
/// more after somebody else has installed handlers.
void removeTemporaryFilesOnSignals();

/// Writes a file that takes its name when it is complete.
class OutputFile {
public:
  ~OutputFile();
  std::error_code open(llvm::StringRef path);
  llvm::raw_fd_ostream &os() { return *stream; }
  /// Makes the bytes durable, then the name. After an error nothing is left.
  std::error_code commit();

private:
  TemporaryFile temporary;
  std::string path;
  int fd = -1;
  std::unique_ptr<llvm::raw_fd_ostream> stream;
};

/// For the first line of a program: where standard input, output or error is
/// closed, the next file that is opened would take its place, and text would be
/// written into that file. Such a place is taken by /dev/null.
void openStandardStreams();

} // namespace tenon

#endif // TENON_SUPPORT_FILES_H
