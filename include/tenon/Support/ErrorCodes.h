// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_SUPPORT_ERRORCODES_H
#define TENON_SUPPORT_ERRORCODES_H

#include "llvm/ADT/StringRef.h"
#include <optional>

namespace tenon {

/// What a code says, as ErrorCodes.def has it.
enum class ErrorClass {
  User,        ///< a flag, a file or the model is wrong
  Unsupported, ///< the compiler or this machine lacks something
  Resource,    ///< memory or disk space
  Mismatch,    ///< values are not what they should be
  Internal,    ///< a fault of Tenon
  Remark       ///< no error: something that the user is told
};

/// The class of a code's number; nothing if there is no such code.
std::optional<ErrorClass> classOfCode(unsigned number);
/// The first code in a message, 2060 of "... [TN2060] ..."; nothing without one.
std::optional<unsigned> codeOfMessage(llvm::StringRef message);
/// The class of that code.
std::optional<ErrorClass> classOfMessage(llvm::StringRef message);

} // namespace tenon

#endif // TENON_SUPPORT_ERRORCODES_H
