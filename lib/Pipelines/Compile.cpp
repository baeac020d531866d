// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The six stages in order.
#include "GenerateCode.h"
#include "Outputs.h"
#include "Package.h"
#include "PlaceStage.h"
#include "PlanTargets.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Conversion/ONNXToGraph/Passes.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Graph/Transforms/Passes.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Frontend/ONNX/Import.h"
#include "tenon/Frontend/ONNX/TensorFile.h"
#include "tenon/Pipelines/BuildLedger.h"
#include "tenon/Pipelines/NativeConstants.h"
#include "tenon/Pipelines/Passes.h"
#include "tenon/Pipelines/PlanFile.h"
#include "tenon/Pipelines/RegisterTargets.h"
#include "tenon/Target/Common/StaticLibrary.h"
#include "tenon/Transforms/Partition/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include <chrono>

using namespace mlir;

namespace tenon {

static constexpr const char *kStageNames[] = {"import", "graph", "numerics", "place", "codegen", "package"};

StringRef stageName(Stage stage) { return kStageNames[int(stage)]; }
std::optional<Stage> parseStage(StringRef name) {
  for (int i = 0; i < int(kStageCount); ++i)
    if (name == kStageNames[i])
      return Stage(i);
  return std::nullopt;
}

namespace {

class Clock {
public:
  double lap() {
    auto now = std::chrono::steady_clock::now();
    double seconds = std::chrono::duration<double>(now - last).count();
    last = now;
    return seconds;
  }

private:
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
};

void addGraphStage(PassManager &pm, const std::shared_ptr<simplify::ConstantEvaluator> &evaluator) {
  pm.addPass(onnxtograph::createConvertOnnxToGraphPass());
  addSimplification(pm, evaluator);
  pm.addPass(graph::createFoldChannelAffinePass());
  pm.addPass(graph::createChannelsLastPass());
  addSimplification(pm, evaluator);
  pm.addPass(graph::createSimplifyPass());
}

/// The user's own passes at the end of a stage.
LogicalResult addUserPasses(PassManager &pm, Stage stage, const CompileOptions &options) {
  for (auto &[after, pipeline] : options.addedPasses) {
    std::string problem;
    llvm::raw_string_ostream os(problem);
    if (after == stage && failed(parsePassPipeline(pipeline, pm, os)))
      return emitError(UnknownLoc::get(pm.getContext())) << "[TN8001] --add-pass=" << stageName(stage) << "="
                                                         << pipeline << ": " << StringRef(problem).split('\n').first;
  }
  return success();
}

LogicalResult dump(ModuleOp module, Stage stage, StringRef folder) {
  if (folder.empty())
    return success();
  std::string path = dumpPath(folder, stage);
  std::error_code code = llvm::sys::fs::create_directories(folder);
  if (!code) {
    llvm::raw_fd_ostream os(path, code);
    if (!code) {
      os << "// For reading: weights are left out. To resume a compilation, start from what --stop-after prints.\n";
      module->print(os, elided());
    }
    os.close();
    code = code ? code : os.error();
    os.clear_error();
  }
  if (code)
    return emitError(UnknownLoc::get(module.getContext()), "[TN8020] cannot write the dump ")
           << path << ": " << code.message();
  return success();
}

LogicalResult verifyStage(ModuleOp module, Stage stage) {
  PassManager pm(module.getContext());
  pm.addPass(createVerifyStagePass({stageName(stage).str()}));
  return pm.run(module);
}

/// IR that a user resumes from: what MLIR's parser and verifiers say of it gets a code.
OwningOpRef<ModuleOp> readStage(MLIRContext &context, Stage next, llvm::function_ref<OwningOpRef<ModuleOp>()> parse) {
  OwningOpRef<ModuleOp> module;
  std::vector<std::pair<Location, std::string>> problems;
  {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      problems.push_back({diagnostic.getLocation(), diagnostic.str()});
      return success();
    });
    module = parse();
  }
  for (auto &[location, text] : problems)
    emitError(location) << "[TN8011] this is no IR to start the stage " << stageName(next) << " from: " << text;
  // The stage graph also takes graph ops as they are: tests are written in them.
  if (!module)
    return {};
  WalkResult complete = module->walk([](Operation *op) { return WalkResult(checkWeights(op)); });
  if (complete.wasInterrupted() || (next != Stage::Graph && failed(verifyStage(*module, Stage(int(next) - 1)))))
    return {};
  return module;
}

