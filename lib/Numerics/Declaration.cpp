// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declarations as YAML, and the numbered rules that a declaration must keep
// (docs/Rationale/number-formats.md lists them).
#include "tenon/Numerics/Format.h"

#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLTraits.h"
#include <cmath>

using namespace tenon::numerics;

namespace {

/// `bias: 7` or `bias: per_tensor`.
struct Bias {
  std::optional<int> fixed;
};

struct Aliases {
  std::vector<std::pair<std::string, std::string>> list;
};

} // namespace

namespace llvm::yaml {

template <>
struct ScalarEnumerationTraits<FormatKind> {
  static void enumeration(IO &io, FormatKind &kind) {
    io.enumCase(kind, "float", FormatKind::Float);
    io.enumCase(kind, "integer", FormatKind::Integer);
    io.enumCase(kind, "codebook", FormatKind::Codebook);
    io.enumCase(kind, "block", FormatKind::Block);
    io.enumCase(kind, "family", FormatKind::Family);
  }
};
template <>
struct ScalarEnumerationTraits<NanEncoding> {
  static void enumeration(IO &io, NanEncoding &nan) {
    io.enumCase(nan, "none", NanEncoding::None);
    io.enumCase(nan, "ieee", NanEncoding::Ieee);
    io.enumCase(nan, "all_ones", NanEncoding::AllOnes);
    io.enumCase(nan, "negative_zero", NanEncoding::NegativeZero);
  }
};
template <>
struct ScalarEnumerationTraits<Overflow> {
  static void enumeration(IO &io, Overflow &overflow) {
    io.enumCase(overflow, "saturate", Overflow::Saturate);
    io.enumCase(overflow, "nonfinite", Overflow::NonFinite);
  }
};
template <>
struct ScalarEnumerationTraits<Rounding> {
  static void enumeration(IO &io, Rounding &rounding) {
    for (int i = 0; i <= int(Rounding::Stochastic); ++i)
      io.enumCase(rounding, roundingName(Rounding(i)).data(), Rounding(i));
  }
};
template <>
struct ScalarEnumerationTraits<ScaleRule> {
  static void enumeration(IO &io, ScaleRule &rule) {
    io.enumCase(rule, "max", ScaleRule::Max);
    io.enumCase(rule, "power_of_two", ScaleRule::PowerOfTwo);
  }
};
template <>
struct ScalarTraits<Bias> {
  static void output(const Bias &bias, void *, raw_ostream &os) {
    if (bias.fixed)
      os << *bias.fixed;
    else
      os << "per_tensor";
  }
  static StringRef input(StringRef text, void *, Bias &bias) {
    int value;
    if (text == "per_tensor")
      bias.fixed = std::nullopt;
    else if (!text.getAsInteger(10, value))
      bias.fixed = value;
    else
      return "expected an integer or per_tensor";
    return "";
  }
  static QuotingType mustQuote(StringRef) { return QuotingType::None; }
};
template <>
struct CustomMappingTraits<Aliases> {
  static void inputOne(IO &io, StringRef key, Aliases &aliases) {
    std::string value;
    io.mapRequired(key.str().c_str(), value);
    aliases.list.emplace_back(key, value);
  }
  static void output(IO &io, Aliases &aliases) {
    for (auto &[key, value] : aliases.list)
      io.mapRequired(key.c_str(), value);
  }
};

template <>
struct MappingTraits<Declaration> {
  static void mapFloat(IO &io, FloatFields &f) {
    io.mapOptional("sign", f.sign, true);
    io.mapRequired("exponent", f.exponent);
    io.mapRequired("mantissa", f.mantissa);
    Bias bias{f.bias};
    io.mapRequired("bias", bias);
    f.bias = bias.fixed;
    std::vector<int> range{f.minBias, f.maxBias};
    if (!bias.fixed) {
      io.mapRequired("bias_range", range);
      if (range.size() != 2)
        return io.setError("bias_range: expected [least, greatest]");
      f.minBias = range[0], f.maxBias = range[1];
    }
    io.mapOptional("infinity", f.infinity, false);
    io.mapOptional("nan", f.nan, NanEncoding::None);
    io.mapOptional("subnormals", f.subnormals, true);
    io.mapOptional("zero", f.zero, true);
    io.mapOptional("signed_zero", f.signedZero, f.sign && f.zero);
  }
  static void mapping(IO &io, Declaration &d) {
    io.mapRequired("name", d.name);
    io.mapOptional("summary", d.summary);
    io.mapRequired("kind", d.kind);
    switch (d.kind) {
    case FormatKind::Float: mapFloat(io, d.real); break;
    case FormatKind::Integer:
      io.mapRequired("width", d.integer.width);
      io.mapOptional("signed", d.integer.isSigned, true);
      io.mapOptional("narrow_range", d.integer.narrow, false);
      io.mapOptional("zero_point", d.integer.zeroPoint, true);
      break;
    case FormatKind::Codebook: io.mapRequired("values", d.values); break;
    case FormatKind::Block:
      io.mapRequired("element", d.block.element);
      io.mapRequired("block_size", d.block.size);
      io.mapOptional("axis", d.block.axis, int64_t(-1));
      io.mapRequired("scale", d.block.scale);
      io.mapOptional("global_scale", d.block.globalScale);
      io.mapOptional("scale_rule", d.block.rule, ScaleRule::Max);
      break;
    case FormatKind::Family: io.mapRequired("members", d.members); break;
    }
    if (d.kind < FormatKind::Block) {
      io.mapOptional("rounding", d.rounding, Rounding::NearestEven);
      io.mapOptional("overflow", d.overflow, Overflow::Saturate);
      io.mapOptional("storage_bits", d.storage.bits, 0u);
      io.mapOptional("low_first", d.storage.lowFirst, true);
      io.mapOptional("alignment", d.storage.alignment, 1u);
      io.mapOptional("mlir", d.mlir, std::string());
      io.mapOptional("onnx", d.onnx, std::string());
      io.mapOptional("onnx_code", d.onnxCode, 0);
    }
    Aliases aliases{d.aliases};
    io.mapOptional("aliases", aliases);
    d.aliases = aliases.list;
  }
};

} // namespace llvm::yaml

