// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tenon convert`: the ending of -o says what becomes of the converted model. For .tenon it is compiled, for
// .onnx the same change is written to a copy of the model, and without -o the compilation stops after import,
// for the report alone.
#include "Calibrating.h"

#include "tenon/Dialect/Num/IR/Num.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon::driver {

namespace {

class ConvertCommand : public Command {
public:
  ConvertCommand()
      : Command("convert", "Put a float model's weights into a number format, and report what that costs", "MODEL.onnx",
                1) {}
  Exit run() override;

private:
  Exit writeReport(const numerics::ConversionReport &report) const;
  Exit checkFlags() const;
  Exit checkOutputs(llvm::StringRef model) const;
  mlir::LogicalResult convert(mlir::MLIRContext &context, DiagnosticPrinter &printer, llvm::StringRef model,
                              const numerics::ConvertOptions &conversion, CompileOptions options,
                              numerics::ConversionReport &report) const;
  bool writesModel() const { return llvm::StringRef(output.value).ends_with(".onnx"); }
  bool writesArtifact() const { return llvm::StringRef(output.value).ends_with(".tenon"); }

  Value<std::string> output{
      *this,
      {"o", "output"},
      "FILE",
      "File to write: an artifact (.tenon) or a model (.onnx); without it there is the report only"};
  Value<std::string> weights{
      *this,
      {"weights"},
      "FORMAT",
      "Format of the weights, FORMAT[:tensor|channel|blockN|none][:bias=N][:max|percentile=P|mse]"};
  List layers{*this,
              {"layers"},
              "REGEX=FORMAT",
              "Format of the layers whose names match, `none` to leave them; the first match decides"};
  Value<std::string> activations{*this,
                                 {"activations"},
                                 "FORMAT",
                                 "Round the other operand of converted layers to a format, with a scale that each run "
                                 "chooses or --calibration did"};
  Value<std::string> calibration{*this,
                                 {"calibration"},
                                 "PATH",
                                 "Samples to choose the activations' scales or biases on: a .npz file or a "
                                 "test_data_set folder, or a folder of them"};
  List formatFiles{*this, {"format-file"}, "FILE.yaml", "Declaration of a number format to load"};
  Value<uint64_t> seed{*this, {"seed"}, "N", "Seed of stochastic rounding", 0};
  Value<std::string> reportPath{*this, {"report"}, "FILE.json", "Write the report as JSON"};
  CompilationFlags compilation{*this, "Chip of the artifact"};
};

/// All or nothing, like every output.
Exit ConvertCommand::writeReport(const numerics::ConversionReport &report) const {
  const std::string &path = reportPath;
  auto text = llvm::formatv("{0:2}\n", llvm::json::Value(report.toJson()));
  std::error_code code;
  bool inPlace = path == "-" || (llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path));
  if (inPlace) { // a device or a pipe would be replaced by renaming
    llvm::raw_fd_ostream os(path, code);
    os << text;
    os.flush();
    code = os.error();
    os.clear_error();
  } else if (OutputFile file; !(code = file.open(path))) {
    file.os() << text;
    code = file.commit();
  }
  return code ? complain("[TN8021] cannot write " + path + ": " + code.message()) : kOk;
}

/// Nothing that is written may take the place of what is read, or of the other output.
Exit ConvertCommand::checkOutputs(llvm::StringRef model) const {
  InputFiles files;
  files.add(model, "the model");
  for (const std::string &file : formatFiles.values)
    files.add(file, "a declaration of a format");
  files.add(calibration.value, "the calibration data");
  std::error_code code;
  for (llvm::sys::fs::recursive_directory_iterator it(calibration.value, code), end;
       calibration.given() && !code && it != end; it.increment(code))
    files.add(it->path(), "calibration data");
  for (const Value<std::string> *flag : {&output, &reportPath})
    if (flag->given())
      if (Exit exit = checkOutput(*flag, flag->value, files))
        return exit;
  return kOk;
}

/// Refuses flags that do not fit together.
Exit ConvertCommand::checkFlags() const {
  if (output.given() && !writesModel() && !writesArtifact())
    return complain("[TN8001] " + output.spelling() + " " + output.value +
                    ": expected a name that ends in .tenon or .onnx");
  if (!writesArtifact())
    if (Exit exit = compilation.refuseGiven("without an artifact (-o FILE.tenon)"))
      return exit;
  if (weights->empty() && layers.values.empty())
    return complain(
        "[TN8001] convert: expected --weights=FORMAT or --layers=REGEX=FORMAT; `tenon formats` lists the formats");
  if (activations->empty() && calibration.given())
    return refuse(calibration, "without --activations");
  return kOk;
}

/// Writes what the ending of -o says, if anything.
mlir::LogicalResult ConvertCommand::convert(mlir::MLIRContext &context, DiagnosticPrinter &printer,
                                            llvm::StringRef model, const numerics::ConvertOptions &conversion,
                                            CompileOptions options, numerics::ConversionReport &report) const {
  std::vector<std::string> reports;
  if (reportPath.given())
    reports.push_back(reportPath);
  if (writesModel())
    return convertToOnnx(context, model, output.value, conversion, report, reports);
  options.convert = conversion;
  options.otherOutputs = reports;
  if (!writesArtifact())
    options.stopAfter = Stage::Import;
  printer.attach(options);
  auto compiled = compileModel(context, model, output.value, options);
  printer.clearProgress();
  if (failed(compiled))
    return mlir::failure();
  report = std::move(compiled->conversion);
  return mlir::success();
}

Exit ConvertCommand::run() {
  std::string model;
  if (Exit exit = oneFile(*this, {}, "one model, MODEL.onnx", model))
    return exit;
  if (Exit exit = checkFlags())
    return exit;
  CompileOptions options;
  if (Exit exit = compilation.read(options))
    return exit;
  if (Exit exit = checkFile(model))
    return exit;
  if (Exit exit = checkOutputs(model))
    return exit;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  DiagnosticPrinter printer(context, progressOf(compilation));
  loadTenonDialects(context);
  if (failed(loadFormats(context, formatFiles.values)))
    return printer.exitStatus();
  llvm::Expected<numerics::ConvertOptions> parsed = numerics::ConvertOptions::parse(
      weights.value, layers.values, activations.value, num::formatsOf(&context), calibration.given());
  if (!parsed)
    return complain(toString(parsed.takeError()));
  parsed->seed = seed;
  if (calibration.given())
    if (Exit exit = calibrate(model, calibration.value, formatFiles.values, num::formatsOf(&context),
                              progressOf(compilation), *parsed))
      return exit;
  numerics::ConversionReport report;
  if (failed(convert(context, printer, model, *parsed, std::move(options), report)))
    return printer.exitStatus();
  if (reportPath.given())
    if (Exit exit = writeReport(report))
      return exit;
  if (!compilation.quiet) {
    llvm::outs() << report.text();
    if (output.given())
      llvm::outs() << "wrote " << escaped(output.value) << "\n";
  }
  return kOk;
}

} // namespace

std::unique_ptr<Command> makeConvert() { return std::make_unique<ConvertCommand>(); }

} // namespace tenon::driver
