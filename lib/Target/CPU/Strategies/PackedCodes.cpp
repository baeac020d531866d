// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packing of narrow weights. The dequantize op stays in the kernel as the
// record of what was packed; its attributes keep what the operands' new types
// no longer say.
#include "PackedCodes.h"

#include "CodeDecoder.h"

#include "tenon/Dialect/Graph/IR/NarrowWeights.h"
#include "tenon/Target/CPU/Codegen.h"

#include <cmath>
#include <tuple>

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr StringLiteral kElementAttr = "gemm.code_type", kBlockAttr = "gemm.block", kCenterAttr = "gemm.center",
                        kFiniteAttr = "gemm.finite";
constexpr StringLiteral kLayout = "codes";

/// A matrix [K or blocks, N] as the model has it.
struct Matrix {
  ArrayRef<char> bytes;
  int64_t rowStride, columnStride; // in elements; 0 where all are the same
};

/// How columns are divided into panels.
struct Panels {
  int64_t width, count, streams;
  /// The number, in memory, of the panel that a column is in.
  int64_t of(int64_t column) const {
    int64_t panel = column / width;
    return panel % streams * (count / streams) + panel / streams;
  }
};

/// Bytes [panels][rows][width] of a matrix of `size`-byte elements that has `used` of the rows.
std::string packRows(const Matrix &matrix, size_t size, int64_t used, int64_t rows, int64_t n, const Panels &panels) {
  int64_t width = panels.width;
  std::string packed(panels.count * rows * width * size, '\0');
  for (int64_t column = 0; column < n; ++column)
    for (int64_t row = 0; row < used; ++row)
      memcpy(&packed[((panels.of(column) * rows + row) * width + column % width) * size],
             &matrix.bytes[(row * matrix.rowStride + column * matrix.columnStride) * size], size);
  return packed;
}

/// Bytes of words [panels][groups][bits][width], of codes that lie in a byte each.
std::string packBits(const Matrix &matrix, const PackedCodes &w, const Panels &panels) {
  constexpr int64_t kWord = 32;
  int64_t bits = w.bits(), groups = w.groups(), width = panels.width;
  std::vector<uint32_t> words(panels.count * groups * bits * width);
  // Calls put(the group's words, column of the panel, step of the group, code).
  auto eachCode = [&](function_ref<void(uint32_t *, int64_t, int64_t, uint32_t)> put) {
    for (int64_t column = 0; column < w.n; ++column)
      for (int64_t step = 0; step < w.k; ++step)
        put(&words[(panels.of(column) * groups + step / PackedCodes::kGroup) * bits * width], column % width,
            step % PackedCodes::kGroup,
            matrix.bytes[step * matrix.rowStride + column * matrix.columnStride] & ((1u << bits) - 1));
  };
  if (w.areQuads()) {
    SmallVector<PackedCodes::BitRuns> quads = w.bitRuns();
    eachCode([&](uint32_t *group, int64_t column, int64_t step, uint32_t code) {
      int64_t place = w.placeOf(column, step % 4, width);
      for (const PackedCodes::BitRun &run : quads[step / 4])
        reinterpret_cast<uint8_t *>(group + run.word * width)[place] |= (code >> run.bit & ((1u << run.count) - 1))
                                                                        << run.from;
    });
  } else { // each column's codes a bit string
    eachCode([&](uint32_t *group, int64_t column, int64_t step, uint32_t code) {
      int64_t at = step * bits;
      uint32_t *word = group + at / kWord * width + column;
      word[0] |= code << (at % kWord);
      if (at % kWord + bits > kWord)
        word[width] |= code >> (kWord - at % kWord);
    });
  }
  return std::string(reinterpret_cast<const char *>(words.data()), words.size() * sizeof(uint32_t));
}

graph::ConstantOp constantOf(plan::KernelOp kernel, unsigned operand) {
  return kernel.getInputs()[operand].getDefiningOp<graph::ConstantOp>();
}

/// The one value of a constant whose elements are all the same.
std::optional<double> uniformValue(ElementsAttr value) {
  Type element = value.getElementType();
  std::string bytes = weightBytes(value);
  size_t size = llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  for (size_t at = size; at < bytes.size(); at += size)
    if (memcmp(bytes.data(), bytes.data() + at, size) != 0)
      return std::nullopt;
  if (auto integer = dyn_cast<IntegerType>(element)) {
    APInt number(8, uint8_t(bytes.front()));
    number = number.trunc(integer.getWidth());
    return integer.isUnsigned() ? double(number.getZExtValue()) : double(number.getSExtValue());
  }
  return floatValues(value).front();
}

unsigned argumentOf(Value value) { return cast<BlockArgument>(value).getArgNumber(); }

} // namespace

std::string PackedCodes::text() const {
  auto integer = dyn_cast<IntegerType>(element);
  std::string name =
      integer ? (Twine(integer.isUnsigned() ? "uint" : "int") + Twine(bits())).str() : num::nameOf(element);
  return block < k ? name + ", block " + std::to_string(block) : name;
}

