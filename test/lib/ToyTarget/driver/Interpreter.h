// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Executes an instruction stream. A stream comes from a file: all that it asks for is
// checked against the buffers and the scratchpad when it is read, once, so that executing
// it touches nothing else.
#ifndef TOY_DRIVER_INTERPRETER_H
#define TOY_DRIVER_INTERPRETER_H

#include "../Stream.h"
#include <cstddef>
#include <memory>

namespace toy {

class Interpreter {
public:
  /// Reads and checks a stream, which must outlive the object. Null, or what is wrong and,
  /// if it is in one of them, the number of the instruction.
  struct Problem {
    const char *text = nullptr;
    int64_t instruction = -1;
  };
  Problem read(const unsigned char *stream, size_t bytes, size_t inputs, size_t outputs, size_t weightBytes);

  size_t buffers() const { return inputs + outputs; }
  uint64_t bufferBytes(size_t buffer) const { return sizes[buffer]; }
  uint64_t arenaBytes() const { return sizes[buffers()]; }
  /// Executes it on inputs, outputs, the arena and the weights, each as large as it says.
  void execute(unsigned char *const *memory);

private:
  const char *check(const uint32_t *words) const;
  const char *checkCopy(const uint32_t *words) const;
  const char *checkMatMul(const uint32_t *words) const;
  bool isInPad(uint64_t at, uint64_t bytes) const { return at <= padBytes && bytes <= padBytes - at; }
  void decode(uint64_t number, uint32_t *words) const;
  template <typename Element, typename Sum>
  void matmul(const uint32_t *words);

  const unsigned char *code = nullptr;
  uint64_t padBytes = 0, inputs = 0, outputs = 0, instructions = 0;
  std::unique_ptr<uint64_t[]> sizes;
  std::unique_ptr<unsigned char[]> pad;
};

} // namespace toy

#endif // TOY_DRIVER_INTERPRETER_H
