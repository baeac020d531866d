// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What follows from the named dimensions before and after a run: derived symbols,
// what must hold for them, and the outputs' dimensions.
#include "Conductor.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "tenon/Dialect/Graph/IR/BranchAssumptions.h"
#include "tenon/Dialect/Plan/IR/RegionSymbols.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"
#include "tenon/tenon.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace tenon::host {

LogicalResult Conductor::emitDerive() {
  auto derive = beginFunction("tenon_derive", {pointer, pointer}, {b.getI32Type()}, 0);
  makeExit(derive);
  // Of a region the host's program derives and checks everything.
  bool isRegion = plan->hasAttr(plan::kDeviceAttr);
  inParts(derive, isRegion ? 0 : table.size(), [&](func::FuncOp, size_t from, size_t to) {
    for (size_t i = from; i < to; ++i)
      if (table[i].isDerived())
        LLVM::StoreOp::create(b, loc, this->derive(table[i]), element(symbols, i64, i));
  });
  if (!isRegion) {
    emitChecks(derive, graph::readAssumptions(plan, "graph.assumptions"), 0);
    if (failed(deriveForRegions(derive)))
      return failure();
  }
  cf::BranchOp::create(b, loc, exit, constant32(0));
  return success();
}

LogicalResult Conductor::deriveForRegions(func::FuncOp derive) {
  auto all = plan->getParentOfType<ModuleOp>();
  int64_t base = table.size();
  for (ModuleOp region : all ? plan::programsOf(all).regions : SmallVector<ModuleOp>()) {
    std::vector<graph::Symbol> symbols = graph::readSymbols(region);
    SmallVector<AffineExpr> overHost = plan::overHostSymbols(symbols, table, b.getContext());
    for (auto [symbol, size] : llvm::zip_equal(symbols, overHost))
      if (!symbol.isDerived() && !size)
        return region.emitError("[TN5006] has a dimension '") << symbol.name << "', which the host's program has not";
    deriveTable(derive, symbols, overHost, base);
    RegionSizes &sizes = regionSizes[region.getSymName().value_or("")];
    sizes.firstSymbol = base;
    plan::SubmitOp submit = submitOf.lookup(region.getSymName().value_or(""));
    if (submit && !isa<func::FuncOp>(submit->getParentOp()))
      sizes.assumptions = uncheckedOf(region, overHost);
    else
      emitChecks(derive, uncheckedOf(region, overHost), base);
    base += symbols.size();
  }
  return success();
}

std::vector<graph::Assumption> Conductor::uncheckedOf(ModuleOp region, ArrayRef<AffineExpr> overHost) {
  std::vector<graph::Assumption> known = graph::readAssumptions(plan, "graph.assumptions");
  if (plan::SubmitOp submit = submitOf.lookup(region.getSymName().value_or("")))
    llvm::append_range(known, graph::assumptionsOfBranches(submit));
  std::vector<graph::Assumption> others = graph::readAssumptions(region, "graph.assumptions");
  llvm::erase_if(others, [&](const graph::Assumption &assumption) {
    graph::Assumption same = assumption;
    same.a = plan::overHostSymbols(assumption.a, overHost);
    same.b = plan::overHostSymbols(assumption.b, overHost);
    return llvm::any_of(known, [&](const graph::Assumption &other) { return other.sameAs(same); });
  });
  return others;
}

void Conductor::deriveTable(func::FuncOp derive, ArrayRef<graph::Symbol> regionSymbols, ArrayRef<AffineExpr> overHost,
                            int64_t base) {
  inParts(derive, regionSymbols.size(), [&](func::FuncOp, size_t from, size_t to) {
    Value ofHost = symbols, ofRegion = element(symbols, i64, base);
    for (size_t i = from; i < to; ++i) {
      symbols = overHost[i] ? ofHost : ofRegion;
      Value value = overHost[i] ? eval(overHost[i]) : this->derive(regionSymbols[i]);
      LLVM::StoreOp::create(b, loc, value, element(ofRegion, i64, i));
    }
    symbols = ofHost;
  });
}

