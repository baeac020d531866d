// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Serves editors over the language server protocol: errors, hover, definitions
// and completion in .mlir files of every stage.
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Support/Files.h"

int main(int argc, char **argv) {
  tenon::openStandardStreams();
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  tenon::registerTenonDialects(registry);
  return llvm::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
