// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compares the reference evaluator with test vectors: a developer's tool.
// Takes one model with its folders of vectors, or any number of test folders
// in ONNX's layout (model.onnx, test_data_set_*) in one process.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Support/Files.h"
#include "tenon/Verify/ReferenceCheck.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

namespace {

/// Runs one model; problems become lines of text.
bool check(llvm::StringRef model, llvm::ArrayRef<std::string> folders, const tenon::ReferenceCheckOptions &options,
           std::string &text) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<mlir::func::FuncDialect, mlir::arith::ArithDialect, mlir::scf::SCFDialect,
                      mlir::tensor::TensorDialect, tenon::graph::GraphDialect, tenon::onnxir::OnnxDialect>();
  llvm::raw_string_ostream out(text);
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
      out << "error: " << diagnostic << "\n";
    return mlir::success();
  });
  return succeeded(tenon::checkWithReference(context, model, folders, options, out));
}

std::vector<std::string> dataSets(llvm::StringRef folder) {
  std::vector<std::string> sets;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (llvm::sys::path::filename(at->path()).starts_with("test_data_set_"))
      sets.push_back(at->path());
  llvm::sort(sets);
  return sets;
}

} // namespace

int main(int argc, char **argv) {
  tenon::openStandardStreams();
  tenon::ReferenceCheckOptions options;
  cl::list<std::string> paths(cl::Positional, cl::desc("MODEL.onnx or test folders"), cl::OneOrMore);
  cl::list<std::string> folders("test-data", cl::desc("Folder of input_<i>.pb and output_<i>.pb"),
                                cl::value_desc("dir"));
  cl::opt<double, true> atol("atol", cl::desc("Absolute tolerance"), cl::location(options.atol), cl::init(1e-7));
  cl::opt<double, true> rtol("rtol", cl::desc("Relative tolerance"), cl::location(options.rtol), cl::init(1e-3));
  cl::opt<bool, true> constants("evaluate-constants", cl::desc("Evaluate constants before running"),
                                cl::location(options.evaluateConstants));
  cl::opt<bool, true> freeze("freeze-inputs", cl::desc("Make small inputs of rank 0 and 1 constants, e.g. axes"),
                             cl::location(options.freezeInputs));
  cl::ParseCommandLineOptions(argc, argv, "Compares Tenon's reference evaluator with test vectors\n");

  bool good = true;
  for (const std::string &path : paths) {
    bool isFolder = llvm::sys::fs::is_directory(path);
    if (isFolder) { // says where a crash happened
      llvm::outs() << "test " << path << "\n";
      llvm::outs().flush();
    }
    std::string text;
    bool passed = isFolder ? check(path + "/model.onnx", dataSets(path), options, text)
                           : check(path, std::vector<std::string>(folders), options, text);
    llvm::outs() << text << (isFolder ? passed ? "passed\n" : "failed\n" : "");
    good &= passed;
  }
  return good ? 0 : 1;
}
