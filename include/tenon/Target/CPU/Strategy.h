// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A strategy emits kernels of one kind. A new schedule is one file: a class
// derived from Strategy and a registration function.
#ifndef TENON_TARGET_CPU_STRATEGY_H
#define TENON_TARGET_CPU_STRATEGY_H

#include "tenon/Target/CPU/KernelContext.h"
#include <memory>
#include <vector>

namespace tenon::cpu {

/// How a kernel's work divides among threads: [0, total) units, handed out in
/// chunks of at least `grain`. Any split must give identical results.
struct WorkSplit {
  mlir::AffineExpr total;
  int64_t grain = 1;
};

/// A relation of sizes that a kernel's op needs. The host program tests it
/// before the launch: in a branch, only if that is taken.
struct SizeCheck {
  mlir::Operation *op;          ///< in the kernel's body: its ONNX node is at fault
  uint32_t code;                ///< of tenon_code
  std::string text;             ///< with the places {0} for `least` and {1} for `size`
  mlir::AffineExpr least, size; ///< least <= size must hold,
  mlir::AffineExpr unless;      ///< unless this is 0; null: always
};

class Strategy {
public:
  virtual ~Strategy() = default;
  /// Name shown by `tenon explain`, e.g. "gemm".
  virtual llvm::StringRef name() const = 0;
  /// Mnemonics of the root ops it takes ("elementwise" for rootless kernels).
  virtual std::vector<llvm::StringRef> roots() const = 0;
  /// Whether it can emit this kernel; `reason` says why not.
  virtual bool matches(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) const { return true; }
  /// The chosen schedule for the ledger, facts separated by commas, e.g.
  /// "tile 12x32, 512-bit". The ledger reads three of them: "tile ..." is the
  /// register tile, "N-bit" or "L lanes of B bits" the vectors, and the word
  /// "scalar" says that code is not vectorized, which is reported (TN5101).
  virtual std::string describe(plan::KernelOp kernel, const CpuTarget &target) const { return ""; }
  /// Lets the strategy rewrite the kernel's constant operands into its packed
  /// layout before codegen (new graph.constant, `packed` attribute set).
  virtual mlir::LogicalResult packConstants(plan::KernelOp kernel, const CpuTarget &target) const {
    return mlir::success();
  }
  /// Adds what the kernel's sizes must satisfy.
  virtual void checkSizes(plan::KernelOp kernel, std::vector<SizeCheck> &checks) const {}
  virtual WorkSplit split(plan::KernelOp kernel, const CpuTarget &target) const = 0;
  virtual mlir::LogicalResult emit(KernelContext &context) const = 0;
};

/// The strategies of a session; of several for one root the last registered
/// that matches wins.
class StrategyRegistry {
public:
  StrategyRegistry(); ///< registers all of the CPU's strategies
  void add(std::unique_ptr<Strategy> strategy) { strategies.push_back(std::move(strategy)); }
  /// Null with the reasons of all refusals if none takes the kernel.
  const Strategy *find(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) const;
  /// Names of the strategies for a root op, the preferred first.
  std::vector<std::string> namesFor(llvm::StringRef root) const;

private:
  std::vector<std::unique_ptr<Strategy>> strategies;
};

// One registration function a file of lib/Target/CPU/Strategies.
void registerElementwiseStrategy(StrategyRegistry &registry);
void registerMovementStrategies(StrategyRegistry &registry);
void registerGemmStrategies(StrategyRegistry &registry);
void registerConvStrategies(StrategyRegistry &registry);
void registerWindowStrategies(StrategyRegistry &registry);
void registerRowStrategies(StrategyRegistry &registry);
void registerRecurrentStrategies(StrategyRegistry &registry);
void registerMiscStrategies(StrategyRegistry &registry);

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_STRATEGY_H
