// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Session.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

namespace tenon::driver {

cl::SubCommand runCommand("run", "Run an artifact on given, random or recorded inputs");
static cl::opt<std::string> artifact(cl::Positional, cl::desc("FILE.tenon"), cl::sub(runCommand));
static cl::opt<std::string> loadEngine("loadEngine", cl::desc("The same as FILE.tenon"), cl::value_desc("FILE"), cl::sub(runCommand));
static InputFlags inputs(runCommand);
static ToleranceFlags tolerance(runCommand);
static cl::list<std::string> outputFlags("output", cl::desc("NAME=@y.npy: write an output"), cl::sub(runCommand));
static cl::list<std::string> expectedFlags("expected-output", cl::desc("NAME=@y.npy: compare an output"), cl::sub(runCommand));
static cl::opt<int> threads("threads", cl::desc("Threads (0: one a processor)"), cl::init(1), cl::sub(runCommand));

/// The file of a NAME=@FILE flag for this output, if there is one.
static std::optional<llvm::StringRef> fileFor(const cl::list<std::string> &flags, llvm::StringRef name) {
  for (llvm::StringRef flag : flags)
    if (auto [key, file] = flag.split("=@"); key == name)
      return file;
  return std::nullopt;
}

static Exit checkNames(Session &session, const cl::list<std::string> &flags) {
  llvm::StringSet<> seen;
  for (llvm::StringRef flag : flags) {
    if (!seen.insert(flag.split("=@").first).second)
      return complain("[TN8006] --" + flags.ArgStr + "=" + flag + ": that output is given twice");
    bool known = false;
    std::string names;
    for (int i = 0; i < session.outputs(); ++i) {
      llvm::StringRef name = session.outputInfo(i).name;
      known |= flag.starts_with((name + "=@").str());
      names += (i ? ", '" : "'") + name.str() + "'";
    }
    if (!known)
      return complain("[TN8006] --" + flags.ArgStr + "=" + flag + ": expected NAME=@FILE with one of the outputs " + names);
  }
  return kOk;
}

/// No output may take the place of a file that the run reads, or of another output.
static Exit checkOutputs(llvm::StringRef model) {
  InputFiles files;
  files.add(model, "the artifact");
  inputs.addFiles(files);
  for (llvm::StringRef flag : expectedFlags)
    files.add(flag.split("=@").second, "an expected output");
  for (llvm::StringRef flag : outputFlags)
    if (Exit exit = checkOutput(outputFlags, flag.split("=@").second, files))
      return exit;
  return kOk;
}

static void printValues(const TensorFile &tensor) {
  llvm::outs() << escaped(tensor.name) << ": " << typeText(tensor);
  if (tensor.dtype == 1) {
    llvm::outs() << " =";
    for (size_t k = 0; k < std::min<size_t>(16, tensor.bytes.size() / 4); ++k) {
      float value;
      memcpy(&value, tensor.bytes.data() + 4 * k, 4);
      llvm::outs() << llvm::format(" %g", value);
    }
    if (tensor.bytes.size() > 64)
      llvm::outs() << " ...";
  }
  llvm::outs() << "\n";
}

/// What the flags ask to be done with one output.
static Exit handleOutput(const TensorFile &tensor, int index) {
  auto [exit, recorded] = inputs.expectedOutput(index);
  if (exit)
    return exit;
  auto writeTo = fileFor(outputFlags, tensor.name), compareWith = fileFor(expectedFlags, tensor.name);
  std::string error;
  if (writeTo && !writeNpy(*writeTo, tensor, error))
    return complain("[TN8008] " + error);
  bool ok = true;
  if (recorded)
    ok &= reportComparison(tensor, *recorded, tolerance.get());
  if (compareWith) {
    TensorFile expected;
    if (!readTensor(*compareWith, expected, error))
      return complain("[TN8004] " + error);
    ok &= reportComparison(tensor, expected, tolerance.get());
  }
  if (!writeTo && !compareWith && !recorded)
    printValues(tensor);
  return ok ? kOk : kMismatch;
}

int runRun() {
  if (artifact.empty() == loadEngine.empty())
    return complain("[TN8013] run: expected one artifact, FILE.tenon");
  for (const cl::Option *flag : {(const cl::Option *)&tolerance.absolute, (const cl::Option *)&tolerance.relative})
    if (flag->getNumOccurrences() && !inputs.hasRecordedOutputs() && expectedFlags.empty())
      return refuse(*flag, "without --test-data that has outputs, or --expected-output");
  Session session;
  if (!session.load(artifact.empty() ? loadEngine : artifact, threads))
    return session.exitStatus();
  if (Exit exit = checkNames(session, outputFlags))
    return exit;
  if (Exit exit = checkNames(session, expectedFlags))
    return exit;
  if (Exit exit = checkOutputs(artifact.empty() ? loadEngine : artifact))
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
  return ok ? kOk : kMismatch;
}

} // namespace tenon::driver
