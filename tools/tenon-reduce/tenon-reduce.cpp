// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shrinks a module by a script's verdict: the script gets a file as its argument and
// exits with 0 where the module in it still shows the fault.
#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Reduce/Reduce.h"
#include "tenon/Support/Files.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/ToolOutputFile.h"

namespace cl = llvm::cl;

namespace {

int complain(const llvm::Twine &text) {
  llvm::errs() << "error: " << text << "\n";
  return 1;
}

void write(mlir::ModuleOp module, llvm::raw_ostream &os) { module->print(os, mlir::OpPrintingFlags()); }

/// Shows modules to the user's program as a file, and asks for its verdict.
class FaultTest {
public:
  explicit FaultTest(llvm::StringRef program) : program(program) {}

  std::error_code createFile() {
    std::error_code error = llvm::sys::fs::createTemporaryFile("tenon-reduce", "mlir", path);
    if (!error)
      remover.setFile(path);
    return error;
  }

  /// Whether the module shows the fault; `problem` says why there was no verdict.
  bool isShownBy(mlir::ModuleOp candidate) {
    std::error_code error;
    llvm::raw_fd_ostream os(path, error);
    if (!error)
      write(candidate, os);
    os.close();
    if (error || os.has_error()) {
      problem = "the temporary file cannot be written";
      isFileLost = true;
      os.clear_error();
      return false;
    }
    std::optional<llvm::StringRef> nowhere[] = {std::nullopt, llvm::StringRef(), llvm::StringRef()};
    return llvm::sys::ExecuteAndWait(program, {program, path}, std::nullopt, nowhere, 0, 0, &problem) == 0;
  }

  std::string program, problem;
  llvm::SmallString<128> path;
  bool isFileLost = false; ///< so that some module was not judged

private:
  llvm::FileRemover remover;
};

} // namespace

int main(int argc, char **argv) {
  tenon::openStandardStreams();
  cl::opt<std::string> input(cl::Positional, cl::desc("MODULE.mlir"), cl::Required);
  cl::opt<std::string> script("test",
                              cl::desc("Program that is called with a file and exits with 0 where the module "
                                       "in it still shows the fault"),
                              cl::value_desc("SCRIPT"), cl::Required);
  cl::opt<std::string> output("o", cl::desc("File for the smaller module"), cl::value_desc("FILE"), cl::init("-"));
  cl::ParseCommandLineOptions(argc, argv,
                              "Makes a module that shows a fault smaller\n"
                              "    tenon-reduce fails.mlir --test=./still-fails.sh -o small.mlir\n");
  if (llvm::sys::fs::equivalent(input, output))
    return complain("[TN8030] -o: " + output + " is the module that is to be made smaller");
  auto program = llvm::sys::findProgramByName(script);
  if (!program)
    return complain("[TN8050] --test: " + script + ": " + program.getError().message());
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  tenon::registerTenonDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.allowUnregisteredDialects();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::parseSourceFile<mlir::ModuleOp>(input, &context);
  if (!module)
    return 1;
  FaultTest test(*program);
  if (std::error_code error = test.createFile())
    return complain("[TN8008] no temporary file: " + error.message());
  if (!test.isShownBy(*module))
    return complain("[TN8050] --test: " + script +
                    (test.problem.empty() ? " does not exit with 0 for " + input + " itself, as printed by this tool"
                                          : ": " + test.problem));
  auto isInteresting = [&](mlir::ModuleOp candidate) { return test.isShownBy(candidate); };
  tenon::Reduction reduction = tenon::reduceModule(std::move(module), isInteresting);
  if (test.isFileLost) // not every smaller module was judged
    return complain("[TN8008] " + test.path.str() + ": " + test.problem);
  std::error_code error;
  llvm::ToolOutputFile file(output, error, llvm::sys::fs::OF_None);
  if (error)
    return complain("[TN8008] " + output + ": " + error.message());
  write(*reduction.module, file.os());
  file.keep();
  llvm::errs() << "tried " << reduction.tried << " modules, took " << reduction.kept << "\n";
  return 0;
}
