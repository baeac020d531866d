// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The device's instruction stream (README.md), for who writes it and who executes it.
// All numbers are little-endian; an instruction is eight words of 32 bits.
#ifndef TOY_STREAM_H
#define TOY_STREAM_H

#include <cstdint>

namespace toy {

constexpr uint32_t kMagic = 0x31594f54; // "TOY1"
constexpr uint32_t kVersion = 1;
constexpr uint32_t kMostScratchpad = 1 << 20;
constexpr unsigned kWords = 8, kWordBytes = 4;

/// Words of the header. Behind it the sizes of the buffers, of 64 bits each: inputs,
/// outputs, the arena, the weights. Then the instructions.
enum HeaderWord : unsigned { Magic, Version, ScratchpadBytes, Inputs, Outputs, Instructions, HeaderWords = kWords };

enum Opcode : uint32_t { End, Load, Store, MatMul, Add, Relu };

/// Words of LOAD and STORE: rows between a buffer, where they are `Stride` bytes apart,
/// and the scratchpad, where they are dense. Stride 0 loads one row many times.
enum CopyWord : unsigned { Buffer = 1, Offset, Rows, RowBytes, Stride, Pad, CopyWords };
/// Words of MATMUL: c[m x n] += a[m x k] b[k x n], dense, at these bytes of the scratchpad.
enum MatMulWord : unsigned { Flags = 1, M, N, K, A, B, C, MatMulWords };
/// Words of ADD, c = a + b, and of RELU, c = max(a, 0), on f32.
enum ElementWord : unsigned { Count = 1, Lhs, Rhs, AddResult, AddWords, ReluResult = Rhs, ReluWords };

enum MatMulFlag : uint32_t {
  Int8 = 1,       ///< i8 times i8 into i32, else f32
  Start = 2,      ///< c = 0 before
  TransposeA = 4, ///< a is [k x m]
  TransposeB = 8, ///< b is [n x k]
  AllFlags = 15
};

} // namespace toy

#endif // TOY_STREAM_H
