// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each kernel becomes instructions for one tile after the other, so that all that a tile
// reads and writes is in the scratchpad at once. A product has tiles of the array's size,
// as deep as the scratchpad holds; elementwise kernels have as many elements in a tile as
// their values that live at once leave room for.
#include "Emit.h"

#include "Schedule.h"
#include "StreamWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"
#include "tenon/Support/Provenance.h"
#include "tenon/Target/Common/ManifestTypes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace tenon;

namespace toy {

bool repeatsWhole(ArrayRef<int64_t> operand, ArrayRef<int64_t> result) {
  while (!operand.empty() && operand.front() == 1)
    operand = operand.drop_front();
  return operand.size() <= result.size() && operand == result.take_back(operand.size());
}

namespace {

constexpr uint64_t kWeightAlign = 64;

uint64_t bytesOf(Type element) {
  return llvm::divideCeil(num::isCoded(element) ? num::codeType(element).getWidth() : element.getIntOrFloatBitWidth(),
                          8);
}
uint64_t elementsOf(Value value) { return uint64_t(cast<RankedTensorType>(value.getType()).getNumElements()); }
uint64_t bytesOf(Value value) { return elementsOf(value) * bytesOf(getElementTypeOrSelf(value.getType())); }

class Emitter {
public:
  Emitter(ModuleOp program, func::FuncOp main, const Sizes &sizes)
      : program(program), main(main), sizes(sizes),
        stream(main.getNumArguments(), main.getNumResults(), uint32_t(sizes.scratchpad)) {}

  FailureOr<GeneratedCode> run(const GenerateOptions &options) {
    for (Value argument : main.getArguments())
      buffers.push_back(bytesOf(argument));
    for (Value result : main.getBody().front().getTerminator()->getOperands())
      buffers.push_back(bytesOf(result));
    plan::ArenaAttr arena = plan::arenaOf(program, plan::kHostSpace);
    buffers.push_back(arena ? uint64_t(arena.getBytes()) : 0);
    auto kernels = llvm::to_vector(main.getOps<plan::KernelOp>());
    for (auto [number, kernel] : llvm::enumerate(kernels)) {
      if (options.kernelProgress)
        options.kernelProgress("emitting", unsigned(number + 1), unsigned(kernels.size()));
      if (failed(emit(kernel)))
        return failure();
    }
    buffers.push_back(generated.weightBytes);
    std::string image = stream.finish(buffers);
    if (!llvm::all_of(buffers, StreamWriter::fits) || !StreamWriter::fits(stream.size()))
      return program.emitError("[TN5003] no toy code for region ")
             << program.getSymName().value_or("main") << ": a buffer, or the stream, is beyond 4 GiB";
    if (options.assembly)
      generated.assembly = ("# region " + program.getSymName().value_or("main") + "\n").str() + stream.text(buffers);
    else
      generated.code.image = std::move(image);
    if (options.phaseEnded)
      options.phaseEnded("kernels");
    return std::move(generated);
  }

private:
  LogicalResult emit(plan::KernelOp kernel) {
    std::string nodes = llvm::join(sourceNodes(kernel.getLoc()).getArrayRef(), ", ");
    stream.beginKernel(kernel.getName(), nodes);
    description = {};
    description.name = kernel.getName().str();
    description.device = kernel.getDevice().str();
    description.precision = num::nameOf(getElementTypeOrSelf(kernel.getResult(0).getType()));
    for (StringRef node : sourceNodes(kernel.getLoc()))
      description.nodes.push_back(node.str());
    std::string reason;
    bool ok = true;
    if (auto matmul = dyn_cast_or_null<graph::MatMulOp>(kernel.getRootOp()))
      emitMatMul(kernel, matmul);
    else
      ok = kernel.getRoot() == "elementwise"
               ? emitElementwise(kernel, reason)
               : (reason = "there are no instructions for " + kernel.getRoot().str(), false);
    if (!ok)
      return kernel.emitError("[TN5003] no toy kernel for ")
             << kernel.getName() << " (ONNX nodes " << nodes << "): " << reason;
    description.estimate = description.work;
    for (Value input : kernel.getInputs())
      description.buffers.push_back(describe(input, false));
    for (Value result : kernel.getResults())
      description.buffers.push_back(describe(result, true));
    generated.kernels.push_back(std::move(description));
    return success();
  }

