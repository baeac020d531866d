// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tenon: compiles ONNX models ahead of time and runs the result.
#include "CommandLine.h"

#include "tenon/Support/Files.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <csignal>
#include <cstdio>
#include <new>
#include <unistd.h>

using namespace tenon::driver;

[[noreturn]] static void outOfMemory() {
  tenon::removeTemporaryFiles();
  _exit(complain("[TN8019] out of memory; give the process more, or a smaller model or input"));
}

/// A crash is a fault of ours and has its own exit status; the stack trace that
/// LLVM prints before goes into the report.
static void onCrash(void *) {
  tenon::removeTemporaryFiles();
  llvm::errs() << "error: [TN8070] internal error: please report this with the model and the command line\n";
  _exit(kInternal);
}

int main(int argc, char **argv) {
  tenon::openStandardStreams();
  tenon::removeTemporaryFilesOnSignals();
  llvm::sys::PrintStackTraceOnErrorSignal(argv[0]);
  tenon::removeTemporaryFilesOnSignals(); // LLVM takes a key that ends a process for a crash
  llvm::sys::AddSignalHandler(onCrash, nullptr);
  signal(SIGXFSZ, SIG_IGN); // a file size limit is an error of the write that meets it, like a full disk
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) { outOfMemory(); });
  std::set_new_handler(outOfMemory);
  llvm::SmallVector<llvm::StringRef> words(argv + (argc > 0), argv + argc);
  int exit = runCommandLine(words);
  llvm::outs().flush();
  if (std::error_code code = llvm::outs().error()) {
    llvm::outs().clear_error(); // or its destructor aborts
    return complain("[TN8021] cannot write to standard output: " + llvm::Twine(code.message()));
  }
  // What the process has is the system's to take back: destructors of tables would read it all once more.
  fflush(nullptr);
  llvm::sys::Process::Exit(exit, /*NoCleanup=*/true);
}
