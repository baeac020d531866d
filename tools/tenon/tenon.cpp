// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tenon: compiles ONNX models ahead of time and runs the result.
#include "Commands.h"

using namespace tenon::driver;

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(argc, argv, "Tenon: ONNX models compiled ahead of time for a chip\n");
  if (compileCommand)
    return runCompile();
  if (runCommand)
    return runRun();
  if (verifyCommand)
    return runVerify();
  if (benchCommand)
    return runBench();
  if (explainCommand)
    return runExplain();
  if (inspectCommand)
    return runInspect();
  if (targetsCommand)
    return runTargets();
  llvm::cl::PrintHelpMessage(false, true);
  return kUserError;
}
