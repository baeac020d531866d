// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Streams that are damaged: what asks for anything outside the buffers or the scratchpad is
// refused when it is loaded, and what is not refused changes nothing that is not its own.
#include "ToyDevice.h"

#include "gtest/gtest.h"
#include <random>

using namespace tenon::testing;

namespace {

constexpr size_t kHeader = 32, kInstruction = 32, kWord = 4;
constexpr unsigned kInputs = 1, kOutputs = 1, kBuffers = kInputs + kOutputs + 2;
constexpr size_t kCode = kHeader + kBuffers * 8;

class ToyStream : public ::testing::Test {
protected:
  void SetUp() override {
    std::string errors;
    std::optional<ToyProgram> made = compileForToy(
        "func.func @main(%x: tensor<20x30xf32>) -> tensor<20x17xf32> {\n"
        "%w = graph.constant dense<2.0> : tensor<30x17xf32>\n%b = graph.constant dense<1.0> : tensor<17xf32>\n"
        "%0 = graph.matmul %x, %w : (tensor<20x30xf32>, tensor<30x17xf32>) -> tensor<20x17xf32>\n"
        "%1 = graph.binary add %0, %b : (tensor<20x17xf32>, tensor<17xf32>) -> tensor<20x17xf32>\n"
        "%2 = graph.unary relu %1 : (tensor<20x17xf32>) -> tensor<20x17xf32>\nreturn %2 : tensor<20x17xf32>\n}",
        errors);
    ASSERT_TRUE(made) << errors;
    program = *made;
    ASSERT_EQ(program.image.size() % kWord, 0u);
    ASSERT_EQ(device.loadError(program), "");
  }

  uint32_t word(size_t at) const {
    uint32_t value = 0;
    for (unsigned i = 0; i < kWord; ++i)
      value |= uint32_t(uint8_t(program.image[at + i])) << (8 * i);
    return value;
  }
  static void set(ToyProgram &program, size_t at, uint32_t value) {
    for (unsigned i = 0; i < kWord; ++i)
      program.image[at + i] = char(value >> (8 * i));
  }
  /// Where the first instruction of a kind begins.
  size_t first(uint32_t opcode) const {
    size_t at = kCode;
    while (word(at) != opcode)
      at += kInstruction;
    return at;
  }
  std::string errorWith(size_t at, uint32_t value) {
    ToyProgram changed = program;
    set(changed, at, value);
    return device.loadError(changed);
  }

  ToyProgram program;
  ToyDevice device;
};

#define EXPECT_SAYS(error, text)                                                                                       \
  if (std::string found = error; true)                                                                                 \
  EXPECT_NE(found.find(text), std::string::npos) << "found: " << found

TEST_F(ToyStream, ShorterThanItSays) {
  for (size_t bytes = 0; bytes < program.image.size(); ++bytes) {
    ToyProgram shorter = program;
    shorter.image.resize(bytes);
    ASSERT_NE(device.loadError(shorter), "") << bytes;
  }
  ToyProgram longer = program;
  longer.image += '\0';
  EXPECT_SAYS(device.loadError(longer), "not as long as its header says");
}

TEST_F(ToyStream, Headers) {
  EXPECT_SAYS(errorWith(0, 0), "does not begin as one");
  EXPECT_SAYS(errorWith(4, 2), "another version");
  EXPECT_SAYS(errorWith(8, 1 << 21), "larger scratchpad");
  EXPECT_SAYS(errorWith(12, 2), "another number of inputs and outputs");
  EXPECT_SAYS(errorWith(20, word(20) - 1), "not as long");
  EXPECT_SAYS(errorWith(24, 1), "has no meaning");
  EXPECT_SAYS(errorWith(kHeader + 4, 1), "larger than the device's addresses");
  ToyProgram fewer = program;
  fewer.weights.resize(64);
  EXPECT_SAYS(device.loadError(fewer), "more weights");
}

TEST_F(ToyStream, Instructions) {
  size_t load = first(1), store = first(2), matmul = first(3), add = first(4), relu = first(5);
  EXPECT_SAYS(errorWith(load, 6), "no such instruction");
  EXPECT_SAYS(errorWith(load, 0), "ends before its last");
  EXPECT_SAYS(errorWith(program.image.size() - kInstruction, 5), "does not end");
  EXPECT_SAYS(errorWith(load + 28, 1), "has no meaning");
  EXPECT_SAYS(errorWith(load + 4, kBuffers), "no such buffer");
  EXPECT_SAYS(errorWith(load + 8, 20 * 30 * 4), "outside their buffer");
  EXPECT_SAYS(errorWith(load + 8, UINT32_MAX), "outside their buffer");
  EXPECT_SAYS(errorWith(load + 12, 0), "no rows");
  EXPECT_SAYS(errorWith(load + 12, UINT32_MAX), "outside their buffer");
  EXPECT_SAYS(errorWith(load + 20, UINT32_MAX), "outside their buffer");
  EXPECT_SAYS(errorWith(load + 24, 4096), "outside the scratchpad");
  EXPECT_SAYS(errorWith(store + 4, 0), "stores into an input");
  EXPECT_SAYS(errorWith(store + 4, kBuffers - 1), "stores into an input or the weights");
  EXPECT_SAYS(errorWith(matmul + 4, 16), "no such flag");
  for (size_t size : {8, 12, 16}) {
    EXPECT_SAYS(errorWith(matmul + size, 0), "no elements");
    EXPECT_SAYS(errorWith(matmul + size, UINT32_MAX), "outside the scratchpad");
  }
  for (size_t address : {20, 24, 28})
    EXPECT_SAYS(errorWith(matmul + address, 4090), "outside the scratchpad");
  for (size_t operand : {4, 8, 12, 16})
    EXPECT_SAYS(errorWith(add + operand, 4093), "outside the scratchpad");
  for (size_t operand : {4, 8, 12})
    EXPECT_SAYS(errorWith(relu + operand, 4093), "outside the scratchpad");
}

TEST_F(ToyStream, WhateverIsTakenStaysWithinItsOwn) {
  std::mt19937 random{7};
  size_t taken = 0, words = program.image.size() / kWord;
  constexpr uint32_t kValues[] = {0, 1, 2, 3, 64, 4095, 4096, 65536, UINT32_MAX / 2, UINT32_MAX};
  for (int round = 0; round < 3000; ++round) {
    ToyProgram changed = program;
    for (size_t i = 0; i <= random() % 3; ++i) {
      size_t at = random() % words * kWord;
      if (at >= kHeader && at < kCode) // sizes of buffers, which a run would get memory for
        continue;
      set(changed, at, random() % 2 ? kValues[random() % std::size(kValues)] : word(at) + uint32_t(random() % 9) - 4);
    }
    std::string error;
    device.run(changed, {Bytes(20 * 30 * 4, 1)}, {20 * 17 * 4}, error);
    taken += error.empty();
    EXPECT_EQ(error.find("has changed"), std::string::npos) << error;
  }
  EXPECT_GT(taken, 0u);
}

TEST_F(ToyStream, BuffersAreInTheMemory) {
  ToyProgram larger = program; // than what a run gives it
  set(larger, kHeader, 1 << 30);
  ASSERT_EQ(device.loadError(larger), "");
  std::string error;
  EXPECT_TRUE(device.run(larger, {Bytes(20 * 30 * 4)}, {20 * 17 * 4}, error).empty());
  EXPECT_SAYS(error, "outside the device's memory");
}

} // namespace
