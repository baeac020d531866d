// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// --import-onnx for tenon-translate.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Frontend/ONNX/Import.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

void tenon::registerOnnxTranslation() {
  TranslateToMLIRRegistration(
      "import-onnx", "import an ONNX model (binary, or text if the name ends in .onnxtxt or .txt)",
      [](llvm::SourceMgr &sources, MLIRContext *context) -> OwningOpRef<Operation *> {
        // The name says where external data lies; standard input has none.
        const llvm::MemoryBuffer *buffer = sources.getMemoryBuffer(sources.getMainFileID());
        llvm::StringRef name = buffer->getBufferIdentifier();
        OwningOpRef<ModuleOp> module =
            name == "<stdin>" ? importOnnxBytes(*context, buffer->getBuffer()) : importOnnx(*context, name);
        return OwningOpRef<Operation *>(module ? module.release().getOperation() : nullptr);
      },
      [](DialectRegistry &registry) { registry.insert<onnxir::OnnxDialect, func::FuncDialect>(); });
}
