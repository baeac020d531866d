// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Errors and notes on standard error: those of the driver (complain, mention, refuse) and the diagnostics of a
// compilation. The class of an error's code decides the exit status (ErrorCodes.def), where an error without
// a code is an internal one. If errors of a compilation differ, the first class of resource, unsupported, user
// and internal that occurs decides.
#include "Diagnostics.h"

#include "tenon/Pipelines/Compile.h"
#include "tenon/Support/ErrorCodes.h"
#include "tenon/Support/Provenance.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon::driver {

static Exit exitOf(ErrorClass kind) {
  switch (kind) {
  case ErrorClass::Unsupported: return kUnsupported;
  case ErrorClass::Resource: return kResource;
  case ErrorClass::Mismatch: return kMismatch;
  case ErrorClass::Internal: return kInternal;
  default: return kUserError;
  }
}

Exit complain(const llvm::Twine &text) {
  std::string message = text.str();
  llvm::errs() << "error: " << shown(message) << "\n";
  // Every error a user can cause or mend has a code; one without is ours.
  return exitOf(classOfMessage(message).value_or(ErrorClass::Internal));
}

void mention(llvm::StringRef kind, const llvm::Twine &text) {
  llvm::errs() << kind << ": " << tenon::shown(text.str()) << "\n";
}

Exit refuse(const Flag &flag, const llvm::Twine &when) {
  return complain("[TN8012] " + flag.spelling() + " has no effect " + when + "; leave it out");
}

Exit checkOutput(const Flag &flag, llvm::StringRef output, InputFiles &inputs) {
  llvm::StringRef what = inputs.find(output);
  if (!what.empty())
    return complain("[TN8030] " + flag.spelling() + ": writing " + output + " would replace " + what +
                    "; name another output");
  inputs.addOutput(output, "what " + flag.spelling() + " writes, too");
  return kOk;
}

DiagnosticPrinter::DiagnosticPrinter(mlir::MLIRContext &context, Progress progress)
    : display(progress == Progress::Terminal && !llvm::sys::Process::StandardErrIsDisplayed() ? Progress::None
                                                                                              : progress),
      problems([this](llvm::StringRef line) {
        clearProgress();
        llvm::errs() << line << "\n";
      }),
      handler(&context, [this](mlir::Diagnostic &diagnostic) {
        print(diagnostic);
        return mlir::success();
      }) {
  context.printOpOnDiagnostic(false);
}

void DiagnosticPrinter::attach(CompileOptions &options) {
  if (display == Progress::None)
    return;
  auto show = [this](const llvm::Twine &text) {
    clearProgress();
    llvm::errs() << text << (display == Progress::Lines ? "\n" : "");
  };
  options.progress = [this, show](llvm::StringRef text) {
    llvm::StringRef name = text.split(',').first;
    if (std::optional<Stage> known = parseStage(name)) // others are steps of a stage
      stage = ("[" + llvm::Twine(int(*known) + 1) + "/" + llvm::Twine(kStageCount) + "] " + name).str();
    show(stage.substr(0, stage.find(']') + 2) + text.str());
  };
  if (display == Progress::Terminal)
    options.kernelProgress = [this, show](llvm::StringRef doing, unsigned number, unsigned of) {
      show(stage + ", " + doing + " kernel " + llvm::Twine(number) + " of " + llvm::Twine(of));
    };
}

void DiagnosticPrinter::clearProgress() {
  if (display == Progress::Terminal)
    llvm::errs() << "\r\033[K";
}

Exit DiagnosticPrinter::exitStatus() {
  problems.finish();
  // The worst that was said of the model; an error without a code where no other has one.
  for (ErrorClass kind : {ErrorClass::Resource, ErrorClass::Unsupported, ErrorClass::User, ErrorClass::Internal})
    if (llvm::is_contained(kinds, kind))
      return exitOf(kind);
  return kUserError;
}

void DiagnosticPrinter::print(mlir::Diagnostic &diagnostic) {
  // What remarks tell is in the ledger, which the summary and `tenon explain` show.
  if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Remark)
    return;
  std::string text = diagnostic.str();
  const char *kind = "note";
  if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error) {
    kind = "error";
    kinds.push_back(classOfMessage(text).value_or(ErrorClass::Internal));
  } else if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Warning) {
    kind = "warning";
  }
  std::string place = placeOf(diagnostic.getLocation(), text);
  std::vector<std::string> notes;
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    notes.push_back(note.str());
  problems.add((llvm::Twine(kind) + ": " + place + (place.empty() ? "" : ": ")).str(), text, notes);
}

} // namespace tenon::driver
