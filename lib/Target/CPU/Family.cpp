// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU as the pipeline sees it: from a planned module to a code image.
#include "tenon/Target/CPU/Family.h"

#include "FusionRules.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Target/CPU/Codegen.h"
#include "tenon/Target/CPU/Passes.h"
#include "tenon/Transforms/Fusion/Passes.h"
#include "tenon/Transforms/Simplify/Passes.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

class Cpu : public Target {
public:
  Cpu(CpuTarget cpu) : cpu(std::move(cpu)) {}

  StringRef spec() const override { return cpu.spec; }
  const hw::Device &chip() const override { return cpu.chip; }

  StringRef device() const override { return kDevice; }

  void addRegionPasses(OpPassManager &pm, const RegionPassOptions &options) const override {
    pm.addPass(createWidenConvolutionsPass());
    options.simplify(pm); // filters are widened now
    pm.addPass(simplify::createDenormalWeightsPass({options.flushDenormals}));
    pm.addNestedPass<func::FuncOp>(fusion::createSinkDecodesPass());
  }

  const FusionRules &fusionRules() const override { return rules; }
  bool takesOpenSizes() const override { return true; }

  std::vector<std::string> strategiesFor(StringRef root) const override { return strategies.namesFor(root); }

  LogicalResult packWeights(ModuleOp plan) const override { return packConstants(plan, cpu, strategies); }

  FailureOr<GeneratedCode> generate(ModuleOp plan, const GenerateOptions &options) const override {
    auto ended = [&](StringRef phase) {
      if (options.phaseEnded)
        options.phaseEnded(phase);
    };
    FailureOr<host::HostModule> program = buildProgram(plan, cpu, strategies, options.kernelProgress);
    if (failed(program) || (options.dump && failed(options.dump(*program->module))))
      return failure();
    ended("kernels");
    if (failed(lowerToLLVM(*program->module, cpu)))
      return failure();
    ended("lower");
    FailureOr<Object> object =
        emitObject(*program->module, cpu, options.assembly, options.kernelProgress, options.objectPrefix);
    if (failed(object))
      return failure();
    GeneratedCode generated;
    if (options.assembly) {
      generated.assembly = std::move(object->bytes);
      return generated;
    }
    if (options.objectPrefix.empty()) {
      FailureOr<ModuleCode> code = linkImage(*object, plan.getLoc());
      if (failed(code))
        return failure();
      generated.code = std::move(*code);
    } else {
      generated.code.image = std::move(object->bytes);
      generated.code.stackBytes = object->stackBytes;
    }
    generated.code.device = kDevice.str();
    generated.code.triple = cpu.triple;
    generated.code.features = cpu.features;
    for (auto &[kernel, launch] : program->launches)
      generated.kernels.push_back(std::move(launch.description));
    generated.weights = std::move(program->weights);
    generated.weightBytes = program->weightBytes;
    generated.checks = std::move(program->checks);
    return generated;
  }

private:
  CpuTarget cpu;
  StrategyRegistry strategies;
  CpuFusionRules rules;
};

class Family : public TargetFamily {
public:
  StringRef device() const override { return kDevice; }

  std::vector<std::string> specs() const override {
    std::vector<std::string> specs{"cpu:host"};
    for (const std::string &name : shippedCpus())
      specs.push_back((kDevice + ":" + name).str());
    return specs;
  }

  std::vector<std::string> check(const hw::Device &chip) const override { return checkCpu(chip); }

  std::unique_ptr<Target> parse(StringRef spec, ArrayRef<hw::Device> loaded, std::string &error) const override {
    CpuTarget target;
    return parseCpuTarget(spec, loaded, target, error) ? std::make_unique<Cpu>(std::move(target)) : nullptr;
  }

  std::unique_ptr<Target> make(const hw::Device &chip, StringRef spec) const override {
    return std::make_unique<Cpu>(cpuOf(chip, spec));
  }

  std::unique_ptr<Target> baselineOfProcess() const override {
    std::optional<CpuTarget> chip = cpu::baselineOfProcess();
    return chip ? std::make_unique<Cpu>(std::move(*chip)) : nullptr;
  }
};

} // namespace

std::unique_ptr<TargetFamily> makeFamily() { return std::make_unique<Family>(); }

} // namespace tenon::cpu
