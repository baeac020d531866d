// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of ErrorCodes.def as a function. A diagnostic of MLIR carries its code in its text alone, so that
// is where the code of a message is looked for.
#include "tenon/Support/ErrorCodes.h"

namespace tenon {

std::optional<ErrorClass> classOfCode(unsigned number) {
  switch (number) {
#define TENON_ERROR_CODE(NUMBER, CLASS, PAGE)                                                                          \
  case NUMBER: return ErrorClass::CLASS;
#include "tenon/Support/ErrorCodes.def"
  default: return std::nullopt;
  }
}

std::optional<unsigned> codeOfMessage(llvm::StringRef message) {
  constexpr llvm::StringLiteral begin = "[TN";
  for (size_t at = message.find(begin); at != llvm::StringRef::npos; at = message.find(begin, at + 1)) {
    unsigned number = 0;
    llvm::StringRef rest = message.substr(at + begin.size());
    if (!rest.consumeInteger(10, number) && rest.starts_with("]"))
      return number;
  }
  return std::nullopt;
}

std::optional<ErrorClass> classOfMessage(llvm::StringRef message) {
  auto code = codeOfMessage(message);
  return code ? classOfCode(*code) : std::nullopt;
}

} // namespace tenon