StringRef PackedCodes::method(const CpuTarget &target) const {
  if (areQuads())
    return bytes ? "in fours" : "as float16";
  return CodeDecoder::hasTable(element, target.f32Lanes(), target) ? "by table" : "by arithmetic";
}

bool PackedCodes::isCentered() const {
  return !bytes && element.isUnsignedInteger() && center == double(int64_t(1) << (bits() - 1));
}

SmallVector<PackedCodes::BitRuns> PackedCodes::bitRuns() const {
  constexpr int64_t kByte = 8;
  int64_t whole = kByte / bits(), left = kByte % bits();
  SmallVector<BitRuns> quads;
  // The bits left over, of all words one after the other, are a string of codes; `next` is where the next one begins.
  int64_t next = 0;
  for (int64_t word = 0; word < bits(); ++word) {
    // A code of that string comes in the word that it ends in, before the word's whole codes: with
    // these the words before are done with.
    for (; left && (next + bits() - 1) / left == word; next += bits()) {
      BitRuns &runs = quads.emplace_back();
      for (int64_t bit = 0; bit < bits();) {
        int64_t at = (next + bit) % left, count = std::min(left - at, bits() - bit);
        runs.push_back({(next + bit) / left, whole * bits() + at, bit, count});
        bit += count;
      }
    }
    for (int64_t i = 0; i < whole; ++i)
      quads.push_back({{word, i * bits(), 0, bits()}});
  }
  return quads;
}

std::optional<ByteCodes> ByteCodes::of(Type element) {
  // Of a byte, so that the sum of two products with signed bytes fits 16 bits: 2 * 127 * 128 < 2^15.
  constexpr int64_t kMost = 127;
  const numerics::Format &format = *num::formatOf(element);
  if (auto integer = dyn_cast<IntegerType>(element)) {
    if (integer.getWidth() > 7)
      return std::nullopt;
    int64_t half = int64_t(1) << (integer.getWidth() - 1);
    return ByteCodes{1, integer.isUnsigned() ? 0 : half, 2 * half - 1, {}};
  }
  if (format.width() > 4)
    return std::nullopt;
  double unit = 0; // the greatest common divisor of the values, by Euclid's algorithm
  for (double value : format.values()) {
    if (!std::isfinite(value))
      return std::nullopt;
    for (double other = std::abs(value); other != 0;) // fmod is exact
      std::tie(unit, other) = std::pair(other, std::fmod(unit, other));
  }
  auto [least, most] = std::minmax_element(format.values().begin(), format.values().end());
  if (*least == *most || (*most - *least) / unit > kMost)
    return std::nullopt;
  ByteCodes bytes{unit, int64_t(-*least / unit), int64_t((*most - *least) / unit), {}};
  for (double value : format.values())
    bytes.table.push_back(uint8_t((value - *least) / unit));
  return bytes;
}

// Bytes with AVX2 alone: with AVX-512 a permutation decodes 16 codes. Float16 where no permutation decodes and the
// target converts it.
void PackedCodes::chooseLayout(const CpuTarget &target) {
  if (target.has("avx2") && !target.has("avx512f"))
    bytes = ByteCodes::of(element);
  if (!bytes && target.convertsHalf() && !CodeDecoder::hasTable(element, target.f32Lanes(), target))
    halves = HalfCodes::of(element);
}

std::optional<PackedCodes> PackedCodes::read(plan::KernelOp kernel, const CpuTarget &target) {
  auto root = cast<graph::MatMulOp>(kernel.getRootOp());
  auto op = root.getRhs().getDefiningOp<graph::DequantizeOp>();
  if (!op || llvm::any_of(op->getOperands(), [](Value v) { return !isa<BlockArgument>(v); }))
    return std::nullopt;
  auto shape = cast<RankedTensorType>(op.getResult().getType()).getShape();
  PackedCodes weights{op,
                      {},
                      shape[root.getTransposeRhs() ? 1 : 0],
                      shape[root.getTransposeRhs() ? 0 : 1],
                      0,
                      argumentOf(op.getX()),
                      argumentOf(op.getScale()),
                      std::nullopt,
                      0,
                      {},
                      {}};
  if (op.getZeroPoint())
    weights.zeros = argumentOf(op.getZeroPoint());
  if (auto element = op->getAttrOfType<TypeAttr>(kElementAttr)) { // packed before
    weights.element = element.getValue();
    weights.block = op->getAttrOfType<IntegerAttr>(kBlockAttr).getInt();
    weights.center = op->getAttrOfType<FloatAttr>(kCenterAttr).getValueAsDouble();
    weights.chooseLayout(target);
    if (weights.halves && op->hasAttr(kFiniteAttr))
      weights.halves = weights.halves->finite();
    return weights;
  }
  auto narrow = graph::narrowWeights(root);
  if (!narrow || llvm::any_of(op->getOperands(), [&](Value v) { return !constantOf(kernel, argumentOf(v)); }))
    return std::nullopt;
  weights.element = getElementTypeOrSelf(op.getX().getType());
  weights.block = narrow->block;
  weights.chooseLayout(target);
  return weights;
}

