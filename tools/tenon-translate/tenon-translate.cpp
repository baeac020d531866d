// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Translations between MLIR and other formats: --import-onnx.
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "tenon/Frontend/ONNX/Import.h"
#include "tenon/Support/Files.h"
#include "llvm/Support/LogicalResult.h"

int main(int argc, char **argv) {
  tenon::openStandardStreams();
  tenon::registerOnnxTranslation();
  return llvm::failed(mlir::mlirTranslateMain(argc, argv,
                                              "Reads other formats into MLIR\n"
                                              "    tenon-translate --import-onnx model.onnx\n"));
}
