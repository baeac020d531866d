// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The flags that all commands have which compile a model are declared and read here. Without --target, the
// chip is that of the first --target-file if there is one, else that of this machine.
#include "Compiling.h"

#include "Chips.h"
#include "llvm/Support/FileSystem.h"

namespace tenon::driver {

bool TargetFlag::take(llvm::StringRef text) {
  if (occurrences == 1)
    value = text.str();
  else
    devices.push_back(text.str());
  return true;
}

CompilationFlags::CompilationFlags(FlagSet &set, llvm::StringRef targetHelp)
    : target(set, {"target", "march", "mcpu"}, "TARGET", targetHelp, "cpu:host"),
      targetFiles(set, {"target-file"}, "FILE.yaml", kTargetFileHelp),
      targetPlugins(set, {"load-target-plugin"}, "FILE.so", kTargetPluginHelp),
      pins(set, {"pin"}, "REGEX=DEVICE", "Run operators of ONNX nodes of such a name on this device of --target"),
      forbids(set, {"forbid"}, "REGEX=DEVICE", "Run none of them there"),
      fallback(set, {"fallback"}, "error|warn|allow:OPS",
               "Operators that no device beside the host takes: errors, warnings, or errors but for these ONNX "
               "operators (default: notes that explain shows)"),
      maxRegions(set, {"max-regions"}, "N", "Parts that devices beside the host may get at most"),
      planIn(set, {"plan-in"}, "FILE.yaml", "Run ONNX nodes on the devices that a file of --plan-out gives them"),
      sizes(set, {"sizes"}, "NAME=SIZE,...",
            "Fix open dimensions, or give them a range: batch=1, seq=1..512, or by input and axis, x:0=1"),
      nominal(set, {"nominal"}, "NAME=SIZE,...",
              "Sizes of open dimensions that costs are estimated at, and random inputs have: batch=1, or by input and "
              "axis, x:0=1 (default for costs: 32, or the nearest that is allowed)"),
      minShapes(set, {"minShapes"}, "INPUT:1x3x8x8,...", "Smallest sizes of open dimensions; a run checks them"),
      optShapes(set, {"optShapes"}, "INPUT:1x3x8x8,...",
                "Sizes of open dimensions to expect, for estimates and random inputs"),
      maxShapes(set, {"maxShapes"}, "INPUT:1x3x8x8,...",
                "Largest sizes of open dimensions; equal to the smallest, they are fixed"),
      quiet(set, {"q", "quiet"}, "No summary and no progress"),
      verbose(set, {"v", "verbose"}, "A line for each step, also where standard error is no terminal") {}

Exit CompilationFlags::read(CompileOptions &options) const {
  options.target = target.given() ? target.value : ""; // none: the first loaded chip, the plan's, or the default
  options.devices = target.devices;
  options.targetFiles = targetFiles.values;
  options.targetPlugins = targetPlugins.values;
  options.pins = pins.values;
  options.forbids = forbids.values;
  options.planIn = planIn.value;
  options.fallback = fallback.value;
  if (maxRegions.given())
    options.mostRegions = int64_t(std::min<uint64_t>(maxRegions.value, UINT32_MAX));
  for (const Flag *rules : {(const Flag *)&pins, (const Flag *)&forbids, (const Flag *)&planIn, (const Flag *)&fallback,
                            (const Flag *)&maxRegions})
    if (rules->given() && target.devices.empty())
      return refuse(*rules, "without a second --target");
  std::string error;
  for (const std::string &text : sizes.values)
    if (!parseSizes(text, options.sizes, error))
      return complain(error);
  for (const std::string &text : nominal.values)
    if (!parseNominal(text, options.sizes, error))
      return complain(error);
  const std::pair<const Value<std::string> &, ShapeBound> bounds[] = {
      {minShapes, ShapeBound::Min}, {optShapes, ShapeBound::Nominal}, {maxShapes, ShapeBound::Max}};
  for (auto &[flag, bound] : bounds)
    if (!parseShapeBounds(flag.spelling(), flag.value, bound, options.sizes, error))
      return complain(error);
  if (quiet && verbose)
    return refuse(verbose, "with " + quiet.spelling());
  return kOk;
}

std::string CompilationFlags::chip() const {
  return target.given() || targetFiles.values.empty() ? target.value : "the chip of " + targetFiles.values.front();
}

Exit CompilationFlags::refuseGiven(const llvm::Twine &when) const {
  for (const Flag *flag : {(const Flag *)&target, (const Flag *)&targetFiles, (const Flag *)&targetPlugins,
                           (const Flag *)&pins, (const Flag *)&forbids, (const Flag *)&sizes, (const Flag *)&nominal,
                           (const Flag *)&minShapes, (const Flag *)&optShapes, (const Flag *)&maxShapes})
    if (flag->given())
      return refuse(*flag, when);
  return kOk;
}

Exit checkFile(llvm::StringRef path) {
  if (llvm::sys::fs::is_regular_file(path))
    return kOk;
  return complain("[TN8002] " + path + (llvm::sys::fs::exists(path) ? ": not a regular file" : ": no such file"));
}

Exit oneFile(const FlagSet &command, llvm::ArrayRef<const Value<std::string> *> flags, llvm::StringRef what,
             std::string &path) {
  unsigned count = command.arguments.size();
  path = command.argument().str();
  for (const Value<std::string> *flag : flags)
    if (flag->given()) {
      ++count;
      path = flag->value;
    }
  return count == 1 ? kOk
                    : complain("[TN8013] " + command.name + ": expected " + what + (count ? ", found several" : ""));
}

Exit compile(llvm::StringRef model, llvm::StringRef path, CompileOptions options, Progress progress,
             CompileResult &result) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  DiagnosticPrinter printer(context, progress);
  printer.attach(options);
  auto compiled = compileModel(context, model, path, options);
  printer.clearProgress();
  if (mlir::failed(compiled))
    return printer.exitStatus();
  result = std::move(*compiled);
  return kOk;
}

} // namespace tenon::driver
