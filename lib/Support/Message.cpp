// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Problems are of one kind if their messages are equal but for quoted names, numbers and the node in front.
// The first three of a kind are printed as they come. The next two are held back until it is known whether
// more follow: a line that only counts problems stands for at least three.
#include "tenon/Support/Message.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Unicode.h"

using namespace llvm;

namespace {

constexpr size_t kLongestWord = 256, kLongestMessage = 4000; // bytes
constexpr unsigned kShown = 3;                               ///< problems of a kind, and two more where these are all

/// Whether a character is shown, not obeyed: no control, and nothing that breaks
/// lines or turns the direction of text.
bool isShown(UTF32 value) {
  if (value < 0x20 || (value >= 0x7f && value < 0xa0))
    return false;
  return value != 0x200e && value != 0x200f && !(value >= 0x2028 && value <= 0x202e) &&
         !(value >= 0x2066 && value <= 0x2069);
}

/// Cuts a text in the middle, between characters.
std::string cut(StringRef text, size_t most) {
  if (text.size() <= most)
    return text.str();
  auto isInside = [&](size_t at) { return at < text.size() && (uint8_t(text[at]) & 0xc0) == 0x80; };
  size_t head = most * 5 / 8, tail = text.size() - most * 3 / 8;
  for (int i = 0; i < 3 && isInside(head); ++i)
    --head;
  for (int i = 0; i < 3 && isInside(tail); ++i)
    ++tail;
  return (text.take_front(head) + "..." + text.drop_front(tail)).str();
}

/// A message without names and numbers: equal for problems of one kind.
std::string kindOf(StringRef message) {
  std::string kind;
  // "[TN1010] NAME (Conv, opset 17): ..."
  if (size_t operators = message.substr(0, message.find(", opset ")).rfind(" ("); operators != StringRef::npos) {
    kind = message.substr(0, message.find(' ')).str();
    message = message.drop_front(operators);
  }
  bool isCode = false;
  for (size_t i = 0; i < message.size(); ++i) {
    char c = message[i];
    // A quoted name. An apostrophe inside of a word begins none.
    bool begins = c == '\'' && (i == 0 || !isAlnum(message[i - 1]));
    if (size_t end = message.find('\'', i + 1); begins && end != StringRef::npos) {
      kind += "''";
      i = end;
      continue;
    }
    isCode = (isCode && c != ']') || c == '[';
    if (!isDigit(c) || isCode)
      kind += c;
    else if (kind.empty() || kind.back() != '#')
      kind += '#';
  }
  return kind;
}

} // namespace

std::string tenon::escaped(StringRef text) {
  std::string result;
  result.reserve(text.size());
  const auto *at = reinterpret_cast<const UTF8 *>(text.begin()), *end = reinterpret_cast<const UTF8 *>(text.end());
  while (at != end) {
    const UTF8 *next = at;
    UTF32 value = 0;
    bool isCharacter = convertUTF8Sequence(&next, end, &value, strictConversion) == conversionOK;
    if (isCharacter && isShown(value)) {
      result.append(reinterpret_cast<const char *>(at), next - at);
      at = next;
      continue;
    }
    if (*at == '\n')
      result += "\\n";
    else if (*at == '\r')
      result += "\\r";
    else if (*at == '\t')
      result += "\\t";
    else
      result += "\\x" + toHex(ArrayRef(*at), /*LowerCase=*/true);
    ++at;
  }
  return result;
}

std::string tenon::shown(StringRef message) {
  std::string text;
  for (StringRef rest = message; !rest.empty();) {
    StringRef word = rest.take_until([](char c) { return c == ' '; });
    text += escaped(cut(word, kLongestWord));
    rest = rest.drop_front(word.size());
    if (rest.consume_front(" "))
      text += ' ';
  }
  return cut(text, kLongestMessage);
}

void tenon::ProblemPrinter::add(StringRef head, StringRef message, ArrayRef<std::string> notes) {
  size_t number = numbers.try_emplace(head.split(':').first.str() + kindOf(message), kinds.size()).first->second;
  if (number == kinds.size())
    kinds.emplace_back();
  Kind &kind = kinds[number];
  std::vector<std::string> lines{shown((head + message).str())};
  for (const std::string &note : notes)
    lines.push_back(shown("note: " + note));
  if (++kind.count <= kShown) {
    for (const std::string &line : lines)
      print(line);
    return;
  }
  if (kind.count == kShown + 1) {
    size_t at = message.find("[TN"), end = message.find(']', at);
    kind.code = end == StringRef::npos ? "" : (message.slice(at, end + 1) + " ").str();
    kind.code = (head.split(':').first + ": " + kind.code).str();
  }
  if (kind.count <= kShown + 2)
    kind.held.push_back(std::move(lines));
}

void tenon::ProblemPrinter::finish() {
  for (const Kind &kind : kinds) {
    if (kind.count > kShown + 2)
      print(kind.code + "and " + std::to_string(kind.count - kShown) + " more like it");
    else
      for (const auto &lines : kind.held)
        for (const std::string &line : lines)
          print(line);
  }
  kinds.clear();
  numbers.clear();
}
