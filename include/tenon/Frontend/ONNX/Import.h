// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX files to the onnx dialect. The only door to ONNX's own library: nothing
// outside lib/Frontend sees protobuf. Every problem of a model is reported as an
// MLIR diagnostic with a code [TN1xxx] before the import fails.
#ifndef TENON_FRONTEND_ONNX_IMPORT_H
#define TENON_FRONTEND_ONNX_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "tenon/Support/Files.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include <functional>
#include <string>

namespace tenon {

/// Attribute of an argument of func @main: the value of an input that the caller
/// leaves out.
inline constexpr llvm::StringLiteral kDefaultAttr = "onnx.default";
/// Of @main: names of inputs that are constants, because initializers have them too.
inline constexpr llvm::StringLiteral kFixedInputsAttr = "onnx.fixed_inputs";

struct OnnxImportOptions {
  /// Initializers that are also graph inputs become constants; true keeps those as
  /// optional inputs that are no weights and decide no size (attribute onnx.default
  /// of func @main's argument; onnx.fixed_inputs of @main names the others).
  bool keepOverridable = false;
  /// With keepOverridable: a regular expression for whole names of such
  /// initializers that are optional inputs whatever they are used for.
  std::string overridable;
  /// Run ONNX's shape inference with data propagation.
  bool inferShapes = true;
  /// Says for (domain, operator, since-version) whether the compiler knows the
  /// operator itself. Others are expanded to their standard function body where
  /// ONNX has one. Empty: nothing is expanded.
  std::function<bool(llvm::StringRef domain, llvm::StringRef opType, int64_t since)> hasHandler;
  /// Gets the files that the model is in, external data included; may be null.
  InputFiles *files = nullptr;
};

/// Imports a binary model, or ONNX's text format if the name ends in .onnxtxt
/// or .txt. The returned module maps the file for as long as its context lives.
/// Returns null after emitting diagnostics.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(mlir::MLIRContext &context, llvm::StringRef path,
                                             const OnnxImportOptions &options = {});

/// Imports a serialized model from memory, which is copied. External data is
/// looked for in folder, and refused if folder is empty.
mlir::OwningOpRef<mlir::ModuleOp> importOnnxBytes(mlir::MLIRContext &context, llvm::StringRef bytes,
                                                  llvm::StringRef folder = "", const OnnxImportOptions &options = {});

/// Registers --import-onnx, --import-onnx-expanded, --import-onnx-optional and
/// --import-onnx-overridable with mlir-translate's registry.
void registerOnnxTranslation();

/// Fills ONNX's table of operators, which the first import of a process does otherwise (9 ms).
void loadOnnxSchemas();

} // namespace tenon

#endif // TENON_FRONTEND_ONNX_IMPORT_H
