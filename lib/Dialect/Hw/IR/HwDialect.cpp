// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration, text and verifiers of the hw dialect. What a declaration may say is one
// list of rules (Device.h), which the reader of files and the verifiers here both keep.
#include "tenon/Dialect/Hw/IR/Hw.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tenon::hw {

/// `{f32 = 32, f64 = 16}`
static ParseResult parseNumbers(AsmParser &parser, SmallVector<Number> &numbers) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces, [&]() -> ParseResult {
    std::string name;
    int64_t number;
    if (parser.parseKeywordOrString(&name) || parser.parseEqual() || parser.parseInteger(number))
      return failure();
    numbers.emplace_back(StringAttr::get(parser.getContext(), name), number);
    return success();
  });
}

static void printNumbers(AsmPrinter &printer, ArrayRef<Number> numbers) {
  printer << '{';
  llvm::interleaveComma(numbers, printer.getStream(), [&](const Number &number) {
    printer.printKeywordOrString(number.first);
    printer << " = " << number.second;
  });
  printer << '}';
}

/// `["f32", "i8"]`
static ParseResult parseWords(AsmParser &parser, SmallVector<StringAttr> &words) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
    std::string word;
    if (parser.parseString(&word))
      return failure();
    words.push_back(StringAttr::get(parser.getContext(), word));
    return success();
  });
}

static void printWords(AsmPrinter &printer, ArrayRef<StringAttr> words) {
  printer << '[';
  llvm::interleaveComma(words, printer.getStream(), [&](StringAttr word) { printer.printString(word); });
  printer << ']';
}

/// `[<"l1", ...>, <"l2", ...>]`: attributes of one kind, without its name.
template <typename Attr>
static ParseResult parseAttributes(AsmParser &parser, SmallVector<Attr> &attributes) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
    FailureOr<Attr> attribute = FieldParser<Attr>::parse(parser);
    if (failed(attribute))
      return failure();
    attributes.push_back(*attribute);
    return success();
  });
}

template <typename Attr>
static void printAttributes(AsmPrinter &printer, ArrayRef<Attr> attributes) {
  printer << '[';
  llvm::interleaveComma(attributes, printer.getStream(),
                        [&](Attr attribute) { printer.printStrippedAttrOrType(attribute); });
  printer << ']';
}

} // namespace tenon::hw

#include "tenon/Dialect/Hw/IR/HwDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "tenon/Dialect/Hw/IR/HwAttrs.cpp.inc"

namespace tenon::hw {

namespace {
/// Writes `#chip` for a chip, and what it is once at the top of a file.
struct ChipAlias : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;
  AliasResult getAlias(Attribute attribute, raw_ostream &os) const override {
    if (!isa<DeviceAttr>(attribute))
      return AliasResult::NoAlias;
    os << "chip";
    return AliasResult::OverridableAlias;
  }
};
} // namespace

void HwDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tenon/Dialect/Hw/IR/HwAttrs.cpp.inc"
      >();
  addInterfaces<ChipAlias>();
}

namespace {

using EmitError = llvm::function_ref<InFlightDiagnostic()>;

LogicalResult checkName(EmitError emitError, StringRef key, StringRef name) {
  if (isName(name))
    return success();
  return emitError() << key << ": found '" << name << "', allowed are letters, digits, '_', '-' and '.'";
}

LogicalResult checkNumber(EmitError emitError, const Twine &key, int64_t number, Range range) {
  if (range.contains(number))
    return success();
  return emitError() << key << ": found " << number << ", allowed is " << range.text();
}

LogicalResult checkNumbers(EmitError emitError, StringRef key, ArrayRef<Number> numbers, Range range) {
  llvm::SmallPtrSet<Attribute, 8> names;
  for (auto [name, number] : numbers) {
    if (!names.insert(name).second)
      return emitError() << key << ": " << name << " is given twice";
    if (failed(checkNumber(emitError, key + "." + name.getValue(), number, range)))
      return failure();
  }
  return success();
}

LogicalResult checkKind(EmitError emitError, StringRef key, StringRef kind, ArrayRef<StringLiteral> kinds) {
  if (llvm::is_contained(kinds, kind))
    return success();
  return emitError() << key << ": found the kind '" << kind << "', allowed are " << llvm::join(kinds, ", ");
}

/// Of formats or rates: one entry a kind.
template <typename Attr>
LogicalResult checkKinds(EmitError emitError, StringRef key, ArrayRef<Attr> entries) {
  llvm::SmallVector<StringRef> kinds;
  for (Attr entry : entries) {
    if (llvm::is_contained(kinds, entry.getKind()))
      return emitError() << key << ": '" << entry.getKind() << "' is given twice";
    kinds.push_back(entry.getKind());
  }
  return success();
}

} // namespace

