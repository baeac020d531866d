// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs single passes and pipelines on IR: the driver of lit tests.
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "tenon/Dialect/Num/IR/Num.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Support/Files.h"
#include "llvm/Support/CommandLine.h"

static llvm::cl::list<std::string> formatFiles("format-file",
                                               llvm::cl::desc("Declaration of a number format to load (repeatable)"),
                                               llvm::cl::value_desc("FILE.yaml"));

namespace {
/// Loads the declarations into each context as its num dialect comes to be.
struct LoadFormats : mlir::DialectExtension<LoadFormats, tenon::num::NumDialect> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LoadFormats)
  void apply(mlir::MLIRContext *, tenon::num::NumDialect *dialect) const override {
    for (const std::string &file : formatFiles)
      if (auto format = dialect->getFormats().load(file); !format) {
        llvm::errs() << "error: " << toString(format.takeError()) << "\n";
        exit(1);
      }
  }
};
} // namespace

int main(int argc, char **argv) {
  tenon::openStandardStreams();
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  tenon::registerTenonDialects(registry);
  tenon::registerTenonPasses();
  registry.addExtensions<LoadFormats>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv,
                                                  "Runs passes of Tenon and of MLIR on a file\n"
                                                  "    tenon-opt model.mlir --graph-infer-shapes --plan-form-kernels\n",
                                                  registry));
}
