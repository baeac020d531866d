// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Calibrating.h"

#include "tenon/Dialect/Num/IR/Num.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

namespace tenon::driver {

cl::SubCommand convertCommand("convert", "Put a float model's weights into a number format, and report what that costs");
static cl::opt<std::string> model(cl::Positional, cl::desc("MODEL.onnx"), cl::Required, cl::sub(convertCommand));
static cl::opt<std::string> output("o", cl::desc("File to write: an artifact (.tenon) or a model (.onnx); without it there is the report only"), cl::value_desc("FILE"), cl::sub(convertCommand));
static cl::opt<std::string> weights("weights", cl::desc("Format of the weights, FORMAT[:tensor|channel|blockN|none][:bias=N][:max|percentile=P|mse]"), cl::value_desc("FORMAT"), cl::sub(convertCommand));
static cl::list<std::string> layers("layers", cl::desc("Format of the layers whose names match, `none` to leave them; the first match decides (repeatable)"), cl::value_desc("REGEX=FORMAT"), cl::sub(convertCommand));
static cl::opt<std::string> activations("activations", cl::desc("Round the other operand of converted layers to a format, with a scale that each run chooses or --calibration did"), cl::value_desc("FORMAT"), cl::sub(convertCommand));
static cl::opt<std::string> calibration("calibration", cl::desc("Samples to choose the activations' scales or biases on: a .npz file or a test_data_set folder, or a folder of them"), cl::value_desc("PATH"), cl::sub(convertCommand));
static cl::list<std::string> formatFiles("format-file", cl::desc("Declaration of a number format to load (repeatable)"), cl::value_desc("FILE.yaml"), cl::sub(convertCommand));
static cl::opt<uint64_t> seed("seed", cl::desc("Seed of stochastic rounding"), cl::sub(convertCommand));
static cl::opt<std::string> target("target", cl::desc("Chip of the artifact"), cl::init("cpu:host"), cl::sub(convertCommand));
static cl::opt<std::string> reportPath("report", cl::desc("Write the report as JSON"), cl::value_desc("FILE.json"), cl::sub(convertCommand));
static cl::opt<bool> quiet("q", cl::desc("Do not print the report"), cl::sub(convertCommand));

/// All or nothing, like every output.
static Exit writeReport(const numerics::ConversionReport &report) {
  auto text = llvm::formatv("{0:2}\n", llvm::json::Value(report.toJson()));
  std::error_code code;
  bool inPlace = reportPath == "-" || (llvm::sys::fs::exists(reportPath) && !llvm::sys::fs::is_regular_file(reportPath));
  if (inPlace) { // a device or a pipe would be replaced by renaming
    llvm::raw_fd_ostream os(reportPath, code);
    os << text;
    os.flush();
    code = os.error();
    os.clear_error();
  } else if (OutputFile file; !(code = file.open(reportPath))) {
    file.os() << text;
    code = file.commit();
  }
  return code ? complain("[TN8021] cannot write " + reportPath + ": " + code.message(), kResource) : kOk;
}

/// Nothing that is written may take the place of what is read, or of the other output.
static Exit checkOutputs() {
  InputFiles files;
  files.add(model, "the model");
  for (const std::string &file : formatFiles)
    files.add(file, "a declaration of a format");
  files.add(calibration, "the calibration data");
  std::error_code code;
  for (llvm::sys::fs::recursive_directory_iterator it(calibration, code), end; calibration.getNumOccurrences() && !code && it != end; it.increment(code))
    files.add(it->path(), "calibration data");
  for (const auto *flag : {&output, &reportPath})
    if (!flag->empty())
      if (Exit exit = checkOutput(*flag, *flag, files))
        return exit;
  return kOk;
}

int runConvert() {
  bool toModel = llvm::StringRef(output).ends_with(".onnx"), toArtifact = llvm::StringRef(output).ends_with(".tenon");
  if (!output.empty() && !toModel && !toArtifact)
    return complain("[TN8001] -o " + output + ": expected a name that ends in .tenon or .onnx");
  if (!toArtifact && target.getNumOccurrences())
    return refuse(target, "without an artifact (-o FILE.tenon)");
  if (weights.empty() && layers.empty())
    return complain("[TN8001] convert: expected --weights=FORMAT or --layers=REGEX=FORMAT; `tenon formats` lists the formats");
  if (activations.empty() && calibration.getNumOccurrences())
    return refuse(calibration, "without --activations");
  if (Exit exit = checkFile(model))
    return exit;
  if (Exit exit = checkOutputs())
    return exit;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  DiagnosticPrinter printer(context);
  loadTenonDialects(context);
  std::vector<std::string> files(formatFiles.begin(), formatFiles.end()), rules(layers.begin(), layers.end());
  if (failed(loadFormats(context, files)))
    return printer.exitStatus();
  llvm::Expected<numerics::ConvertOptions> parsed = numerics::ConvertOptions::parse(weights, rules, activations, num::formatsOf(&context), calibration.getNumOccurrences());
  if (!parsed)
    return complain(toString(parsed.takeError()));
  parsed->seed = seed;
  if (calibration.getNumOccurrences())
    if (Exit exit = calibrate(model, calibration, files, num::formatsOf(&context), *parsed))
      return exit;
  numerics::ConversionReport report;
  std::vector<std::string> reports;
  if (!reportPath.empty())
    reports.push_back(reportPath);
  if (toModel) {
    if (failed(convertToOnnx(context, model, output, *parsed, report, reports)))
      return printer.exitStatus();
  } else {
    CompileOptions options;
    options.target = target;
    options.convert = *parsed;
    options.otherOutputs = reports;
    if (!toArtifact)
      options.stopAfter = Stage::Import;
    auto compiled = compileModel(context, model, output, options);
    if (failed(compiled))
      return printer.exitStatus();
    report = std::move(compiled->conversion);
  }
  if (!reportPath.empty())
    if (Exit exit = writeReport(report))
      return exit;
  if (!quiet) {
    llvm::outs() << report.text();
    if (!output.empty())
      llvm::outs() << "wrote " << escaped(output) << "\n";
  }
  return kOk;
}

} // namespace tenon::driver
