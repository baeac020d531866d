// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of elementwise ops alone. Adjacent dimensions that every operand
// either has or broadcasts are merged; the innermost merged dimension is cut
// into vectors, the others are the rows that threads share.
#include "tenon/Target/CPU/Strategy.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

using Groups = SmallVector<std::pair<unsigned, unsigned>>;
constexpr int64_t kBlock = 2048; // elements of a unit where one dimension is left

/// 'f' has the dimension, 'b' broadcasts it, '?' turns out at run time.
std::string broadcastPattern(plan::KernelOp kernel, Value tensor, ArrayRef<AffineExpr> space) {
  Exprs shape = shapeOf(tensor);
  std::string pattern(space.size(), 'b');
  for (size_t i = 0; i < shape.size(); ++i) {
    size_t d = i + space.size() - shape.size();
    if (shape[i] != 1)
      pattern[d] = mayBroadcast(shape[i], space[d]) ? '?' : 'f';
  }
  return pattern;
}

Exprs spaceOf(plan::KernelOp kernel) {
  Operation *yield = kernel.getBody().front().getTerminator();
  Exprs space;
  // All results broadcast to one space: the largest rank's, then the entry that is not 1.
  for (Value value : yield->getOperands()) {
    Exprs shape = shapeOf(value);
    if (shape.size() > space.size())
      space.insert(space.begin(), shape.begin(), shape.begin() + (shape.size() - space.size()));
    for (size_t i = 0; i < shape.size(); ++i) {
      AffineExpr &d = space[i + space.size() - shape.size()];
      if (d == 1)
        d = shape[i];
    }
  }
  return space;
}

Groups mergeDims(plan::KernelOp kernel, ArrayRef<AffineExpr> space) {
  SmallVector<std::string> patterns;
  for (Value argument : kernel.getBody().getArguments())
    patterns.push_back(broadcastPattern(kernel, argument, space));
  Groups groups;
  for (unsigned d = 0; d < space.size(); ++d) {
    bool merge = !groups.empty();
    if (merge && space[d] != 1) {
      // Compare with the last dimension of the group that is not 1.
      unsigned previous = groups.back().second;
      while (previous > groups.back().first && space[previous] == 1)
        --previous;
      if (space[previous] != 1)
        for (const std::string &pattern : patterns)
          merge &= pattern[previous] == pattern[d] && pattern[d] != '?';
    }
    if (merge)
      groups.back().second = d;
    else
      groups.push_back({d, d});
  }
  return groups;
}

class ElementwisePlan : public KernelPlan {
public:
  ElementwisePlan(plan::KernelOp kernel, const CpuTarget &target)
      : KernelPlan(kernel, target), space(spaceOf(kernel)), groups(mergeDims(kernel, space)) {}

  ScheduleFacts facts() const override {
    return {.text = llvm::formatv("{0}-bit vectors", target.vectorBits), .vectorBits = target.vectorBits};
  }

  WorkSplit split() const override {
    MLIRContext *context = kernel.getContext();
    if (groups.size() <= 1)
      return {product(space, context).ceilDiv(kBlock), 4};
    AffineExpr rows = product(ArrayRef(space).take_front(groups.back().first), context);
    int64_t grain = 16;
    if (auto constant = dyn_cast<AffineConstantExpr>(rowLength()))
      grain = std::max<int64_t>(1, 8192 / std::max<int64_t>(1, constant.getValue()));
    return {rows, grain};
  }

  LogicalResult emit(KernelContext &c) const override {
    ElementEmitter emitter(c, space, groups);
    int64_t lanes = target.f32Lanes();
    LogicalResult result = success();
    if (space.empty()) {
      c.loop(c.begin, c.end, 1, [&](Value) {
        emitter.setPoint({}, 1);
        result = emitter.storeYields();
      });
      return result;
    }
    AffineExpr inner = rowLength();
    int64_t extent = isa<AffineConstantExpr>(inner) ? cast<AffineConstantExpr>(inner).getValue() : -1;
    // Short rows get narrow vectors, so that the tail is not all there is.
    while (lanes > 1 && extent > 0 && lanes > extent)
      lanes /= 2;
    if (groups.size() == 1) {
      Value hi = c.minS(c.mul(c.end, c.index(kBlock)), c.index(inner));
      c.vectorLoop(c.mul(c.begin, c.index(kBlock)), hi, lanes, extent, [&](Value i, Value mask) {
        emitter.setPoint({i}, lanes, mask);
        if (failed(emitter.storeYields()))
          result = failure();
      });
      return result;
    }
    Exprs outer;
    for (auto [first, last] : ArrayRef(groups).drop_back())
      outer.push_back(product(ArrayRef(space).slice(first, last - first + 1), kernel.getContext()));
    c.loop(c.begin, c.end, 1, [&](Value row) {
      SmallVector<Value> index = c.delinearize(row, outer);
      index.push_back({});
      c.vectorLoop(c.index(int64_t(0)), c.index(inner), lanes, extent, [&](Value i, Value mask) {
        index.back() = i;
        emitter.setPoint(index, lanes, mask);
        if (failed(emitter.storeYields()))
          result = failure();
      });
    });
    return result;
  }

private:
  /// Elements of the innermost merged dimension; there is none if the space has no dimensions.
  AffineExpr rowLength() const { return product(ArrayRef(space).drop_front(groups.back().first), kernel.getContext()); }

  Exprs space;
  Groups groups;
};

std::unique_ptr<KernelPlan> planElementwise(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) {
  for (Operation &op : kernel.getBody().front().without_terminator())
    // Constants here are shape operands, whose effect types already tell.
    if (!isa<graph::ConstantOp>(op) && !isElementwise(&op)) {
      reason = ("op " + op.getName().getStringRef() + " is not elementwise").str();
      return nullptr;
    }
  return std::make_unique<ElementwisePlan>(kernel, target);
}

} // namespace

void registerElementwiseStrategy(StrategyRegistry &registry) {
  registry.add({"elementwise", {"elementwise"}, planElementwise});
}

} // namespace tenon::cpu
