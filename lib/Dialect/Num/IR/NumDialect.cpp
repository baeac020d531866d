// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the num dialect, its type, and the way from types to formats.
#include "tenon/Dialect/Num/IR/Num.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::num;

#include "tenon/Dialect/Num/IR/NumDialect.cpp.inc"
#include "tenon/Dialect/Num/IR/NumEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "tenon/Dialect/Num/IR/NumTypes.cpp.inc"

namespace {
/// Writes `!f8E6M1` for a type and its declaration once at the top of a file.
struct FormatAlias : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;
  AliasResult getAlias(Type type, raw_ostream &os) const override {
    auto format = dyn_cast<FormatType>(type);
    if (!format)
      return AliasResult::NoAlias;
    os << format.getFormat().name();
    return AliasResult::OverridableAlias;
  }
};
} // namespace

void NumDialect::initialize() {
  formats = std::make_unique<numerics::FormatRegistry>();
  addTypes<
#define GET_TYPEDEF_LIST
#include "tenon/Dialect/Num/IR/NumTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Num/IR/NumOps.cpp.inc"
      >();
  addInterfaces<FormatAlias>();
}

const numerics::Format *NumDialect::getFormat(StringRef declaration) {
  std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<numerics::Format> &format = parsed[declaration];
  if (!format) // a type's declaration has been parsed before, or the type would not be
    format = llvm::cantFail(numerics::Format::parse(declaration, "declaration"));
  return format.get();
}

const numerics::Format &FormatType::getFormat() const {
  return *static_cast<NumDialect &>(getDialect()).getFormat(getDeclaration());
}

Type FormatType::parse(AsmParser &parser) {
  std::string text;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseString(&text) || parser.parseGreater())
    return {};
  numerics::FormatRegistry &formats = formatsOf(parser.getContext());
  if (!StringRef(text).starts_with("{")) {
    const numerics::Format *known = formats.find(text);
    if (!known)
      return parser.emitError(loc) << "[TN4102] unknown format '" << text << "'; known are " << formats.names()
                                   << "; load others with --format-file",
             Type();
    if (!known->isElement())
      return parser.emitError(loc) << "C2: '" << text << "' is no format of single values", Type();
    if (!known->declaration().mlir.empty())
      return parser.emitError(loc) << "C3: '" << text << "' is the builtin type " << known->declaration().mlir, Type();
    return typeOf(parser.getContext(), *known);
  }
  llvm::Expected<std::unique_ptr<numerics::Format>> format = numerics::Format::parse(text, "declaration");
  if (!format)
    return parser.emitError(loc) << "C1: " << toString(format.takeError()), Type();
  if (!(*format)->isElement())
    return parser.emitError(loc) << "C2: '" << (*format)->name() << "' is no format of single values", Type();
  return get(parser.getContext(), (*format)->text());
}

void FormatType::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printString(getDeclaration());
  printer << ">";
}

numerics::FormatRegistry &num::formatsOf(MLIRContext *context) {
  return context->getOrLoadDialect<NumDialect>()->getFormats();
}

/// The type of a builtin number as MLIR writes it. This is asked for single elements of
/// tensors, and MLIR's printer looks through all dialects before it writes anything.
static std::string textOf(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return (integer.isUnsigned() ? "ui" : integer.isSigned() ? "si" : "i") + std::to_string(integer.getWidth());
  StringRef name = type.getAbstractType().getName();
  name.consume_front("builtin.");
  return name.str();
}

const numerics::Format *num::formatOf(Type type) {
  if (auto format = dyn_cast<FormatType>(type))
    return &format.getFormat();
  if (!isa<FloatType, IntegerType>(type))
    return nullptr;
  return formatsOf(type.getContext()).findMlir(textOf(type));
}

Type num::typeOf(MLIRContext *context, const numerics::Format &format) {
  const std::string &builtin = format.declaration().mlir;
  return builtin.empty() ? FormatType::get(context, format.text()) : parseType(builtin, context);
}

bool num::isCoded(Type type) {
  if (isa<FormatType>(type))
    return true;
  auto real = dyn_cast<FloatType>(type);
  return real && (real.getWidth() < 16 || real.isTF32());
}

IntegerType num::codeType(Type type) {
  const numerics::Format *format = formatOf(type);
  return IntegerType::get(type.getContext(), format ? 8 * format->storageBytes() : 8);
}

std::string num::nameOf(Type type) {
  if (auto format = dyn_cast<FormatType>(type))
    return format.getFormat().name().str();
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return name;
}
