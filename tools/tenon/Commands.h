// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver's commands. Each registers its options under a subcommand and
// returns an exit status.
#ifndef TENON_TOOLS_TENON_COMMANDS_H
#define TENON_TOOLS_TENON_COMMANDS_H

#include "tenon/Support/Files.h"
#include "llvm/Support/CommandLine.h"

namespace tenon::driver {

enum Exit {
  kOk = 0,
  kUserError = 1,   ///< a flag, a file or the model is wrong
  kUnsupported = 2, ///< the compiler or this machine lacks something; the output lists it
  kResource = 3,    ///< memory or disk space
  kMismatch = 4,    ///< values are not what they should be
  kInternal = 70    ///< a fault of ours
};

extern llvm::cl::SubCommand compileCommand, convertCommand, runCommand, verifyCommand, benchCommand, explainCommand, inspectCommand,
    opsCommand, formatsCommand, targetsCommand;

int runCompile();
int runConvert();
int runRun();
int runVerify();
int runBench();
int runExplain();
int runInspect();
int runOps();
int runFormats();
int runTargets();

/// Prints an error and returns its exit status.
Exit complain(const llvm::Twine &text, Exit status = kUserError);
/// Prints what is no error: kind is "note" or "warning".
void mention(llvm::StringRef kind, const llvm::Twine &text);
/// Refuses to write `output` (of `flag`) in place of one of the inputs or of what
/// has been written; then it counts among these.
Exit checkOutput(const llvm::cl::Option &flag, llvm::StringRef output, InputFiles &inputs);
/// Refuses a flag that would be ignored: "--x has no effect <when>".
Exit refuse(const llvm::cl::Option &flag, llvm::StringRef when);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_COMMANDS_H
