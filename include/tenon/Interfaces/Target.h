// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the pipeline asks of a target. A target is a folder under lib/Target and
// one line in lib/Pipelines/RegisterTargets.cpp, or a plugin (TargetPlugin.h); nothing
// else names it.
#ifndef TENON_INTERFACES_TARGET_H
#define TENON_INTERFACES_TARGET_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Interfaces/FusionRules.h"
#include "tenon/Interfaces/ModuleCode.h"
#include <functional>
#include <memory>

namespace mlir {
class OpPassManager;
}

namespace tenon {

/// Told of each kernel before something is done to it: "emitting", its number, of how many.
using KernelProgress = std::function<void(llvm::StringRef doing, unsigned number, unsigned of)>;

struct GenerateOptions {
  bool assembly = false; ///< text instead of an image
  /// A relocatable object for a program's linker in place of an image (ModuleCode::image), whose
  /// entry points have names that begin with this, as "net_tenon_main"; empty: an image.
  std::string objectPrefix;
  KernelProgress kernelProgress;
  /// Given the target's own module before it is lowered; a failure ends the generation.
  std::function<mlir::LogicalResult(mlir::ModuleOp)> dump;
  /// Told that a phase has ended: "kernels", "lower".
  std::function<void(llvm::StringRef phase)> phaseEnded;
};

/// What the passes that a target adds may need from the pipeline.
struct RegionPassOptions {
  bool flushDenormals = false; ///< denormal weights are taken as zero
  /// Adds the passes that infer shapes, fold, and evaluate what has become constant.
  std::function<void(mlir::OpPassManager &)> simplify;
};

/// Why a device does not take an op.
struct Refusal {
  llvm::StringRef code;   ///< which kind of rule: TN4224 element types, TN4225 operators, TN4226 shapes and attributes
  std::string constraint; ///< the rule: "sizes are known when it is compiled"
  std::string actual;     ///< what the op has: "[?, 64]"
  std::string allowed;    ///< what it may have
  std::string remedy;     ///< the edit that would lift it; "" if none is known

  /// "sizes are known when it is compiled: found [?, 64], allowed are numbers; give --sizes"
  std::string text() const;
};

/// A chip to generate code for.
class Target {
public:
  virtual ~Target() = default;
  /// The canonical spelling, e.g. "cpu:x86-64-v4".
  virtual llvm::StringRef spec() const = 0;
  /// What is known of the chip, with what the spelling changes.
  virtual const hw::Device &chip() const = 0;
  /// The family's device, which plan.kernel names: "cpu".
  virtual llvm::StringRef device() const = 0;
  /// Why the device's code does not compute an op of the graph stage; nothing if it does.
  /// Asked of devices beside the host.
  virtual std::optional<Refusal> refusalOf(mlir::Operation *op) const { return std::nullopt; }
  /// Whether the device's code takes sizes that are known only when it runs. Else ops with
  /// open sizes stay with other devices (TN4221), and are not asked about.
  virtual bool takesOpenSizes() const { return false; }
  /// Seconds that the device needs for ops with known sizes that run as one kernel, without
  /// the launch of a region: by default what Cost.h makes of them and of the chip's numbers.
  virtual double estimate(llvm::ArrayRef<mlir::Operation *> ops) const;
  /// Adds the passes that this device alone wants on its graph ops, before they form
  /// kernels: another layout or type that its code is faster on, a decode moved to
  /// where it can be fused. The values that leave the device stay the same.
  virtual void addRegionPasses(mlir::OpPassManager &pm, const RegionPassOptions &options) const {}
  /// What the device's kernels can take in.
  virtual const FusionRules &fusionRules() const = 0;
  /// Names of the strategies for kernels with a root op, the preferred first.
  virtual std::vector<std::string> strategiesFor(llvm::StringRef root) const = 0;
  /// Puts the constants of a planned module's kernels into the layouts that their code reads.
  virtual mlir::LogicalResult packWeights(mlir::ModuleOp plan) const = 0;
  /// Makes code of a planned module whose buffers have places. Errors name the ONNX
  /// nodes of the kernels that it does not take.
  virtual mlir::FailureOr<GeneratedCode> generate(mlir::ModuleOp plan, const GenerateOptions &options) const = 0;
};

/// The chips of one folder under lib/Target, spelt `device:arch,+feature,...`.
class TargetFamily {
public:
  virtual ~TargetFamily() = default;
  /// What stands before the colon: "cpu".
  virtual llvm::StringRef device() const = 0;
  /// Spellings for `tenon targets`, without features; the first is meant where none is given.
  virtual std::vector<std::string> specs() const = 0;
  /// What keeps the target from making code for a chip of this family, a line each,
  /// begun by Device::where.
  virtual std::vector<std::string> check(const hw::Device &chip) const = 0;
  /// A chip that is shipped or `loaded`. Null with a message that names the accepted spellings.
  virtual std::unique_ptr<Target> parse(llvm::StringRef spec, llvm::ArrayRef<hw::Device> loaded,
                                        std::string &error) const = 0;
  /// The target of a chip that `check` finds nothing wrong with, wherever it was declared.
  /// `spec` is what Target::spec() says of it.
  virtual std::unique_ptr<Target> make(const hw::Device &chip, llvm::StringRef spec) const = 0;
  /// A chip whose code every processor of this process's architecture runs, this one
  /// included; null where there is none.
  virtual std::unique_ptr<Target> baselineOfProcess() const { return nullptr; }
};

/// The families of a session, and chips that were loaded from files.
class TargetRegistry {
public:
  void add(std::unique_ptr<TargetFamily> family) { families.push_back(std::move(family)); }
  llvm::ArrayRef<std::unique_ptr<TargetFamily>> getFamilies() const { return families; }
  std::vector<std::unique_ptr<TargetFamily>> takeFamilies() { return std::move(families); }
  /// Reads the declaration of a chip, which `parse` then knows. False with a line for
  /// each problem; nothing is loaded then.
  bool load(llvm::StringRef path, std::vector<std::string> &problems);
  llvm::ArrayRef<hw::Device> getLoaded() const { return loaded; }
  /// Asks the family that the spelling names, else the first one, which takes what
  /// stands alone and says what else there is; an empty spelling is the chip that was
  /// loaded first, or else the first family's default. Null with a message.
  std::unique_ptr<Target> parse(llvm::StringRef spec, std::string &error) const;
  /// The target of a device in the IR: of the chip that it has, or else of its spelling. Null
  /// with a message.
  std::unique_ptr<Target> find(plan::DeviceAttr device, std::string &error) const;
  std::unique_ptr<Target> baselineOfProcess() const;

private:
  std::vector<std::unique_ptr<TargetFamily>> families;
  std::vector<hw::Device> loaded;
};

/// The targets of a compilation: the host's, then those of the devices beside it, in the
/// order of --target.
using Targets = std::vector<std::shared_ptr<const Target>>;

/// Finds the target of a device that a pass works for (TargetRegistry::find). Null with a message.
using TargetProvider = std::function<std::shared_ptr<const Target>(plan::DeviceAttr device, std::string &error)>;

} // namespace tenon

#endif // TENON_INTERFACES_TARGET_H
