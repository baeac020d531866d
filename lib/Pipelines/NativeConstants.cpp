// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One op becomes a program of its own, which is compiled as a model's is. It is
// printed and parsed into a context apart from the model's: its text is the key
// by which equal ops are recognised, and what compilation leaves in a context
// goes with it.
#include "tenon/Pipelines/NativeConstants.h"

#include "LoadedImage.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Dialect/Graph/IR/ExactOps.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Pipelines/RegisterTargets.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace tenon {
namespace {

/// The op as the text of a program.
std::string programOf(Operation *op) {
  OpBuilder builder(op->getContext());
  Location loc = builder.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  auto main =
      func::FuncOp::create(builder, loc, "main", builder.getFunctionType(op->getOperandTypes(), op->getResultTypes()));
  builder.setInsertionPointToStart(main.addEntryBlock());
  Operation *copy = builder.clone(*op);
  copy->setOperands(main.getArguments());
  func::ReturnOp::create(builder, loc, copy->getResults());
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os);
  return text;
}

class Engine {
public:
  Engine() {
    TargetRegistry targets;
    registerTargets(targets);
    target = targets.baselineOfProcess();
  }

  std::optional<SmallVector<reference::Tensor>> evaluate(Operation *op, ArrayRef<reference::Tensor> operands) {
    if (!target || !graph::isExactlyRounded(op))
      return std::nullopt;
    std::string text = programOf(op);
    auto [program, isNew] = programs.try_emplace(text);
    if (isNew)
      program->second = compile(text);
    if (!program->second)
      return std::nullopt;
    SmallVector<const void *> inputs;
    SmallVector<void *> outputs;
    SmallVector<reference::Tensor> results;
    for (const reference::Tensor &operand : operands)
      inputs.push_back(operand.getBytes().data());
    for (Type type : op->getResultTypes())
      results.emplace_back(cast<RankedTensorType>(type).getElementType(), cast<RankedTensorType>(type).getShape());
    for (reference::Tensor &result : results)
      outputs.push_back(result.getMutableBytes().data());
    if (!program->second->run(inputs, outputs))
      return std::nullopt;
    return results;
  }

private:
  std::optional<LoadedImage> compile(StringRef text) {
    if (!context) {
      context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
      loadTenonDialects(*context);
    }
    // What cannot be compiled is left to the reference.
    ScopedDiagnosticHandler quiet(context.get(), [](Diagnostic &) { return success(); });
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, context.get());
    CompileResult ignored;
    if (!module || failed(runStages(*module, Stage::Place, Stage::Place, *target, CompileOptions(), ignored)) ||
        failed(target->packWeights(*module)) || failed(planMemory(*module)))
      return std::nullopt;
    FailureOr<GeneratedCode> generated = target->generate(*module, {});
    if (failed(generated) || generated->weightBytes)
      return std::nullopt;
    return LoadedImage::load(generated->code);
  }

  std::unique_ptr<Target> target;
  std::unique_ptr<MLIRContext> context;
  llvm::StringMap<std::optional<LoadedImage>> programs;
};

} // namespace

simplify::ConstantEvaluator nativeConstants() {
  return [engine = std::make_shared<Engine>()](Operation *op, ArrayRef<reference::Tensor> operands) {
    return engine->evaluate(op, operands);
  };
}

} // namespace tenon
