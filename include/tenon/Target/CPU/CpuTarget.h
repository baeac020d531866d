// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A CPU to generate code for: triple and explicit feature bits, never a CPU
// name, so that the same specification means the same code on any machine.
#ifndef TENON_TARGET_CPU_CPUTARGET_H
#define TENON_TARGET_CPU_CPUTARGET_H

#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace tenon::cpu {

struct CpuTarget {
  std::string spec;                  ///< canonical spelling, e.g. "cpu:x86-64-v4"
  std::string triple;                ///< e.g. "x86_64-unknown-linux-gnu"
  std::vector<std::string> features; ///< LLVM feature names, sorted, without "+"
  int64_t vectorBits = 128;          ///< native vector register width
  int64_t vectorRegisters = 16;      ///< architectural vector registers
  int64_t l2Bytes = 256 * 1024;      ///< second-level cache of a core

  bool has(llvm::StringRef feature) const;
  bool isX86() const { return llvm::StringRef(triple).starts_with("x86"); }
  bool isRiscv() const { return llvm::StringRef(triple).starts_with("riscv"); }
  /// Multiplies and adds in one instruction; AArch64 and RISC-V always do.
  bool fusesMultiplyAdd() const { return !isX86() || has("fma"); }
  /// Converts vectors between f16 and f32; AArch64 always does.
  bool convertsHalf() const { return isX86() ? has("f16c") : !isRiscv() || has("zvfhmin") || has("zvfh"); }
  std::string featureString() const; ///< "+a,+b" for LLVM
  int64_t f32Lanes() const { return vectorBits / 32; }
};

/// Parses `cpu:ARCH[,+feature,-feature...][,l2=KIB]`; ARCH is host (or native),
/// x86-64-v2, -v3, -v4, aarch64 or riscv64, and `cpu:` may be left out. On x86, host reads the features and the size of
/// the second-level cache from CPUID; elsewhere l2 is 256 KiB, or 1024 with
/// AVX-512, unless given. A feature that is taken away takes those along that
/// imply it. False with a message naming the accepted spellings.
bool parseCpuTarget(llvm::StringRef spec, CpuTarget &target, std::string &error);

/// What every supported processor of this process's architecture has; nothing
/// where this one lacks some of it, or the architecture is none of ours.
std::optional<CpuTarget> baselineOfProcess();

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_CPUTARGET_H
