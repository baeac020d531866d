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

constexpr StringLiteral kDevice = "cpu";

class Cpu : public Target {
public:
  Cpu(CpuTarget chip) : chip(std::move(chip)) {}

  TargetSummary summary() const override { return {chip.spec, chip.triple, chip.vectorBits, chip.features}; }

  StringRef device() const override { return kDevice; }

  void addRegionPasses(OpPassManager &pm, const RegionPassOptions &options) const override {
    pm.addPass(createWidenConvolutionsPass());
    options.simplify(pm); // filters are widened now
    pm.addPass(simplify::createDenormalWeightsPass({options.flushDenormals}));
    pm.addNestedPass<func::FuncOp>(fusion::createSinkDecodesPass());
  }

  const FusionRules &fusionRules() const override { return rules; }

  std::vector<std::string> strategiesFor(StringRef root) const override { return strategies.namesFor(root); }

  LogicalResult packWeights(ModuleOp plan) const override { return packConstants(plan, chip, strategies); }

  FailureOr<GeneratedCode> generate(ModuleOp plan, const GenerateOptions &options) const override {
    auto ended = [&](StringRef phase) {
      if (options.phaseEnded)
        options.phaseEnded(phase);
    };
    FailureOr<Program> program = buildProgram(plan, chip, strategies, options.kernelProgress);
    if (failed(program) || (options.dump && failed(options.dump(*program->module))))
      return failure();
    ended("kernels");
    if (failed(lowerToLLVM(*program->module, chip)))
      return failure();
    ended("lower");
    FailureOr<Object> object = emitObject(*program->module, chip, options.assembly, options.kernelProgress);
    if (failed(object))
      return failure();
    GeneratedCode generated;
    if (options.assembly) {
      generated.assembly = std::move(object->bytes);
      return generated;
    }
    FailureOr<ModuleCode> code = linkImage(*object, plan.getLoc());
    if (failed(code))
      return failure();
    generated.code = std::move(*code);
    generated.code.device = kDevice.str();
    generated.code.triple = chip.triple;
    generated.code.features = chip.features;
    for (auto &[kernel, launch] : program->launches)
      generated.kernels.push_back(std::move(launch.description));
    generated.weights = std::move(program->weights);
    generated.weightBytes = program->weightBytes;
    generated.checks = std::move(program->checks);
    return generated;
  }

private:
  CpuTarget chip;
  StrategyRegistry strategies;
  CpuFusionRules rules;
};

class Family : public TargetFamily {
public:
  StringRef device() const override { return kDevice; }

  std::vector<std::string> specs() const override {
    return {"cpu:host", "cpu:x86-64-v2", "cpu:x86-64-v3", "cpu:x86-64-v4", "cpu:aarch64", "cpu:riscv64"};
  }

  std::unique_ptr<Target> parse(StringRef spec, std::string &error) const override {
    CpuTarget chip;
    return parseCpuTarget(spec, chip, error) ? std::make_unique<Cpu>(std::move(chip)) : nullptr;
  }

  std::unique_ptr<Target> baselineOfProcess() const override {
    std::optional<CpuTarget> chip = cpu::baselineOfProcess();
    return chip ? std::make_unique<Cpu>(std::move(*chip)) : nullptr;
  }
};

} // namespace

std::unique_ptr<TargetFamily> makeFamily() { return std::make_unique<Family>(); }

} // namespace tenon::cpu
