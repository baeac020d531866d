// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scalars of up to 8 bits are looked up in a table of all values, with scale
// and zero point in it: a load and a broadcast, as for f32, where arithmetic
// on the fields would cost ten instructions and more. A vector's lanes are
// decoded by arithmetic, which is faster than a gather.
#include "tenon/Codegen/OperandReader.h"

#include "tenon/Codegen/RowSchedule.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr unsigned kMostTableBits = 8;

/// Bits of a code with a table; 0 for what is loaded as it is. Without vectors a table
/// costs more than it saves: it is filled by each invocation that reads some of it.
unsigned tableBits(Type element, bool decodes, const Machine &target) {
  const numerics::Format *format = num::formatOf(element);
  bool isCode = num::isCoded(element) || (decodes && isa<IntegerType>(element));
  bool pays = isCode && format && format->width() <= kMostTableBits && target.hasVectors();
  return pays ? format->width() : 0;
}

bool isFloatOfWord(Type type) { return type.isF32() || type.isF16() || type.isBF16(); }

} // namespace

std::optional<OperandSource> operandSource(Value operand) {
  if (auto argument = dyn_cast<BlockArgument>(operand))
    return OperandSource{argument, nullptr};
  Operation *op = operand.getDefiningOp();
  if (!isa<graph::CastOp, graph::DequantizeOp>(op))
    return std::nullopt;
  auto argument = dyn_cast<BlockArgument>(op->getOperand(0));
  if (!argument || !isFloatOfWord(elementOf(operand)))
    return std::nullopt;
  Type element = elementOf(argument);
  auto integer = dyn_cast<IntegerType>(element);
  bool isNarrow =
      integer ? integer.getWidth() > 1 && integer.getWidth() <= 8 : num::isCoded(element) || isFloatOfWord(element);
  auto dequantize = dyn_cast<graph::DequantizeOp>(op);
  if (!isNarrow || (dequantize && !dequantize.isElementwise()))
    return std::nullopt;
  return OperandSource{argument, op};
}

std::string OperandSource::text(const Machine &target) const {
  Type element = elementOf(argument);
  if (element.isF32())
    return "";
  return ", " + num::nameOf(element) +
         (tableBits(element, decode, target) ? " decoded by table" : " converted when loaded");
}

std::string operandsText(ValueRange operands, const Machine &target) {
  std::string text;
  for (Value operand : operands)
    if (std::optional<OperandSource> source = operandSource(operand))
      text += source->text(target);
  return text;
}

bool areReadable(ValueRange operands, std::string &reason) {
  for (Value operand : operands) {
    std::optional<OperandSource> source = operandSource(operand);
    if (!source)
      reason = "an operand is computed inside the kernel";
    else if (!source->decode && !num::isCoded(elementOf(operand)) && !isFloatOfWord(elementOf(operand)))
      reason = "the element type is not a float of at most 32 bits";
    else
      continue;
    return false;
  }
  return true;
}

bool isReadableOrSplat(Value operand, std::string &reason) {
  if (operandSource(operand) || operand.getDefiningOp<graph::ConstantOp>())
    return true;
  reason = "an operand is computed inside the kernel";
  return false;
}

OperandReader::OperandReader(KernelContext &context, Value operand) : c(context) {
  if (operand.getDefiningOp<graph::ConstantOp>()) {
    splat = operand;
    return;
  }
  OperandSource source = *operandSource(operand);
  buffer = c.buffer(source.argument);
  element = elementOf(source.argument);
  isNumber = !source.decode || !isa<IntegerType>(element);
  if (source.decode && !elementOf(operand).isF32())
    rounded = elementOf(operand);
  if (auto dequantize = dyn_cast_or_null<graph::DequantizeOp>(source.decode)) {
    LaneMath m{c};
    scale = m.toF32(loadFrom(c, dequantize.getScale(), c.index(int64_t(0)), 1));
    if (Value point = dequantize.getZeroPoint()) {
      zero = loadFrom(c, point, c.index(int64_t(0)), 1);
      zero = LaneMath{c, elementOf(point).isUnsignedInteger()}.toF32(zero);
    }
  }
  unsigned bits = tableBits(element, source.decode, c.target);
  if (!bits)
    return;
  const numerics::Format &format = *num::formatOf(element);
  int64_t count = int64_t(1) << bits, lanes = std::min(count, c.target.f32Lanes());
  auto type = VectorType::get({lanes}, c.b.getF32Type());
  table = c.temporary(count, c.b.getF32Type());
  for (int64_t first = 0; first < count; first += lanes) {
    SmallVector<float> values;
    for (int64_t lane = 0; lane < lanes; ++lane)
      values.push_back(float(format.decode(first + lane)));
    Value vector = arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(type, ArrayRef<float>(values)));
    c.storeStored(finished(vector), table, c.index(first));
  }
}

/// The op's value from the code's.
Value OperandReader::finished(Value value) const {
  int64_t lanes = LaneMath::lanesOf(value);
  if (zero)
    value = arith::SubFOp::create(c.b, c.loc, value, c.broadcast(zero, lanes));
  if (scale)
    value = arith::MulFOp::create(c.b, c.loc, value, c.broadcast(scale, lanes));
  if (rounded) {
    Type narrow = lanes == 1 ? rounded : Type(VectorType::get({lanes}, rounded));
    value =
        arith::ExtFOp::create(c.b, c.loc, value.getType(), Value(arith::TruncFOp::create(c.b, c.loc, narrow, value)));
  }
  return value;
}

Value OperandReader::load(Value at, int64_t lanes, Value mask) const {
  if (splat)
    return loadFrom(c, splat, at, lanes, mask);
  if (table && lanes == 1) {
    Type storage = storageType(element);
    Value code = c.loadStored(buffer, storage, at);
    unsigned bits = num::formatOf(element)->width();
    if (bits < storage.getIntOrFloatBitWidth()) // the bits above are not the code's
      code = arith::AndIOp::create(c.b, c.loc, code, c.constant(storage, (int64_t(1) << bits) - 1, 1));
    Value place = arith::IndexCastUIOp::create(c.b, c.loc, c.b.getIndexType(), code);
    return c.loadStored(table, c.b.getF32Type(), place);
  }
  Value value = c.load(buffer, element, at, lanes, mask);
  if (!isNumber)
    value = LaneMath{c, element.isUnsignedInteger()}.toF32(value);
  return finished(value);
}

} // namespace tenon::codegen
