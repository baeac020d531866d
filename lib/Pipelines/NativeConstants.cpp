// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One op becomes a program of its own, which is compiled as a model's is; where it can,
// a program of a few elements that serves ops of all sizes. It is
// printed and parsed into a context apart from the model's: its text is the key
// by which equal ops are recognised, and what compilation leaves in a context
// goes with it.
#include "tenon/Pipelines/NativeConstants.h"

#include "LoadedImage.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Dialect/Graph/IR/ExactOps.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Pipelines/RegisterTargets.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace tenon {
namespace {

/// Elements that a program of an elementwise op computes at once.
constexpr int64_t kChunk = 4096;
/// Shorter runs of elements with one scale are not worth a program's call.
constexpr int64_t kShortestRun = 512;

/// What an operand has for a run of elements that lie side by side in the result.
enum class Share { Elements, OneOfRun, One };

/// An elementwise op as runs of elements, which programs of kChunk elements compute
/// chunk by chunk, whatever the op's shape:
///
///     operands and result of one shape      1 run of all elements
///     dequantize(x, scale of axis 1),       run (i, c) = elements x[i, c, :, :],
///       x: [N, C, H, W]                     with scale[c]; `channels` is C
struct Runs {
  int64_t count = 1, channels = 1, length = 0;
  SmallVector<Share> operands;
};

int64_t elementsOf(Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); }

template <typename Op>
std::optional<Runs> runsAlongAxis(Op op) {
  auto shape = cast<RankedTensorType>(op.getX().getType()).getShape();
  int64_t axis = op.getAxis() + (op.getAxis() < 0 ? shape.size() : 0);
  if (op.getBlockSize() || axis < 0 || axis >= int64_t(shape.size()) || elementsOf(op.getScale()) != shape[axis])
    return std::nullopt;
  Runs runs{
      llvm::product_of(shape.take_front(axis + 1)), shape[axis], llvm::product_of(shape.drop_front(axis + 1)), {}};
  if (runs.length < kShortestRun)
    return std::nullopt;
  for (Value operand : op->getOperands())
    runs.operands.push_back(operand == op.getX()       ? Share::Elements
                            : elementsOf(operand) == 1 ? Share::One
                                                       : Share::OneOfRun);
  return runs;
}

/// The op as runs, if it is one.
std::optional<Runs> runsOf(Operation *op) {
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  Runs runs{1, 1, result.getNumElements(), {}};
  for (Value operand : op->getOperands()) {
    if (cast<RankedTensorType>(operand.getType()).getShape() == result.getShape())
      runs.operands.push_back(Share::Elements);
    else if (elementsOf(operand) == 1)
      runs.operands.push_back(Share::One);
    else if (auto dequantize = dyn_cast<graph::DequantizeOp>(op))
      return runsAlongAxis(dequantize);
    else if (auto quantize = dyn_cast<graph::QuantizeOp>(op))
      return runsAlongAxis(quantize);
    else
      return std::nullopt;
  }
  return runs;
}

/// Makes an op one on a chunk of its runs.
void becomeChunk(Operation *op) {
  Value result = op->getResult(0);
  result.setType(RankedTensorType::get(kChunk, getElementTypeOrSelf(result)));
  if (auto dequantize = dyn_cast<graph::DequantizeOp>(op))
    dequantize.setAxis(0);
  if (auto quantize = dyn_cast<graph::QuantizeOp>(op))
    quantize.setAxis(0);
}

/// The program of an op: of one chunk, or of the op as it is.
std::string programOf(Operation *op, const std::optional<Runs> &runs) {
  OpBuilder builder(op->getContext());
  Location loc = builder.getUnknownLoc();
  SmallVector<Type> types(op->getOperandTypes());
  if (runs)
    for (auto [type, share] : llvm::zip_equal(types, runs->operands)) {
      SmallVector<int64_t, 1> shape(share == Share::Elements ? 1 : 0, kChunk);
      type = RankedTensorType::get(shape, getElementTypeOrSelf(type));
    }
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  auto main = func::FuncOp::create(builder, loc, "main", builder.getFunctionType(types, {}));
  Block *entry = main.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  Operation *copy = builder.clone(*op);
  copy->setOperands(entry->getArguments());
  if (runs)
    becomeChunk(copy);
  main.setFunctionType(builder.getFunctionType(types, copy->getResultTypes()));
  func::ReturnOp::create(builder, loc, copy->getResults());
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os);
  return text;
}

