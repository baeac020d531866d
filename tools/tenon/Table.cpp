// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `print` shortens no cell: behind one that is too wide, the row goes on in the next line. `printFitted` narrows
// the widest columns until a row fits. A text is as wide as a terminal shows it, two columns for some characters.
#include "Table.h"

#include "llvm/Support/Process.h"
#include "llvm/Support/Unicode.h"
#include <algorithm>

namespace tenon::driver {

static constexpr size_t kGap = 2;

unsigned terminalWidth() {
  constexpr unsigned kUsual = 100, kLeast = 60;
  unsigned columns = llvm::sys::Process::StandardOutColumns();
  return columns ? std::max(columns, kLeast) : kUsual;
}

/// Columns that a text takes.
static size_t widthOf(llvm::StringRef text) {
  int columns = llvm::sys::unicode::columnWidthUTF8(text);
  return columns < 0 ? text.size() : columns; // no UTF-8: a byte is a column
}

/// The longest end of a text that has at most `width` columns.
static llvm::StringRef fittingPart(llvm::StringRef text, size_t width, bool isFirst) {
  size_t size = std::min(text.size(), 4 * width);
  auto part = [&] { return isFirst ? text.take_front(size) : text.take_back(size); };
  auto isWhole = [&] { // not within a character's bytes
    char next = isFirst ? (size < text.size() ? text[size] : 'x') : (size ? part().front() : 'x');
    return (next & 0xC0) != 0x80;
  };
  while (size && (widthOf(part()) > width || !isWhole()))
    --size;
  return part();
}

std::string shorten(llvm::StringRef text, size_t width) {
  std::string printable = escaped(text);
  if (widthOf(printable) <= width)
    return printable;
  constexpr size_t kDots = 2;
  size_t left = width > kDots ? (width - kDots + 1) / 2 : width, right = width > kDots ? width - kDots - left : 0;
  return (fittingPart(printable, left, true) + (width > kDots ? ".." : "") + fittingPart(printable, right, false))
      .str();
}

void printWrapped(llvm::raw_ostream &os, llvm::StringRef text, unsigned indent, unsigned width) {
  unsigned column = indent;
  while (!text.empty()) {
    auto [word, rest] = text.split(' ');
    if (column > indent && column + 1 + widthOf(word) > width) {
      os << "\n";
      os.indent(indent);
      column = indent;
    }
    if (column > indent)
      os << ' ';
    column += widthOf(word) + (column > indent);
    os << word;
    text = rest;
  }
  os << "\n";
}

void Table::print(llvm::raw_ostream &os, size_t widest) const {
  std::vector<size_t> widths(rows.front().size());
  for (const auto &row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      if (widthOf(row[i]) <= widest)
        widths[i] = std::max(widths[i], widthOf(row[i]));
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
      at = column + widthOf(row[i]);
    }
    os << "\n";
  }
}

void Table::printFitted(llvm::raw_ostream &os, size_t width) const {
  std::vector<size_t> widths(rows.front().size());
  for (const auto &row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], widthOf(shorten(row[i], width)));
  size_t total = kGap * (widths.size() - 1);
  for (size_t one : widths)
    total += one;
  constexpr size_t kLeast = 4;
  for (; total > width; --total) {
    auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kLeast)
      break;
    --*widest;
  }
  for (const auto &row : rows) {
    std::string line;
    size_t column = 0, at = 0;
    for (size_t i = 0; i < row.size(); column += widths[i++] + kGap) {
      std::string cell = shorten(row[i], widths[i]);
      if (cell.empty())
        continue;
      line.append(column - at, ' ');
      line += cell;
      at = column + widthOf(cell);
    }
    os << line << "\n";
  }
}

} // namespace tenon::driver
