// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler as a function: six named stages from an ONNX model to an
// artifact. The only place that knows their order.
#ifndef TENON_PIPELINES_COMPILE_H
#define TENON_PIPELINES_COMPILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "tenon/Interfaces/Target.h"
#include "tenon/Pipelines/OpenSizes.h"
#include "tenon/Support/Files.h"
#include "tenon/Support/Ledger.h"
#include "tenon/Transforms/Numerics/ObserveActivations.h"
#include "llvm/ADT/StringRef.h"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tenon {

enum class Stage { Import, Graph, Numerics, Place, Codegen, Package };
constexpr unsigned kStageCount = 6;
/// "import", "graph", "numerics", "place", "codegen", "package".
llvm::StringRef stageName(Stage stage);
std::optional<Stage> parseStage(llvm::StringRef name);

/// What a compilation writes.
enum class Emit {
  Artifact,     ///< a file that the runtime loads
  StaticLibrary ///< an archive and a C header, for a program to link in
};

struct CompileOptions {
  std::string target;                     ///< a spelling of TargetRegistry::parse: the host
  std::vector<std::string> devices;       ///< spellings of devices beside the host that may run parts of the model
  std::vector<std::string> targetFiles;   ///< declarations of chips that these may name
  std::vector<std::string> targetPlugins; ///< libraries with targets that these may name (TargetPlugin.h)
  std::vector<std::string> pins, forbids; ///< REGEX=DEVICE, see plan-choose-devices
  std::string fallback;                   ///< what becomes of operators that no device takes, see plan-choose-devices
  int64_t mostRegions = -1;               ///< that a plan may have; -1: any number
  std::string planIn, planOut;            ///< placements as text (PlanFile.h) to follow, and to write

  /// All spellings, the host's first.
  std::vector<std::string> specs() const;
  std::optional<Stage> stopAfter;
  std::optional<Stage> startFrom;                  ///< the input is IR at that stage's entry
  std::vector<OpenSize> sizes;                     ///< of the model's open dimensions
  std::vector<std::string> formatFiles;            ///< declarations of number formats to load
  std::optional<numerics::ConvertOptions> convert; ///< weights to put into other formats, after import
  std::optional<numerics::ConvertOptions> observe; ///< layers that these would convert give what enters them as outputs
  /// Textual pass pipelines on the module, run at the end of a stage up to place
  /// (not of stages that startFrom skips).
  std::vector<std::pair<Stage, std::string>> addedPasses;
  std::string dumpTo;                    ///< folder for the IR after each stage
  std::vector<std::string> otherOutputs; ///< files that the caller will write: none may be an input
  bool flushDenormals = false;           ///< denormal weights are taken as zero
  Emit emit = Emit::Artifact;
  bool keepPlan = false;   ///< the artifact holds the plan's text
  std::string overridable; ///< names of weights that are optional inputs, see OnnxImportOptions
  bool redZones = false;   ///< for debugging: bytes behind each buffer of the arena that the runtime checks
  std::function<void(llvm::StringRef phase)> progress;
  KernelProgress kernelProgress; ///< within codegen
};

struct CompileResult {
  std::string text; ///< IR or assembly if the compilation stopped early
  std::vector<std::pair<std::string, double>> phaseSeconds;
  std::string target;
  std::vector<std::string> devices; ///< spellings of those beside the host
  std::string header;               ///< of a static library
  uint64_t weightBytes = 0, codeBytes = 0;
  uint64_t arenaBytes = 0;    ///< of buffers whose size is known
  uint64_t symbolicSlots = 0; ///< arena slots whose size named dimensions decide
  Ledger ledger;
  numerics::ConversionReport conversion;              ///< of `convert`
  std::vector<numerics::ObservedActivation> observed; ///< of `observe`
};

/// Registers every dialect the compiler uses.
void registerTenonDialects(mlir::DialectRegistry &registry);
void registerTenonPasses();

/// Loads them all: passes create ops of dialects that a model does not have.
void loadTenonDialects(mlir::MLIRContext &context);
/// Reads declarations of number formats into the context; all problems are reported.
mlir::LogicalResult loadFormats(mlir::MLIRContext &context, llvm::ArrayRef<std::string> files);

/// Imports a model with the operators that compilation knows; null after
/// diagnostics. `files` gets what it is read from.
mlir::OwningOpRef<mlir::ModuleOp> importForCompilation(mlir::MLIRContext &context, llvm::StringRef model,
                                                       const CompileOptions &options = {}, InputFiles *files = nullptr);
/// Runs the stages up to `stopAfter`, whose IR (assembly after codegen) is the
/// result's text, or writes an artifact to `output`.
/// Loads the dialects it needs into the context. Problems are diagnostics of the
/// context; nothing is written on failure.
mlir::FailureOr<CompileResult> compileModel(mlir::MLIRContext &context, llvm::StringRef input, llvm::StringRef output,
                                            const CompileOptions &options);
/// The same from the bytes of a model, or of IR to start from.
mlir::FailureOr<CompileResult> compileModelBytes(mlir::MLIRContext &context, llvm::StringRef bytes,
                                                 llvm::StringRef output, const CompileOptions &options);
/// Writes an ONNX model whose weights (and activations, where no run chooses their
/// scale) are converted, as far as ONNX has the formats; nothing is written on failure.
mlir::LogicalResult convertToOnnx(mlir::MLIRContext &context, llvm::StringRef input, llvm::StringRef output,
                                  const numerics::ConvertOptions &options, numerics::ConversionReport &report,
                                  llvm::ArrayRef<std::string> otherOutputs = {});
/// Adds the pins of the placement that `planIn` names, if it names one.
mlir::LogicalResult addPlannedPins(mlir::MLIRContext &context, CompileOptions &options);
/// Runs the stages after import up to `last` on a module in place, for the host's target
/// and those of devices beside it.
mlir::LogicalResult runStages(mlir::ModuleOp module, Stage first, Stage last, const Targets &targets,
                              const CompileOptions &options, CompileResult &result);
/// Gives the buffers of a planned module their places, before code is made of it.
mlir::LogicalResult planMemory(mlir::ModuleOp plan, bool redZones = false);

} // namespace tenon

#endif // TENON_PIPELINES_COMPILE_H
