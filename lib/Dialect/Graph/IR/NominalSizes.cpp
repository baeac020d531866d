// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values of symbols and of expressions over them, when the model is compiled.
#include "tenon/Dialect/Graph/IR/NominalSizes.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tenon::graph {

static AffineExpr at(AffineExpr expr, ArrayRef<AffineExpr> values) {
  return simplifyAffineExpr(expr.replaceSymbols(values), 0, 0);
}

static int64_t numberOr(AffineExpr expr, int64_t otherwise) {
  auto known = dyn_cast<AffineConstantExpr>(expr);
  return known ? known.getValue() : otherwise;
}

SmallVector<int64_t> symbolValues(ArrayRef<Symbol> symbols, llvm::function_ref<int64_t(const Symbol &)> valueOf,
                                  MLIRContext *context) {
  SmallVector<int64_t> values;
  SmallVector<AffineExpr> known;
  for (const Symbol &symbol : symbols) {
    SmallVector<int64_t> arguments;
    for (AffineExpr argument : symbol.arguments)
      arguments.push_back(numberOr(at(argument, known), kNominalSize));
    values.push_back(symbol.isDerived() ? evaluate(symbol.derivation, arguments) : valueOf(symbol));
    known.push_back(getAffineConstantExpr(values.back(), context));
  }
  return values;
}

SmallVector<int64_t> nominalSizes(ModuleOp module) {
  auto nominal = module->getAttrOfType<DictionaryAttr>("graph.nominal_sizes");
  return symbolValues(
      readSymbols(module),
      [&](const Symbol &symbol) -> int64_t {
        if (auto given = nominal ? nominal.getAs<IntegerAttr>(symbol.name) : IntegerAttr())
          return given.getInt();
        int64_t size = std::clamp(kNominalSize, symbol.min, std::max(symbol.min, symbol.max));
        return llvm::alignTo(size, std::max<int64_t>(symbol.divisor, 1));
      },
      module.getContext());
}

int64_t sizeAt(AffineExpr size, ArrayRef<int64_t> values) {
  if (!size)
    return kNominalSize;
  SmallVector<AffineExpr> known;
  for (int64_t value : values)
    known.push_back(getAffineConstantExpr(value, size.getContext()));
  return std::max<int64_t>(0, numberOr(at(size, known), kNominalSize));
}

RankedTensorType typeAt(RankedTensorType type, AffineMapAttr shape, ArrayRef<int64_t> values) {
  SmallVector<int64_t> sizes(type.getShape());
  for (auto [i, size] : llvm::enumerate(sizes))
    if (ShapedType::isDynamic(size))
      size = sizeAt(shape ? shape.getValue().getResult(i) : AffineExpr(), values);
  return type.clone(sizes);
}

} // namespace tenon::graph
