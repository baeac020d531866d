// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A strategy plans kernels of one kind, and the plan emits them. A new schedule is
// one file: a class derived from KernelPlan, the function that makes it where it
// fits, and a registration function.
#ifndef TENON_TARGET_CPU_STRATEGY_H
#define TENON_TARGET_CPU_STRATEGY_H

#include "tenon/Interfaces/WorkSplit.h"
#include "tenon/Support/KernelDescription.h"
#include "tenon/Target/CPU/KernelContext.h"
#include <memory>
#include <vector>

namespace tenon::cpu {

/// What a strategy has chosen for one kernel: decided once, when it is made, then asked.
class KernelPlan {
public:
  /// Both outlive the plan.
  KernelPlan(plan::KernelOp kernel, const CpuTarget &target) : kernel(kernel), target(target) {}
  virtual ~KernelPlan() = default;
  /// The schedule, for the ledger and the manifest.
  virtual ScheduleFacts facts() const = 0;
  /// Rewrites the kernel's constant operands into the layout that the code reads (new
  /// graph.constant, `packed` attribute set); what is planned of the kernel afterwards
  /// reads it. Asked before codegen, of a plan that nothing else is asked.
  virtual mlir::LogicalResult pack() { return mlir::success(); }
  /// Adds what the kernel's sizes must satisfy.
  virtual void checkSizes(std::vector<SizeCheck> &checks) const {}
  virtual WorkSplit split() const = 0;
  /// Emits the units [c.begin, c.end) of `split`; `c` is of the kernel that was planned.
  virtual mlir::LogicalResult emit(KernelContext &c) const = 0;

protected:
  mutable plan::KernelOp kernel; // a handle, whose accessors are not const
  const CpuTarget &target;
};

struct Strategy {
  llvm::StringRef name;               ///< shown by `tenon explain`, e.g. "gemm"; it stays though files be renamed
  std::vector<llvm::StringRef> roots; ///< mnemonics of the root ops it takes ("elementwise": kernels without one)
  /// Null with the reason where it cannot emit the kernel.
  std::unique_ptr<KernelPlan> (*plan)(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
};

/// A kernel's plan, and the name of the strategy that made it.
struct ChosenPlan {
  llvm::StringRef strategy;
  std::unique_ptr<KernelPlan> plan; ///< null: no strategy takes the kernel
  explicit operator bool() const { return plan != nullptr; }
  KernelPlan *operator->() const { return plan.get(); }
};

/// The strategies of a session; of several for one root the last registered
/// that plans the kernel wins.
class StrategyRegistry {
public:
  StrategyRegistry(); ///< registers all of the CPU's strategies
  void add(Strategy strategy) { strategies.push_back(std::move(strategy)); }
  /// Null with the reasons of all refusals if none takes the kernel.
  ChosenPlan plan(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) const;
  /// Names of the strategies for a root op, the preferred first.
  std::vector<std::string> namesFor(llvm::StringRef root) const;

private:
  std::vector<Strategy> strategies;
};

// The registration functions of lib/Target/CPU/Strategies.
void registerElementwiseStrategy(StrategyRegistry &registry);
void registerMovementStrategies(StrategyRegistry &registry);
void registerGemmStrategies(StrategyRegistry &registry);
void registerConvStrategies(StrategyRegistry &registry);
void registerWindowStrategies(StrategyRegistry &registry);
void registerRowStrategies(StrategyRegistry &registry);
void registerRecurrentStrategies(StrategyRegistry &registry);
void registerCreationStrategy(StrategyRegistry &registry);
void registerPaddingStrategy(StrategyRegistry &registry);
void registerQuantizedRowsStrategy(StrategyRegistry &registry);
void registerScatterGatherStrategies(StrategyRegistry &registry);

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_STRATEGY_H
