// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors whose bytes lie in other files of the model's folder. A model is
// data from elsewhere: it may name files below its own folder and nothing else.
#include "Problems.h"
#include "Source.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace tenon::onnxfe;
namespace path = llvm::sys::path;
namespace fs = llvm::sys::fs;

SharedBuffer Source::openExternal(const std::string &location, const std::string &place, Problems &problems) {
  auto known = files.find(location);
  if (known != files.end())
    return known->second;
  auto refuse = [&](const llvm::Twine &why) -> SharedBuffer {
    problems.error(ExternalRefused, place,
                   "external data '" + location + "' " + why + "; external data must lie in the model's own folder");
    return nullptr;
  };
  if (folder.empty())
    return refuse("belongs to a model without a folder");
  if (location.empty() || location.find('\0') != std::string::npos)
    return refuse("is not a file name");
  if (path::is_absolute(location))
    return refuse("is an absolute path");
  for (llvm::StringRef part : llvm::make_range(path::begin(location), path::end(location)))
    if (part == "..")
      return refuse("leaves the folder with '..'");

  llvm::SmallString<256> file(folder), realFile, realFolder;
  path::append(file, location);
  if (fs::real_path(folder, realFolder) || fs::real_path(file, realFile)) {
    problems.error(ExternalMissing, place, "external data file '" + location + "' does not exist beside the model");
    return nullptr;
  }
  // real_path has followed every symbolic link.
  realFolder += path::get_separator();
  if (!llvm::StringRef(realFile).starts_with(realFolder))
    return refuse("is a link out of the folder");
  if (!fs::is_regular_file(realFile))
    return refuse("is not a regular file");
  std::string why;
  SharedBuffer mapped = openInput(realFile, why);
  if (!mapped) {
    problems.error(ExternalMissing, place, "external data file '" + location + "' " + why);
    return nullptr;
  }
  if (inputs)
    inputs->add(realFile, "external data of the model");
  return files[location] = std::move(mapped);
}

bool Source::externalPayload(const onnx::TensorProto &tensor, const std::string &place, Problems &problems,
                             Payload &payload) {
  std::string location;
  uint64_t offset = 0, length = 0;
  bool hasLength = false;
  for (const onnx::StringStringEntryProto &entry : tensor.external_data()) {
    llvm::StringRef text = entry.value();
    bool number = true;
    if (entry.key() == "location")
      location = entry.value();
    else if (entry.key() == "offset")
      number = !text.getAsInteger(10, offset);
    else if (entry.key() == "length")
      number = hasLength = !text.getAsInteger(10, length);
    if (!number) {
      problems.error(ExternalRange, place, "external data has " + entry.key() + " '" + text + "', expected a number");
      return false;
    }
  }
  SharedBuffer file = openExternal(location, place, problems);
  if (!file)
    return false;
  uint64_t size = file->getBufferSize();
  if (offset > size || (hasLength && length > size - offset)) {
    problems.error(ExternalRange, place,
                   "external data '" + location + "' is asked for bytes " + llvm::Twine(offset) + " to " +
                       (hasLength ? llvm::Twine(offset) + "+" + llvm::Twine(length) : llvm::Twine("its end")) +
                       " but has " + llvm::Twine(size));
    return false;
  }
  payload = {llvm::ArrayRef<char>(file->getBufferStart() + offset, hasLength ? length : size - offset), file};
  return true;
}
