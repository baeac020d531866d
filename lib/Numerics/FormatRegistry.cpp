// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shipped formats are parsed from their YAML text as loaded ones are, so that both keep the same rules. What a
// declaration says of other formats (a block of its parts, a family of its members) is checked here, where
// these are known: they have to be added before it.
#include "tenon/Numerics/FormatRegistry.h"

#include "tenon/Support/Files.h"
#include "llvm/Support/ErrorHandling.h"

namespace tenon::numerics {

namespace {
struct Embedded {
  const char *file, *text;
};
const Embedded kShipped[] = {
#include "tenon/Numerics/ShippedFormats.inc"
};

llvm::Error refuse(const char *code, const llvm::Twine &text) {
  return llvm::createStringError("[" + llvm::Twine(code) + "] " + text);
}
} // namespace

FormatRegistry::FormatRegistry() {
  for (const Embedded &file : kShipped) {
    llvm::Expected<std::unique_ptr<Format>> format = Format::parse(file.text, file.file);
    if (!format)
      llvm::report_fatal_error(format.takeError()); // a test parses all of them
    if (llvm::Expected<const Format *> added = add(std::move(*format)); !added)
      llvm::report_fatal_error(added.takeError());
  }
}

const Format *FormatRegistry::find(llvm::StringRef name) const { return byName.lookup(name); }

const Format *FormatRegistry::findMlir(llvm::StringRef type) const {
  for (const std::unique_ptr<Format> &format : list)
    if (format->declaration().mlir == type)
      return format.get();
  return nullptr;
}

const Format *FormatRegistry::findOnnx(int code) const {
  for (const std::unique_ptr<Format> &format : list)
    if (code && format->declaration().onnxCode == code)
      return format.get();
  return nullptr;
}

std::string FormatRegistry::names() const {
  std::string text;
  for (const std::unique_ptr<Format> &format : list)
    text += (text.empty() ? "" : ", ") + format->name().str();
  return text;
}

llvm::Expected<const Format *> FormatRegistry::add(std::unique_ptr<Format> format) {
  const Declaration &d = format->declaration();
  if (const Format *known = find(d.name); known && known->text() == format->text())
    return known;
  std::vector<std::string> taken{d.name};
  for (auto &[who, alias] : d.aliases)
    taken.push_back(alias);
  for (const std::string &name : taken)
    if (const Format *other = find(name))
      return refuse("TN4103", "format '" + d.name + "': the name '" + name + "' belongs to format '" + other->name() +
                                  "', which differs; choose another name");
  std::vector<std::string> parts = d.members;
  if (format->kind() == FormatKind::Block)
    parts = {d.block.element, d.block.scale, d.block.globalScale.value_or(d.block.scale)};
  for (const std::string &part : parts) {
    const Format *known = find(part);
    if (!known)
      return refuse("TN4102", "format '" + d.name + "': unknown format '" + part + "'; known are " + names());
    if (format->kind() == FormatKind::Block && !known->isElement())
      return refuse("TN4101", "format '" + d.name + "': rule F10: '" + part + "' is no format of single values");
    if (known->kind() == FormatKind::Family)
      return refuse("TN4101", "format '" + d.name + "': rule F13: '" + part + "' is a family itself");
  }
  if (format->kind() == FormatKind::Block && !find(d.block.scale)->isFloat())
    return refuse("TN4101",
                  "format '" + d.name + "': rule F10: scale = " + d.block.scale + "; expected a float format");
  for (const std::string &name : taken)
    byName[name] = format.get();
  list.push_back(std::move(format));
  return list.back().get();
}

llvm::Expected<const Format *> FormatRegistry::load(llvm::StringRef path) {
  std::string why;
  std::unique_ptr<llvm::MemoryBuffer> file = openInput(path, why);
  if (!file)
    return refuse("TN4104", path + ": " + why);
  llvm::Expected<std::unique_ptr<Format>> format = Format::parse(file->getBuffer(), path);
  if (!format)
    return format.takeError();
  return add(std::move(*format));
}

} // namespace tenon::numerics
