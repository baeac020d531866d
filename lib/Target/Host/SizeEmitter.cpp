// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emission of sizes, with and without a watch over 64 bits.
#include "SizeEmitter.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace tenon::host {

/// a + b or a * b; while `overflow` is set it tells whether any lay beyond i64.
template <typename Plain, typename Checked>
static Value arithmetic(SizeEmitter &e, Value &overflow, Value a, Value c) {
  if (!overflow)
    return Plain::create(e.b, e.loc, a, c);
  auto pair = LLVM::LLVMStructType::getLiteral(e.b.getContext(), {e.i64, e.b.getI1Type()});
  Value both = Checked::create(e.b, e.loc, pair, a, c);
  Value lost = LLVM::ExtractValueOp::create(e.b, e.loc, both, 1);
  overflow = arith::OrIOp::create(e.b, e.loc, overflow, lost);
  return LLVM::ExtractValueOp::create(e.b, e.loc, both, 0);
}

Value SizeEmitter::add(Value a, Value c) {
  return arithmetic<arith::AddIOp, LLVM::SAddWithOverflowOp>(*this, overflow, a, c);
}
Value SizeEmitter::mul(Value a, Value c) {
  return arithmetic<arith::MulIOp, LLVM::SMulWithOverflowOp>(*this, overflow, a, c);
}

Value SizeEmitter::size(function_ref<Value()> compute) {
  overflow = arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
  Value value = compute();
  value = select(overflow, constant(-1), value);
  overflow = {};
  return value;
}

Value SizeEmitter::eval(AffineExpr expr) {
  if (auto known = dyn_cast<AffineConstantExpr>(expr))
    return constant(known.getValue());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return LLVM::LoadOp::create(b, loc, i64, element(symbols, i64, symbol.getPosition()));
  auto binary = cast<AffineBinaryOpExpr>(expr);
  if (binary.getKind() == AffineExprKind::Add)
    return sum(expr);
  Value lhs = eval(binary.getLHS()), rhs = eval(binary.getRHS());
  switch (binary.getKind()) {
  case AffineExprKind::Mul: return mul(lhs, rhs);
  case AffineExprKind::Mod: return modulo(lhs, rhs);
  case AffineExprKind::FloorDiv: return arith::FloorDivSIOp::create(b, loc, lhs, rhs);
  default: return arith::CeilDivSIOp::create(b, loc, lhs, rhs);
  }
}

/// The terms one after the other; of many, those of a part in a function of its own.
Value SizeEmitter::sum(AffineExpr expr) {
  SmallVector<AffineExpr> terms, rest{expr};
  while (!rest.empty()) {
    AffineExpr term = rest.pop_back_val();
    auto binary = dyn_cast<AffineBinaryOpExpr>(term);
    if (binary && binary.getKind() == AffineExprKind::Add)
      rest.append({binary.getRHS(), binary.getLHS()});
    else
      terms.push_back(term);
  }
  if (terms.size() <= kMostSizes) {
    Value total = eval(terms.front());
    for (AffineExpr term : ArrayRef(terms).drop_front())
      total = add(total, eval(term));
    return total;
  }
  Value total = constant(0);
  for (size_t from = 0; from < terms.size(); from += kMostSizes) {
    auto part = sumPart(expr, from, ArrayRef(terms).slice(from, std::min(kMostSizes, terms.size() - from)));
    auto call = func::CallOp::create(b, loc, part, symbols);
    total = add(total, call.getResult(0));
    if (overflow)
      overflow = arith::OrIOp::create(b, loc, overflow, call.getResult(1));
  }
  return total;
}

/// symbols -> (the sum of a part of an expression's terms, whether it lay beyond i64)
func::FuncOp SizeEmitter::sumPart(AffineExpr expr, size_t number, ArrayRef<AffineExpr> terms) {
  if (func::FuncOp known = sumParts.lookup({expr, number}))
    return known;
  OpBuilder::InsertionGuard guard(b);
  llvm::SaveAndRestore<Value> keepSymbols(symbols), keepOverflow(overflow);
  auto part = beginFunction(("tenon_sum_" + Twine(sums++)).str(), {pointer}, {i64, b.getI1Type()}, 0);
  part.setPrivate();
  part->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  overflow = arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
  Value total = constant(0);
  for (AffineExpr term : terms)
    total = add(total, eval(term));
  func::ReturnOp::create(b, loc, ValueRange{total, overflow});
  sumParts[{expr, number}] = part; // a term may have had sums of its own
  return part;
}

