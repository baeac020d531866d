// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Table.h"

#include <algorithm>

namespace tenon::driver {

static constexpr size_t kGap = 2;

void Table::print(llvm::raw_ostream &os, size_t widest) const {
  std::vector<size_t> widths(rows.front().size());
  for (const auto &row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      if (row[i].size() <= widest)
        widths[i] = std::max(widths[i], row[i].size());
  for (const auto &row : rows) {
    size_t at = 0, column = 0;
    for (size_t i = 0; i < row.size(); column += widths[i++] + kGap) {
      if (row[i].empty())
        continue;
      if (at > 0 && at + kGap > column) { // the cell before was too wide
        os << "\n";
        at = 0;
      }
      os.indent(column - at) << row[i];
      at = column + row[i].size();
    }
    os << "\n";
  }
}

} // namespace tenon::driver
