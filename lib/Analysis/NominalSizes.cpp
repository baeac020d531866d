// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes to expect, from the symbols of a module and what was said of them.
#include "tenon/Analysis/NominalSizes.h"

#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Graph/IR/Symbols.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tenon {

static int64_t constantOr(AffineExpr expr, int64_t otherwise) {
  auto constant = dyn_cast_or_null<AffineConstantExpr>(expr);
  return constant ? constant.getValue() : otherwise;
}

SmallVector<int64_t> nominalSizes(ModuleOp module) {
  SmallVector<int64_t> sizes;
  SmallVector<AffineExpr> values;
  auto nominal = module->getAttrOfType<DictionaryAttr>("graph.nominal_sizes");
  for (const graph::Symbol &symbol : graph::readSymbols(module)) {
    int64_t size = std::clamp(kExpectedSize, symbol.min, std::max(symbol.min, symbol.max));
    if (auto given = nominal ? nominal.getAs<IntegerAttr>(symbol.name) : IntegerAttr()) {
      size = given.getInt();
    } else if (symbol.isDerived()) {
      SmallVector<int64_t> arguments;
      for (AffineExpr argument : symbol.arguments)
        arguments.push_back(constantOr(simplifyAffineExpr(argument.replaceSymbols(values), 0, 0), kExpectedSize));
      size = graph::evaluate(symbol.derivation, arguments);
    } else {
      size = llvm::divideCeil(size, std::max<int64_t>(symbol.divisor, 1)) * std::max<int64_t>(symbol.divisor, 1);
    }
    sizes.push_back(size);
    values.push_back(getAffineConstantExpr(size, module.getContext()));
  }
  return sizes;
}

OwningOpRef<Operation *> atSizes(Operation *op, ArrayRef<int64_t> sizes, IRMapping *mapping) {
  SmallVector<AffineExpr> values;
  for (int64_t size : sizes)
    values.push_back(getAffineConstantExpr(size, op->getContext()));
  IRMapping own;
  OwningOpRef<Operation *> copy(op->clone(mapping ? *mapping : own));
  auto fix = [&](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || type.hasStaticShape())
      return;
    SmallVector<int64_t> shape;
    for (AffineExpr expr : plan::shapeOf(value))
      shape.push_back(std::max<int64_t>(
          0, constantOr(expr ? simplifyAffineExpr(expr.replaceSymbols(values), 0, 0) : expr, kExpectedSize)));
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