/// Announces a stage with how much it has to do: "codegen, 41 kernels".
void announce(ModuleOp module, Stage stage, const CompileOptions &options) {
  if (!options.progress)
    return;
  size_t count = 0;
  const char *what = stage <= Stage::Graph ? "ONNX nodes" : stage <= Stage::Place ? "operations" : "kernels";
  module->walk([&](Operation *op) {
    count += stage <= Stage::Graph   ? isa<onnxir::NodeOp>(op)
             : stage <= Stage::Place ? isa<graph::GraphDialect>(op->getDialect()) && !isa<graph::ConstantOp>(op)
                                     : isa<plan::KernelOp>(op);
  });
  options.progress((stageName(stage) + ", " + Twine(count) + " " + what).str());
}

void print(ModuleOp module, CompileResult &result) {
  llvm::raw_string_ostream os(result.text);
  module->print(os, OpPrintingFlags().enableDebugInfo());
}

} // namespace

LogicalResult runStages(ModuleOp module, Stage first, Stage last, const Targets &targets, const CompileOptions &options,
                        CompileResult &result) {
  Clock clock;
  std::shared_ptr<simplify::ConstantEvaluator> evaluator =
      nativeConstants(); // one for all passes: each form of an op is compiled once
  for (int stage = int(first); stage <= int(last) && stage <= int(Stage::Place); ++stage) {
    announce(module, Stage(stage), options);
    PassManager pm(module.getContext());
    if (Stage(stage) == Stage::Graph)
      addGraphStage(pm, evaluator);
    // Of numerics: formats come with the model, or from convertWeights.
    if (Stage(stage) == Stage::Place && failed(place(module, targets, options, evaluator)))
      return failure();
    if (failed(addUserPasses(pm, Stage(stage), options)))
      return failure();
    pm.addPass(createVerifyStagePass({stageName(Stage(stage)).str()}));
    if (failed(pm.run(module)) || failed(dump(module, Stage(stage), options.dumpTo)))
      return failure();
    result.phaseSeconds.push_back({stageName(Stage(stage)).str(), clock.lap()});
  }
  return success();
}

std::vector<std::string> CompileOptions::specs() const {
  std::vector<std::string> specs{target};
  specs.insert(specs.end(), devices.begin(), devices.end());
  return specs;
}

LogicalResult addPlannedPins(MLIRContext &context, CompileOptions &options) {
  if (options.planIn.empty())
    return success();
  std::vector<std::string> problems;
  std::string error;
  if (std::unique_ptr<llvm::MemoryBuffer> file = openInput(options.planIn, error))
    readPlan(file->getBuffer(), options.planIn, options.pins, problems);
  else
    problems.push_back(options.planIn + " " + error);
  for (const std::string &problem : problems)
    emitError(UnknownLoc::get(&context)) << "[TN8053] --plan-in: " << problem;
  return success(problems.empty());
}

static LogicalResult writePlan(MLIRContext &context, const Ledger &ledger, ArrayRef<std::string> devices,
                               const CompileOptions &options) {
  OutputFile file;
  std::error_code code = file.open(options.planOut);
  if (!code) {
    file.os() << planText(ledger, devices);
    code = file.commit();
  }
  if (!code)
    return success();
  return emitError(UnknownLoc::get(&context))
         << "[TN6002] writing " << options.planOut << " failed: " << code.message();
}

