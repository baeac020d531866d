// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A divided plan can be edited between two stages. Its programs are compared where one
// relies on the other: regions and submits, and the sizes that both speak of.
#include "VerifyRegions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Graph/IR/BranchAssumptions.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Graph/IR/SymbolValues.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace tenon {

bool areSubmitted(const plan::Programs &programs) {
  llvm::StringMap<ModuleOp> regions;
  bool ok = true;
  size_t devices = plan::devicesOf(programs.host).size();
  for (ModuleOp region : programs.regions) {
    regions[region.getSymName().value_or("")] = region;
    if (plan::deviceIndexOf(region) < devices)
      continue;
    region.emitError("[TN4003] the region '")
        << region.getSymName().value_or("") << "' is for no device of plan.devices";
    ok = false;
  }
  llvm::StringSet<> submitted;
  ModuleOp host = programs.host;
  if (!ok)
    return false;
  host.walk([&](plan::SubmitOp submit) {
    ModuleOp region = regions.lookup(submit.getRegion());
    auto main = region ? region.lookupSymbol<func::FuncOp>("main") : func::FuncOp();
    auto device = region ? region->getAttrOfType<StringAttr>(plan::kDeviceAttr) : StringAttr();
    ok &= main && device && device.getValue() == submit.getDevice() && submitted.insert(submit.getRegion()).second &&
          llvm::equal(main.getArgumentTypes(), submit.getInputs().getTypes()) &&
          llvm::equal(main.getResultTypes(), submit.getResultTypes());
    if (!ok)
      submit.emitError("[TN4003] ") << "'" << submit.getRegion()
                                    << "' is no region of that device with these operands and results, or is "
                                       "submitted twice";
    return ok ? WalkResult::advance() : WalkResult::interrupt();
  });
  for (ModuleOp region : programs.regions)
    if (ok && !submitted.contains(region.getSymName().value_or(""))) {
      region.emitError("[TN4003] nothing submits the region '") << region.getSymName().value_or("") << "'";
      ok = false;
    }
  return ok;
}

namespace {

/// Two tables of symbols use numbers of their own, so that sizes are compared by their
/// values, at some values of the named dimensions.
class Samples {
public:
  explicit Samples(ModuleOp host)
      : table(graph::readSymbols(host)), assumptions(graph::readAssumptions(host, "graph.assumptions")) {
    for (unsigned i = 0; i < table.size(); ++i)
      if (!table[i].isDerived())
        named[table[i].name] = i;
    for (int64_t number : {7, 32, 100})
      for (int64_t step : {0, 3}) // dimensions that must be equal, and others
        add(number, step);
  }

  bool knows(StringRef name) const { return named.contains(name); }

  using Values = std::vector<SmallVector<int64_t>>; ///< of a table's symbols, by sample

  /// Values of a region's symbols.
  Values of(ArrayRef<graph::Symbol> symbols) const {
    Values result;
    for (const SmallVector<int64_t> &sample : values)
      result.push_back(
          graph::symbolValues(symbols, [&](const graph::Symbol &symbol) { return sample[named.lookup(symbol.name)]; }));
    return result;
  }

  /// Whether a size of the host's program has the values of one of a region's, where the
  /// assumptions hold under which the region is submitted.
  bool areEqual(AffineExpr ofHost, AffineExpr ofRegion, const Values &region,
                ArrayRef<graph::Assumption> assumptions) const {
    return llvm::all_of(llvm::zip_equal(values, region), [&](auto pair) {
      auto [mine, theirs] = pair;
      return !hold(assumptions, mine) || graph::sizeAt(ofHost, mine) == graph::sizeAt(ofRegion, theirs);
    });
  }

private:
  void add(int64_t number, int64_t step) {
    SmallVector<int64_t> sample = graph::symbolValues(table, [&](const graph::Symbol &symbol) {
      int64_t value = std::clamp(number, symbol.min, std::max(symbol.min, symbol.max));
      number += step;
      return int64_t(llvm::alignTo(value, std::max<int64_t>(symbol.divisor, 1)));
    });
    // Where the assumptions do not hold there is no run, and sizes may be anything.
    if (hold(assumptions, sample))
      values.push_back(std::move(sample));
  }

  static bool hold(ArrayRef<graph::Assumption> assumptions, ArrayRef<int64_t> sample) {
    return llvm::all_of(assumptions, [&](const graph::Assumption &x) {
      int64_t a = graph::sizeAt(x.a, sample), b = graph::sizeAt(x.b, sample);
      switch (x.kind) {
      case graph::Assumption::equal: return a == b;
      case graph::Assumption::atMost: return a <= b;
      case graph::Assumption::broadcasts: return a == b || a == 1;
      case graph::Assumption::never: return false;
      }
      return false;
    });
  }

  std::vector<graph::Symbol> table;
  std::vector<graph::Assumption> assumptions;
  llvm::StringMap<unsigned> named;
  Values values; // of the host's symbols
};

} // namespace

bool haveSizesOfSubmits(const plan::Programs &programs) {
  Samples samples(programs.host);
  bool ok = true;
  llvm::StringMap<plan::SubmitOp> submits;
  ModuleOp host = programs.host;
  host.walk([&](plan::SubmitOp submit) { submits[submit.getRegion()] = submit; });
  for (ModuleOp region : programs.regions) {
    std::vector<graph::Symbol> symbols = graph::readSymbols(region);
    for (const graph::Symbol &symbol : symbols)
      if (!symbol.isDerived() && !samples.knows(symbol.name)) {
        region.emitError("[TN4003] the region '")
            << *region.getSymName() << "' has a dimension '" << symbol.name << "', which the host's program has not";
        return false;
      }
    Samples::Values values = samples.of(symbols);
    plan::SubmitOp submit = submits.lookup(*region.getSymName());
    auto main = region.lookupSymbol<func::FuncOp>("main");
    std::vector<graph::Assumption> assumptions = graph::assumptionsOfBranches(submit);
    auto compare = [&](ValueRange ofHost, ValueRange ofRegion, StringRef what) {
      for (auto [i, pair] : llvm::enumerate(llvm::zip_equal(ofHost, ofRegion)))
        for (auto [d, sizes] :
             llvm::enumerate(llvm::zip_equal(plan::shapeOf(std::get<0>(pair)), plan::shapeOf(std::get<1>(pair)))))
          if (auto [mine, theirs] = sizes; !samples.areEqual(mine, theirs, values, assumptions)) {
            submit.emitError("[TN4003] dimension ")
                << d << " of " << what << " " << i << " is " << graph::text(mine) << " here, and another size, "
                << graph::text(theirs) << ", in the region";
            ok = false;
          }
    };
    compare(submit.getInputs(), main.getArguments(), "operand");
    compare(submit.getResults(), main.getBody().front().getTerminator()->getOperands(), "result");
  }
  return ok;
}

} // namespace tenon
