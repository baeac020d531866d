// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tenon compile`: a flag that would have no effect beside the others is refused rather than ignored. Without
// -o the artifact is named after the model, and replaces at most an empty file or an artifact that was
// compiled from the same model; whatever else has that name is overwritten only if -o says so.
#include "Compiling.h"
#include "PassPlugins.h"
#include "Replacing.h"
#include "Summary.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon::driver {

namespace {

class CompileCommand : public Command {
public:
  CompileCommand() : Command("compile", "Compile an ONNX model into an artifact", "MODEL.onnx", 1) {}
  Exit run() override;

private:
  Exit parseStages(CompileOptions &options) const;
  Exit parseAddedPasses(CompileOptions &options) const;
  Exit refuseIgnored(const CompileOptions &options) const;

  Value<std::string> onnx{*this, {"onnx"}, "FILE", "The same as MODEL.onnx"};
  Value<std::string> output{*this,
                            {"o", "output", "saveEngine"},
                            "FILE",
                            "Artifact to write (default: the model's name with .tenon, in the working directory); "
                            "of a static library the archive, libNAME.a"};
  Value<std::string> emit{*this,
                          {"emit"},
                          "artifact|static-lib",
                          "An artifact that the runtime loads, or an archive and a C header (NAME.h beside it) to link "
                          "into a program, for one device",
                          "artifact"};
  CompilationFlags compilation{*this};
  Switch json{*this, {"json"}, "Print the summary as JSON"};
  Switch flushDenormals{
      *this, {"flush-denormals"}, "Take denormal weights (below 1.2e-38) of convolutions and matrix products as zero"};
  Value<std::string> overridable{*this,
                                 {"overridable"},
                                 "REGEX",
                                 "Initializers that are also inputs and stay optional inputs though they are weights "
                                 "or sizes: names that match as a whole"};
  Switch redZones{
      *this,
      {"red-zones"},
      "For debugging: leave bytes behind each buffer that the runtime checks after every kernel, and in a device's "
      "memory after every command"};
  Value<std::string> planOut{
      *this, {"plan-out"}, "FILE.yaml", "Write which device runs which ONNX node, to be edited and given to --plan-in"};
  Switch keepPlan{*this, {"keep-plan"}, "Keep the plan's text in the artifact, for `tenon inspect --plan`"};
  Value<std::string> stopAfter{*this,
                               {"stop-after", "compile-to"},
                               "STAGE",
                               "Print the IR after import, graph, numerics or place, or the assembly after codegen"};
  Value<std::string> startFrom{
      *this, {"start-from", "compile-from"}, "STAGE", "The input is IR at the entry of this stage"};
  Value<std::string> dumpTo{
      *this, {"dump-to"}, "DIR", "Folder for the IR after each stage, without weights (--stop-after prints them)"};
  List formatFiles{*this, {"format-file"}, "FILE.yaml", "Declaration of a number format to load"};
  List plugins{*this, {"load-pass-plugin"}, "FILE.so", "Library with passes to load (docs/HowTo/add-a-format-pass.md)"};
  List addedPasses{*this,
                   {"add-pass"},
                   "STAGE=PIPELINE",
                   "Run a pass pipeline on the module at the end of import, graph, numerics or place"};
};

Exit CompileCommand::parseStages(CompileOptions &options) const {
  if (stopAfter.given()) {
    options.stopAfter = parseStage(stopAfter.value);
    if (!options.stopAfter)
      return complain("[TN8001] --stop-after=" + stopAfter.value +
                      ": expected import, graph, numerics, place, codegen or package");
  }
  if (startFrom.given()) {
    options.startFrom = parseStage(startFrom.value);
    if (!options.startFrom || *options.startFrom == Stage::Import || *options.startFrom > Stage::Codegen)
      return complain("[TN8001] --start-from=" + startFrom.value + ": expected graph, numerics, place or codegen");
  }
  if (options.startFrom && options.stopAfter && *options.stopAfter < *options.startFrom)
    return complain("[TN8001] --stop-after=" + stopAfter.value + " lies before --start-from=" + startFrom.value);
  return kOk;
}

Exit CompileCommand::parseAddedPasses(CompileOptions &options) const {
  if (!addedPasses.values.empty())
    registerNamedPasses();
  for (llvm::StringRef text : addedPasses.values) {
    auto [name, pipeline] = text.split('=');
    std::optional<Stage> stage = parseStage(name);
    if (!stage || *stage > Stage::Place || pipeline.empty())
      return complain("[TN8001] --add-pass=" + text +
                      ": expected STAGE=PIPELINE with import, graph, numerics or place");
    if ((options.startFrom && *stage < *options.startFrom) || (options.stopAfter && *stage > *options.stopAfter))
      return complain("[TN8001] --add-pass=" + text + " has no effect: the stage does not run");
    options.addedPasses.emplace_back(*stage, pipeline.str());
  }
  return kOk;
}

Exit CompileCommand::refuseIgnored(const CompileOptions &options) const {
  bool stopsEarly = options.stopAfter && *options.stopAfter != Stage::Package;
  for (const Flag *flag : {(const Flag *)&output, (const Flag *)&emit, (const Flag *)&keepPlan, (const Flag *)&redZones,
                           (const Flag *)&compilation.quiet, (const Flag *)&json, (const Flag *)&planOut})
    if (stopsEarly && flag->given())
      return refuse(*flag, "with --stop-after");
  if (flushDenormals && ((stopsEarly && *options.stopAfter < Stage::Numerics) || options.startFrom > Stage::Numerics))
    return refuse(flushDenormals, "without the stage numerics");
  if (planOut.given() && compilation.target.devices.empty())
    return refuse(planOut, "without a second --target");
  if (options.startFrom && overridable.given())
    return refuse(overridable, "with --start-from");
  if (options.startFrom && compilation.sizesGiven())
    return complain(
        "[TN8012] --sizes, --nominal, --minShapes, --optShapes and --maxShapes have no effect with --start-from: "
        "sizes are set at import; leave them out");
  return kOk;
}

/// The model's name in the working directory: net.tenon, or libnet.a.
llvm::SmallString<128> defaultOutput(llvm::StringRef model, Emit emit) {
  llvm::SmallString<128> path;
  if (emit == Emit::StaticLibrary)
    path = "lib";
  path += llvm::sys::path::filename(model);
  llvm::sys::path::replace_extension(path, emit == Emit::StaticLibrary ? "a" : "tenon");
  return path;
}

Exit CompileCommand::run() {
  CompileOptions options;
  std::string model;
  if (Exit exit = oneFile(*this, {&onnx}, "one model, MODEL.onnx", model))
    return exit;
  if (Exit exit = compilation.read(options))
    return exit;
  options.dumpTo = dumpTo;
  options.formatFiles = formatFiles.values;
  options.flushDenormals = flushDenormals;
  options.keepPlan = keepPlan;
  options.planOut = planOut.value;
  options.overridable = overridable.value;
  options.redZones = redZones;
  if (emit.value != "artifact" && emit.value != "static-lib")
    return complain("[TN8042] " + emit.spelling() + "=" + emit.value + ": expected artifact or static-lib");
  options.emit = emit.value == "artifact" ? Emit::Artifact : Emit::StaticLibrary;
  if (Exit exit = parseStages(options))
    return exit;
  for (const std::string &plugin : plugins.values)
    if (Exit exit = loadPassPlugin(plugin))
      return exit;
  if (Exit exit = parseAddedPasses(options))
    return exit;
  if (Exit exit = refuseIgnored(options))
    return exit;
  if (Exit exit = checkFile(model))
    return exit;
  bool stopsEarly = options.stopAfter && *options.stopAfter != Stage::Package;
  llvm::SmallString<128> path(output.value);
  if (path.empty())
    path = defaultOutput(model, options.emit);
  InputFiles files;
  for (const std::string &plugin : plugins.values)
    files.add(plugin, "a pass plugin");
  if (!stopsEarly)
    if (Exit exit = checkOutput(output, path, files))
      return exit;
  std::string replaced;
  if (!stopsEarly)
    replaced =
        (options.emit == Emit::Artifact ? whatIsReplaced : whatArchiveIsReplaced)(path, options.startFrom ? "" : model);
  if (!output.given() && !replaced.empty())
    return complain("[TN8046] " + path + " exists and is " + replaced +
                    "; it is not overwritten unless named: give -o " + path + ", or another file");
  CompileResult result;
  if (Exit exit = compile(model, path, options, progressOf(compilation), result))
    return exit;
  if (!replaced.empty() && !compilation.quiet)
    mention("note", path + " was " + replaced + ", and has been replaced");
  if (stopsEarly)
    llvm::outs() << result.text;
  else if (json)
    printSummaryJson(result, path);
  else if (!compilation.quiet)
    printSummary(result, path);
  return kOk;
}

} // namespace

std::unique_ptr<Command> makeCompile() { return std::make_unique<CompileCommand>(); }

} // namespace tenon::driver
