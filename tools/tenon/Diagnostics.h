// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's diagnostics as the driver prints them.
#ifndef TENON_TOOLS_TENON_DIAGNOSTICS_H
#define TENON_TOOLS_TENON_DIAGNOSTICS_H

#include "Commands.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "tenon/Support/Message.h"

namespace tenon::driver {

/// Prints a context's diagnostics while it lives, one line each, those of one kind
/// summed up, and derives the exit status of a failed compilation from their codes.
class DiagnosticPrinter {
public:
  explicit DiagnosticPrinter(mlir::MLIRContext &context);

  /// Shows "[n/of] phase" on a terminal until the next line is printed.
  void progress(llvm::StringRef phase, unsigned number, unsigned of);
  void clearProgress();
  Exit exitStatus();

private:
  void print(mlir::Diagnostic &diagnostic);

  bool isTerminal;
  bool unsupported = false, exhausted = false, uncoded = false, coded = false;
  ProblemPrinter problems;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_DIAGNOSTICS_H