  void emitMatMul(plan::KernelOp kernel, graph::MatMulOp op) {
    auto input = [&](Value operand) { return kernel.getInputs()[cast<BlockArgument>(operand).getArgNumber()]; };
    Value lhs = input(op.getLhs()), rhs = input(op.getRhs());
    bool isInt8 = getElementTypeOrSelf(lhs.getType()).isInteger(8);
    uint64_t element = isInt8 ? 1 : 4;
    auto shape = cast<RankedTensorType>(op.getLhs().getType()).getShape();
    auto result = cast<RankedTensorType>(op.getResult().getType()).getShape();
    uint64_t m = result[0], n = result[1], k = shape[op.getTransposeLhs() ? 0 : 1];
    uint64_t tileM = std::min<uint64_t>(m, sizes.rows), tileN = std::min<uint64_t>(n, sizes.columns);
    uint64_t a = 4 * tileM * tileN; // behind the sums, which are aligned to words
    uint64_t tileK = std::min(k, (uint64_t(sizes.scratchpad) - a) / (element * (tileM + tileN)));
    uint64_t b = a + element * tileM * tileK;
    uint32_t flags =
        (isInt8 ? Int8 : 0) | (op.getTransposeLhs() ? TransposeA : 0) | (op.getTransposeRhs() ? TransposeB : 0);
    Address from = addressOf(lhs), with = addressOf(rhs), to = addressOf(kernel.getResult(0));
    // A tile of a matrix that is stored as rows of `width` elements.
    auto tile = [](Address at, uint64_t width, uint64_t element, bool isTransposed, uint64_t row, uint64_t column,
                   uint64_t rows, uint64_t columns) {
      if (isTransposed)
        std::swap(row, column), std::swap(rows, columns);
      at.offset += (row * width + column) * element;
      return Strip{at, rows, columns * element, width * element};
    };
    for (uint64_t i = 0; i < m; i += tileM)
      for (uint64_t j = 0; j < n; j += tileN) {
        uint64_t rows = std::min(tileM, m - i), columns = std::min(tileN, n - j);
        for (uint64_t l = 0; l < k; l += tileK) {
          uint64_t depth = std::min(tileK, k - l);
          bool ta = op.getTransposeLhs(), tb = op.getTransposeRhs();
          stream.load(tile(from, ta ? m : k, element, ta, i, l, rows, depth), a);
          stream.load(tile(with, tb ? k : n, element, tb, l, j, depth, columns), b);
          stream.matmul(flags | (l == 0 ? Start : 0), rows, columns, depth, a, b, 0);
        }
        stream.store(tile(to, n, 4, false, i, j, rows, columns), 0);
      }
    description.strategy = "systolic";
    description.schedule.tile = llvm::formatv("{0}x{1}x{2}", tileM, tileN, tileK);
    description.schedule.text = llvm::formatv("tile {0}, {1} of {2} bytes of the scratchpad", description.schedule.tile,
                                              b + element * tileN * tileK, sizes.scratchpad);
    description.precision = isInt8 ? "i8 in i32" : "f32";
    description.work = 2 * m * n * k;
  }

  bool emitElementwise(plan::KernelOp kernel, std::string &reason) {
    Schedule schedule(kernel);
    uint64_t element = bytesOf(getElementTypeOrSelf(kernel.getResult(0).getType()));
    uint64_t total = elementsOf(kernel.getResult(0));
    uint64_t slotBytes = uint64_t(sizes.scratchpad) / schedule.count / 4 * 4, room = slotBytes / element;
    if (room == 0) {
      reason = llvm::formatv("{0} values of {1} bytes do not fit the scratchpad", schedule.count, element);
      return false;
    }
    description.strategy = "rows";
    if (total == 0)
      return true;
    // Rows as long as the operand that is repeated most often.
    uint64_t width = total;
    for (Value input : kernel.getInputs())
      width = std::min(width, elementsOf(input));
    uint64_t height = total / width, columns = std::min(width, room);
    uint64_t rows = columns == width ? std::min(height, room / width) : 1;
    for (uint64_t row = 0; row < height; row += rows)
      for (uint64_t column = 0; column < width; column += columns)
        emitTile(schedule, slotBytes, element, width, row, column, std::min(rows, height - row),
                 std::min(columns, width - column));
    unsigned ops = unsigned(std::distance(kernel.getBody().front().begin(), kernel.getBody().front().end())) - 1;
    description.schedule.tile = llvm::formatv("{0}x{1}", rows, columns);
    description.schedule.text =
        llvm::formatv("tile {0}, {1} slots of {2} bytes", description.schedule.tile, schedule.count, slotBytes);
    description.work = total * ops;
    return true;
  }

