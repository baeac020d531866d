// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes instructions, as words and as text.
#ifndef TOY_STREAMWRITER_H
#define TOY_STREAMWRITER_H

#include "Stream.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace toy {

/// Bytes of a buffer: an input, an output, the arena or the weights.
struct Address {
  uint32_t buffer = 0;
  uint64_t offset = 0;
};

/// Rows in a buffer.
struct Strip {
  Address at;
  uint64_t rows, rowBytes, stride;
};

class StreamWriter {
public:
  StreamWriter(uint32_t inputs, uint32_t outputs, uint32_t scratchpad)
      : inputs(inputs), outputs(outputs), scratchpad(scratchpad) {}

  uint32_t input(unsigned i) const { return i; }
  uint32_t output(unsigned i) const { return inputs + i; }
  uint32_t arena() const { return inputs + outputs; }
  uint32_t weights() const { return inputs + outputs + 1; }

  /// Begins a kernel: `nodes` stand behind its instructions in the text.
  void beginKernel(llvm::StringRef name, llvm::StringRef nodes);
  void load(const Strip &strip, uint64_t pad) { copy(Load, strip, pad); }
  void store(const Strip &strip, uint64_t pad) { copy(Store, strip, pad); }
  void matmul(uint32_t flags, uint64_t m, uint64_t n, uint64_t k, uint64_t a, uint64_t b, uint64_t c);
  void add(uint64_t count, uint64_t lhs, uint64_t rhs, uint64_t result);
  void relu(uint64_t count, uint64_t x, uint64_t result);

  /// The stream, given the sizes of all buffers. What fits no word is left to the caller,
  /// who asks `fits` first.
  std::string finish(llvm::ArrayRef<uint64_t> bufferBytes);
  /// The same for people.
  std::string text(llvm::ArrayRef<uint64_t> bufferBytes) const;
  static bool fits(uint64_t value) { return value <= UINT32_MAX; }
  size_t size() const { return instructions.size() / kWords; }

private:
  void copy(Opcode opcode, const Strip &strip, uint64_t pad);
  void add(llvm::ArrayRef<uint64_t> words, const std::string &text);
  std::string nameOf(uint32_t buffer) const;

  uint32_t inputs, outputs, scratchpad;
  std::vector<uint32_t> instructions;
  std::string lines, nodes;
};

} // namespace toy

#endif // TOY_STREAMWRITER_H
