// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Links an object into a code image, in process, with lld's ELF driver. The
// image is position independent, read-only, and imports nothing.
#include "lld/Common/Driver.h"
#include "tenon/Support/Files.h"
#include "tenon/Target/CPU/Codegen.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace mlir;

namespace tenon::cpu {
namespace {

/// Hides the process's command-line options while it lives. lld starts by
/// resetting every option it finds registered, the caller's included; our links
/// pass it none, so it needs none.
class HiddenOptions {
public:
  HiddenOptions() {
    for (llvm::cl::SubCommand *command : llvm::cl::getRegisteredSubcommands())
      exchange(*command, hidden[command]);
  }
  ~HiddenOptions() {
    for (auto &[command, options] : hidden)
      exchange(*command, options);
  }
  HiddenOptions(const HiddenOptions &) = delete;
  HiddenOptions &operator=(const HiddenOptions &) = delete;

private:
  struct Options {
    SmallVector<llvm::cl::Option *, 4> positional, sink;
    DenseMap<StringRef, llvm::cl::Option *> named;
    llvm::cl::Option *consumeAfter = nullptr;
  };
  static void exchange(llvm::cl::SubCommand &command, Options &options) {
    std::swap(command.PositionalOpts, options.positional);
    std::swap(command.SinkOpts, options.sink);
    std::swap(command.OptionsMap, options.named);
    std::swap(command.ConsumeAfterOpt, options.consumeAfter);
  }

  DenseMap<llvm::cl::SubCommand *, Options> hidden;
};

LogicalResult writeObject(StringRef path, const Object &object, Location loc) {
  std::error_code code;
  llvm::raw_fd_ostream stream(path, code);
  stream << object.bytes;
  stream.close();
  if (code || (code = stream.error())) {
    stream.clear_error();
    return emitError(loc, "[TN6002] writing a temporary file for linking failed: ") << code.message();
  }
  return success();
}

LogicalResult runLinker(const std::string &objectPath, const std::string &imagePath, Location loc) {
  std::string log;
  llvm::raw_string_ostream os(log);
  const char *arguments[] = {"ld.lld", "-shared", "-Bsymbolic", "--no-undefined", "-z", "norelro", "-z", "rodynamic",
                             "-z", "noexecstack", "--hash-style=sysv", "--build-id=none", "-z", "max-page-size=4096",
                             "--gc-sections", "--strip-debug",
                             // Where no thread can be started, lld would end the process. Its output goes
                             // straight to the file, not through another one that a signal would leave behind.
                             "--threads=1", "--no-mmap-output-file", "-o", imagePath.c_str(), objectPath.c_str()};
  static std::mutex mutex; // lld keeps global state
  std::lock_guard<std::mutex> lock(mutex);
  HiddenOptions hidden;
  lld::Result result = lld::lldMain(arguments, os, os, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode == 0)
    return success();
  // What lld says of its output file is about the disk.
  return emitError(loc, StringRef(log).contains(imagePath) ? "[TN6002] writing a temporary file for linking failed: "
                                                           : "[TN5021] linking the code image failed: ")
         << llvm::join(llvm::split(StringRef(log).trim(), '\n'), "; ");
}

/// Finds the entry points among the symbols of the linked image.
LogicalResult readEntryPoints(llvm::MemoryBufferRef linked, ModuleCode &image, Location loc) {
  auto elf = llvm::object::ObjectFile::createELFObjectFile(linked);
  if (!elf)
    return emitError(loc, "[TN5023] the linked image is not ELF: ") << llvm::toString(elf.takeError());
  auto *base = llvm::cast<llvm::object::ELFObjectFileBase>(elf->get());
  for (const llvm::object::ELFSymbolRef &symbol : base->getDynamicSymbolIterators()) {
    auto name = symbol.getName();
    auto address = symbol.getAddress();
    if (!name || !address) {
      llvm::consumeError(name.takeError());
      llvm::consumeError(address.takeError());
      continue;
    }
    if (*name == "tenon_main")
      image.mainAddress = *address;
    else if (*name == "tenon_arena_size")
      image.arenaSizeAddress = *address;
    else if (*name == "tenon_output_dims")
      image.outputDimsAddress = *address;
    else if (*name == "tenon_derive")
      image.deriveAddress = *address;
    else if (*name == "tenon_space_sizes") // of a program with other devices
      image.spaceSizesAddress = *address;
  }
  if (!image.mainAddress || !image.arenaSizeAddress || !image.outputDimsAddress || !image.deriveAddress)
    return emitError(loc, "[TN5023] the linked image lacks an entry point");
  return success();
}

} // namespace

FailureOr<ModuleCode> linkImage(const Object &object, Location loc) {
  TemporaryFile objectFile, imageFile;
  std::error_code code = objectFile.create("tenon", ".o");
  if (!code)
    code = imageFile.create("tenon", ".so");
  if (code)
    return emitError(loc, "[TN5020] cannot create a temporary file for linking (TMPDIR says where): ")
           << code.message();
  std::string objectPath = objectFile.path().str(), imagePath = imageFile.path().str();
  if (failed(writeObject(objectPath, object, loc)) || failed(runLinker(objectPath, imagePath, loc)))
    return failure();
  auto file = llvm::MemoryBuffer::getFile(imagePath);
  if (!file)
    return emitError(loc, "[TN5022] cannot read the linked image: ") << file.getError().message();
  ModuleCode image;
  image.stackBytes = object.stackBytes;
  image.image = (*file)->getBuffer().str();
  if (failed(readEntryPoints((*file)->getMemBufferRef(), image, loc)))
    return failure();
  return image;
}

} // namespace tenon::cpu
