// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What people type who come from other tools. Spellings whose meaning is the same
// are names of our own flags; those here mean something else, or nothing, and are
// refused by name, each with what to write instead.
#include "CommandLine.h"

namespace tenon::driver {

namespace {
struct ForeignFlag {
  llvm::StringLiteral names;    ///< separated by spaces
  llvm::StringLiteral commands; ///< the same; empty: all
  llvm::StringLiteral advice;
};

constexpr ForeignFlag kForeign[] = {
    {"O O0 O1 O2 O3 Os builderOptimizationLevel", "",
     "every compilation optimises in full, there are no levels; leave it out"},
    {"fp16 bf16 fp8 int8 int4 best noTF32 stronglyTyped precision infer_precision layerPrecisions auto-cast "
     "auto-cast-type",
     "",
     "a compilation keeps the precision that the model has; `tenon convert --weights=FORMAT` changes it and says what "
     "that costs"},
    {"calib calibration_data calibration_method calibration_cache_path", "",
     "`tenon convert --calibration=SAMPLES` chooses scales on samples"},
    {"mtriple mattr maccel accelerator-config d device iree-hal-target-device iree-hal-target-backends "
     "iree-llvmcpu-target-cpu",
     "", "the chip is named by --target=cpu:ARCH[,+feature...]; `tenon targets` lists what can be named"},
    {"system-config memory-mode config optimise hint", "",
     "there is nothing to choose between latency, throughput and size; leave it out"},
    {"nireq nstreams infer-threads streams api pin", "",
     "one request runs at a time, with --threads threads; several processes may run several"},
    {"warmUp", "", "its unit is milliseconds; `tenon bench --warmup=SECONDS`"},
    {"avgRuns percentile latency_percentile", "", "`tenon bench` prints min, mean, median, p90 and p99 of all runs"},
    {"shapes shape data_shape shapeInformation dimParams", "compile convert verify",
     "--sizes=NAME=SIZE (or INPUT:AXIS=SIZE) fixes open dimensions, --minShapes and --maxShapes give them a range"},
    {"shapes shape data_shape", "run bench",
     "--dim=NAME=SIZE sets a dimension of random inputs, --input gives one of any shape"},
    {"loadInputs i", "", "--input=NAME=@FILE.npy, once for each input"},
    {"loadRefOutputs expected_output", "", "--expected-output=NAME=@FILE.npy, once for each output"},
    {"exportOutput dumpOutput", "", "`tenon run --output=NAME=@FILE.npy`, once for each output"},
    {"accuracyThreshold accuracyAlgorithm", "", "--atol and --rtol set the tolerance"},
    {"dumpProfile exportProfile separateProfileRun pc pcsort", "",
     "`tenon bench --profile` times each kernel, with --json for programs"},
    {"dumpLayerInfo exportLayerInfo profilingVerbosity opt-report report_type report_folder", "",
     "`tenon explain FILE.tenon` says what became of each node, with --json for programs"},
    {"skipInference buildOnly", "", "a compilation never runs the model; leave it out"},
    {"saveAllEngines versionCompatible stripWeights refit workspace memPoolSize timingCacheFile cache_dir load_config "
     "dump_config",
     "", "nothing here is like it; leave it out"},
    {"EmitONNXIR EmitONNXBasic", "", "`tenon compile --stop-after=import` prints the model as it was imported"},
    {"EmitMLIR EmitLLVMIR EmitObj EmitLib EmitJNI", "",
     "`tenon compile --stop-after=STAGE` prints the IR after import, graph, numerics or place and the assembly after "
     "codegen; without it an artifact is written, or with --emit=static-lib an archive and a header to link"},
    {"t", "compile convert verify run", "`tenon bench -t SECONDS` times a model; --threads sets threads"},
    {"m", "compile convert verify", "the model is an argument without a flag: `tenon COMMAND MODEL.onnx`"},
    {"mlir-print-ir-after-all mlir-print-ir-before-all mlir-timing mlir-pass-pipeline-crash-reproducer "
     "mlir-print-op-generic print-after-all debug debug-only",
     "", "MLIR's own flags are for `tenon-opt`; `tenon compile --dump-to=DIR` writes the IR after each stage"},
};
} // namespace

llvm::StringRef adviceOnForeignFlag(llvm::StringRef command, llvm::StringRef name) {
  auto lists = [](llvm::StringRef words, llvm::StringRef word) {
    llvm::SmallVector<llvm::StringRef> all;
    words.split(all, ' ');
    return llvm::is_contained(all, word);
  };
  for (const ForeignFlag &flag : kForeign)
    if (lists(flag.names, name) && (flag.commands.empty() || lists(flag.commands, command)))
      return flag.advice;
  return "";
}

} // namespace tenon::driver
