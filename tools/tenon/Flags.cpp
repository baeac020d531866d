// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the values of flags, finds the spelling nearest to a wrong one, and prints help. A spelling is near if
// its edit distance is at most a third of the word's letters, or one. Where one of two words of more than
// three letters begins with the other, they count as one letter apart.
#include "Flags.h"
#include "Table.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <limits>

namespace tenon::driver {

Flag::Flag(FlagSet &set, llvm::ArrayRef<llvm::StringRef> names, llvm::StringRef value, llvm::StringRef help)
    : names(names), valueName(value), help(help) {
  set.add(*this);
}

bool Switch::take(llvm::StringRef text) {
  value = text.empty() || text == "true" || text == "1";
  return value || text == "false" || text == "0";
}

bool parseValue(llvm::StringRef text, std::string &value) {
  value = text.str();
  return true;
}
bool parseValue(llvm::StringRef text, int &value) { return !text.getAsInteger(10, value); }
bool parseValue(llvm::StringRef text, uint64_t &value) { return !text.getAsInteger(10, value); }
bool parseValue(llvm::StringRef text, double &value) { return !text.getAsDouble(value) && value == value; }

std::string valueText(const std::string &value) { return value; }
std::string valueText(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.15g", value);
  return text;
}

Flag *FlagSet::find(llvm::StringRef name) const {
  for (Flag *flag : flags)
    if (llvm::is_contained(flag->names, name))
      return flag;
  return nullptr;
}

std::optional<llvm::StringRef> nearestWord(llvm::StringRef word, llvm::ArrayRef<llvm::StringRef> words) {
  std::optional<llvm::StringRef> best;
  // A third of the letters may be wrong: "optput" is near "output", "hint" is near nothing.
  unsigned least = std::max<unsigned>(1, word.size() / 3) + 1;
  std::string lower = word.lower();
  for (llvm::StringRef candidate : words) {
    if (candidate.size() < 2)
      continue; // one letter is near everything
    unsigned distance = llvm::StringRef(lower).edit_distance(candidate.lower(), /*AllowReplacements=*/true, least);
    if (candidate.size() > 3 && word.size() > 3 &&
        (llvm::StringRef(lower).starts_with(candidate.lower()) || candidate.lower().starts_with(lower)))
      distance = std::min(distance, 1u);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::optional<std::string> FlagSet::nearest(llvm::StringRef name) const {
  std::vector<llvm::StringRef> words{"help"};
  for (Flag *flag : flags)
    words.insert(words.end(), flag->names.begin(), flag->names.end());
  if (std::optional<llvm::StringRef> word = nearestWord(name, words))
    return Flag::dashed(*word);
  return std::nullopt;
}

void FlagSet::printHelp() const {
  constexpr unsigned kIndent = 30;
  const unsigned width = std::min(terminalWidth(), 120u);
  llvm::raw_ostream &os = llvm::outs();
  os << "USAGE: tenon " << name << (flags.empty() ? "" : " [FLAGS]") << (argumentsText.empty() ? "" : " ")
     << argumentsText << "\n\n";
  printWrapped(os, summary, 0, width);
  os << "\nFLAGS (switches are off unless given; `--flag value` and `--flag=value` are the same):\n";
  for (const Flag *flag : flags) {
    std::string spellings, text = flag->help.str();
    for (llvm::StringRef name : flag->names)
      spellings += (spellings.empty() ? "" : ", ") + Flag::dashed(name);
    if (flag->takesValue())
      spellings += " " + flag->valueName.str();
    if (flag->repeats())
      text += " (repeatable)";
    if (std::string otherwise = flag->defaultText(); !otherwise.empty())
      text += " (default: " + otherwise + ")";
    os << "  " << spellings;
    if (spellings.size() + 4 > kIndent) {
      os << "\n";
      os.indent(kIndent);
    } else {
      os.indent(kIndent - 2 - spellings.size());
    }
    printWrapped(os, text, kIndent, width);
  }
  os << "  -h, --help                  This text\n";
}

} // namespace tenon::driver