static FailureOr<CompileResult> finish(OwningOpRef<ModuleOp> module, Stage next, StringRef input, StringRef output,
                                       const CompileOptions &options, CompileResult result) {
  MLIRContext &context = *module->getContext();
  Stage last = options.stopAfter.value_or(Stage::Package);
  PlanTargets known = targetsFor(*module, next, options);
  const Targets &targets = known.targets;
  if (targets.empty())
    return failure();
  result.target = targets.front()->spec().str();
  for (const auto &device : ArrayRef(targets).drop_front())
    result.devices.push_back(device->spec().str());
  if (failed(runStages(*module, next, last, targets, options, result)))
    return failure();
  if (int(last) <= int(Stage::Place)) {
    print(*module, result);
    return result;
  }
  completeDevices(*module, known);
  Clock clock;
  announce(*module, Stage::Codegen, options);
  GenerateOptions generation;
  generation.assembly = last == Stage::Codegen;
  if (options.emit == Emit::StaticLibrary && last == Stage::Package)
    generation.objectPrefix = staticLibraryNames(output)->prefix();
  generation.kernelProgress = options.kernelProgress;
  generation.dump = [&](ModuleOp code) { return dump(code, Stage::Codegen, options.dumpTo); };
  generation.phaseEnded = [&](StringRef phase) { result.phaseSeconds.push_back({phase.str(), clock.lap()}); };
  FailureOr<ProgramCode> generated = generateAll(*module, targets, generation, options.redZones);
  if (failed(generated))
    return failure();
  result.phaseSeconds.push_back({"llvm", clock.lap()});
  if (last == Stage::Codegen) {
    result.text = std::move(generated->host.assembly);
    for (RegionCode &region : generated->regions)
      result.text += region.code.assembly;
    return result;
  }
  announce(*module, Stage::Package, options);
  if (failed(package(*module, targets, std::move(*generated), output, input, options, result)))
    return failure();
  result.phaseSeconds.push_back({"package", clock.lap()});
  if (!options.planOut.empty() && failed(writePlan(context, result.ledger, known.names, options)))
    return failure();
  return result;
}

/// What the user asked to be done to the model's own nodes, before any is folded.
static LogicalResult finishImport(ModuleOp module, const CompileOptions &options, CompileResult &result, Clock &clock) {
  PassManager pm(module.getContext());
  if (failed(applySizes(module, options.sizes)) || failed(addUserPasses(pm, Stage::Import, options)) ||
      failed(pm.run(module)))
    return failure();
  if (options.observe) {
    auto observed = numerics::observeActivations(module, *options.observe);
    if (failed(observed))
      return failure();
    result.observed = std::move(*observed);
  }
  if (options.convert) {
    if (options.progress)
      options.progress("convert");
    if (failed(numerics::convertWeights(module, *options.convert, result.conversion)))
      return failure();
    result.phaseSeconds.push_back({"convert", clock.lap()});
  }
  return success(succeeded(verifyStage(module, Stage::Import)) &&
                 succeeded(dump(module, Stage::Import, options.dumpTo)));
}

static OnnxImportOptions importOptions(const CompileOptions &compilation, InputFiles *files) {
  OnnxImportOptions options;
  options.files = files;
  options.keepOverridable = true;
  options.overridable = compilation.overridable;
  options.hasHandler = [](StringRef domain, StringRef type, int64_t since) {
    return onnxtograph::hasHandler(domain, type, since);
  };
  return options;
}

OwningOpRef<ModuleOp> importForCompilation(MLIRContext &context, StringRef model, const CompileOptions &options,
                                           InputFiles *files) {
  OwningOpRef<ModuleOp> module = importOnnx(context, model, importOptions(options, files));
  if (module)
    recordNodes(*module, hashModelFile(model));
  return module;
}

/// Imports by `importModel` and runs the stages after it.
static FailureOr<CompileResult> compileImported(llvm::function_ref<OwningOpRef<ModuleOp>()> importModel, StringRef name,
                                                StringRef output, const CompileOptions &options) {
  if (options.progress)
    options.progress("import");
  Clock clock;
  OwningOpRef<ModuleOp> module = importModel();
  if (!module)
    return failure();
  CompileResult result;
  result.phaseSeconds.push_back({"import", clock.lap()});
  if (failed(finishImport(*module, options, result, clock)))
    return failure();
  if (options.stopAfter == Stage::Import) {
    print(*module, result);
    return result;
  }
  return finish(std::move(module), Stage::Graph, name, output, options, std::move(result));
}

