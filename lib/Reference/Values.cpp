// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element values of reference tensors as doubles and 64-bit integers: the only
// code of the evaluator that knows how each element type is stored and rounded.
#include "tenon/Reference/Tensor.h"

#include "llvm/ADT/APFloat.h"
#include <bit>
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace tenon::reference;

namespace {

float bf16ToFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

/// Rounds once: the double becomes a float by rounding to odd, which keeps all
/// that the second rounding needs to know.
uint16_t doubleToBf16(double value) {
  float nearest = static_cast<float>(value);
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  if (std::isnan(value))
    return uint16_t(bits >> 16) | 0x40;
  if (double(nearest) != value && !std::isinf(nearest)) {
    bool away = std::fabs(double(nearest)) > std::fabs(value);
    bits = (away ? bits - 1 : bits) | 1;
  }
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

uint16_t doubleToF16(double value) { return std::bit_cast<uint16_t>(static_cast<_Float16>(value)); }
double f16ToDouble(uint16_t bits) { return static_cast<double>(std::bit_cast<_Float16>(bits)); }

/// Small formats by a table of all their values.
std::vector<double> valuesOfFormat(FloatType type) {
  unsigned width = type.getWidth();
  std::vector<double> values(256);
  for (unsigned bits = 0; bits < 256; ++bits) {
    llvm::APFloat value(type.getFloatSemantics(), llvm::APInt(width, bits & ((1u << width) - 1)));
    values[bits] = value.convertToDouble();
  }
  return values;
}

/// Out of range: `saturate` gives the largest finite value (an infinity, too);
/// otherwise infinity where the format has one, NaN where it has not.
uint8_t doubleToSmallFloat(FloatType type, double value, bool saturate) {
  const llvm::fltSemantics &semantics = type.getFloatSemantics();
  llvm::APFloat result(value);
  bool lossy = false;
  bool hasNaN = llvm::APFloat::semanticsHasNaN(semantics);
  llvm::APFloat largest = llvm::APFloat::getLargest(semantics, std::signbit(value));
  if (std::isnan(value) && !hasNaN) // ONNX's tests expect -0
    return llvm::APFloat::getZero(semantics, /*Negative=*/true).bitcastToAPInt().getZExtValue();
  if (std::isnan(value))
    return llvm::APFloat::getNaN(semantics, std::signbit(value) && llvm::APFloat::semanticsHasSignedRepr(semantics))
        .bitcastToAPInt()
        .getZExtValue();
  if (std::isinf(value) && (saturate || !hasNaN))
    return largest.bitcastToAPInt().getZExtValue();
  if (std::isinf(value) && !llvm::APFloat::semanticsHasInf(semantics))
    return llvm::APFloat::getNaN(semantics, std::signbit(value)).bitcastToAPInt().getZExtValue();
  // Block scales round up, ONNX Cast's default for them, so that no value of the block overflows.
  bool isScale = isa<Float8E8M0FNUType>(type);
  result.convert(semantics, isScale ? llvm::APFloat::rmTowardPositive : llvm::APFloat::rmNearestTiesToEven, &lossy);
  if (!result.isFinite() && (saturate || !hasNaN))
    result = largest;
  return result.bitcastToAPInt().getZExtValue();
}

/// C++ leaves out-of-range conversions open; here they saturate, NaN is 0.
int64_t truncate(double value) {
  if (std::isnan(value))
    return 0;
  if (value >= 9223372036854775808.0)
    return value < 18446744073709551616.0 ? int64_t(uint64_t(value)) : int64_t(UINT64_MAX);
  if (value < -9223372036854775808.0)
    return INT64_MIN;
  return static_cast<int64_t>(value);
}

template <typename To, typename From>
void convertAll(ArrayRef<char> bytes, std::vector<To> &out) {
  const From *from = reinterpret_cast<const From *>(bytes.data());
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<To>(from[i]);
}

template <typename To>
void readInts(Type element, bool isUnsigned, ArrayRef<char> bytes, std::vector<To> &out) {
  unsigned width = element.getIntOrFloatBitWidth();
  if (width <= 8 && isUnsigned)
    return convertAll<To, uint8_t>(bytes, out);
  if (width < 8) { // one byte each, but do not trust the unused bits
    const uint8_t *from = reinterpret_cast<const uint8_t *>(bytes.data());
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<To>(static_cast<int8_t>(from[i] << (8 - width)) >> (8 - width));
    return;
  }
  if (width == 8)
    return convertAll<To, int8_t>(bytes, out);
  if (width == 16)
    return isUnsigned ? convertAll<To, uint16_t>(bytes, out) : convertAll<To, int16_t>(bytes, out);
  if (width == 32)
    return isUnsigned ? convertAll<To, uint32_t>(bytes, out) : convertAll<To, int32_t>(bytes, out);
  return isUnsigned ? convertAll<To, uint64_t>(bytes, out) : convertAll<To, int64_t>(bytes, out);
}

template <typename To>
void writeAll(MutableArrayRef<char> bytes, ArrayRef<int64_t> values) {
  To *to = reinterpret_cast<To *>(bytes.data());
  for (size_t i = 0; i < values.size(); ++i)
    to[i] = static_cast<To>(values[i]);
}

} // namespace

std::vector<double> Tensor::toDoubles() const {
  std::vector<double> out(getNumElements());
  auto type = dyn_cast<FloatType>(element);
  if (!type) {
    readInts(element, isUnsigned(), getBytes(), out);
    return out;
  }
  if (type.isF64())
    convertAll<double, double>(getBytes(), out);
  else if (type.isF32())
    convertAll<double, float>(getBytes(), out);
  else if (type.isF16() || type.isBF16()) {
    const uint16_t *from = reinterpret_cast<const uint16_t *>(data);
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = type.isF16() ? f16ToDouble(from[i]) : bf16ToFloat(from[i]);
  } else {
    std::vector<double> table = valuesOfFormat(type);
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = table[static_cast<uint8_t>(data[i])];
  }
  return out;
}

std::vector<int64_t> Tensor::toInts() const {
  std::vector<int64_t> out(getNumElements());
  if (!isFloat()) {
    readInts(element, isUnsigned(), getBytes(), out);
    return out;
  }
  std::vector<double> values = toDoubles();
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = truncate(values[i]);
  return out;
}

Tensor Tensor::fromDoubles(Type element, ArrayRef<int64_t> shape, ArrayRef<double> values, bool saturate) {
  Tensor result(element, shape);
  auto type = dyn_cast<FloatType>(element);
  size_t count = values.size();
  if (element.isInteger(1)) {
    for (size_t i = 0; i < count; ++i)
      result.data[i] = values[i] != 0;
  } else if (!type) {
    std::vector<int64_t> ints(count);
    for (size_t i = 0; i < count; ++i)
      ints[i] = truncate(values[i]);
    return fromInts(element, shape, ints);
  } else if (type.isF64()) {
    std::copy(values.begin(), values.end(), reinterpret_cast<double *>(result.data));
  } else if (type.isF32()) {
    float *to = reinterpret_cast<float *>(result.data);
    for (size_t i = 0; i < count; ++i)
      to[i] = static_cast<float>(values[i]);
  } else if (type.isF16() || type.isBF16()) {
    uint16_t *to = reinterpret_cast<uint16_t *>(result.data);
    for (size_t i = 0; i < count; ++i)
      to[i] = type.isF16() ? doubleToF16(values[i]) : doubleToBf16(values[i]);
  } else {
    for (size_t i = 0; i < count; ++i)
      result.data[i] = static_cast<char>(doubleToSmallFloat(type, values[i], saturate));
  }
  return result;
}

Tensor Tensor::fromInts(Type element, ArrayRef<int64_t> shape, ArrayRef<int64_t> values) {
  if (isa<FloatType>(element)) {
    std::vector<double> doubles(values.begin(), values.end());
    return fromDoubles(element, shape, doubles);
  }
  Tensor result(element, shape);
  MutableArrayRef<char> bytes = result.getMutableBytes();
  unsigned width = element.getIntOrFloatBitWidth();
  if (width == 1) {
    for (size_t i = 0; i < values.size(); ++i)
      bytes[i] = values[i] != 0;
  } else if (width < 8) { // sign or zero extended into its byte
    unsigned shift = 64 - width;
    for (size_t i = 0; i < values.size(); ++i)
      bytes[i] = element.isUnsignedInteger() ? char(uint64_t(values[i]) << shift >> shift)
                                             : char(int64_t(uint64_t(values[i]) << shift) >> shift);
  } else if (width == 8) {
    writeAll<uint8_t>(bytes, values);
  } else if (width == 16) {
    writeAll<uint16_t>(bytes, values);
  } else if (width == 32) {
    writeAll<uint32_t>(bytes, values);
  } else {
    writeAll<uint64_t>(bytes, values);
  }
  return result;
}
