// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs single passes and pipelines on IR: the driver of lit tests.
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "tenon/Pipelines/Compile.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  tenon::registerTenonDialects(registry);
  tenon::registerTenonPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv,
                                                  "Runs passes of Tenon and of MLIR on a file\n"
                                                  "    tenon-opt model.mlir --graph-infer-shapes --plan-form-kernels\n",
                                                  registry));
}
