// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text in columns and lines of a terminal.
#ifndef TENON_TOOLS_TENON_TABLE_H
#define TENON_TOOLS_TENON_TABLE_H

#include "tenon/Support/Message.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace tenon::driver {

/// Columns that the terminal has, or a usual number where there is none.
unsigned terminalWidth();
/// A text without control characters, cut in the middle to at most `width` columns.
std::string shorten(llvm::StringRef text, size_t width);
/// Prints a text from column `indent` on, in lines of at most `width`.
void printWrapped(llvm::raw_ostream &os, llvm::StringRef text, unsigned indent, unsigned width);

class Table {
public:
  explicit Table(std::vector<std::string> header) { rows.push_back(std::move(header)); }
  /// Cells are names from files: what would steer a terminal is escaped.
  void add(std::vector<std::string> row) {
    for (std::string &cell : row)
      cell = escaped(cell);
    rows.push_back(std::move(row));
  }
  /// A cell wider than `widest` gets a line of its own, and the rest of its row
  /// continues in the next line at the right place, so that long names neither
  /// break the columns nor are cut off.
  void print(llvm::raw_ostream &os, size_t widest = 36) const;
  /// One line a row, of at most `width`: cells are shortened, those of the widest
  /// columns first.
  void printFitted(llvm::raw_ostream &os, size_t width) const;

private:
  std::vector<std::vector<std::string>> rows;
};

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_TABLE_H
