// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes as the declaration's storage keys lay them out in memory.
#include "tenon/Numerics/Format.h"

#include "llvm/Support/MathExtras.h"

namespace tenon::numerics {

namespace {

/// Where an element's bits lie: bit 0 of `bit` is the lowest of a byte.
struct Layout {
  unsigned bits; // of an element with its padding
  bool lowFirst;
  uint64_t rowBytes;

  Layout(const Format &format, uint64_t rowLength)
      : bits(std::max(format.width(), format.declaration().storage.bits)),
        lowFirst(format.declaration().storage.lowFirst),
        rowBytes(llvm::alignTo(llvm::divideCeil(rowLength * bits, 8), format.declaration().storage.alignment)) {}

  /// The place of bit `i` of an element: (byte in the row, bit in the byte).
  std::pair<uint64_t, unsigned> place(uint64_t element, unsigned i) const {
    // From the high end, an element's own bits still count from its lowest.
    uint64_t at = lowFirst ? element * bits + i : element * bits + (bits - 1 - i);
    return {at / 8, unsigned(lowFirst ? at % 8 : 7 - at % 8)};
  }
};

} // namespace

std::vector<uint8_t> Format::pack(llvm::ArrayRef<uint32_t> codes, uint64_t rowLength) const {
  Layout layout(*this, rowLength);
  uint64_t rows = rowLength ? codes.size() / rowLength : 0;
  std::vector<uint8_t> bytes(rows * layout.rowBytes);
  for (uint64_t i = 0; i < rows * rowLength; ++i)
    for (unsigned b = 0; b < width(); ++b) {
      auto [byte, bit] = layout.place(i % rowLength, b);
      bytes[i / rowLength * layout.rowBytes + byte] |= uint8_t((codes[i] >> b & 1) << bit);
    }
  return bytes;
}

std::vector<uint32_t> Format::unpack(llvm::ArrayRef<uint8_t> bytes, uint64_t rowLength) const {
  Layout layout(*this, rowLength);
  uint64_t rows = layout.rowBytes ? bytes.size() / layout.rowBytes : 0;
  std::vector<uint32_t> codes(rows * rowLength);
  for (uint64_t i = 0; i < codes.size(); ++i)
    for (unsigned b = 0; b < width(); ++b) {
      auto [byte, bit] = layout.place(i % rowLength, b);
      codes[i] |= uint32_t(bytes[i / rowLength * layout.rowBytes + byte] >> bit & 1) << b;
    }
  return codes;
}

} // namespace tenon::numerics
