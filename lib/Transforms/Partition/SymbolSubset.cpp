// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which symbols sizes need: those that they name, and those that these are derived from.
#include "SymbolSubset.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace tenon::partition {

static constexpr llvm::StringLiteral kShapeAttrs[] = {"graph.shape", "graph.shapes"};
static constexpr llvm::StringLiteral kSymbols = "graph.symbols", kAssumptions = "graph.assumptions",
                                     kNominal = "graph.nominal_sizes";

SymbolSubset::SymbolSubset(ModuleOp whole, ModuleOp part)
    : whole(whole), part(part), symbols(graph::readSymbols(whole)), used(symbols.size()) {}

void SymbolSubset::write(ArrayRef<graph::Assumption> others) {
  useAll();
  useAssumptions(others);
  names.assign(symbols.size(), getAffineConstantExpr(0, whole.getContext()));
  std::vector<graph::Symbol> table;
  for (auto [i, symbol] : llvm::enumerate(symbols)) {
    if (!used[i])
      continue;
    for (AffineExpr &argument : symbol.arguments)
      argument = argument.replaceSymbols(names);
    names[i] = getAffineSymbolExpr(table.size(), whole.getContext());
    table.push_back(symbol);
  }
  count = table.size();
  part.walk([&](Operation *op) {
    for (StringRef name : kShapeAttrs)
      if (Attribute shapes = op->getAttr(name))
        op->setAttr(name, renamed(shapes));
    if (auto func = dyn_cast<func::FuncOp>(op))
      for (unsigned i = 0; i < func.getNumArguments(); ++i)
        if (Attribute shape = func.getArgAttr(i, kShapeAttrs[0]))
          func.setArgAttr(i, kShapeAttrs[0], renamed(shape));
  });
  part->setAttr(kSymbols, graph::symbolsAttr(table, whole.getContext()));
  for (graph::Assumption &assumption : assumptions) {
    assumption.a = assumption.a.replaceSymbols(names);
    assumption.b = assumption.b.replaceSymbols(names);
  }
  if (!assumptions.empty())
    part->setAttr(kAssumptions, graph::assumptionsAttr(assumptions, count, whole.getContext()));
  if (Attribute nominal = whole->getAttr(kNominal))
    part->setAttr(kNominal, nominal);
}

void SymbolSubset::useAll() {
  auto useMaps = [&](Attribute shapes) {
    shapes.walk([&](AffineMapAttr map) { llvm::for_each(map.getValue().getResults(), [&](AffineExpr e) { use(e); }); });
  };
  part.walk([&](Operation *op) {
    for (StringRef name : kShapeAttrs)
      if (Attribute shapes = op->getAttr(name))
        useMaps(shapes);
    if (auto func = dyn_cast<func::FuncOp>(op))
      for (unsigned i = 0; i < func.getNumArguments(); ++i)
        if (Attribute shape = func.getArgAttr(i, kShapeAttrs[0]))
          useMaps(shape);
  });
}

void SymbolSubset::useAssumptions(ArrayRef<graph::Assumption> others) {
  assumptions = graph::readAssumptions(whole, kAssumptions);
  llvm::append_range(assumptions, others);
  llvm::erase_if(assumptions, [&](const graph::Assumption &x) { return !isLive(x.a) || !isLive(x.b); });
  for (const graph::Assumption &assumption : assumptions) {
    use(assumption.a);
    use(assumption.b);
  }
}

void SymbolSubset::use(AffineExpr size) {
  size.walk([&](AffineExpr term) {
    auto symbol = dyn_cast<AffineSymbolExpr>(term);
    if (!symbol || used[symbol.getPosition()])
      return;
    used[symbol.getPosition()] = true;
    for (AffineExpr argument : symbols[symbol.getPosition()].arguments)
      use(argument);
  });
}

bool SymbolSubset::isLive(AffineExpr size) const {
  bool all = true;
  size.walk([&](AffineExpr term) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(term)) {
      const graph::Symbol &known = symbols[symbol.getPosition()];
      all &= used[symbol.getPosition()] ||
             (known.isDerived() && llvm::all_of(known.arguments, [&](AffineExpr x) { return isLive(x); }));
    }
  });
  return all;
}

Attribute SymbolSubset::renamed(Attribute shapes) const {
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](AffineMapAttr map) {
    SmallVector<AffineExpr> sizes;
    for (AffineExpr size : map.getValue().getResults())
      sizes.push_back(size.replaceSymbols(names));
    return AffineMapAttr::get(AffineMap::get(0, count, sizes, map.getContext()));
  });
  return replacer.replace(shapes);
}

} // namespace tenon::partition