class Engine : public simplify::ConstantEvaluator {
public:
  Engine() {
    TargetRegistry targets;
    registerTargets(targets);
    target = targets.baselineOfProcess();
  }

  uint64_t formOf(Operation *op) const override { return llvm::hash_value(programOf(op, runsOf(op))); }

  std::optional<SmallVector<reference::Tensor>> evaluate(Operation *op, ArrayRef<reference::Tensor> operands) override {
    if (!target || !graph::isExactlyRounded(op))
      return std::nullopt;
    std::optional<Runs> runs = runsOf(op);
    std::string text = programOf(op, runs);
    auto [program, isNew] = programs.try_emplace(text);
    if (isNew)
      program->second = compile(text);
    if (!program->second)
      return std::nullopt;
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    reference::Tensor result(type.getElementType(), type.getShape());
    SmallVector<const void *> inputs;
    for (const reference::Tensor &operand : operands)
      inputs.push_back(operand.getBytes().data());
    void *output = result.getMutableBytes().data();
    if (!(runs ? run(*program->second, *runs, operands, result) : program->second->run(inputs, output)))
      return std::nullopt;
    return SmallVector<reference::Tensor>{result};
  }

private:
  /// Computes the runs by a program of a chunk; what is left of one goes through
  /// buffers of a chunk.
  static bool run(const LoadedImage &program, const Runs &runs, ArrayRef<reference::Tensor> operands,
                  reference::Tensor &result) {
    SmallVector<std::vector<char>> buffers;
    for (const reference::Tensor &operand : operands)
      buffers.emplace_back(kChunk * operand.getElementBytes());
    std::vector<char> outBuffer(kChunk * result.getElementBytes());
    SmallVector<const void *> inputs(operands.size());
    for (int64_t run = 0; run < runs.count; ++run)
      for (int64_t done = 0; done < runs.length; done += kChunk) {
        int64_t first = run * runs.length + done, count = std::min(kChunk, runs.length - done);
        for (auto [input, buffer, operand, share] : llvm::zip_equal(inputs, buffers, operands, runs.operands)) {
          int64_t at = share == Share::Elements ? first : share == Share::OneOfRun ? run % runs.channels : 0;
          const auto *from = operand.getBytes().data() + at * operand.getElementBytes();
          input = from;
          if (share == Share::Elements && count < kChunk) {
            memcpy(buffer.data(), from, count * operand.getElementBytes());
            input = buffer.data();
          }
        }
        auto *to = result.getMutableBytes().data() + first * result.getElementBytes();
        void *output = count < kChunk ? static_cast<void *>(outBuffer.data()) : to;
        if (!program.run(inputs, output))
          return false;
        if (count < kChunk)
          memcpy(to, outBuffer.data(), count * result.getElementBytes());
      }
    return true;
  }

  std::optional<LoadedImage> compile(StringRef text) {
    if (!context) {
      context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
      loadTenonDialects(*context);
    }
    // What cannot be compiled is left to the reference.
    ScopedDiagnosticHandler quiet(context.get(), [](Diagnostic &) { return success(); });
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, context.get());
    CompileResult ignored;
    if (!module || failed(runStages(*module, Stage::Place, Stage::Place, {target}, CompileOptions(), ignored)) ||
        failed(target->packWeights(*module)) || failed(planMemory(*module)))
      return std::nullopt;
    FailureOr<GeneratedCode> generated = target->generate(*module, {});
    if (failed(generated) || generated->weightBytes)
      return std::nullopt;
    return LoadedImage::load(generated->code);
  }

  std::shared_ptr<const Target> target;
  std::unique_ptr<MLIRContext> context;
  llvm::StringMap<std::optional<LoadedImage>> programs;
};

} // namespace

std::shared_ptr<simplify::ConstantEvaluator> nativeConstants() { return std::make_shared<Engine>(); }

} // namespace tenon
