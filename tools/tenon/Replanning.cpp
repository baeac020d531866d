// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An artifact has no plan in it unless it was asked to keep one. Its manifest and its ledger
// name the choices that a plan depends on; other flags (those of `convert`, ranges of sizes)
// leave no trace and have to be the same.
#include "Replanning.h"

#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Pipelines/BuildLedger.h"
#include "tenon/Pipelines/PlanFile.h"
#include "tenon/Pipelines/RegisterTargets.h"
#include "tenon/Transforms/Partition/Passes.h"
#include "llvm/Support/Regex.h"

namespace tenon::driver {

static std::optional<Ledger> ledgerOf(const Session &session) {
  return Ledger::fromJson(tenon_model_ledger(session.model));
}

/// Whether both are known to be of one model file.
static bool isOfModel(const std::optional<Ledger> &ledger, llvm::StringRef model) {
  return ledger && !ledger->modelHash.empty() && ledger->modelHash == hashModelFile(model);
}

static void addFixedSizes(const Session &session, CompileOptions &options) {
  for (int i = 0; i < session.inputs(); ++i) {
    tenon_tensor_info input = session.input(i);
    for (int axis = 0; axis < input.rank; ++axis) {
      if (input.dims[axis] < 0)
        continue;
      OpenSize size;
      size.flag = "--artifact";
      size.name = input.name;
      size.axis = axis;
      size.min = size.max = input.dims[axis];
      options.sizes.push_back(std::move(size));
    }
  }
}

/// Adds an artifact's targets; returns the names of its memory spaces, the host's first.
static std::vector<std::string> addTargets(const Session &session, CompileOptions &options) {
  std::vector<std::string> spaces{plan::kHostSpace.str()};
  options.target = tenon_model_target(session.model);
  for (int i = 0; i < tenon_model_num_devices(session.model); ++i) {
    tenon_device_info device = session.device(i);
    spaces.push_back(device.name);
    options.devices.push_back(device.spec);
  }
  return spaces;
}

/// Finds the targets. Chips that files or plugins declared have to be declared again.
static Exit findTargets(const CompileOptions &options, Targets &targets) {
  TargetRegistry registry;
  std::vector<std::string> problems;
  registerTargets(registry, options.targetFiles, options.targetPlugins, problems);
  for (const std::string &problem : problems)
    complain(problem);
  if (!problems.empty())
    return kUserError;
  for (const std::string &spec : options.specs()) {
    std::string error;
    targets.push_back(registry.parse(spec, error));
    if (!targets.back())
      return complain("[TN8010] the artifact is for " + spec +
                      ", which is no shipped chip; expected --target-file or --load-target-plugin with it");
  }
  return kOk;
}

void addOptionalInputs(const Session &session, CompileOptions &options) {
  for (int i = 0; i < session.inputs(); ++i)
    if (session.isOptional(i))
      options.overridable += (options.overridable.empty() ? "" : "|") + llvm::Regex::escape(session.input(i).name);
}

Exit addChoicesOf(const Session &session, llvm::StringRef model, CompileOptions &options) {
  std::optional<Ledger> ledger = ledgerOf(session);
  bool isOurs = isOfModel(ledger, model);
  if (isOurs)
    addFixedSizes(session, options);
  if (tenon_model_num_devices(session.model) == 0)
    return kOk;
  if (!isOurs)
    return complain("[TN8015] the artifact is for several devices and not of " + model +
                    ", by the hashes of both: which device computes a node is not known; compile the model again");
  std::vector<std::string> spaces = addTargets(session, options);
  Targets targets;
  if (Exit exit = findTargets(options, targets))
    return exit;
  options.pins = pinsOf(*ledger, spaces, partition::deviceNames(targets, options.specs()));
  return kOk;
}

static Exit checkShape(llvm::StringRef what, const tenon_tensor_info &found, mlir::Type planned) {
  auto text = [](llvm::ArrayRef<int64_t> dims) {
    std::string sizes;
    for (int64_t size : dims)
      sizes += (sizes.empty() ? "" : ", ") + (size < 0 ? "?" : std::to_string(size));
    return "[" + sizes + "]";
  };
  std::string has = text(llvm::ArrayRef(found.dims, found.rank)),
              wants = text(llvm::cast<mlir::RankedTensorType>(planned).getShape());
  if (has == wants)
    return kOk;
  return complain("[TN8015] the artifact was not compiled from this model: its " + what + " '" + found.name + "' is " +
                  has + ", the model's is " + wants + "; compile it again");
}

Exit checkInterface(const Session &session, llvm::StringRef model, const KernelVerifier &verifier) {
  if (isOfModel(ledgerOf(session), model))
    return kOk;
  llvm::ArrayRef<mlir::Type> inputs = verifier.getInputTypes(), outputs = verifier.getOutputTypes();
  if (session.inputs() != int(inputs.size()) || session.outputs() != int(outputs.size()))
    return complain("[TN8015] the artifact was not compiled from this model: it has " + llvm::Twine(session.inputs()) +
                    " inputs and " + llvm::Twine(session.outputs()) + " outputs, the model " +
                    llvm::Twine(inputs.size()) + " and " + llvm::Twine(outputs.size()) + "; compile it again");
  for (auto [i, type] : llvm::enumerate(inputs))
    if (Exit exit = checkShape("input", session.input(i), type))
      return exit;
  for (auto [i, type] : llvm::enumerate(outputs))
    if (Exit exit = checkShape("output", session.outputInfo(i), type))
      return exit;
  return kOk;
}

Exit checkKernels(const Session &session, llvm::StringRef model, llvm::ArrayRef<KernelCheck> kernels) {
  int count = tenon_model_num_kernels(session.model);
  for (int i = 0; i < std::max<int>(count, kernels.size()); ++i) {
    llvm::StringRef found = i < count ? tenon_model_kernel_name(session.model, i) : "nothing";
    llvm::StringRef expected = i < int(kernels.size()) ? llvm::StringRef(kernels[i].kernel) : "nothing";
    if (found == expected)
      continue;
    std::string difference = ("its kernel " + llvm::Twine(i) + " is " + found + ", the model's is " + expected).str();
    if (isOfModel(ledgerOf(session), model))
      return complain("[TN8059] the artifact is of this model, which was planned in another way for it, by other "
                      "flags or another version: " +
                      difference + "; give the --sizes that it was compiled with, or compile it again");
    return complain("[TN8015] the artifact was not compiled from this model by this version: " + difference +
                    "; compile it again");
  }
  return kOk;
}

} // namespace tenon::driver
