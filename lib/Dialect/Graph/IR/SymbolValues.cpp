// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Derived symbols follow from those before them in their table.
#include "tenon/Dialect/Graph/IR/SymbolValues.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tenon::graph {

SmallVector<int64_t> symbolValues(ArrayRef<Symbol> symbols, llvm::function_ref<int64_t(const Symbol &)> valueOf) {
  SmallVector<int64_t> values;
  for (const Symbol &symbol : symbols) {
    SmallVector<int64_t> arguments;
    for (AffineExpr argument : symbol.arguments)
      arguments.push_back(sizeAt(argument, values));
    values.push_back(symbol.isDerived() ? evaluate(symbol.derivation, arguments) : valueOf(symbol));
  }
  return values;
}

std::optional<int64_t> valueAt(AffineExpr expr, ArrayRef<int64_t> values) {
  if (!expr)
    return std::nullopt;
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbol.getPosition() < values.size() ? std::optional(values[symbol.getPosition()]) : std::nullopt;
  auto operation = dyn_cast<AffineBinaryOpExpr>(expr);
  auto a = operation ? valueAt(operation.getLHS(), values) : std::nullopt;
  auto b = operation ? valueAt(operation.getRHS(), values) : std::nullopt;
  int64_t result = 0;
  if (!a || !b)
    return std::nullopt;
  switch (expr.getKind()) {
  case AffineExprKind::Add: return llvm::AddOverflow(*a, *b, result) ? std::nullopt : std::optional(result);
  case AffineExprKind::Mul: return llvm::MulOverflow(*a, *b, result) ? std::nullopt : std::optional(result);
  case AffineExprKind::Mod: return *b > 0 ? std::optional(llvm::mod(*a, *b)) : std::nullopt;
  case AffineExprKind::FloorDiv: return *b > 0 ? std::optional(llvm::divideFloorSigned(*a, *b)) : std::nullopt;
  case AffineExprKind::CeilDiv: return *b > 0 ? std::optional(llvm::divideCeilSigned(*a, *b)) : std::nullopt;
  default: return std::nullopt;
  }
}

} // namespace tenon::graph
