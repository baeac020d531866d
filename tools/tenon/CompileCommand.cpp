// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "tenon/Pipelines/Compile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

namespace tenon::driver {

cl::SubCommand compileCommand("compile", "Compile an ONNX model into an artifact");
static cl::opt<std::string> model(cl::Positional, cl::desc("MODEL.onnx"), cl::Required, cl::sub(compileCommand));
static cl::opt<std::string> output("o", cl::desc("Artifact to write (default: the model's name with .tenon)"), cl::value_desc("FILE"), cl::sub(compileCommand));
static cl::opt<std::string> target("target", cl::desc("Chip to compile for, e.g. cpu:host, cpu:x86-64-v3"), cl::init("cpu:host"), cl::sub(compileCommand));
static cl::opt<std::string> stopAfter("stop-after", cl::desc("Print the IR after import, graph, numerics, place or (assembly) codegen"), cl::sub(compileCommand));
static cl::opt<std::string> startFrom("start-from", cl::desc("The input is IR at the entry of this stage"), cl::sub(compileCommand));
static cl::opt<std::string> dumpTo("dump-to", cl::desc("Folder for the IR after each stage"), cl::value_desc("DIR"), cl::sub(compileCommand));
static cl::opt<bool> quiet("q", cl::desc("No summary"), cl::sub(compileCommand));

static void printSummary(const CompileResult &result, llvm::StringRef path) {
  llvm::raw_ostream &os = llvm::outs();
  auto size = [](uint64_t bytes) { return bytes < 1 << 20 ? llvm::format("%.1f KiB", bytes / 1024.0) : llvm::format("%.1f MiB", bytes / 1048576.0); };
  os << "target     " << result.target << "\n";
  os << "operators  " << result.nodes << " ONNX nodes in " << result.kernels.size() << " kernels, all on the CPU\n";
  os << "weights    " << size(result.weightBytes) << ", code " << size(result.codeBytes) << ", arena " << size(result.arenaBytes) << "\n";
  os << "time      ";
  double total = 0;
  for (auto &[phase, seconds] : result.phaseSeconds) {
    os << ' ' << phase << llvm::format(" %.2f", seconds);
    total += seconds;
  }
  os << llvm::format(", total %.2f s\n", total);
  unsigned scalar = 0;
  for (const KernelSummary &kernel : result.kernels)
    scalar += llvm::StringRef(kernel.strategy).contains("scalar");
  if (scalar)
    os << "note       " << scalar << " kernels use scalar loops; `tenon explain` lists them\n";
  os << "wrote      " << path << "\n";
}

int runCompile() {
  CompileOptions options;
  options.target = target;
  options.dumpTo = dumpTo;
  if (!stopAfter.empty()) {
    options.stopAfter = parseStage(stopAfter);
    options.emitAssembly = true;
    if (!options.stopAfter) {
      llvm::errs() << "error: [TN8001] --stop-after=" << stopAfter << ": expected import, graph, numerics, place, codegen or package\n";
      return kUserError;
    }
  }
  if (!startFrom.empty()) {
    options.startFrom = parseStage(startFrom);
    if (!options.startFrom || *options.startFrom == Stage::Import || *options.startFrom > Stage::Codegen) {
      llvm::errs() << "error: [TN8001] --start-from=" << startFrom << ": expected graph, numerics, place or codegen\n";
      return kUserError;
    }
  }
  if (!llvm::sys::fs::is_regular_file(model)) {
    llvm::errs() << "error: [TN8002] " << model << ": no such file\n";
    return kUserError;
  }
  bool terminal = llvm::sys::Process::StandardErrIsDisplayed();
  unsigned phase = 0;
  if (terminal && !quiet)
    options.progress = [&](llvm::StringRef name) { llvm::errs() << "\r\033[K[" << ++phase << "/6] " << name; };
  llvm::SmallString<128> path(output.getValue());
  if (path.empty()) {
    path = model;
    llvm::sys::path::replace_extension(path, "tenon");
  }
  mlir::MLIRContext context;
  context.printOpOnDiagnostic(false);
  context.disableMultithreading();
  bool unsupported = false;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    std::string text = diagnostic.str();
    unsupported |= llvm::StringRef(text).contains("not supported") || llvm::StringRef(text).contains("TN2101") || llvm::StringRef(text).contains("TN5003");
    const char *kind = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error ? "error" : diagnostic.getSeverity() == mlir::DiagnosticSeverity::Warning ? "warning" : "note";
    llvm::errs() << (terminal ? "\r\033[K" : "") << kind << ": ";
    if (auto name = mlir::dyn_cast<mlir::NameLoc>(diagnostic.getLocation()); name && text.find(name.getName().getValue().str()) == std::string::npos)
      llvm::errs() << "node '" << name.getName().getValue() << "': ";
    llvm::errs() << text << "\n";
    return mlir::success();
  });
  auto result = compileModel(context, model, path, options);
  if (terminal && !quiet)
    llvm::errs() << "\r\033[K";
  if (mlir::failed(result))
    return unsupported ? kUnsupported : kUserError;
  if (options.stopAfter && *options.stopAfter != Stage::Package)
    llvm::outs() << result->text;
  else if (!quiet)
    printSummary(*result, path);
  return kOk;
}

} // namespace tenon::driver