  void emitTile(const Schedule &schedule, uint64_t slotBytes, uint64_t element, uint64_t width, uint64_t row,
                uint64_t column, uint64_t rows, uint64_t columns) {
    for (const Step &step : schedule.steps) {
      uint64_t slot = step.slot * slotBytes, lhs = step.lhs * slotBytes, rhs = step.rhs * slotBytes;
      switch (step.kind) {
      case Step::Add: stream.add(rows * columns, lhs, rhs, slot); break;
      case Step::Relu: stream.relu(rows * columns, lhs, slot); break;
      case Step::Load:
      case Step::Store: {
        Address base = addressOf(step.buffer);
        // An operand with fewer rows begins again after its last one.
        uint64_t period = elementsOf(step.buffer) / width;
        for (uint64_t done = 0; done < rows;) {
          uint64_t first = (row + done) % period, count = period == 1 ? rows : std::min(rows - done, period - first);
          Strip strip{{base.buffer, base.offset + (first * width + column) * element},
                      count,
                      columns * element,
                      period == 1 ? 0 : width * element};
          uint64_t pad = slot + done * columns * element;
          step.kind == Step::Load ? stream.load(strip, pad) : stream.store(strip, pad);
          done += count;
        }
      }
      }
    }
  }

  Address addressOf(Value value) {
    value = plan::source(value);
    if (auto argument = dyn_cast<BlockArgument>(value))
      return {stream.input(argument.getArgNumber()), 0};
    if (auto constant = value.getDefiningOp<graph::ConstantOp>())
      return {stream.weights(), weightOf(constant)};
    plan::PlaceAttr place = plan::placeOf(cast<OpResult>(value));
    if (place.getKind() == plan::PlaceKind::output)
      return {stream.output(unsigned(place.getNumber())), 0};
    return {stream.arena(), uint64_t(place.getNumber())};
  }

  uint64_t weightOf(graph::ConstantOp constant) {
    auto [it, isNew] = weights.try_emplace(constant.getValue(), generated.weightBytes);
    if (isNew) {
      generated.weights.push_back({constant.getValue(), generated.weightBytes, bytesOf(constant.getResult())});
      generated.weightBytes += llvm::alignTo(bytesOf(constant.getResult()), kWeightAlign);
    }
    return it->second;
  }

  BufferDescription describe(Value value, bool isOutput) {
    BufferDescription buffer{"", manifestType(getElementTypeOrSelf(value.getType())), isOutput, -1};
    value = plan::source(value);
    if (llvm::SetVector<StringRef> nodes = sourceNodes(value.getLoc()); !isa<BlockArgument>(value) && !nodes.empty())
      buffer.name = nodes.back().str();
    if (auto constant = value.getDefiningOp<graph::ConstantOp>()) {
      buffer.weightOffset = int64_t(weightOf(constant));
      if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue()))
        buffer.name = resource.getRawHandle().getKey().str();
    }
    return buffer;
  }

  ModuleOp program;
  func::FuncOp main;
  Sizes sizes;
  StreamWriter stream;
  SmallVector<uint64_t> buffers; // sizes
  llvm::DenseMap<Attribute, uint64_t> weights;
  GeneratedCode generated;
  KernelDescription description;
};

} // namespace

FailureOr<GeneratedCode> emit(ModuleOp program, const Sizes &sizes, const GenerateOptions &options) {
  auto main = program.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return program.emitError("[TN5005] has no function @main");
  for (BlockArgument argument : main.getArguments())
    if (!cast<RankedTensorType>(argument.getType()).hasStaticShape())
      return program.emitError("[TN5003] no toy code for sizes that are open; give --sizes");
  return Emitter(program, main, sizes).run(options);
}

} // namespace toy
