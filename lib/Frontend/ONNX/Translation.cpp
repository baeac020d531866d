// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// --import-onnx for tenon-translate.
#include "mlir/Tools/mlir-translate/Translation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Frontend/ONNX/Import.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace {
void registerImport(llvm::StringRef flag, llvm::StringRef description, const tenon::OnnxImportOptions &options) {
  TranslateToMLIRRegistration(
      flag, description,
      [options](llvm::SourceMgr &sources, MLIRContext *context) -> OwningOpRef<Operation *> {
        // The name says where external data lies; standard input has none.
        const llvm::MemoryBuffer *buffer = sources.getMemoryBuffer(sources.getMainFileID());
        llvm::StringRef name = buffer->getBufferIdentifier();
        OwningOpRef<ModuleOp> module = name == "<stdin>"
                                           ? tenon::importOnnxBytes(*context, buffer->getBuffer(), "", options)
                                           : tenon::importOnnx(*context, name, options);
        return OwningOpRef<Operation *>(module ? module.release().getOperation() : nullptr);
      },
      [](DialectRegistry &registry) { registry.insert<tenon::onnxir::OnnxDialect, func::FuncDialect>(); });
}
} // namespace

void tenon::registerOnnxTranslation() {
  registerImport("import-onnx", "import an ONNX model (binary, or text if the name ends in .onnxtxt or .txt)", {});
  OnnxImportOptions expand;
  expand.hasHandler = [](llvm::StringRef, llvm::StringRef, int64_t) { return false; };
  registerImport("import-onnx-expanded", "import an ONNX model, every operator with a function body expanded", expand);
  OnnxImportOptions optional;
  optional.keepOverridable = true;
  registerImport("import-onnx-optional",
                 "import an ONNX model, initializers that are also inputs kept as optional inputs unless they are "
                 "weights or sizes",
                 optional);
  optional.overridable = ".*";
  registerImport("import-onnx-overridable",
                 "import an ONNX model, all initializers that are also inputs kept as optional inputs", optional);
}
