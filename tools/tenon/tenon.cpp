// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tenon: compiles ONNX models ahead of time and runs the result.
#include "Commands.h"

#include "llvm/Support/raw_ostream.h"

using namespace tenon::driver;

static int dispatch() {
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

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(argc, argv, "Tenon: ONNX models compiled ahead of time for a chip\n");
  int exit = dispatch();
  llvm::outs().flush();
  if (std::error_code code = llvm::outs().error()) {
    llvm::outs().clear_error(); // or its destructor aborts
    return complain("[TN8021] cannot write to standard output: " + llvm::Twine(code.message()), kResource);
  }
  return exit;
}