/// Runs the stages from `options.startFrom` on, on IR that `parse` reads.
static FailureOr<CompileResult> resume(MLIRContext &context, llvm::function_ref<OwningOpRef<ModuleOp>()> parse,
                                       StringRef name, StringRef output, const CompileOptions &options) {
  Clock clock;
  OwningOpRef<ModuleOp> module = readStage(context, *options.startFrom, parse);
  if (!module)
    return failure();
  CompileResult result;
  result.phaseSeconds.push_back({"import", clock.lap()});
  return finish(std::move(module), *options.startFrom, name, output, options, std::move(result));
}

/// Whether what is asked for can be packaged as it is asked for.
static LogicalResult checkEmit(MLIRContext &context, StringRef output, const CompileOptions &options) {
  if (options.emit == Emit::Artifact)
    return success();
  auto error = [&] { return emitError(UnknownLoc::get(&context)); };
  if (!options.devices.empty())
    return error() << "[TN6003] --emit=static-lib is for one device, --target names " << options.devices.size() + 1
                   << ": leave out the others, or --emit for an artifact";
  if (options.stopAfter.value_or(Stage::Package) == Stage::Package && !staticLibraryNames(output))
    return error() << "[TN6004] --emit=static-lib writes an archive and NAME.h beside it, " << output
                   << " does not end in .a: give NAME.a or libNAME.a";
  return success();
}

FailureOr<CompileResult> compileModel(MLIRContext &context, StringRef input, StringRef output,
                                      const CompileOptions &given) {
  loadTenonDialects(context);
  CompileOptions options = given;
  if (failed(checkEmit(context, output, options)))
    return failure();
  if (failed(loadFormats(context, options.formatFiles)) || failed(addPlannedPins(context, options)))
    return failure();
  InputFiles inputs;
  inputs.add(input, "the model");
  for (const std::string &file : options.formatFiles)
    inputs.add(file, "a declaration of a format");
  for (const std::string &file : options.targetFiles)
    inputs.add(file, "a declaration of a chip");
  if (!options.planIn.empty())
    inputs.add(options.planIn, "a placement");
  for (const std::string &file : options.targetPlugins)
    inputs.add(file, "a target plugin");
  std::vector<std::string> outputs = dumpPaths(options.dumpTo);
  outputs.insert(outputs.end(), options.otherOutputs.begin(), options.otherOutputs.end());
  if (options.stopAfter.value_or(Stage::Package) == Stage::Package) {
    outputs.push_back(output.str());
    if (options.emit == Emit::StaticLibrary)
      outputs.push_back(staticLibraryNames(output)->header);
  }
  if (!options.planOut.empty())
    outputs.push_back(options.planOut);
  if (failed(checkOutputs(context, inputs, outputs)))
    return failure();
  auto importModel = [&] {
    OwningOpRef<ModuleOp> module = importForCompilation(context, input, options, &inputs);
    if (module && failed(checkOutputs(context, inputs, outputs))) // now with external data
      module = nullptr;
    return module;
  };
  if (!options.startFrom)
    return compileImported(importModel, input, output, options);
  return resume(context, [&] { return parseSourceFile<ModuleOp>(input, &context); }, input, output, options);
}

FailureOr<CompileResult> compileModelBytes(MLIRContext &context, StringRef bytes, StringRef output,
                                           const CompileOptions &given) {
  loadTenonDialects(context);
  CompileOptions options = given;
  if (failed(checkEmit(context, output, options)))
    return failure();
  if (failed(loadFormats(context, options.formatFiles)) || failed(addPlannedPins(context, options)))
    return failure();
  if (options.startFrom)
    return resume(context, [&] { return parseSourceString<ModuleOp>(bytes, &context); }, "model", output, options);
  auto importModel = [&] {
    OwningOpRef<ModuleOp> module = importOnnxBytes(context, bytes, "", importOptions(options, nullptr));
    if (module)
      recordNodes(*module, hashModel(bytes));
    return module;
  };
  return compileImported(importModel, "model", output, options);
}

} // namespace tenon
