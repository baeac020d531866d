// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compares the reference evaluator with test vectors: a developer's tool.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Pipelines/ReferenceCheck.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

int main(int argc, char **argv) {
  tenon::ReferenceCheckOptions options;
  cl::opt<std::string> model(cl::Positional, cl::Required, cl::desc("MODEL.onnx"));
  cl::list<std::string> folders("test-data", cl::desc("Folder of input_<i>.pb and output_<i>.pb"), cl::value_desc("dir"));
  cl::opt<double, true> atol("atol", cl::desc("Absolute tolerance"), cl::location(options.atol), cl::init(1e-7));
  cl::opt<double, true> rtol("rtol", cl::desc("Relative tolerance"), cl::location(options.rtol), cl::init(1e-3));
  cl::opt<bool, true> constants("evaluate-constants", cl::desc("Evaluate constants before running"),
                                cl::location(options.evaluateConstants));
  cl::ParseCommandLineOptions(argc, argv, "Compares Tenon's reference evaluator with test vectors\n");

  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<mlir::func::FuncDialect, mlir::arith::ArithDialect, mlir::scf::SCFDialect,
                      mlir::tensor::TensorDialect, tenon::graph::GraphDialect, tenon::onnxir::OnnxDialect>();
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler handler(sources, &context);
  return failed(tenon::checkWithReference(context, model, folders, options, llvm::outs()));
}
