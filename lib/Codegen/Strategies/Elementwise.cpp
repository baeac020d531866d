// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of elementwise ops alone:
//
//   y[p] = f(a[p], b[p], ..)     an operand has a coordinate 0 in each dimension that it broadcasts
//
// Adjacent dimensions that each operand has or each broadcasts as one are merged into groups, since an operand's offset
// is then linear in the group's coordinate. Of a space [2, 3, 4, 5], 'f' for a dimension that an operand has and 'b'
// for one that it broadcasts:
//
//     a [2, 3, 4, 5]     f  f  f  f
//     b       [4, 5]     b  b  f  f
//     groups            (2, 3)(4, 5)      6 rows of 20 elements
//
// The last group is a row, which vectors run along, the last one masked. The other groups are the units. If there is
// one group only, a unit is a block of kBlock elements of it.
#include "tenon/Codegen/GenericStrategies.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

using Groups = SmallVector<std::pair<unsigned, unsigned>>;
constexpr int64_t kBlock = 2048; // elements of a unit where there is one group

/// A letter for each dimension of the space: 'f' where the tensor has it, 'b' where it broadcasts, '?' where that
/// turns out at run time.
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

/// The space of all results, which broadcast to it.
Exprs spaceOf(plan::KernelOp kernel) {
  Operation *yield = kernel.getBody().front().getTerminator();
  Exprs space;
  // Its rank is the largest of theirs, each dimension the one that is not 1 in one of them.
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

/// The groups, from the first dimension to the last: one joins the group before it if every operand has the same letter
/// for both, which is not '?'. Dimensions of size 1 join any.
Groups mergeDims(plan::KernelOp kernel, ArrayRef<AffineExpr> space) {
  SmallVector<std::string> patterns;
  for (Value argument : kernel.getBody().getArguments())
    patterns.push_back(broadcastPattern(kernel, argument, space));
  Groups groups;
  for (unsigned d = 0; d < space.size(); ++d) {
    bool merge = !groups.empty();
    if (merge && space[d] != 1) {
      // It is compared with the last dimension of the group that is not 1.
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
  ElementwisePlan(plan::KernelOp kernel, const Machine &target)
      : KernelPlan(kernel, target), space(spaceOf(kernel)), groups(mergeDims(kernel, space)) {}

  ScheduleFacts facts() const override {
    if (!target.hasVectors())
      return {.text = "scalar loop", .hasScalarCode = true};
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
      c.eachUnit([&](Value) {
        emitter.setPoint({}, 1);
        result = emitter.storeYields();
      });
      return result;
    }
    AffineExpr inner = rowLength();
    int64_t extent = isa<AffineConstantExpr>(inner) ? cast<AffineConstantExpr>(inner).getValue() : -1;
    // Short rows get narrow vectors, so that not all of a row is a masked rest.
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
    c.eachUnit([&](Value row) {
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

std::unique_ptr<KernelPlan> planElementwise(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  for (Operation &op : kernel.getBody().front().without_terminator())
    // A constant that is no splat is an operand with a shape, whose effect is in the types.
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

} // namespace tenon::codegen
