// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes to expect, from the symbols of a module and what was said of them.
#include "tenon/Analysis/NominalSizes.h"

#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Graph/IR/SymbolValues.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tenon {

SmallVector<int64_t> nominalSizes(ModuleOp module) {
  SmallVector<int64_t> sizes;
  auto nominal = module->getAttrOfType<DictionaryAttr>("graph.nominal_sizes");
  for (const graph::Symbol &symbol : graph::readSymbols(module)) {
    int64_t size = std::clamp(kExpectedSize, symbol.min, std::max(symbol.min, symbol.max));
    if (auto given = nominal ? nominal.getAs<IntegerAttr>(symbol.name) : IntegerAttr()) {
      size = given.getInt();
    } else if (symbol.isDerived()) {
      SmallVector<int64_t> arguments;
      for (AffineExpr argument : symbol.arguments)
        arguments.push_back(graph::valueAt(argument, sizes).value_or(kExpectedSize));
      size = graph::evaluate(symbol.derivation, arguments);
    } else {
      size = llvm::divideCeil(size, std::max<int64_t>(symbol.divisor, 1)) * std::max<int64_t>(symbol.divisor, 1);
    }
    sizes.push_back(size);
  }
  return sizes;
}

OwningOpRef<Operation *> atSizes(Operation *op, ArrayRef<int64_t> sizes, IRMapping *mapping) {
  IRMapping own;
  OwningOpRef<Operation *> copy(op->clone(mapping ? *mapping : own));
  auto fix = [&](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || type.hasStaticShape())
      return;
    SmallVector<int64_t> shape;
    for (AffineExpr expr : plan::shapeOf(value))
      shape.push_back(std::max<int64_t>(0, graph::valueAt(expr, sizes).value_or(kExpectedSize)));
    value.setType(type.clone(shape));
  };
  copy.get()->walk([&](Operation *inner) {
    if (inner != copy.get())
      llvm::for_each(inner->getResults(), fix);
    for (Region &region : inner->getRegions())
      for (Block &block : region)
        llvm::for_each(block.getArguments(), fix);
  });
  return copy;
}

} // namespace tenon
