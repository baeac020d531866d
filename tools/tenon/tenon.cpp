// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tenon: compiles ONNX models ahead of time and runs the result.
#include "Commands.h"

#include "tenon/Support/Files.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include "tenon/tenon.h"
#include <csignal>
#include <new>
#include <unistd.h>

using namespace tenon::driver;

static int dispatch() {
  const std::pair<llvm::cl::SubCommand &, int (*)()> commands[] = {
      {compileCommand, runCompile}, {convertCommand, runConvert},   {runCommand, runRun},         {verifyCommand, runVerify},
      {benchCommand, runBench},     {explainCommand, runExplain}, {inspectCommand, runInspect},
      {opsCommand, runOps},         {formatsCommand, runFormats}, {targetsCommand, runTargets}};
  for (auto &[command, run] : commands)
    if (command)
      return run();
  llvm::cl::PrintHelpMessage(false, true);
  return kUserError;
}

/// The libraries' own options are for their developers, who know them.
static void hideLibraryOptions() {
  for (auto &[name, option] : llvm::cl::getRegisteredOptions())
    if (!name.starts_with("help") && name != "version")
      option->setHiddenFlag(llvm::cl::Hidden);
}

[[noreturn]] static void outOfMemory() {
  tenon::removeTemporaryFiles();
  _exit(complain("[TN8019] out of memory; give the process more, or a smaller model or input", kResource));
}

/// Of a flag given twice, one value would be ignored. Lists take several.
static Exit checkRepeats() {
  for (llvm::cl::SubCommand *command : llvm::cl::getRegisteredSubcommands())
    if (*command)
      for (auto &[name, option] : llvm::cl::getRegisteredOptions(*command))
        if (option->getNumOccurrences() > 1 && option->getNumOccurrencesFlag() == llvm::cl::Optional)
          return refuse(*option, "but in its last place");
  return kOk;
}

/// A crash is a fault of ours and has its own exit status; the stack trace that
/// LLVM prints before goes into the report.
static void onCrash(void *) {
  tenon::removeTemporaryFiles();
  llvm::errs() << "error: [TN8070] internal error: please report this with the model and the command line\n";
  _exit(kInternal);
}

static llvm::cl::extrahelp exitStatuses("\nEXIT STATUS: 0 done; 1 a flag, a file or the model is wrong; 2 something is not supported;\n"
                                        "  3 out of memory or disk space; 4 values differ; 70 an internal error\n");

int main(int argc, char **argv) {
  tenon::openStandardStreams();
  tenon::removeTemporaryFilesOnSignals();
  llvm::sys::PrintStackTraceOnErrorSignal(argv[0]);
  tenon::removeTemporaryFilesOnSignals(); // LLVM takes a key that ends a process for a crash
  llvm::sys::AddSignalHandler(onCrash, nullptr);
  signal(SIGXFSZ, SIG_IGN); // a file size limit is an error of the write that meets it, like a full disk
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) { outOfMemory(); });
  std::set_new_handler(outOfMemory);
  hideLibraryOptions();
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &os) { os << "tenon " << tenon_version() << ", LLVM " LLVM_VERSION_STRING "\n"; });
  llvm::cl::ParseCommandLineOptions(argc, argv, "Tenon: ONNX models compiled ahead of time for a chip\n");
  if (Exit exit = checkRepeats())
    return exit;
  int exit = dispatch();
  llvm::outs().flush();
  if (std::error_code code = llvm::outs().error()) {
    llvm::outs().clear_error(); // or its destructor aborts
    return complain("[TN8021] cannot write to standard output: " + llvm::Twine(code.message()), kResource);
  }
  return exit;
}