LogicalResult UnitAttr::verify(EmitError emitError, StringRef name, int64_t count, int64_t clockMHz,
                               ArrayRef<Number> opsPerCycle) {
  return success(succeeded(checkName(emitError, "unit", name)) &&
                 succeeded(checkNumber(emitError, "count", count, kSmallCounts)) &&
                 succeeded(checkNumber(emitError, "clock_mhz", clockMHz, kSmallCounts)) &&
                 succeeded(checkNumbers(emitError, "ops_per_cycle", opsPerCycle, kSpeeds)));
}

LogicalResult MemoryAttr::verify(EmitError emitError, StringRef name, int64_t bytes, int64_t mbPerS, int64_t latencyNs,
                                 int64_t alignment) {
  if (failed(checkName(emitError, "memory", name)) || failed(checkNumber(emitError, "bytes", bytes, kAmounts)) ||
      failed(checkNumber(emitError, "mb_per_s", mbPerS, kSpeeds)) ||
      failed(checkNumber(emitError, "latency_ns", latencyNs, kAmounts)) ||
      failed(checkNumber(emitError, "alignment", alignment, kSmallCounts)))
    return failure();
  if (!llvm::isPowerOf2_64(alignment))
    return emitError() << "alignment: found " << alignment << ", allowed is a power of two";
  return success();
}

LogicalResult LinkAttr::verify(EmitError emitError, StringRef from, StringRef to, int64_t mbPerS, int64_t latencyNs) {
  return success(succeeded(checkName(emitError, "from", from)) && succeeded(checkName(emitError, "to", to)) &&
                 succeeded(checkNumber(emitError, "mb_per_s", mbPerS, kSpeeds)) &&
                 succeeded(checkNumber(emitError, "latency_ns", latencyNs, kAmounts)));
}

LogicalResult FormatsAttr::verify(EmitError emitError, StringRef kind, ArrayRef<StringAttr>) {
  return checkKind(emitError, "formats", kind, operatorKinds());
}

LogicalResult RatesAttr::verify(EmitError emitError, StringRef kind, ArrayRef<Number> speeds) {
  return success(succeeded(checkKind(emitError, "rates", kind, workKinds())) &&
                 succeeded(checkNumbers(emitError, "rates", speeds, kSpeeds)));
}

LogicalResult DeviceAttr::verify(EmitError emitError, StringRef name, StringRef family, StringRef, StringRef,
                                 ArrayRef<StringAttr>, ArrayRef<UnitAttr>, ArrayRef<MemoryAttr> memories,
                                 ArrayRef<LinkAttr> links, ArrayRef<FormatsAttr> formats, ArrayRef<RatesAttr> rates,
                                 int64_t kernelLaunchNs, int64_t regionLaunchNs, ArrayRef<Number> limits) {
  if (failed(checkName(emitError, "name", name)) || failed(checkName(emitError, "family", family)) ||
      failed(checkKinds(emitError, "formats", formats)) || failed(checkKinds(emitError, "rates", rates)) ||
      failed(checkNumber(emitError, "kernel_launch_ns", kernelLaunchNs, kAmounts)) ||
      failed(checkNumber(emitError, "region_launch_ns", regionLaunchNs, kAmounts)) ||
      failed(checkNumbers(emitError, "limits", limits, kAmounts)))
    return failure();
  SmallVector<StringRef> names, ends;
  for (MemoryAttr memory : memories)
    names.push_back(memory.getName());
  for (LinkAttr link : links)
    ends.append({link.getFrom(), link.getTo()});
  std::vector<std::string> problems = contradictions(names, ends);
  return problems.empty() ? success() : LogicalResult(emitError() << llvm::join(problems, "; "));
}

} // namespace tenon::hw
