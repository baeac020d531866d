// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A CPU to generate code for: triple and explicit feature bits, never a CPU
// name, so that the same specification means the same code on any machine.
#ifndef TENON_TARGET_CPU_CPUTARGET_H
#define TENON_TARGET_CPU_CPUTARGET_H

#include "tenon/Codegen/Machine.h"
#include "tenon/Dialect/Hw/IR/Device.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace tenon::cpu {

struct CpuTarget : codegen::Machine {
  std::string spec;   ///< canonical spelling, e.g. "cpu:x86-64-v4"
  hw::Device chip;    ///< all that is known of it; what follows, and Machine's numbers, are taken from there
  std::string triple; ///< e.g. "x86_64-unknown-linux-gnu"
  std::vector<std::string> features; ///< LLVM feature names, sorted, without "+"

  bool has(llvm::StringRef feature) const;
  bool isX86() const { return llvm::StringRef(triple).starts_with("x86"); }
  bool isRiscv() const { return llvm::StringRef(triple).starts_with("riscv"); }
  /// Multiplies and adds in one instruction; AArch64 and RISC-V always do.
  bool fusesMultiplyAdd() const override { return !isX86() || has("fma"); }
  /// Converts vectors between f16 and f32; AArch64 always does.
  bool convertsHalf() const { return isX86() ? has("f16c") : !isRiscv() || has("zvfhmin") || has("zvfh"); }
  std::string featureString() const; ///< "+a,+b" for LLVM
};

/// The device that spellings and declarations of CPUs name.
inline constexpr llvm::StringLiteral kDevice = "cpu";
/// Chips of targets/cpu-*.yaml, by name.
std::vector<std::string> shippedCpus();
/// What keeps a declaration from being compiled for, a line each.
std::vector<std::string> checkCpu(const hw::Device &chip);

/// The CPU of a declaration that checkCpu finds nothing wrong with.
CpuTarget cpuOf(const hw::Device &chip, llvm::StringRef spec);

/// Parses `cpu:CHIP[,+feature,-feature...][,l2=KIB]`; CHIP is host (or native), the name of a
/// file targets/cpu-CHIP.yaml, or of a `loaded` declaration, and `cpu:` may be left out. On
/// x86, host is the highest level that CPUID tells of, with further features and the sizes
/// of caches from there; elsewhere it is what all of the architecture have. A feature that
/// is taken away takes those along that imply it. False with a message naming the accepted
/// spellings.
bool parseCpuTarget(llvm::StringRef spec, llvm::ArrayRef<hw::Device> loaded, CpuTarget &target, std::string &error);

/// What every supported processor of this process's architecture has; nothing
/// where this one lacks some of it, or the architecture is none of ours.
std::optional<CpuTarget> baselineOfProcess();

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_CPUTARGET_H