namespace {

/// A float32 number, written so that it reads back as itself.
std::string number(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.9g", value);
  return text;
}

std::string checkFloat(const Declaration &d) {
  const FloatFields &f = d.real;
  if (f.exponent < 1 || f.exponent > 11 || f.mantissa > 52)
    return llvm::formatv("F2: exponent = {0}, mantissa = {1}; expected 1 to 11 and 0 to 52 bits", f.exponent,
                         f.mantissa);
  if (unsigned(f.sign) + f.exponent + f.mantissa < 2)
    return "F2: the format has one bit; expected two or more";
  if (!f.bias && f.minBias > f.maxBias)
    return llvm::formatv("F3: bias_range = [{0}, {1}] is empty", f.minBias, f.maxBias);
  if (f.infinity != (f.nan == NanEncoding::Ieee))
    return "F4: infinity and `nan: ieee` come together: they share the exponent of all ones";
  if (f.nan == NanEncoding::Ieee && f.mantissa == 0)
    return "F4: `nan: ieee` needs a mantissa to tell NaN from infinity";
  if (f.nan == NanEncoding::NegativeZero && (!f.sign || f.signedZero))
    return "F5: `nan: negative_zero` needs a sign and `signed_zero: false`";
  if (f.signedZero && (!f.sign || !f.zero))
    return "F5: a signed zero needs a sign and a zero";
  if (f.subnormals && (f.mantissa == 0 || !f.zero))
    return "F6: subnormal values need a mantissa and a zero; say `subnormals: false`";
  return "";
}

std::string checkRange(const Format &format) {
  const FloatFields &f = format.declaration().real;
  if (f.exponent == 11 && f.mantissa == 52)
    return ""; // float64 itself
  // A scale's smallest power of two may be the one below float32's normal values.
  int lowest = f.zero || f.mantissa ? -126 : -127;
  if (format.minExponent() >= lowest && format.largest() <= 0x1.fffffep127 && f.mantissa <= 23)
    return "";
  return llvm::formatv("F7: bias = {0} gives normal values from {1} to {2}; all of them must be normal float32 numbers",
                       *f.bias, number(format.smallestNormal()), number(format.largest()));
}

std::string checkDeclaration(const Declaration &d) {
  bool named = !d.name.empty() && llvm::isAlpha(d.name[0]) &&
               llvm::all_of(d.name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  if (!named)
    return llvm::formatv("F1: name = '{0}'; expected a letter, then letters, digits and _", d.name);
  switch (d.kind) {
  case FormatKind::Float:
    if (std::string problem = checkFloat(d); !problem.empty())
      return problem;
    break;
  case FormatKind::Integer:
    if (d.integer.width < 1 || d.integer.width > 64)
      return llvm::formatv("F8: width = {0}; expected 1 to 64 bits", d.integer.width);
    if (d.integer.narrow && !d.integer.isSigned)
      return "F8: `narrow_range` leaves out the most negative value, which an unsigned format lacks";
    break;
  case FormatKind::Codebook:
    if (d.values.size() < 2 || d.values.size() > 256)
      return llvm::formatv("F9: {0} values; expected 2 to 256", d.values.size());
    for (auto [i, value] : llvm::enumerate(d.values))
      if (!std::isfinite(value) || (i && value <= d.values[i - 1]))
        return llvm::formatv(
            "F9: values[{0}] = {1}; expected finite numbers, each a larger float32 than the one before", i,
            number(value));
    break;
  case FormatKind::Block:
    if (d.block.size < 1)
      return llvm::formatv("F10: block_size = {0}; expected 1 or more", d.block.size);
    break;
  case FormatKind::Family:
    if (d.members.empty())
      return "F13: `members` is empty; expected names of formats";
    break;
  }
  if (d.rounding != Rounding::NearestEven && d.kind == FormatKind::Codebook)
    return "F11: a codebook rounds to the nearest value";
  if (d.storage.alignment == 0 || (d.storage.alignment & (d.storage.alignment - 1)))
    return llvm::formatv("F12: alignment = {0}; expected a power of two", d.storage.alignment);
  return "";
}

llvm::Error refuse(const llvm::Twine &text) { return llvm::createStringError("[TN4101] " + text); }

} // namespace

llvm::Expected<std::unique_ptr<Format>> Format::create(Declaration declaration) {
  for (double &value : declaration.values) // written in decimals, meant as float32
    value = float(value);
  if (std::string problem = checkDeclaration(declaration); !problem.empty())
    return refuse("format '" + declaration.name + "': rule " + problem);
  std::unique_ptr<Format> format(new Format(std::move(declaration)));
  Declaration &d = format->decl;
  if (d.storage.bits && d.storage.bits < format->width())
    return refuse(
        "format '" + d.name +
        llvm::formatv("': rule F12: storage_bits = {0} for codes of {1} bits", d.storage.bits, format->width()));
  if (d.kind != FormatKind::Float)
    return format;
  std::vector<int> biases =
      d.real.bias ? std::vector<int>{*d.real.bias} : std::vector<int>{d.real.minBias, d.real.maxBias};
  for (int bias : biases) {
    Declaration bound = d;
    bound.real.bias = bias;
    if (std::string problem = checkRange(Format(std::move(bound))); !problem.empty())
      return refuse("format '" + d.name + "': rule " + problem);
  }
  return format;
}

llvm::Expected<std::unique_ptr<Format>> Format::parse(llvm::StringRef yaml, llvm::StringRef source) {
  std::string problem;
  auto collect = [](const llvm::SMDiagnostic &diagnostic, void *out) {
    std::string &text = *static_cast<std::string *>(out);
    if (text.empty())
      text =
          llvm::formatv(":{0}:{1}: {2}", diagnostic.getLineNo(), diagnostic.getColumnNo() + 1, diagnostic.getMessage());
  };
  llvm::yaml::Input input(yaml, nullptr, collect, &problem);
  Declaration declaration;
  input >> declaration;
  if (input.error() || !problem.empty())
    return refuse(source + (problem.empty() ? ": no declaration; expected a YAML mapping" : problem));
  llvm::Expected<std::unique_ptr<Format>> format = create(std::move(declaration));
  if (!format)
    return refuse(source + ": " + llvm::StringRef(toString(format.takeError())).drop_front(sizeof("[TN4101]")));
  return format;
}

namespace {

/// A declaration in one line, without what is the default.
class DeclarationPrinter {
public:
  explicit DeclarationPrinter(const Declaration &declaration) : decl(declaration) {}

