// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checking and executing of instructions. Numbers of a stream have at most 32 bits, so
// that no product of two of them is beyond 64.
#include "Interpreter.h"

#include <cstring>
#include <new>

namespace toy {

/// Bytes that a store writes behind each row: of a device that is out of order, for tests of
/// what finds that.
#ifdef TOY_OVERRUN
static constexpr unsigned kOverrun = TOY_OVERRUN;
#else
static constexpr unsigned kOverrun = 0;
#endif

static uint64_t number(const unsigned char *bytes, unsigned count) {
  uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i)
    value |= uint64_t(bytes[i]) << (8 * i);
  return value;
}

void Interpreter::decode(uint64_t number, uint32_t *words) const {
  for (unsigned i = 0; i < kWords; ++i)
    words[i] = uint32_t(toy::number(code + (number * kWords + i) * kWordBytes, kWordBytes));
}

Interpreter::Problem Interpreter::read(const unsigned char *stream, size_t bytes, size_t numInputs, size_t numOutputs,
                                       size_t weightBytes) {
  if (bytes < HeaderWords * kWordBytes)
    return {"it ends within its header"};
  auto header = [&](unsigned word) { return number(stream + word * kWordBytes, kWordBytes); };
  if (header(Magic) != kMagic)
    return {"it does not begin as one"};
  if (header(Version) != kVersion)
    return {"it is of another version"};
  padBytes = header(ScratchpadBytes);
  if (padBytes > kMostScratchpad)
    return {"it wants a larger scratchpad than the device has"};
  inputs = header(Inputs);
  outputs = header(Outputs);
  instructions = header(Instructions);
  if (inputs != numInputs || outputs != numOutputs)
    return {"it has another number of inputs and outputs than its region"};
  for (unsigned word = Instructions + 1; word < HeaderWords; ++word)
    if (header(word))
      return {"a word of its header that has no meaning is not 0"};
  uint64_t table = (inputs + outputs + 2) * sizeof(uint64_t), rest = bytes - HeaderWords * kWordBytes;
  if (rest < table || rest - table != instructions * kWords * kWordBytes)
    return {"it is not as long as its header says"};
  pad.reset(new (std::nothrow) unsigned char[padBytes]());
  sizes.reset(new (std::nothrow) uint64_t[inputs + outputs + 2]);
  if (!pad || !sizes)
    return {"there is no memory for it"};
  for (uint64_t i = 0; i < inputs + outputs + 2; ++i) {
    sizes[i] = number(stream + HeaderWords * kWordBytes + i * sizeof(uint64_t), sizeof(uint64_t));
    if (sizes[i] > UINT32_MAX)
      return {"a buffer is larger than the device's addresses reach"};
  }
  if (sizes[inputs + outputs + 1] > weightBytes)
    return {"it has more weights than its region"};
  code = stream + HeaderWords * kWordBytes + table;
  if (!instructions)
    return {"it does not end"};
  for (uint64_t i = 0; i < instructions; ++i) {
    uint32_t words[kWords];
    decode(i, words);
    if ((words[0] == End) != (i + 1 == instructions))
      return {words[0] == End ? "it ends before its last instruction" : "it does not end", int64_t(i)};
    if (const char *text = check(words))
      return {text, int64_t(i)};
  }
  return {};
}

const char *Interpreter::check(const uint32_t *words) const {
  static constexpr unsigned kUsed[] = {1, CopyWords, CopyWords, MatMulWords, AddWords, ReluWords};
  if (words[0] > Relu)
    return "there is no such instruction";
  for (unsigned i = kUsed[words[0]]; i < kWords; ++i)
    if (words[i])
      return "a word that has no meaning is not 0";
  switch (words[0]) {
  case Load:
  case Store: return checkCopy(words);
  case MatMul: return checkMatMul(words);
  case Add:
  case Relu:
    for (unsigned word = Lhs; word < kUsed[words[0]]; ++word)
      if (!isInPad(words[word], 4 * uint64_t(words[Count])))
        return "elements are outside the scratchpad";
  }
  return nullptr;
}