func::FuncOp SizeEmitter::beginFunction(StringRef name, ArrayRef<Type> arguments, ArrayRef<Type> results,
                                        unsigned symbolArgument) {
  b.setInsertionPointToEnd(module.getBody());
  auto func = func::FuncOp::create(b, loc, name, b.getFunctionType(arguments, results));
  Block *entry = func.addEntryBlock();
  b.setInsertionPointToStart(entry);
  symbols = entry->getArgument(symbolArgument);
  return func;
}

/// x - y * floor(x / y) for positive y.
Value SizeEmitter::modulo(Value x, Value y) {
  Value quotient = arith::FloorDivSIOp::create(b, loc, x, y);
  return arith::SubIOp::create(b, loc, x, arith::MulIOp::create(b, loc, y, quotient));
}

Value SizeEmitter::derive(const graph::Symbol &symbol) {
  Value none = overflow = arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
  Value value = derived(symbol);
  if (overflow != none) // some arithmetic may have
    value = select(overflow, constant(int64_t(1) << 62), value);
  overflow = {};
  return value;
}

Value SizeEmitter::derived(const graph::Symbol &symbol) {
  SmallVector<Value> x;
  for (AffineExpr argument : symbol.arguments)
    x.push_back(eval(argument));
  auto fold = [&](function_ref<Value(Value, Value)> join) {
    Value all = x.front();
    for (Value value : ArrayRef(x).drop_front())
      all = join(all, value);
    return all;
  };
  auto asNumber = [&](Value truth) -> Value { return arith::ExtUIOp::create(b, loc, i64, truth); };
  // Divisors that no quotient has: 0, and -1, where it is the negative dividend.
  auto total = [&](function_ref<Value(Value)> ordinary, Value byZero, Value byMinusOne) {
    Value minusOne = compare(arith::CmpIPredicate::eq, x[1], constant(-1));
    Value special = arith::OrIOp::create(b, loc, isZero(x[1]), minusOne);
    return select(isZero(x[1]), byZero, select(minusOne, byMinusOne, ordinary(select(special, constant(1), x[1]))));
  };
  auto negative = [&]() -> Value { return arith::SubIOp::create(b, loc, constant(0), x[0]); };
  using graph::Derivation;
  switch (symbol.derivation) {
  case Derivation::min: return fold([&](Value a, Value c) -> Value { return arith::MinSIOp::create(b, loc, a, c); });
  case Derivation::max: return fold([&](Value a, Value c) -> Value { return arith::MaxSIOp::create(b, loc, a, c); });
  case Derivation::floordiv:
    return total([&](Value y) -> Value { return arith::FloorDivSIOp::create(b, loc, x[0], y); }, constant(0),
                 negative());
  case Derivation::truncdiv:
    return total([&](Value y) -> Value { return arith::DivSIOp::create(b, loc, x[0], y); }, constant(0), negative());
  case Derivation::mod: return total([&](Value y) { return modulo(x[0], y); }, x[0], constant(0));
  case Derivation::eq: return asNumber(compare(arith::CmpIPredicate::eq, x[0], x[1]));
  case Derivation::lt: return asNumber(compare(arith::CmpIPredicate::slt, x[0], x[1]));
  case Derivation::select: return select(isZero(x[0]), x[2], x[1]);
  case Derivation::broadcast: {
    Value result = x.back(); // the last is 1 itself, or the first that is not
    for (Value value : llvm::reverse(ArrayRef(x).drop_back()))
      result = select(compare(arith::CmpIPredicate::eq, value, constant(1)), result, value);
    return result;
  }
  default: llvm_unreachable("no size is a ratio");
  }
}

} // namespace tenon::host
