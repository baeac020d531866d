// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver's commands: objects with the flags that they take.
#ifndef TENON_TOOLS_TENON_COMMANDS_H
#define TENON_TOOLS_TENON_COMMANDS_H

#include "Flags.h"
#include "tenon/Support/Files.h"
#include "llvm/ADT/Twine.h"
#include <memory>

namespace tenon::driver {

enum Exit {
  kOk = 0,
  kUserError = 1,   ///< a flag, a file or the model is wrong
  kUnsupported = 2, ///< the compiler or this machine lacks something; the output lists it
  kResource = 3,    ///< memory or disk space
  kMismatch = 4,    ///< values are not what they should be
  kInternal = 70    ///< a fault of ours
};

class Command : public FlagSet {
public:
  using FlagSet::FlagSet;
  /// Does what the parsed flags and arguments say.
  virtual Exit run() = 0;
};
using Commands = std::vector<std::unique_ptr<Command>>;

std::unique_ptr<Command> makeCompile();
std::unique_ptr<Command> makeConvert();
std::unique_ptr<Command> makeRun();
std::unique_ptr<Command> makeVerify();
std::unique_ptr<Command> makeBench();
std::unique_ptr<Command> makeExplain();
std::unique_ptr<Command> makeInspect();
std::unique_ptr<Command> makeOps();
std::unique_ptr<Command> makeFormats();
std::unique_ptr<Command> makeTargets();
/// All of them, in the order of help.
Commands makeCommands();

/// Prints an error and returns the exit status of its code's class (ErrorCodes.def).
Exit complain(const llvm::Twine &text);
/// Prints what is no error: kind is "note" or "warning".
void mention(llvm::StringRef kind, const llvm::Twine &text);
/// Refuses to write `output` (of `flag`) in place of one of the inputs or of what
/// has been written; then it counts among these.
Exit checkOutput(const Flag &flag, llvm::StringRef output, InputFiles &inputs);
/// Refuses a flag that would be ignored: "--x has no effect <when>".
Exit refuse(const Flag &flag, const llvm::Twine &when);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_COMMANDS_H
