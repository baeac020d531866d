// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The flags of a command. A flag is a member of the command's object and states
// its spellings, help, default and type in one place; parsing, help and advice
// read them from there. Nothing is registered outside the object, so no option of
// a library that is linked in is ever accepted or suggested.
#ifndef TENON_TOOLS_TENON_FLAGS_H
#define TENON_TOOLS_TENON_FLAGS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace tenon::driver {

class FlagSet;

class Flag {
public:
  /// `names`: the preferred spelling, then others that mean the same. `value` is
  /// what help calls the value; empty for a switch.
  Flag(FlagSet &set, llvm::ArrayRef<llvm::StringRef> names, llvm::StringRef value, llvm::StringRef help);
  Flag(const Flag &) = delete;
  virtual ~Flag() = default;

  /// "--target", "-o": as it was given, else the preferred spelling.
  std::string spelling() const { return dashed(spelledAs.empty() ? names.front() : spelledAs); }
  static std::string dashed(llvm::StringRef name) { return (name.size() == 1 ? "-" : "--") + name.str(); }
  bool given() const { return occurrences > 0; }
  bool takesValue() const { return !valueName.empty(); }

  /// Takes one value, of a switch perhaps an empty one; false if it is none.
  virtual bool take(llvm::StringRef text) = 0;
  /// What `take` wants, for messages: "a whole number".
  virtual std::string expected() const { return valueName.str(); }
  virtual std::string defaultText() const { return ""; }
  virtual bool repeats() const { return false; }

  llvm::SmallVector<llvm::StringRef> names;
  llvm::StringRef valueName, help;
  llvm::StringRef spelledAs;
  unsigned occurrences = 0;
};

/// A flag that is on or off.
class Switch : public Flag {
public:
  Switch(FlagSet &set, llvm::ArrayRef<llvm::StringRef> names, llvm::StringRef help) : Flag(set, names, "", help) {}
  bool take(llvm::StringRef text) override;
  std::string expected() const override { return "true or false, or no value"; }
  operator bool() const { return value; }

  bool value = false;
};

bool parseValue(llvm::StringRef text, std::string &value);
bool parseValue(llvm::StringRef text, int &value);
bool parseValue(llvm::StringRef text, uint64_t &value);
bool parseValue(llvm::StringRef text, double &value);
std::string valueText(const std::string &value);
std::string valueText(double value);

/// A flag with one value of type T: std::string, int, uint64_t or double.
template <typename T>
class Value : public Flag {
public:
  Value(FlagSet &set, llvm::ArrayRef<llvm::StringRef> names, llvm::StringRef value, llvm::StringRef help,
        std::optional<T> otherwise = {})
      : Flag(set, names, value, help), otherwise(otherwise), value(otherwise.value_or(T())) {}
  bool take(llvm::StringRef text) override { return parseValue(text, value); }
  std::string expected() const override {
    return std::is_same_v<T, std::string> ? valueName.str()
           : std::is_same_v<T, double>    ? "a number"
           : std::is_same_v<T, int>       ? "a whole number"
                                          : "a whole number of 0 or more";
  }
  std::string defaultText() const override { return otherwise ? valueText(*otherwise) : ""; }
  operator const T &() const { return value; }
  const T *operator->() const { return &value; }

  std::optional<T> otherwise; ///< the default that help states
  T value;
};

/// A flag that may be given several times.
class List : public Flag {
public:
  using Flag::Flag;
  bool take(llvm::StringRef text) override {
    values.push_back(text.str());
    return true;
  }
  bool repeats() const override { return true; }

  std::vector<std::string> values;
};

/// The flags and arguments of one command.
class FlagSet {
public:
  FlagSet(llvm::StringRef name, llvm::StringRef summary, llvm::StringRef arguments, unsigned mostArguments)
      : name(name), summary(summary), argumentsText(arguments), mostArguments(mostArguments) {}
  FlagSet(const FlagSet &) = delete;
  virtual ~FlagSet() = default;

  void add(Flag &flag) { flags.push_back(&flag); }
  Flag *find(llvm::StringRef name) const;
  /// The spelling of a flag nearest to `name`, if one is near.
  std::optional<std::string> nearest(llvm::StringRef name) const;
  llvm::StringRef argument(unsigned i = 0) const { return i < arguments.size() ? llvm::StringRef(arguments[i]) : ""; }
  void printHelp() const;

  llvm::StringRef name, summary;
  llvm::StringRef argumentsText; ///< "MODEL.onnx", for help
  unsigned mostArguments;
  std::vector<std::string> arguments;
  std::vector<Flag *> flags;
};

/// The one of `words` that is most like a word, if one is: see Flags.cpp.
std::optional<llvm::StringRef> nearestWord(llvm::StringRef word, llvm::ArrayRef<llvm::StringRef> words);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_FLAGS_H
