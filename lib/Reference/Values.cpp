// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element values of reference tensors as doubles and 64-bit integers: the only
// code of the evaluator that knows how each element type is stored and rounded.
#include "tenon/Reference/Tensor.h"

#include <bit>
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace tenon::reference;

namespace {

float bf16ToFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

/// The double as a float rounded to odd, which keeps all that a second rounding
/// to fewer bits needs to know.
float toOddFloat(double value) {
  float nearest = static_cast<float>(value);
  if (std::isnan(value) || double(nearest) == value)
    return nearest;
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  bool away = std::fabs(double(nearest)) > std::fabs(value);
  return std::bit_cast<float>((away ? bits - 1 : bits) | 1);
}

uint16_t doubleToBf16(double value) {
  uint32_t bits = std::bit_cast<uint32_t>(toOddFloat(value));
  if (std::isnan(value))
    return uint16_t(bits >> 16) | 0x40;
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

uint16_t doubleToF16(double value) { return std::bit_cast<uint16_t>(static_cast<_Float16>(value)); }
double f16ToDouble(uint16_t bits) { return static_cast<double>(std::bit_cast<_Float16>(bits)); }

uint32_t readCode(const char *data, unsigned bytes, size_t i) {
  uint32_t code = 0;
  std::memcpy(&code, data + i * bytes, bytes);
  return code;
}

/// C++ leaves out-of-range conversions open; here they saturate, NaN is the least.
int64_t truncate(double value) {
  if (value >= 9223372036854775808.0)
    return value < 18446744073709551616.0 ? int64_t(uint64_t(value)) : int64_t(UINT64_MAX);
  if (!(value > -9223372036854775808.0))
    return INT64_MIN;
  return static_cast<int64_t>(value);
}

/// The integer as a double rounded to odd, given its nearest: a later rounding to
/// fewer bits then takes it as it would take the integer.
double toOdd(double nearest, __int128 exact) {
  __int128 back = static_cast<__int128>(nearest);
  if (back == exact)
    return nearest;
  uint64_t bits = std::bit_cast<uint64_t>(nearest);
  bool away = (back < 0 ? -back : back) > (exact < 0 ? -exact : exact);
  return std::bit_cast<double>((away ? bits - 1 : bits) | 1);
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
  if (num::isCoded(element)) {
    const numerics::Format &format = *num::formatOf(element);
    unsigned bytes = getElementBytes();
    ArrayRef<double> table = format.values(); // empty for formats of more than 16 bits
    uint32_t mask = uint32_t(table.size()) - 1;
    for (size_t i = 0; i < out.size(); ++i) {
      uint32_t code = readCode(data, bytes, i);
      out[i] = table.empty() ? format.decode(code) : table[code & mask];
    }
    return out;
  }
  auto type = dyn_cast<FloatType>(element);
  if (!type) {
    readInts(element, isUnsigned(), getBytes(), out);
    return out;
  }
  if (type.isF64()) {
    convertAll<double, double>(getBytes(), out);
  } else if (type.isF32()) {
    convertAll<double, float>(getBytes(), out);
  } else {
    const uint16_t *from = reinterpret_cast<const uint16_t *>(data);
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = type.isF16() ? f16ToDouble(from[i]) : bf16ToFloat(from[i]);
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

Tensor Tensor::fromDoubles(Type element, ArrayRef<int64_t> shape, ArrayRef<double> values,
                           std::optional<numerics::Encoding> how) {
  Tensor result(element, shape);
  auto type = dyn_cast<FloatType>(element);
  size_t count = values.size();
  if (num::isCoded(element)) {
    const numerics::Format &format = *num::formatOf(element);
    numerics::Encoding encoding = how.value_or(format.arithmeticEncoding());
    unsigned bytes = result.getElementBytes();
    // What lies below float32's digits decides no draw, so that all targets draw alike.
    bool draws = encoding.rounding == numerics::Rounding::Stochastic;
    for (size_t i = 0; i < count; ++i) {
      encoding.index = i;
      uint32_t code = uint32_t(format.encode(draws ? double(toOddFloat(values[i])) : values[i], encoding));
      std::memcpy(result.data + i * bytes, &code, bytes);
    }
  } else if (element.isInteger(1)) {
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
  } else {
    uint16_t *to = reinterpret_cast<uint16_t *>(result.data);
    for (size_t i = 0; i < count; ++i)
      to[i] = type.isF16() ? doubleToF16(values[i]) : doubleToBf16(values[i]);
  }
  return result;
}

Tensor Tensor::fromInts(Type element, ArrayRef<int64_t> shape, ArrayRef<int64_t> values, bool isUnsigned,
                        std::optional<numerics::Encoding> how) {
  if (num::isReal(element)) {
    std::vector<double> doubles(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      bool isLarge = isUnsigned && values[i] < 0;
      doubles[i] = isLarge ? double(uint64_t(values[i])) : double(values[i]);
      if (!element.isF64())
        doubles[i] = toOdd(doubles[i], isLarge ? __int128(uint64_t(values[i])) : __int128(values[i]));
    }
    return fromDoubles(element, shape, doubles, how);
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
