// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parsing. A word that begins with a dash is a flag, with one dash or two, whose
// value follows "=" or is the next word; "-" alone and all words after "--" are
// arguments. What is not known is refused, with the nearest spelling of our own.
#include "CommandLine.h"

#include "tenon/tenon.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon::driver {

namespace {

bool isFlag(llvm::StringRef word) { return word.size() > 1 && word.starts_with("-") && word != "--"; }
llvm::StringRef flagName(llvm::StringRef word) {
  return word.drop_front(word.starts_with("--") ? 2 : 1).split('=').first;
}

class Parser {
public:
  Parser(const Commands &commands, Command &command) : commands(commands), command(command) {}

  Exit parse(llvm::ArrayRef<llvm::StringRef> words) {
    bool onlyArguments = false;
    for (size_t i = 0; i < words.size(); ++i) {
      llvm::StringRef word = words[i];
      if (!onlyArguments && word == "--")
        onlyArguments = true;
      else if (onlyArguments || !isFlag(word))
        command.arguments.push_back(word.str());
      else if (Flag *flag = command.find(flagName(word)))
        takeFlag(*flag, words, i);
      else
        unknown(word);
    }
    if (command.arguments.size() > command.mostArguments)
      fail("[TN8013] " + command.name + " takes " +
           (command.argumentsText.empty() ? "no argument" : command.argumentsText) + ", found '" +
           command.arguments[command.mostArguments] + "' too");
    for (Flag *flag : command.flags)
      if (flag->occurrences > 1 && !flag->repeats())
        status = refuse(*flag, "but in its last place"); // one of the values would be ignored
    return status;
  }

private:
  void fail(const llvm::Twine &text) { status = complain(text); }

  void takeFlag(Flag &flag, llvm::ArrayRef<llvm::StringRef> words, size_t &i) {
    llvm::StringRef word = words[i];
    flag.spelledAs = flagName(word);
    ++flag.occurrences;
    bool hasValue = word.contains('=');
    llvm::StringRef value = hasValue ? word.split('=').second : "";
    if (flag.takesValue() && !hasValue) {
      bool isThere =
          i + 1 < words.size() &&
          !(isFlag(words[i + 1]) && (words[i + 1].starts_with("--") || command.find(flagName(words[i + 1]))));
      if (!isThere)
        return fail("[TN8042] " + flag.spelling() + ": a value is missing; expected " + flag.expected());
      value = words[++i];
    }
    if (flag.takesValue() && value.empty())
      return fail("[TN8042] " + flag.spelling() + ": the value is empty; expected " + flag.expected());
    if (!flag.take(value))
      fail("[TN8042] " + flag.spelling() + "=" + value + ": expected " + flag.expected());
  }

  void unknown(llvm::StringRef word) {
    llvm::StringRef name = flagName(word);
    if (llvm::StringRef advice = adviceOnForeignFlag(command.name, name); !advice.empty())
      return fail("[TN8043] " + command.name + ": " + word + " is not Tenon's: " + advice);
    std::string text = ("[TN8040] " + command.name + ": unknown flag '" + word + "'; ").str();
    std::vector<std::string> others;
    for (auto &other : commands)
      if (other->find(name))
        others.push_back(other->name.str());
    std::optional<std::string> near = command.nearest(name);
    if (near)
      text += "did you mean '" + *near + "'?";
    else if (!others.empty())
      text += "it belongs to " + llvm::join(others, ", ");
    else
      text += ("`tenon " + command.name + " --help` lists the flags").str();
    fail(text);
  }

