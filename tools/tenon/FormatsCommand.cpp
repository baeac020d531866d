// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tenon formats`: the declarations of formats and what follows from them, without a model. Numbers are
// printed with 6 digits, or with 17 where 6 do not give the exact value back.
#include "Commands.h"
#include "Table.h"

#include "tenon/Numerics/FormatRegistry.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace tenon::numerics;

namespace tenon::driver {

namespace {

class FormatsCommand : public Command {
public:
  FormatsCommand() : Command("formats", "List the number formats, or describe one", "[NAME]", 1) {}
  Exit run() override;

private:
  llvm::json::Object describe(const Format &format, const Format *named) const;
  void list(const FormatRegistry &formats) const;
  void print(const Format &format, const Format *named) const;

  Value<int> bias{*this, {"bias"}, "N", "Bias of a format that leaves it to each tensor (cFP8...)"};
  Switch table{*this, {"table"}, "Print every code of NAME and its exact value"};
  List formatFiles{*this, {"format-file"}, "FILE.yaml", "Declaration of a number format to load"};
  Switch json{*this, {"json"}, "Print as JSON"};
};

/// 17 digits tell all doubles apart; fewer where fewer do.
std::string number(double value) {
  for (int digits = 6;; digits += 11) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%.*g", digits, value);
    if (digits > 6 || std::strtod(text.c_str(), nullptr) == value || std::isnan(value))
      return text;
  }
}

llvm::json::Value exact(double value) {
  return std::isfinite(value) ? llvm::json::Value(value) : llvm::json::Value(number(value));
}

std::string range(const Format &format) {
  if (format.isElement())
    return number(format.lowest()) + " to " + number(format.largest());
  if (format.needsBias())
    return llvm::formatv("bias {0} to {1}", format.declaration().real.minBias, format.declaration().real.maxBias);
  if (format.kind() == FormatKind::Family)
    return "one of " + llvm::join(format.declaration().members, ", ");
  const BlockFields &block = format.declaration().block;
  return llvm::formatv("{0} x {1}, scale {2}", block.size, block.element, block.scale);
}

std::string special(const Format &format) {
  if (!format.isFloat())
    return "";
  std::string text = format.hasInfinity() ? "inf, nan" : format.hasNan() ? "nan" : "";
  return format.declaration().real.zero ? text : text + (text.empty() ? "" : ", ") + "no zero";
}

llvm::json::Object FormatsCommand::describe(const Format &format, const Format *named) const {
  const Declaration &d = named->declaration();
  llvm::json::Object aliases,
      object{{"name", d.name}, {"summary", d.summary}, {"kind", kindName(d.kind)}, {"declaration", format.text()}};
  for (auto &[who, alias] : d.aliases)
    aliases[who] = alias;
  object["aliases"] = std::move(aliases);
  if (!d.mlir.empty())
    object["mlir"] = d.mlir;
  if (d.onnxCode)
    object["onnx"] = llvm::json::Object{{"name", d.onnx}, {"code", d.onnxCode}};
  if (d.kind < FormatKind::Block)
    object["width"] = format.width();
  if (!format.isElement())
    return object;
  object["lowest"] = format.lowest();
  object["largest"] = format.largest();
  object["smallest_positive"] = format.smallestPositive();
  object["smallest_normal"] = format.smallestNormal();
  object["epsilon"] = format.epsilon();
  object["infinity"] = format.hasInfinity();
  object["nan"] = format.hasNan();
  if (table) {
    llvm::json::Array values;
    for (double value : format.values())
      values.push_back(exact(value));
    object["values"] = std::move(values);
  }
  return object;
}

void FormatsCommand::list(const FormatRegistry &formats) const {
  Table rows({"format", "kind", "bits", "range", "smallest", "epsilon", "special", "summary"});
  llvm::json::Array array;
  for (const std::unique_ptr<Format> &format : formats.formats()) {
    array.push_back(describe(*format, format.get()));
    bool single = format->isElement();
    rows.add({format->name().str(), kindName(format->kind()).str(),
              format->width() ? std::to_string(format->width()) : "", range(*format),
              single && format->isFloat() ? number(format->smallestPositive()) : "",
              format->isFloat() ? number(format->epsilon()) : "", special(*format), format->declaration().summary});
  }
  if (json)
    llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(std::move(array))) << "\n";
  else
    rows.print(llvm::outs());
}

void FormatsCommand::print(const Format &format, const Format *named) const {
  llvm::raw_ostream &os = llvm::outs();
  const Declaration &d = named->declaration();
  os << d.name << ": " << d.summary << "\ndeclaration  " << format.text() << "\n";
  os << "type         "
     << (d.mlir.empty() ? format.isElement() ? "!num.format<\"" + d.name + "\">" : "none of its own" : d.mlir) << "\n";
  if (d.onnxCode)
    os << "ONNX         " << d.onnx << " (" << d.onnxCode << ")\n";
  for (auto &[who, alias] : d.aliases)
    os << "alias        " << alias << " (" << who << ")\n";
  os << "range        " << range(format) << "\n";
  if (format.isElement() && format.isFloat())
    os << "smallest     " << number(format.smallestPositive()) << ", normal from " << number(format.smallestNormal())
       << "\nepsilon      " << number(format.epsilon()) << "\nspecial      "
       << (special(format).empty() ? "none" : special(format)) << "\n";
  if (!table)
    return;
  Table rows({"code", "bits", "value"});
  for (auto [code, value] : llvm::enumerate(format.values())) {
    std::string bits;
    for (unsigned i = format.width(); i-- > 0;)
      bits += char('0' + (code >> i & 1));
    rows.add({llvm::formatv("{0:x}", code), bits, number(value)});
  }
  rows.print(os);
}

Exit FormatsCommand::run() {
  llvm::StringRef name = argument();
  FormatRegistry formats;
  for (const std::string &file : formatFiles.values)
    if (llvm::Expected<const Format *> loaded = formats.load(file); !loaded)
      return complain(toString(loaded.takeError()));
  if (name.empty()) {
    for (const Flag *flag : {(const Flag *)&table, (const Flag *)&bias})
      if (flag->given())
        return refuse(*flag, "without the name of a format");
    list(formats);
    return kOk;
  }
  const Format *format = formats.find(name);
  if (!format)
    return complain("[TN4102] unknown number format '" + name + "'; known are " + formats.names() +
                    "; --format-file loads others");
  std::unique_ptr<Format> bound;
  if (bias.given()) {
    if (!format->needsBias())
      return refuse(bias, "for a format whose bias is fixed");
    bound = format->withBias(bias.value);
    if (!bound)
      return complain("[TN4101] --bias=" + llvm::Twine(bias.value) + ": expected " + range(*format));
  }
  const Format &shown = bound ? *bound : *format;
  if (table && (!shown.isElement() || shown.width() > 16))
    return complain("[TN8001] --table: '" + name + "' has no table: " +
                    (shown.needsBias()   ? "give --bias"
                     : shown.isElement() ? "its codes have more than 16 bits"
                                         : "it is no format of single values"));
  if (json)
    llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(describe(shown, format))) << "\n";
  else
    print(shown, format);
  return kOk;
}

} // namespace

std::unique_ptr<Command> makeFormats() { return std::make_unique<FormatsCommand>(); }

} // namespace tenon::driver
