// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From ops to amounts, and from amounts to seconds. Work and bytes add up: processors do both
// at once where they can, but the sum predicts measured kernels better than the longer of
// the two does (docs/Rationale/placement.md), and only speeds of a sum can be fitted as one
// linear problem.
#include "tenon/Interfaces/Cost.h"

#include "mlir/IR/BuiltinTypes.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Graph/IR/Work.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace tenon {
namespace {

constexpr StringLiteral kLaunch = "launch", kBytes = "bytes";

/// Bytes of a tensor as it lies in memory; 0 where a size is open.
double bytesOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape())
    return 0;
  const numerics::Format *format = num::formatOf(type.getElementType());
  return double(type.getNumElements()) * (format ? double(format->width()) / 8 : 8);
}

/// Elements of a vector; 1 where the chip's declaration says nothing of vectors. What is
/// narrower than f32 is computed in f32.
double lanesOf(StringRef format, const hw::Device &chip) {
  constexpr int64_t kFloatBits = 32, kDoubleBits = 64;
  std::optional<int64_t> bits = chip.limit("vector_bits");
  return bits ? double(*bits) / double(format == "f64" ? kDoubleBits : kFloatBits) : 1;
}

/// How many operations vectors make of those of a row: what the last one has no elements
/// for is computed, too.
double filled(const graph::Work &work, const hw::Device &chip) {
  double lanes = lanesOf(work.format, chip);
  return work.inner > 0 ? work.operations * std::ceil(double(work.inner) / lanes) * lanes / double(work.inner)
                        : work.operations;
}

/// The smallest memory that holds so many bytes, else the last. Memories are declared from
/// the nearest to the largest.
const hw::Memory *memoryFor(double bytes, const hw::Device &chip) {
  for (const hw::Memory &memory : chip.memories)
    if (memory.bytes == 0 || double(memory.bytes) >= bytes)
      return &memory;
  return chip.memories.empty() ? nullptr : &chip.memories.back();
}

int64_t unitsOf(const hw::Device &chip) {
  int64_t count = 0;
  for (const hw::Unit &unit : chip.units)
    count += unit.count;
  return std::max<int64_t>(count, 1);
}

/// Operations that all units start in a second, in a format or else in f32 or the first that
/// there is; 0 if the chip does not say.
double peakOf(StringRef format, const hw::Device &chip) {
  double peak = 0;
  for (const hw::Unit &unit : chip.units) {
    if (unit.opsPerCycle.empty())
      continue;
    auto find = [&](StringRef name) {
      return llvm::find_if(unit.opsPerCycle, [&](const auto &entry) { return entry.first == name; });
    };
    auto found = find(format);
    if (found == unit.opsPerCycle.end())
      found = find("f32");
    int64_t ops = found == unit.opsPerCycle.end() ? unit.opsPerCycle.front().second : found->second;
    peak += double(ops) * double(unit.count) * double(unit.clockMHz) * 1e6;
  }
  return peak;
}

/// The stated rate of all units, in operations a second: of the format, else of f32, else of
/// the kind's first; else what the units start.
double rateOf(StringRef kind, StringRef format, const hw::Device &chip) {
  for (const auto &[name, speeds] : chip.rates) {
    if (name != kind || speeds.empty())
      continue;
    int64_t rate = speeds.front().second;
    for (StringRef wanted : {StringRef("f32"), format})
      for (const auto &[known, speed] : speeds)
        if (known == wanted)
          rate = speed;
    return double(rate) * 1e6 * double(unitsOf(chip));
  }
  return peakOf(format, chip);
}

} // namespace

CostTerms costTerms(ArrayRef<Operation *> ops, const hw::Device &chip) {
  CostTerms terms;
  llvm::SmallPtrSet<Operation *, 8> inside(ops.begin(), ops.end());
  llvm::SetVector<Value> outside; // what is read from memory, and written to it
  for (Operation *op : ops) {
    for (const graph::Work &work : graph::workOf(op))
      terms[(work.kind + "." + work.format).str()] += filled(work, chip);
    for (Value operand : op->getOperands())
      if (!inside.contains(operand.getDefiningOp()))
        outside.insert(operand);
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !inside.contains(user); }))
        outside.insert(result);
  }
  double bytes = 0;
  for (Value value : outside)
    bytes += bytesOf(value);
  if (const hw::Memory *memory = memoryFor(bytes, chip); memory && bytes > 0)
    terms[(kBytes + "." + memory->name).str()] = bytes;
  terms[kLaunch.str()] = 1;
  return terms;
}

double secondsPer(StringRef term, const hw::Device &chip) {
  if (term == kLaunch)
    return double(chip.kernelLaunchNs) * 1e-9;
  auto [kind, what] = term.split('.');
  if (kind == kBytes) {
    const hw::Memory *memory = chip.memory(what);
    return memory && memory->mbPerS > 0 ? 1e-6 / double(memory->mbPerS) : 0;
  }
  double rate = rateOf(kind, what, chip);
  return rate > 0 ? 1 / rate : 0;
}

void setSecondsPer(StringRef term, double seconds, hw::Device &chip) {
  auto whole = [](double number) { return std::max<int64_t>(1, std::llround(std::min(number, 1e15))); };
  if (term == kLaunch) {
    chip.kernelLaunchNs = std::llround(seconds * 1e9);
    return;
  }
  if (seconds <= 0)
    return;
  auto [kind, what] = term.split('.');
  if (kind == kBytes) {
    if (hw::Memory *memory = chip.memory(what))
      memory->mbPerS = whole(1e-6 / seconds);
    return;
  }
  int64_t rate = whole(1e-6 / seconds / double(unitsOf(chip)));
  auto entry = llvm::find_if(chip.rates, [kind = kind](const auto &entry) { return entry.first == kind; });
  if (entry == chip.rates.end())
    entry = chip.rates.insert(chip.rates.end(), {kind.str(), {}});
  auto speed = llvm::find_if(entry->second, [what = what](const auto &speed) { return speed.first == what; });
  if (speed == entry->second.end())
    entry->second.emplace_back(what.str(), rate);
  else
    speed->second = rate;
}

double secondsOf(const CostTerms &terms, const hw::Device &chip) {
  double seconds = 0;
  for (const auto &[term, amount] : terms)
    seconds += amount * secondsPer(term, chip);
  return seconds;
}

} // namespace tenon