void Conductor::emitChecks(func::FuncOp derive, ArrayRef<graph::Assumption> assumptions, int64_t base) {
  inParts(derive, assumptions.size(), [&](func::FuncOp func, size_t from, size_t to) {
    llvm::SaveAndRestore<Value> keepSymbols(symbols);
    if (base)
      symbols = element(symbols, i64, base);
    // Without branches, from the last one on: what the first that fails says is left.
    Value status = constant32(0), one = constant(0), other = constant(0);
    for (size_t i = to; i-- > from;) {
      auto [holds, first, second] = check(assumptions[i]);
      status = arith::SelectOp::create(b, loc, holds, status, constant32(numberOf(assumptions[i])));
      one = arith::SelectOp::create(b, loc, holds, one, first);
      other = arith::SelectOp::create(b, loc, holds, other, second);
    }
    LLVM::StoreOp::create(b, loc, one, func.getArgument(1));
    LLVM::StoreOp::create(b, loc, other, element(func.getArgument(1), i64, 1));
    exitUnlessZero(status);
  });
}

void Conductor::inParts(func::FuncOp func, size_t count, function_ref<void(func::FuncOp, size_t, size_t)> emit) {
  if (count <= kMostSizes)
    return count ? emit(func, 0, count) : void();
  for (size_t from = 0; from < count; from += kMostSizes)
    (void)emitPart(func.getName(), func.getArguments(), [&](func::FuncOp part) {
      emit(part, from, std::min(count, from + kMostSizes));
      return success();
    });
}

Conductor::Tested Conductor::check(const graph::Assumption &assumption) {
  Value a = eval(assumption.a), c = eval(assumption.b);
  if (assumption.kind == graph::Assumption::never)
    return {arith::ConstantOp::create(b, loc, b.getBoolAttr(false)), a, c};
  Value holds = compare(
      assumption.kind == graph::Assumption::atMost ? arith::CmpIPredicate::sle : arith::CmpIPredicate::eq, a, c);
  if (assumption.kind == graph::Assumption::broadcasts)
    holds = arith::OrIOp::create(b, loc, holds, compare(arith::CmpIPredicate::eq, a, constant(1)));
  return {holds, a, c};
}

uint32_t Conductor::numberOf(const graph::Assumption &assumption) {
  if (assumption.kind == graph::Assumption::never)
    return out.addCheck(TENON_RUN, assumption.node, assumption.why);
  StringRef text = "the inputs' dimensions do not fit together: sizes {0} and {1} must be equal";
  if (assumption.kind == graph::Assumption::broadcasts)
    text = "the inputs' dimensions do not fit together: a size of {0} does not broadcast to {1}";
  else if (assumption.kind == graph::Assumption::atMost)
    text = assumption.a == 0 ? "the inputs' dimensions do not fit together: a size would be {1}, expected 0 or more"
                             : "the inputs' dimensions do not fit together: a size of {0} must be at most {1}";
  return out.addCheck(TENON_RUN, assumption.node, text);
}

void Conductor::emitOutputDims(func::FuncOp func) {
  SmallVector<AffineExpr> sizes;
  for (Value value : cast<func::ReturnOp>(func.getBody().back().getTerminator()).getOperands())
    llvm::append_range(sizes, plan::shapeOf(value));
  std::vector<func::FuncOp> dimsParts;
  for (size_t from = 0; from < sizes.size(); from += kMostSizes) {
    auto part = beginFunction(("tenon_output_dims_" + Twine(from)).str(), {pointer, pointer}, {}, 0);
    part.setPrivate();
    part->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
    for (size_t i = from; i < std::min(sizes.size(), from + kMostSizes); ++i)
      LLVM::StoreOp::create(b, loc, size([&]() { return eval(sizes[i]); }), element(part.getArgument(1), i64, i));
    func::ReturnOp::create(b, loc);
    dimsParts.push_back(part);
  }
  auto dims = beginFunction("tenon_output_dims", {pointer, pointer}, {}, 0);
  for (func::FuncOp part : dimsParts)
    func::CallOp::create(b, loc, part, dims.getArguments());
  func::ReturnOp::create(b, loc);
}

} // namespace tenon::host
