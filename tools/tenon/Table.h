// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text in columns. A cell wider than its column's limit gets a line of its own,
// and the rest of its row continues in the next line at the right place, so that
// long names neither break the columns nor are cut off.
#ifndef TENON_TOOLS_TENON_TABLE_H
#define TENON_TOOLS_TENON_TABLE_H

#include "tenon/Support/Message.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace tenon::driver {

class Table {
public:
  explicit Table(std::vector<std::string> header) { rows.push_back(std::move(header)); }
  /// Cells are names from files: what would steer a terminal is escaped.
  void add(std::vector<std::string> row) {
    for (std::string &cell : row)
      cell = escaped(cell);
    rows.push_back(std::move(row));
  }
  void print(llvm::raw_ostream &os, size_t widest = 36) const;

private:
  std::vector<std::vector<std::string>> rows;
};

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_TABLE_H
