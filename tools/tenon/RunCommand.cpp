// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tenon run`: names of outputs and files that would be replaced are checked before the run. An output is
// printed if no flag writes or compares it, or with --json. A comparison that fails decides the exit status,
// but the other outputs are still written and compared.
#include "Json.h"
#include "Runnable.h"
#include "Session.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"

namespace tenon::driver {

namespace {

class RunCommand : public Command {
public:
  RunCommand()
      : Command("run", "Run an artifact, or a model after compiling it, on given, random or recorded inputs", "FILE",
                1) {}
  Exit run() override;

private:
  Exit checkNames(const Session &session, const List &flags) const;
  Exit checkOutputs(llvm::StringRef artifact) const;
  void show(const TensorFile &tensor);
  Exit handleOutput(const TensorFile &tensor, int index);

  Runnable runnable{*this};
  InputFlags inputs{*this};
  ToleranceFlags tolerance{*this};
  List outputFlags{*this, {"output"}, "NAME=@y.npy", "Write an output"};
  List expectedFlags{*this, {"expected-output"}, "NAME=@y.npy", "Compare an output"};
  Value<int> threads{*this, {"threads", "nthreads"}, "N", "Threads, 0 for one a processor", 1};
  Switch json{*this, {"json"}, "Print outputs and comparisons as JSON, of each output at most 1000 values"};

  llvm::json::Array outputsJson, comparisonsJson;
};

/// The file of a NAME=@FILE flag for this output, if there is one.
std::optional<llvm::StringRef> fileFor(const List &flags, llvm::StringRef name) {
  for (llvm::StringRef flag : flags.values)
    if (auto [key, file] = flag.split("=@"); key == name)
      return file;
  return std::nullopt;
}

Exit RunCommand::checkNames(const Session &session, const List &flags) const {
  llvm::StringSet<> seen;
  for (llvm::StringRef flag : flags.values) {
    if (!seen.insert(flag.split("=@").first).second)
      return complain("[TN8006] " + flags.spelling() + "=" + flag + ": that output is given twice");
    bool known = false;
    std::string names;
    for (int i = 0; i < session.outputs(); ++i) {
      llvm::StringRef name = session.outputInfo(i).name;
      known |= flag.starts_with((name + "=@").str());
      names += (i ? ", '" : "'") + name.str() + "'";
    }
    if (!known)
      return complain("[TN8006] " + flags.spelling() + "=" + flag + ": expected NAME=@FILE with one of the outputs " +
                      names);
  }
  return kOk;
}

/// No output may take the place of a file that the run reads, or of another output.
Exit RunCommand::checkOutputs(llvm::StringRef artifact) const {
  InputFiles files;
  files.add(artifact, "the artifact");
  if (runnable.given() != artifact)
    files.add(runnable.given(), "the model");
  inputs.addFiles(files);
  for (llvm::StringRef flag : expectedFlags.values)
    files.add(flag.split("=@").second, "an expected output");
  for (llvm::StringRef flag : outputFlags.values)
    if (Exit exit = checkOutput(outputFlags, flag.split("=@").second, files))
      return exit;
  return kOk;
}

/// The first values, as JSON has them.
llvm::json::Array firstValues(const TensorFile &tensor, size_t most) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto whole = toReference(context, tensor);
  llvm::json::Array values;
  if (!whole)
    return values;
  int64_t count = std::min<int64_t>(whole->getNumElements(), most);
  auto some = reference::Tensor::borrow(whole->getElementType(), {count},
                                        whole->getBytes().take_front(count * whole->getElementBytes()));
  if (some.isFloat()) {
    for (double value : some.toDoubles())
      values.push_back(jsonNumber(value));
    return values;
  }
  for (int64_t value : some.toInts()) {
    if (tensor.dtype == 9)
      values.push_back(value != 0);
    else if (some.isUnsigned())
      values.push_back(uint64_t(value));
    else
      values.push_back(value);
  }
  return values;
}

void RunCommand::show(const TensorFile &tensor) {
  size_t elements = 1;
  for (int64_t size : tensor.shape)
    elements *= size;
  if (json) {
    llvm::json::Array values = firstValues(tensor, 1000);
    bool all = values.size() == elements;
    outputsJson.push_back(llvm::json::Object{{"name", jsonText(tensor.name)},
                                             {"type", dtypeName(tensor.dtype)},
                                             {"shape", llvm::json::Array(tensor.shape)},
                                             {"values", std::move(values)},
                                             {"all_values", all}});
    return;
  }
  llvm::outs() << escaped(tensor.name) << ": " << typeText(tensor) << " =";
  constexpr size_t kFew = 16;
  for (const llvm::json::Value &value : firstValues(tensor, kFew)) {
    if (auto number = value.getAsNumber(); number && !value.getAsInteger() && !value.getAsUINT64())
      llvm::outs() << llvm::format(" %g", *number);
    else if (auto text = value.getAsString())
      llvm::outs() << ' ' << *text;
    else
      llvm::outs() << ' ' << value;
  }
  llvm::outs() << (elements > kFew ? " ...\n" : "\n");
}

/// What the flags ask to be done with one output.
Exit RunCommand::handleOutput(const TensorFile &tensor, int index) {
  auto [exit, recorded] = inputs.expectedOutput(index);
  if (exit)
    return exit;
  auto writeTo = fileFor(outputFlags, tensor.name), compareWith = fileFor(expectedFlags, tensor.name);
  std::string error;
  if (writeTo && !writeNpy(*writeTo, tensor, error))
    return complain("[TN8008] " + error);
  bool ok = true;
  llvm::json::Array *comparisons = json ? &comparisonsJson : nullptr;
  if (recorded)
    ok &= reportComparison(tensor, *recorded, tolerance.get(), comparisons);
  if (compareWith) {
    TensorFile expected;
    if (!readTensor(*compareWith, expected, error))
      return complain("[TN8004] " + error);
    ok &= reportComparison(tensor, expected, tolerance.get(), comparisons);
  }
  if (json || (!writeTo && !compareWith && !recorded))
    show(tensor);
  return ok ? kOk : kMismatch;
}

Exit RunCommand::run() {
  for (const Flag *flag : {(const Flag *)&tolerance.absolute, (const Flag *)&tolerance.relative})
    if (flag->given() && !inputs.hasRecordedOutputs() && !expectedFlags.given())
      return refuse(*flag, "without --test-data that has outputs, or --expected-output");
  Session session;
  if (Exit exit = runnable.open(*this, threads, session))
    return exit;
  if (Exit exit = checkNames(session, outputFlags))
    return exit;
  if (Exit exit = checkNames(session, expectedFlags))
    return exit;
  if (Exit exit = checkOutputs(runnable.opened()))
    return exit;
  if (Exit exit = inputs.bind(session, /*random=*/false))
    return exit;
  if (!session.run())
    return session.exitStatus();
  bool ok = true;
  for (int i = 0; i < session.outputs(); ++i) {
    auto tensor = session.output(i);
    if (!tensor)
      return session.exitStatus();
    Exit exit = handleOutput(*tensor, i);
    if (exit && exit != kMismatch)
      return exit;
    ok &= exit == kOk;
  }
  if (json)
    printJson(llvm::json::Object{{"file", jsonText(runnable.given())},
                                 {"ok", ok},
                                 {"outputs", std::move(outputsJson)},
                                 {"comparisons", std::move(comparisonsJson)}});
  return ok ? kOk : kMismatch;
}

} // namespace

std::unique_ptr<Command> makeRun() { return std::make_unique<RunCommand>(); }

} // namespace tenon::driver