  const Commands &commands;
  Command &command;
  Exit status = kOk;
};

Exit printVersion() {
  llvm::outs() << "tenon " << tenon_version() << ", LLVM " LLVM_VERSION_STRING "\n";
  return kOk;
}

void printHelp(const Commands &commands) {
  llvm::raw_ostream &os = llvm::outs();
  os << "Tenon: ONNX models compiled ahead of time for a chip\n\nUSAGE: tenon COMMAND [FLAGS] ARGUMENTS\n\nCOMMANDS:\n";
  for (auto &command : commands) {
    os << "  " << command->name;
    os.indent(10 - command->name.size()) << command->summary << "\n";
  }
  os << "  help      Say this, or with the name of a command its flags and their defaults\n"
        "  version   Say which version this is\n\n"
        "`tenon compile model.onnx` writes model.tenon into the working directory, for this machine;\n"
        "`tenon run model.tenon --random-seed=1` runs it.\n\n"
        "EXIT STATUS: 0 done; 1 a flag, a file or the model is wrong; 2 something is not supported;\n"
        "  3 out of memory or disk space; 4 values differ; 70 an internal error\n";
}

Command *findCommand(const Commands &commands, llvm::StringRef name) {
  for (auto &command : commands)
    if (command->name == name)
      return command.get();
  return nullptr;
}

Exit unknownCommand(const Commands &commands, llvm::StringRef word) {
  if (llvm::sys::fs::is_regular_file(word))
    return complain("[TN8041] '" + word +
                    "' is a file, not a command; `tenon compile FILE`, `tenon run FILE` and others take files");
  std::vector<llvm::StringRef> words{"help", "version"};
  for (auto &command : commands)
    words.push_back(command->name);
  std::optional<llvm::StringRef> near = nearestWord(word, words);
  return complain("[TN8041] unknown command '" + word + "'; " +
                  (near ? "did you mean '" + *near + "'?" : "expected one of " + llvm::join(words, ", ")));
}

/// A command line that begins with a flag: trtexec's habit names the work by the
/// flags of the files.
Exit runWithoutCommand(const Commands &commands, llvm::ArrayRef<llvm::StringRef> words, Command *&command) {
  auto has = [&](llvm::StringRef name) {
    return llvm::any_of(words, [&](llvm::StringRef word) { return isFlag(word) && flagName(word) == name; });
  };
  if (has("onnx"))
    command = findCommand(commands, "compile");
  else if (has("loadEngine"))
    command = findCommand(commands, "bench");
  if (command)
    return kOk;
  llvm::StringRef name = flagName(words.front());
  std::vector<std::string> owners;
  for (auto &owner : commands)
    if (owner->find(name))
      owners.push_back(owner->name.str());
  std::string text = ("[TN8040] unknown flag '" + words.front() + "'; ").str();
  if (!owners.empty())
    text += "it belongs after the name of a command: " + llvm::join(owners, ", ");
  else if (std::optional<llvm::StringRef> near = nearestWord(name, {"help", "version"}))
    text += ("did you mean '--" + *near + "'?").str();
  else
    text += "expected a command; `tenon help` lists them";
  return complain(text);
}

bool asksForHelp(llvm::StringRef word) {
  return isFlag(word) && (flagName(word) == "help" || flagName(word) == "h") && !word.contains('=');
}

} // namespace

Exit runCommandLine(llvm::ArrayRef<llvm::StringRef> words) {
  Commands commands = makeCommands();
  if (words.empty()) {
    printHelp(commands);
    return kUserError;
  }
  llvm::StringRef first = words.front();
  llvm::ArrayRef<llvm::StringRef> rest = words.drop_front();
  bool isVersion = first == "version" ||
                   (isFlag(first) && !first.contains('=') && (flagName(first) == "version" || flagName(first) == "v"));
  if (isVersion || first == "help" || asksForHelp(first)) {
    Command *about = rest.empty() ? nullptr : findCommand(commands, rest.front());
    if (rest.size() > 1 || (isVersion && !rest.empty()))
      return complain("[TN8013] " + first + ": found '" + rest.back() + "' too");
    if (isVersion)
      return printVersion();
    if (!rest.empty() && !about)
      return unknownCommand(commands, rest.front());
    about ? about->printHelp() : printHelp(commands);
    return kOk;
  }
  Command *command = findCommand(commands, first);
  if (!command && !isFlag(first))
    return unknownCommand(commands, first);
  if (!command) {
    rest = words;
    if (Exit exit = runWithoutCommand(commands, words, command))
      return exit;
  }
  if (llvm::any_of(rest.take_until([](llvm::StringRef word) { return word == "--"; }), asksForHelp)) {
    command->printHelp();
    return kOk;
  }
  if (Exit exit = Parser(commands, *command).parse(rest))
    return exit;
  return command->run();
}

Commands makeCommands() {
  Commands commands;
  for (auto make : {makeCompile, makeConvert, makeRun, makeVerify, makeBench, makeExplain, makeInspect, makeOps,
                    makeFormats, makeTargets})
    commands.push_back(make());
  return commands;
}

} // namespace tenon::driver
