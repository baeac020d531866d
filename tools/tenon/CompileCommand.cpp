// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Compiling.h"
#include "PassPlugins.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

namespace tenon::driver {

cl::SubCommand compileCommand("compile", "Compile an ONNX model into an artifact");
static cl::opt<std::string> positional(cl::Positional, cl::desc("MODEL.onnx"), cl::sub(compileCommand));
static cl::opt<std::string> onnx("onnx", cl::desc("The same as MODEL.onnx"), cl::value_desc("FILE"), cl::sub(compileCommand));
static cl::opt<std::string> output("o", cl::desc("Artifact to write (default: the model's name with .tenon)"), cl::value_desc("FILE"), cl::sub(compileCommand));
static cl::alias saveEngine("saveEngine", cl::desc("The same as -o"), cl::aliasopt(output));
static cl::opt<std::string> target("target", cl::desc("Chip to compile for, e.g. cpu:host, cpu:x86-64-v3"), cl::init("cpu:host"), cl::sub(compileCommand));
static cl::opt<std::string> stopAfter("stop-after", cl::desc("Print the IR after import, graph, numerics or place, or the assembly after codegen"), cl::sub(compileCommand));
static cl::alias compileTo("compile-to", cl::desc("The same as --stop-after"), cl::aliasopt(stopAfter));
static cl::opt<std::string> startFrom("start-from", cl::desc("The input is IR at the entry of this stage"), cl::sub(compileCommand));
static cl::alias compileFrom("compile-from", cl::desc("The same as --start-from"), cl::aliasopt(startFrom));
static cl::list<std::string> formatFiles("format-file", cl::desc("Declaration of a number format to load (repeatable)"), cl::value_desc("FILE.yaml"), cl::sub(compileCommand));
static cl::list<std::string> plugins("load-pass-plugin", cl::desc("Library with passes to load (repeatable; docs/HowTo/add-a-format-pass.md)"), cl::value_desc("FILE.so"), cl::sub(compileCommand));
static cl::list<std::string> addedPasses("add-pass", cl::desc("Run a pass pipeline on the module at the end of import, graph, numerics or place (repeatable)"), cl::value_desc("STAGE=PIPELINE"), cl::sub(compileCommand));
static cl::opt<std::string> dumpTo("dump-to", cl::desc("Folder for the IR after each stage, without weights (--stop-after prints them)"), cl::value_desc("DIR"), cl::sub(compileCommand));
static cl::opt<bool> flushDenormals("flush-denormals", cl::desc("Take denormal weights (below 1.2e-38) of convolutions and matrix products as zero"), cl::sub(compileCommand));
static cl::opt<std::string> overridable("overridable", cl::desc("Initializers that are also inputs and stay optional inputs though they are weights or sizes: names that match as a whole"), cl::value_desc("REGEX"), cl::sub(compileCommand));
static cl::opt<bool> keepPlan("keep-plan", cl::desc("Keep the plan's text in the artifact, for `tenon inspect --plan`"), cl::sub(compileCommand));
static cl::opt<bool> redZones("red-zones", cl::desc("For debugging: leave bytes behind each buffer of the arena that the runtime checks after every kernel"), cl::Hidden, cl::sub(compileCommand));
static cl::opt<bool> quiet("q", cl::desc("No summary and no progress"), cl::sub(compileCommand));

/// "24 ONNX nodes: 21 in 13 kernels, 2 as views, 1 evaluated": each is counted once.
static std::string nodesText(const Ledger &ledger) {
  unsigned counts[5] = {};
  for (const NodeRecord &node : ledger.nodes)
    ++counts[int(node.fate)];
  std::string text = llvm::formatv("{0} ONNX nodes: {1} in {2} kernels", ledger.nodes.size(), counts[int(Fate::Kernel)], ledger.kernels.size());
  const std::pair<Fate, const char *> rest[] = {{Fate::View, "as views"}, {Fate::Constant, "evaluated"}, {Fate::Dimensions, "shape arithmetic"}, {Fate::Removed, "removed"}};
  for (auto [fate, what] : rest)
    if (counts[int(fate)])
      text += llvm::formatv(", {0} {1}", counts[int(fate)], what);
  return text;
}

/// One line a code: what kind of thing the user should know, and how often.
static void printNotes(const Ledger &ledger) {
  llvm::MapVector<llvm::StringRef, std::vector<const LedgerNote *>> byCode;
  for (const LedgerNote &note : ledger.notes)
    byCode[note.code].push_back(&note);
  for (auto &[code, notes] : byCode) {
    llvm::SetVector<llvm::StringRef> kernels;
    for (const LedgerNote *note : notes)
      kernels.insert(note->kernels.begin(), note->kernels.end());
    llvm::outs() << "note       [" << code << "] " << kernels.size() << " of " << ledger.kernels.size() << " kernels: " << escaped(notes.front()->text);
    if (notes.size() > 1)
      llvm::outs() << ", and " << notes.size() - 1 << " more";
    llvm::outs() << "\n";
  }
  if (!ledger.notes.empty())
    llvm::outs() << "           `tenon explain` lists all of them\n";
}

static void printSummary(const CompileResult &result, llvm::StringRef path) {
  llvm::raw_ostream &os = llvm::outs();
  auto size = [](uint64_t bytes) { return bytes < 1 << 20 ? llvm::format("%.1f KiB", bytes / 1024.0) : llvm::format("%.1f MiB", bytes / 1048576.0); };
  os << "target     " << result.target << "\n";
  os << "operators  " << nodesText(result.ledger) << "\n";
  os << "memory     weights " << size(result.weightBytes) << ", code " << size(result.codeBytes) << ", arena " << size(result.arenaBytes);
  if (result.symbolicSlots)
    os << " and " << result.symbolicSlots << " buffers sized at run time";
  os << "\ntime      ";
  double total = 0;
  for (auto &[phase, seconds] : result.phaseSeconds) {
    os << ' ' << phase << llvm::format(" %.2f", seconds);
    total += seconds;
  }
  os << llvm::format(", total %.2f s\n", total);
  printNotes(result.ledger);
  os << "wrote      " << escaped(path) << "\n";
}

static Exit parseStages(CompileOptions &options) {
  if (!stopAfter.empty()) {
    options.stopAfter = parseStage(stopAfter);
    if (!options.stopAfter)
      return complain("[TN8001] --stop-after=" + stopAfter + ": expected import, graph, numerics, place, codegen or package");
  }
  if (!startFrom.empty()) {
    options.startFrom = parseStage(startFrom);
    if (!options.startFrom || *options.startFrom == Stage::Import || *options.startFrom > Stage::Codegen)
      return complain("[TN8001] --start-from=" + startFrom + ": expected graph, numerics, place or codegen");
  }
  if (options.startFrom && options.stopAfter && *options.stopAfter < *options.startFrom)
    return complain("[TN8001] --stop-after=" + stopAfter + " lies before --start-from=" + startFrom);
  return kOk;
}

static Exit parseAddedPasses(CompileOptions &options) {
  for (llvm::StringRef text : addedPasses) {
    auto [name, pipeline] = text.split('=');
    std::optional<Stage> stage = parseStage(name);
    if (!stage || *stage > Stage::Place || pipeline.empty())
      return complain("[TN8001] --add-pass=" + text + ": expected STAGE=PIPELINE with import, graph, numerics or place");
    if ((options.startFrom && *stage < *options.startFrom) || (options.stopAfter && *stage > *options.stopAfter))
      return complain("[TN8001] --add-pass=" + text + " has no effect: the stage does not run");
    options.addedPasses.emplace_back(*stage, pipeline.str());
  }
  return kOk;
}

int runCompile() {
  CompileOptions options;
  options.target = target;
  options.dumpTo = dumpTo;
  options.formatFiles = formatFiles;
  options.flushDenormals = flushDenormals;
  options.keepPlan = keepPlan;
  options.overridable = overridable;
  options.redZones = redZones;
  if (positional.empty() == onnx.empty())
    return complain("[TN8013] compile: expected one model, MODEL.onnx");
  if (Exit exit = parseStages(options))
    return exit;
  for (const std::string &plugin : plugins)
    if (Exit exit = loadPassPlugin(plugin))
      return exit;
  if (Exit exit = parseAddedPasses(options))
    return exit;
  bool stopsEarly = options.stopAfter && *options.stopAfter != Stage::Package;
  for (const cl::Option *flag : {(const cl::Option *)&output, (const cl::Option *)&keepPlan, (const cl::Option *)&redZones, (const cl::Option *)&quiet})
    if (stopsEarly && flag->getNumOccurrences())
      return refuse(*flag, "with --stop-after");
  if (options.startFrom && overridable.getNumOccurrences())
    return refuse(overridable, "with --start-from");
  if (flushDenormals && ((stopsEarly && *options.stopAfter < Stage::Numerics) || options.startFrom > Stage::Numerics))
    return refuse(flushDenormals, "without the stage numerics");
  std::string model = positional.empty() ? onnx : positional;
  if (Exit exit = checkFile(model))
    return exit;
  llvm::SmallString<128> path(output.getValue());
  if (path.empty()) {
    path = model;
    llvm::sys::path::replace_extension(path, "tenon");
  }
  InputFiles files;
  for (const std::string &plugin : plugins)
    files.add(plugin, "a pass plugin");
  if (!stopsEarly)
    if (Exit exit = checkOutput(output, path, files))
      return exit;
  CompileResult result;
  if (Exit exit = compile(model, path, options, !quiet, result))
    return exit;
  if (stopsEarly)
    llvm::outs() << result.text;
  else if (!quiet)
    printSummary(result, path);
  return kOk;
}

} // namespace tenon::driver
