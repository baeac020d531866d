// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stream's form. Its meaning is in README.md.
#include "StreamWriter.h"

#include "llvm/Support/FormatVariadic.h"

namespace toy {

static void append(std::string &bytes, uint64_t value, unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    bytes.push_back(char(value >> (8 * i)));
}

std::string StreamWriter::nameOf(uint32_t buffer) const {
  if (buffer < inputs)
    return "in" + std::to_string(buffer);
  if (buffer < inputs + outputs)
    return "out" + std::to_string(buffer - inputs);
  return buffer == arena() ? "arena" : "weights";
}

void StreamWriter::beginKernel(llvm::StringRef name, llvm::StringRef nodes) {
  this->nodes = nodes.str();
  lines += (name + ":" + (nodes.empty() ? "" : " # " + nodes) + "\n").str();
}

void StreamWriter::add(llvm::ArrayRef<uint64_t> words, const std::string &text) {
  for (unsigned i = 0; i < kWords; ++i)
    instructions.push_back(i < words.size() ? uint32_t(words[i]) : 0);
  lines += llvm::formatv("  {0,-60}{1}", text, nodes.empty() ? "" : " # " + nodes).str();
  lines.erase(lines.find_last_not_of(' ') + 1);
  lines += "\n";
}

void StreamWriter::copy(Opcode opcode, const Strip &b, uint64_t pad) {
  std::string buffer = llvm::formatv("{0}+{1}", nameOf(b.at.buffer), b.at.offset);
  std::string rows = llvm::formatv("{0} x {1} bytes, stride {2}", b.rows, b.rowBytes, b.stride);
  std::string pads = std::to_string(pad);
  std::string text = opcode == Load ? "load " + buffer + " -> " + pads : "store " + pads + " -> " + buffer;
  add({opcode, b.at.buffer, b.at.offset, b.rows, b.rowBytes, b.stride, pad}, text + ", " + rows);
}

void StreamWriter::matmul(uint32_t flags, uint64_t m, uint64_t n, uint64_t k, uint64_t a, uint64_t b, uint64_t c) {
  std::string text =
      llvm::formatv("matmul.{0} {1}x{2}x{3}, {4}{5}, {6}{7} -> {8}{9}", flags & Int8 ? "i8" : "f32", m, n, k, a,
                    flags & TransposeA ? "t" : "", b, flags & TransposeB ? "t" : "", c, flags & Start ? ", start" : "");
  add({MatMul, flags, m, n, k, a, b, c}, text);
}

void StreamWriter::add(uint64_t count, uint64_t lhs, uint64_t rhs, uint64_t result) {
  add({Add, count, lhs, rhs, result}, llvm::formatv("add {0}, {1}, {2} -> {3}", count, lhs, rhs, result));
}

void StreamWriter::relu(uint64_t count, uint64_t x, uint64_t result) {
  add({Relu, count, x, result}, llvm::formatv("relu {0}, {1} -> {2}", count, x, result));
}

std::string StreamWriter::finish(llvm::ArrayRef<uint64_t> bufferBytes) {
  nodes.clear();
  add({End}, "end");
  std::string bytes;
  for (uint64_t word : {uint64_t(kMagic), uint64_t(kVersion), uint64_t(scratchpad), uint64_t(inputs), uint64_t(outputs),
                        uint64_t(size()), uint64_t(0), uint64_t(0)})
    append(bytes, word, kWordBytes);
  for (uint64_t size : bufferBytes)
    append(bytes, size, sizeof size);
  for (uint32_t word : instructions)
    append(bytes, word, kWordBytes);
  return bytes;
}

std::string StreamWriter::text(llvm::ArrayRef<uint64_t> bufferBytes) const {
  std::string text = llvm::formatv("# {0} bytes of scratchpad, {1} instructions\n", scratchpad, size());
  for (auto [buffer, size] : llvm::enumerate(bufferBytes))
    text += llvm::formatv("# {0}: {1} bytes\n", nameOf(uint32_t(buffer)), size);
  return text + lines;
}

} // namespace toy
