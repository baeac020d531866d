// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Compiling.h"

#include "llvm/Support/FileSystem.h"

namespace tenon::driver {

Exit checkFile(llvm::StringRef path) {
  if (llvm::sys::fs::is_regular_file(path))
    return kOk;
  return complain("[TN8002] " + path + (llvm::sys::fs::exists(path) ? ": not a regular file" : ": no such file"));
}

Exit compile(llvm::StringRef model, llvm::StringRef path, CompileOptions options, bool showProgress,
             CompileResult &result) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  DiagnosticPrinter printer(context);
  unsigned phase = 0;
  if (showProgress)
    options.progress = [&](llvm::StringRef name) { printer.progress(name, ++phase, kStageCount); };
  auto compiled = compileModel(context, model, path, options);
  printer.clearProgress();
  if (mlir::failed(compiled))
    return printer.exitStatus();
  result = std::move(*compiled);
  return kOk;
}

} // namespace tenon::driver
