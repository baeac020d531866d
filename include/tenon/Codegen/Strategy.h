// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A strategy plans kernels of one kind, and the plan emits them. A new schedule is
// one file: a class derived from KernelPlan, the function that makes it where it
// fits, and a registration function.
#ifndef TENON_CODEGEN_STRATEGY_H
#define TENON_CODEGEN_STRATEGY_H

#include "tenon/Codegen/KernelContext.h"
#include "tenon/Codegen/UnitMapping.h"
#include "tenon/Interfaces/WorkSplit.h"
#include "tenon/Support/KernelDescription.h"
#include <functional>
#include <memory>
#include <vector>

namespace tenon::codegen {

/// What a strategy has chosen for one kernel: decided once, when it is made, then asked.
class KernelPlan {
public:
  /// Both outlive the plan.
  KernelPlan(plan::KernelOp kernel, const Machine &target) : kernel(kernel), target(target) {}
  virtual ~KernelPlan() = default;
  /// The schedule, for the ledger and the manifest.
  virtual ScheduleFacts facts() const = 0;
  /// Rewrites the kernel's constant operands into the layout that the code reads best (new
  /// graph.constant, `packed` attribute set); what is planned of the kernel afterwards
  /// reads it. Asked before codegen, of a plan that nothing else is asked. A target need not
  /// ask: code then reads operands as they lie.
  virtual mlir::LogicalResult pack() { return mlir::success(); }
  /// Adds what the kernel's sizes must satisfy.
  virtual void checkSizes(std::vector<SizeCheck> &checks) const {}
  virtual WorkSplit split() const = 0;
  /// Emits the units [c.begin, c.end) of `split`; `c` is of the kernel that was planned.
  virtual mlir::LogicalResult emit(KernelContext &c) const = 0;

protected:
  mutable plan::KernelOp kernel; // a handle, whose accessors are not const
  const Machine &target;
};

/// Emits the units of a plan that `mapping` gives to an invocation.
inline mlir::LogicalResult emitUnits(KernelContext &c, const KernelPlan &plan, UnitMapping &mapping) {
  return mapping.map(c, plan.split().total, [&]() { return plan.emit(c); });
}

/// A strategy for machines that a target describes by an M: Machine, or what it derives from that.
template <typename M>
struct StrategyFor {
  llvm::StringRef name;               ///< shown by `tenon explain`, e.g. "gemm"; it stays though files be renamed
  std::vector<llvm::StringRef> roots; ///< mnemonics of the root ops it takes ("elementwise": kernels without one)
  /// Null with the reason where it cannot emit the kernel.
  std::function<std::unique_ptr<KernelPlan>(plan::KernelOp kernel, const M &target, std::string &reason)> plan;
};

/// A kernel's plan, and the name of the strategy that made it.
struct ChosenPlan {
  llvm::StringRef strategy;
  std::unique_ptr<KernelPlan> plan; ///< null: no strategy takes the kernel
  explicit operator bool() const { return plan != nullptr; }
  KernelPlan *operator->() const { return plan.get(); }
};

/// The strategies of a target; of several for one root the last registered that plans
/// the kernel wins.
template <typename M>
class StrategyRegistryFor {
public:
  void add(StrategyFor<M> strategy) { strategies.push_back(std::move(strategy)); }
  /// All strategies of a registry for what M is derived from.
  template <typename Base>
  void add(const StrategyRegistryFor<Base> &others) {
    for (const StrategyFor<Base> &strategy : others.all())
      add(StrategyFor<M>{strategy.name, strategy.roots, strategy.plan});
  }
  llvm::ArrayRef<StrategyFor<M>> all() const { return strategies; }

  /// Null with the reasons of all refusals if none takes the kernel.
  ChosenPlan plan(plan::KernelOp kernel, const M &target, std::string &reason) const {
    for (const StrategyFor<M> &strategy : llvm::reverse(strategies)) {
      if (!llvm::is_contained(strategy.roots, kernel.getRoot()))
        continue;
      std::string why;
      if (auto plan = strategy.plan(kernel, target, why))
        return {strategy.name, std::move(plan)};
      reason += (reason.empty() ? "" : "; ") + strategy.name.str() + ": " + why;
    }
    if (reason.empty())
      reason = "no strategy takes root op " + kernel.getRoot().str();
    return {};
  }

  /// Names of the strategies for a root op, the preferred first.
  std::vector<std::string> namesFor(llvm::StringRef root) const {
    std::vector<std::string> names;
    for (const StrategyFor<M> &strategy : llvm::reverse(strategies))
      if (llvm::is_contained(strategy.roots, root))
        names.push_back(strategy.name.str());
    return names;
  }

private:
  std::vector<StrategyFor<M>> strategies;
};

using Strategy = StrategyFor<Machine>;
using StrategyRegistry = StrategyRegistryFor<Machine>;

} // namespace tenon::codegen

#endif // TENON_CODEGEN_STRATEGY_H
