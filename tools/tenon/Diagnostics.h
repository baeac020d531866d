// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's diagnostics as the driver prints them.
#ifndef TENON_TOOLS_TENON_DIAGNOSTICS_H
#define TENON_TOOLS_TENON_DIAGNOSTICS_H

#include "Commands.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "tenon/Support/ErrorCodes.h"
#include "tenon/Support/Message.h"

namespace tenon {
struct CompileOptions;
}

namespace tenon::driver {

/// How a compilation shows what it does: not at all, in one line of a terminal
/// that is overwritten, or in a line a stage.
enum class Progress { None, Terminal, Lines };

/// Prints a context's diagnostics while it lives, one line each, those of one kind
/// summed up, and derives the exit status of a failed compilation from their codes.
class DiagnosticPrinter {
public:
  explicit DiagnosticPrinter(mlir::MLIRContext &context, Progress progress = Progress::None);

  /// Lets a compilation with these options show its stages, "[5/6] codegen, 41
  /// kernels", and in a terminal the kernels within code generation. The printer
  /// must outlive it.
  void attach(CompileOptions &options);
  void clearProgress();
  Exit exitStatus();

private:
  void print(mlir::Diagnostic &diagnostic);

  Progress display;
  std::string stage;             ///< "[5/6] codegen"
  std::vector<ErrorClass> kinds; ///< of the errors
  ProblemPrinter problems;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_DIAGNOSTICS_H
