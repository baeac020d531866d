// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What schedules ask of the machine that they are for: the numbers that decide which
// shape code gets. A target derives its own description from it.
#ifndef TENON_CODEGEN_MACHINE_H
#define TENON_CODEGEN_MACHINE_H

#include <algorithm>
#include <cstdint>

namespace tenon::codegen {

struct Machine {
  int64_t vectorBits = 128;     ///< width of a vector register; 32: there are none, and code is on scalars
  int64_t vectorRegisters = 16; ///< architectural vector registers
  int64_t l2Bytes = 256 * 1024; ///< second-level cache of a core

  virtual ~Machine() = default;
  /// Multiplies and adds in one instruction, rounded once. Functions that would lose digits where
  /// it becomes two are written otherwise if not.
  virtual bool fusesMultiplyAdd() const { return false; }

  bool hasVectors() const { return vectorBits > 32; }
  /// Elements of `bits` in a vector; 1 where there are no vectors, however narrow the elements.
  int64_t lanesOf(int64_t bits) const { return hasVectors() ? std::max<int64_t>(1, vectorBits / bits) : 1; }
  int64_t f32Lanes() const { return lanesOf(32); }
};

} // namespace tenon::codegen

#endif // TENON_CODEGEN_MACHINE_H