namespace {

/// Packs scales or zero points: one value (all strides 0), one per column (N of them), or
/// one per block and column, [blocks, N] or, of transposed weights, [N, blocks].
void packParameter(plan::KernelOp kernel, const PackedCodes &w, unsigned operand, Type stored, const Panels &panels) {
  bool isTransposed = cast<graph::MatMulOp>(kernel.getRootOp()).getTransposeRhs();
  int64_t blocks = llvm::divideCeil(w.k, w.block);
  ElementsAttr value = constantOf(kernel, operand).getValue();
  std::string bytes = weightBytes(value);
  Matrix matrix{bytes, 0, 0};
  if (value.getNumElements() > 1) {
    bool perBlock = cast<ShapedType>(value.getType()).getRank() == 2;
    matrix.columnStride = perBlock && isTransposed ? blocks : 1;
    matrix.rowStride = !perBlock ? 0 : isTransposed ? 1 : w.n;
  }
  size_t size = stored.getIntOrFloatBitWidth() / 8;
  std::string packed = packRows(matrix, size, blocks, w.blocks(), w.n, panels);
  replaceByPacked(kernel, operand, RankedTensorType::get({panels.count, w.blocks(), panels.width}, stored), packed,
                  kLayout);
}

/// Packs the zero points, or takes the one that holds for all.
void packZeros(plan::KernelOp kernel, PackedCodes &w, const Panels &panels) {
  ElementsAttr value = constantOf(kernel, *w.zeros).getValue();
  auto integer = dyn_cast<IntegerType>(value.getElementType());
  Type stored = integer ? IntegerType::get(kernel.getContext(), 8) : value.getElementType();
  auto one = uniformValue(value);
  if (!one)
    return packParameter(kernel, w, *w.zeros, stored, panels);
  // The decoder has it. The operand stays, as one unread element: who watches a kernel knows its buffers by number.
  w.center = *one;
  w.op.getZeroPointMutable().clear();
  std::string bytes(stored.getIntOrFloatBitWidth() / 8, '\0');
  replaceByPacked(kernel, *w.zeros, RankedTensorType::get({1}, stored), bytes, kLayout);
}

void packCodes(plan::KernelOp kernel, const PackedCodes &w, const Panels &panels) {
  bool isTransposed = cast<graph::MatMulOp>(kernel.getRootOp()).getTransposeRhs();
  std::string bytes = weightBytes(constantOf(kernel, w.codes).getValue());
  Matrix matrix{bytes, isTransposed ? 1 : w.n, isTransposed ? w.k : 1};
  // The bit to flip: the byte of 0 of signed codes in quads is their highest bit, that of unsigned ones is none; the
  // zero point in the middle of a range of unsigned codes is their highest bit, too.
  bool isFlipped = w.bytes && w.bytes->table.empty();
  if (int64_t flipped = isFlipped ? w.bytes->zero : w.isCentered() ? int64_t(w.center) : 0)
    for (char &code : bytes)
      code ^= flipped;
  std::string packed = packBits(matrix, w, panels);
  Builder b(kernel.getContext());
  ArrayRef<double> values = num::formatOf(w.element)->values();
  if (w.halves && llvm::all_of(bytes, [&](uint8_t code) { return std::isfinite(values[code % values.size()]); }))
    w.op->setAttr(kFiniteAttr, b.getUnitAttr());
  auto stored = RankedTensorType::get({panels.count, w.groups(), w.bits(), panels.width}, b.getI32Type());
  replaceByPacked(kernel, w.codes, stored, packed, kLayout);
}

} // namespace

LogicalResult PackedCodes::pack(plan::KernelOp kernel, const CpuTarget &target, int64_t streams) {
  std::optional<PackedCodes> weights = read(kernel, target);
  if (!weights || weights->op->hasAttr(kElementAttr) || !kernel.getArgShapes())
    return success();
  graph::DequantizeOp op = weights->op;
  int64_t width = target.f32Lanes();
  Panels panels{width, int64_t(llvm::alignTo(llvm::divideCeil(weights->n, width), streams)), streams};
  packParameter(kernel, *weights, weights->scales, getElementTypeOrSelf(op.getScale().getType()), panels);
  if (weights->zeros)
    packZeros(kernel, *weights, panels);
  packCodes(kernel, *weights, panels);
  Builder b(kernel.getContext());
  op->setAttr(kElementAttr, TypeAttr::get(weights->element));
  op->setAttr(kBlockAttr, b.getI64IntegerAttr(weights->block));
  op->setAttr(kCenterAttr, b.getF64FloatAttr(weights->center));
  return success();
}

} // namespace tenon::cpu