  std::string print() {
    out = llvm::formatv("{{name: {0}, kind: {1}", decl.name, kindName(decl.kind));
    switch (decl.kind) {
    case FormatKind::Float: addFloat(decl.real); break;
    case FormatKind::Integer: addInteger(decl.integer); break;
    case FormatKind::Codebook: addList("values", llvm::map_to_vector(decl.values, number)); break;
    case FormatKind::Block: addBlock(decl.block); break;
    case FormatKind::Family: addList("members", decl.members); break;
    }
    if (decl.rounding != Rounding::NearestEven)
      add("rounding", roundingName(decl.rounding));
    if (decl.overflow != Overflow::Saturate)
      add("overflow", "nonfinite");
    if (decl.storage.bits)
      add("storage_bits", decl.storage.bits);
    addFlag("low_first", decl.storage.lowFirst, true);
    if (decl.storage.alignment != 1)
      add("alignment", decl.storage.alignment);
    return out + "}";
  }

private:
  template <typename Value>
  void add(llvm::StringRef key, const Value &value) {
    out += llvm::formatv(", {0}: {1}", key, value);
  }
  void addFlag(llvm::StringRef key, bool value, bool otherwise) {
    if (value != otherwise)
      add(key, value ? "true" : "false");
  }
  void addList(llvm::StringRef key, llvm::ArrayRef<std::string> values) {
    add(key, "[" + llvm::join(values, ", ") + "]");
  }

