// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the words of the command line to a command that has run.
#ifndef TENON_TOOLS_TENON_COMMANDLINE_H
#define TENON_TOOLS_TENON_COMMANDLINE_H

#include "Commands.h"

namespace tenon::driver {

/// Finds the command, parses its flags, runs it. Problems of the command line are
/// all printed; then nothing runs.
Exit runCommandLine(llvm::ArrayRef<llvm::StringRef> words);

/// How Tenon says what a flag of trtexec, onnx-mlir, IREE, Vela or benchmark_app
/// says, where the meaning is not the same; empty for flags that are in no table.
llvm::StringRef adviceOnForeignFlag(llvm::StringRef command, llvm::StringRef name);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_COMMANDLINE_H
