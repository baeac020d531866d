// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How messages are shown. They quote names from files that anyone may have
// written, of any length and any number of times.
#ifndef TENON_SUPPORT_MESSAGE_H
#define TENON_SUPPORT_MESSAGE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <functional>
#include <string>
#include <vector>

namespace tenon {

/// The text with what would steer a terminal or start a line of its own escaped:
/// control characters, changes of direction, bytes that are no UTF-8.
std::string escaped(llvm::StringRef text);
/// The same for a message: very long words (names, paths) are cut in the middle,
/// as is the whole where it is still too long to be read.
std::string shown(llvm::StringRef message);

/// Prints problems one line each, but of those that only differ in names and
/// numbers the first few, with the count of the others at the end.
class ProblemPrinter {
public:
  explicit ProblemPrinter(std::function<void(llvm::StringRef line)> print) : print(std::move(print)) {}
  ~ProblemPrinter() { finish(); }
  ProblemPrinter(const ProblemPrinter &) = delete;

  /// `head` is "error: place: ", `message` what is compared with others.
  void add(llvm::StringRef head, llvm::StringRef message, llvm::ArrayRef<std::string> notes = {});
  /// Prints what was held back.
  void finish();

private:
  struct Kind {
    unsigned count = 0;
    std::string code;                           ///< "[TN1041] ", or nothing
    std::vector<std::vector<std::string>> held; ///< lines of problems that may still be shown
  };
  std::function<void(llvm::StringRef)> print;
  llvm::StringMap<size_t> numbers; ///< of what makes a kind
  std::vector<Kind> kinds;
};

} // namespace tenon

#endif // TENON_SUPPORT_MESSAGE_H
