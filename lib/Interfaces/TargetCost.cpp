// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is the same for all targets: the text of a refusal, and the time of an op by the
// chip's numbers alone.
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Interfaces/Target.h"

using namespace mlir;

namespace tenon {

std::string Refusal::text() const {
  std::string text = constraint + ": found " + actual + ", allowed is " + allowed;
  return remedy.empty() ? text : text + "; " + remedy;
}

/// Operations that all units start in a second, in f32 or else the first format of theirs;
/// 0 if the chip does not say.
static double peakOf(const hw::Device &chip) {
  double peak = 0;
  for (const hw::Unit &unit : chip.units) {
    if (unit.opsPerCycle.empty())
      continue;
    int64_t ops = unit.opsPerCycle.front().second;
    for (const auto &[format, count] : unit.opsPerCycle)
      if (format == "f32")
        ops = count;
    peak += double(ops) * double(unit.count) * double(unit.clockMHz) * 1e6;
  }
  return peak;
}

double Target::estimate(Operation *op) const {
  // A view of a buffer costs nothing.
  if (isa<graph::ReshapeOp, graph::SqueezeOp, graph::UnsqueezeOp, graph::FlattenOp>(op))
    return 0;
  double bytes = 0;
  for (ValueRange values : {ValueRange(op->getOperands()), ValueRange(op->getResults())})
    for (Value value : values)
      if (auto type = dyn_cast<RankedTensorType>(value.getType()); type && type.hasStaticShape()) {
        const numerics::Format *format = num::formatOf(type.getElementType());
        bytes += double(type.getNumElements()) * (format ? llvm::divideCeil(format->width(), 8) : 8);
      }
  auto cost = dyn_cast<graph::CostOpInterface>(op);
  double work = cost ? std::max<double>(0, double(cost.getWork())) : 0, peak = peakOf(chip());
  double compute = peak > 0 ? work / peak : 0, move = 0;
  if (!chip().memories.empty() && chip().memories.back().mbPerS > 0)
    move = bytes / (double(chip().memories.back().mbPerS) * 1e6);
  return std::max(compute, move) + double(chip().kernelLaunchNs) * 1e-9;
}

} // namespace tenon
