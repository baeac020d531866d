// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver's commands. Each registers its options under a subcommand and
// returns an exit status: 0 ok, 1 user error, 2 unsupported, 3 resource limit,
// 4 verification failed, 70 internal.
#ifndef TENON_TOOLS_TENON_COMMANDS_H
#define TENON_TOOLS_TENON_COMMANDS_H

#include "llvm/Support/CommandLine.h"

namespace tenon::driver {

enum Exit { kOk = 0, kUserError = 1, kUnsupported = 2, kResource = 3, kMismatch = 4 };

extern llvm::cl::SubCommand compileCommand, runCommand, benchCommand, explainCommand, inspectCommand, targetsCommand;

int runCompile();
int runRun();
int runBench();
int runExplain();
int runInspect();
int runTargets();

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_COMMANDS_H