const char *Interpreter::checkCopy(const uint32_t *words) const {
  if (words[Buffer] >= inputs + outputs + 2)
    return "there is no such buffer";
  bool isOutput = words[Buffer] >= inputs && words[Buffer] <= inputs + outputs; // or the arena
  if (words[0] == Store && !isOutput)
    return "it stores into an input or the weights";
  if (!words[Rows])
    return "it copies no rows";
  uint64_t end = words[Offset] + uint64_t(words[Rows] - 1) * words[Stride] + words[RowBytes];
  if (end > sizes[words[Buffer]])
    return "rows are outside their buffer";
  if (!isInPad(words[Pad], uint64_t(words[Rows]) * words[RowBytes]))
    return "rows are outside the scratchpad";
  return nullptr;
}

const char *Interpreter::checkMatMul(const uint32_t *words) const {
  if (words[Flags] > AllFlags)
    return "there is no such flag";
  uint64_t element = words[Flags] & Int8 ? 1 : 4;
  // Two of the sizes are looked at before their product is taken with an element's size.
  auto fits = [&](uint32_t at, uint64_t rows, uint64_t columns, uint64_t bytes) {
    uint64_t count = rows * columns;
    return count <= padBytes && isInPad(at, count * bytes);
  };
  if (!fits(words[A], words[M], words[K], element) || !fits(words[B], words[K], words[N], element) ||
      !fits(words[C], words[M], words[N], 4))
    return "a tile is outside the scratchpad";
  // With none of one size the other two would be bounded by nothing.
  if (!words[M] || !words[N] || !words[K])
    return "a tile has no elements";
  return nullptr;
}

/// Addresses in the scratchpad need not be aligned.
template <typename T>
static T get(const unsigned char *at) {
  T value;
  memcpy(&value, at, sizeof value);
  return value;
}

template <typename Element, typename Sum>
void Interpreter::matmul(const uint32_t *words) {
  uint64_t m = words[M], n = words[N], k = words[K];
  const unsigned char *a = pad.get() + words[A], *b = pad.get() + words[B];
  unsigned char *c = pad.get() + words[C];
  bool ta = words[Flags] & TransposeA, tb = words[Flags] & TransposeB;
  for (uint64_t i = 0; i < m; ++i)
    for (uint64_t j = 0; j < n; ++j) {
      unsigned char *at = c + (i * n + j) * sizeof(Sum);
      Sum sum = words[Flags] & Start ? Sum(0) : get<Sum>(at);
      for (uint64_t l = 0; l < k; ++l)
        sum += Sum(get<Element>(a + (ta ? l * m + i : i * k + l) * sizeof(Element))) *
               Sum(get<Element>(b + (tb ? j * k + l : l * n + j) * sizeof(Element)));
      memcpy(at, &sum, sizeof sum);
    }
}

void Interpreter::execute(unsigned char *const *memory) {
  for (uint64_t number = 0; number < instructions; ++number) {
    uint32_t w[kWords];
    decode(number, w);
    unsigned char *base = pad.get();
    switch (w[0]) {
    case Load:
    case Store:
      for (uint64_t row = 0; row < w[Rows] && w[RowBytes]; ++row) {
        unsigned char *outside = memory[w[Buffer]] + w[Offset] + row * w[Stride];
        unsigned char *inside = base + w[Pad] + row * w[RowBytes];
        w[0] == Load ? memcpy(inside, outside, w[RowBytes]) : memcpy(outside, inside, w[RowBytes]);
        if (w[0] == Store)
          memset(outside + w[RowBytes], 0xee, kOverrun);
      }
      break;
    case MatMul:
      // Sums of i8 wrap around, as unsigned numbers do.
      w[Flags] & Int8 ? matmul<int8_t, uint32_t>(w) : matmul<float, float>(w);
      break;
    case Add:
      for (uint64_t i = 0; i < w[Count]; ++i) {
        float sum = get<float>(base + w[Lhs] + 4 * i) + get<float>(base + w[Rhs] + 4 * i);
        memcpy(base + w[AddResult] + 4 * i, &sum, sizeof sum);
      }
      break;
    case Relu:
      for (uint64_t i = 0; i < w[Count]; ++i) {
        float x = get<float>(base + w[Lhs] + 4 * i);
        x = x < 0 ? 0 : x; // a NaN stays one
        memcpy(base + w[ReluResult] + 4 * i, &x, sizeof x);
      }
      break;
    default: return;
    }
  }
}

} // namespace toy
