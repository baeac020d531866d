// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A machine without vectors as the compiler sees it: a plugin that stands in the host's
// place. Its code is lowered and linked as the CPU's is, and runs on any processor of this
// process's architecture.
#include "EmitInvocations.h"
#include "tenon/Codegen/FusionRules.h"
#include "tenon/Codegen/GenericStrategies.h"
#include "tenon/Interfaces/TargetPlugin.h"
#include "tenon/Target/CPU/Codegen.h"

using namespace mlir;
using namespace tenon;

namespace scalar {
namespace {

constexpr llvm::StringLiteral kDevice = "scalar", kSpec = "scalar:one-lane";

class Scalar : public Target {
public:
  explicit Scalar(cpu::CpuTarget below)
      : below(std::move(below)), own(this->below.chip), machine(this->below.fusesMultiplyAdd()) {
    own.name = "one-lane";
    own.family = kDevice.str();
    own.summary = "Any processor of the architecture, without its vectors";
  }

  StringRef spec() const override { return kSpec; }
  const hw::Device &chip() const override { return own; }
  StringRef device() const override { return kDevice; }
  const FusionRules &fusionRules() const override { return rules; }
  std::vector<std::string> strategiesFor(StringRef root) const override { return strategies.namesFor(root); }
  LogicalResult packWeights(ModuleOp plan) const override { return success(); }

  FailureOr<GeneratedCode> generate(ModuleOp plan, const GenerateOptions &options) const override {
    FailureOr<host::HostModule> program = emitInvocations(plan, machine, strategies, options.kernelProgress);
    if (failed(program) || failed(host::emitHostProgram(plan, *program)) ||
        (options.dump && failed(options.dump(*program->module))) || failed(cpu::lowerToLLVM(*program->module, below)))
      return failure();
    FailureOr<cpu::Object> object = cpu::emitObject(*program->module, below, options.assembly);
    if (failed(object))
      return failure();
    GeneratedCode generated;
    if (options.assembly) {
      generated.assembly = std::move(object->bytes);
      return generated;
    }
    FailureOr<ModuleCode> code = cpu::linkImage(*object, plan.getLoc());
    if (failed(code))
      return failure();
    generated.code = std::move(*code);
    generated.code.device = cpu::kDevice.str(); // whose driver runs it
    generated.code.triple = below.triple;
    generated.code.features = below.features;
    for (auto &[kernel, launch] : program->launches)
      generated.kernels.push_back(std::move(launch.description));
    generated.weights = std::move(program->weights);
    generated.weightBytes = program->weightBytes;
    generated.checks = std::move(program->checks);
    return generated;
  }

private:
  cpu::CpuTarget below;
  hw::Device own;
  ScalarMachine machine;
  codegen::StrategyRegistry strategies = codegen::genericStrategies();
  codegen::GenericFusionRules rules;
};

class Family : public TargetFamily {
public:
  StringRef device() const override { return kDevice; }
  std::vector<std::string> specs() const override { return {kSpec.str()}; }
  std::vector<std::string> check(const hw::Device &chip) const override {
    if (kSpec != (kDevice + ":" + chip.name).str())
      return {chip.where("name") + ": found '" + chip.name + "', the only one is " + kSpec.str()};
    return cpu::checkCpu(chip);
  }
  std::unique_ptr<Target> parse(StringRef spec, ArrayRef<hw::Device> loaded, std::string &error) const override {
    std::optional<cpu::CpuTarget> below = cpu::baselineOfProcess();
    if (below && (spec == kDevice || spec == kSpec))
      return std::make_unique<Scalar>(std::move(*below));
    error = ("[TN8010] --target=" + spec + ": " +
             (below ? "unknown chip; expected " + kSpec : "no code can be made for this machine"))
                .str();
    return nullptr;
  }
  std::unique_ptr<Target> make(const hw::Device &chip, StringRef spec) const override {
    return std::make_unique<Scalar>(cpu::cpuOf(chip, spec));
  }
};

} // namespace
} // namespace scalar

extern "C" TargetPluginInfo tenonTargetPlugin() {
  return {kTargetPluginApi, TENON_VERSION,
          [](TargetRegistry &registry) { registry.add(std::make_unique<scalar::Family>()); }};
}