  void addFloat(const FloatFields &f) {
    static constexpr const char *nans[] = {"none", "ieee", "all_ones", "negative_zero"};
    addFlag("sign", f.sign, true);
    add("exponent", f.exponent);
    add("mantissa", f.mantissa);
    if (f.bias)
      add("bias", *f.bias);
    else
      out += llvm::formatv(", bias: per_tensor, bias_range: [{0}, {1}]", f.minBias, f.maxBias);
    addFlag("infinity", f.infinity, false);
    if (f.nan != NanEncoding::None)
      add("nan", nans[int(f.nan)]);
    addFlag("subnormals", f.subnormals, true);
    addFlag("zero", f.zero, true);
    addFlag("signed_zero", f.signedZero, f.sign && f.zero);
  }
  void addInteger(const IntegerFields &f) {
    add("width", f.width);
    addFlag("signed", f.isSigned, true);
    addFlag("narrow_range", f.narrow, false);
    addFlag("zero_point", f.zeroPoint, true);
  }
  void addBlock(const BlockFields &f) {
    add("element", f.element);
    add("block_size", f.size);
    if (f.axis != -1)
      add("axis", f.axis);
    add("scale", f.scale);
    if (f.globalScale)
      add("global_scale", *f.globalScale);
    if (f.rule == ScaleRule::PowerOfTwo)
      add("scale_rule", "power_of_two");
  }

  const Declaration &decl;
  std::string out;
};

} // namespace

std::string Format::text() const { return DeclarationPrinter(decl).print(); }
