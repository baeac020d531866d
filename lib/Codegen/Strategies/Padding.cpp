// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Padding by reflection, edge or wrapping, as runs (RunSchedule.h); Movement.cpp has constant padding. With
// p = o - begin in each dimension of n elements:
//
//   result[o] = x[source(o[0]), source(o[1]), ..]           of a b c d, two more before and two behind:
//
//     edge      source = p limited to [0, n - 1]              a a a b c d d d
//     wrap      source = p mod n                              c d a b c d a b
//     reflect   source = q < n ? q : 2 (n - 1) - q            c b a b c d c b     q = p mod 2 (n - 1)
#include "RunSchedule.h"
#include "tenon/Codegen/GenericStrategies.h"

#include "tenon/tenon.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

/// The amounts: those before each dimension, then those behind each; empty if they are not known.
SmallVector<int64_t> padsOf(graph::PadOp op) {
  SmallVector<int64_t> result;
  if (auto constant = op.getPads().getDefiningOp<graph::ConstantOp>())
    if (auto dense = dyn_cast<DenseIntElementsAttr>(constant.getValue()))
      for (APInt pad : dense.getValues<APInt>())
        result.push_back(pad.getSExtValue());
  return result;
}

/// The run has the last dimensions that are not padded, which are contiguous in x, too. If the last one is padded, it
/// is the run, and scalar: its elements come from anywhere.
RunSchedule padSchedule(plan::KernelOp kernel, const Machine &target) {
  auto op = cast<graph::PadOp>(kernel.getRootOp());
  Exprs in = shapeOf(op.getX()), out = shapeOf(op.getResult());
  SmallVector<int64_t> amounts = padsOf(op);
  unsigned from = out.size();
  while (from > 0 && in[from - 1] == out[from - 1] && !amounts.empty() && amounts[from - 1] == 0)
    --from;
  if (from == out.size())
    return RunSchedule::get(kernel, target, from - 1, elementOf(op.getX()), true);
  return RunSchedule::get(kernel, target, from, elementOf(op.getX()));
}

/// Padding by reflection, edge or wrapping.
class PadPlan : public RunPlan {
public:
  PadPlan(plan::KernelOp kernel, const Machine &target)
      : RunPlan(kernel, target, padSchedule(kernel, target)), amounts(padsOf(cast<graph::PadOp>(kernel.getRootOp()))) {}

  void checkSizes(std::vector<SizeCheck> &checks) const override {
    auto op = cast<graph::PadOp>(kernel.getRootOp());
    Exprs in = shapeOf(op.getX());
    MLIRContext *context = op.getContext();
    Exprs out = shapeOf(op.getResult());
    for (size_t d = 0; d < in.size(); ++d)
      if ((amounts.empty() || amounts[d] > 0 || amounts[d + in.size()] > 0) && constantOr(in[d], 0) == 0)
        checks.push_back({op, TENON_EMPTY_AXIS,
                          ("mode " + stringifyPadMode(op.getMode()) + " cannot pad axis " + Twine(d) +
                           ", which has {1} elements to copy")
                              .str(),
                          getAffineConstantExpr(1, context), in[d], amounts.empty() ? out[d] : AffineExpr()});
  }

  LogicalResult emit(KernelContext &c) const override {
    auto op = cast<graph::PadOp>(kernel.getRootOp());
    LaneMath m{c};
    Exprs in = c.shape(op.getX()), strides = stridesOf(in);
    Values begin;
    for (size_t d = 0; d < in.size(); ++d) {
      auto known = beginOf(d);
      begin.push_back(known ? c.index(*known) : m.toIndex(loadFrom(c, op.getPads(), c.index(int64_t(d)), 1)));
    }
    Value zero = c.index(int64_t(0)), one = c.index(1);
    using P = arith::CmpIPredicate;
    auto modulo = [&](Value x, Value n) { // in [0, n)
      Value r = arith::RemSIOp::create(c.b, c.loc, x, n);
      return m.select(arith::CmpIOp::create(c.b, c.loc, P::slt, r, zero), c.add(r, n), r);
    };
    // Where coordinate o of dimension d comes from.
    auto source = [&](unsigned d, Value o) -> Value {
      if (in[d] == s.space[d] && beginOf(d) == 0)
        return o;
      Value x = c.sub(o, begin[d]), n = c.index(in[d]);
      if (op.getMode() == graph::PadMode::edge)
        return c.maxS(zero, c.minS(x, c.sub(n, one)));
      if (op.getMode() == graph::PadMode::wrap)
        return modulo(x, c.maxS(n, one));
      Value period = c.maxS(one, c.mul(c.index(2), c.sub(n, one)));
      Value r = modulo(x, period);
      return m.select(arith::CmpIOp::create(c.b, c.loc, P::slt, r, n), r, c.sub(period, r));
    };
    return s.emit(c, op.getResult(), [&](ArrayRef<Value> row, Value i, Value mask) {
      Value at = zero;
      for (auto [d, o] : llvm::enumerate(row))
        at = c.mulAdd(source(d, o), c.index(strides[d]), at);
      // A scalar run may be a padded dimension.
      at = c.add(at, s.lanes == 1 && s.suffix + 1 == s.space.size() ? source(s.suffix, i) : i);
      return loadFrom(c, op.getX(), at, s.lanes, mask);
    });
  }

private:
  /// The amount before dimension d; nothing where only the kernel knows it when it runs.
  std::optional<int64_t> beginOf(size_t d) const { return amounts.empty() ? std::nullopt : std::optional(amounts[d]); }

  SmallVector<int64_t> amounts; // see padsOf
};

std::unique_ptr<KernelPlan> planPad(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  if (cast<graph::PadOp>(kernel.getRootOp()).getMode() == graph::PadMode::constant) {
    reason = "takes modes reflect, edge and wrap";
    return nullptr;
  }
  return std::make_unique<PadPlan>(kernel, target);
}

} // namespace

void registerPaddingStrategy(StrategyRegistry &registry) { registry.add({"misc-pad", {"pad"}, planPad}); }

} // namespace tenon::codegen
