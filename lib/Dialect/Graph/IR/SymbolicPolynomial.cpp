// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Polynomials over dimension symbols: sums, products, exact quotients.
#include "SymbolicPolynomial.h"

#include "llvm/ADT/STLExtras.h"
#include <numeric>

using namespace mlir;

namespace tenon::graph {
namespace {

using Factors = SmallVector<AffineExpr, 2>;

/// A total order that does not depend on addresses.
int compare(AffineExpr a, AffineExpr b) {
  if (a == b)
    return 0;
  if (a.getKind() != b.getKind()) // symbols before quotients
    return (a.getKind() == AffineExprKind::SymbolId) != (b.getKind() == AffineExprKind::SymbolId)
               ? (a.getKind() == AffineExprKind::SymbolId ? -1 : 1)
               : (a.getKind() < b.getKind() ? -1 : 1);
  if (auto x = dyn_cast<AffineSymbolExpr>(a))
    return x.getPosition() < cast<AffineSymbolExpr>(b).getPosition() ? -1 : 1;
  if (auto x = dyn_cast<AffineDimExpr>(a))
    return x.getPosition() < cast<AffineDimExpr>(b).getPosition() ? -1 : 1;
  if (auto x = dyn_cast<AffineConstantExpr>(a))
    return x.getValue() < cast<AffineConstantExpr>(b).getValue() ? -1 : 1;
  auto x = cast<AffineBinaryOpExpr>(a), y = cast<AffineBinaryOpExpr>(b);
  int first = compare(x.getLHS(), y.getLHS());
  return first ? first : compare(x.getRHS(), y.getRHS());
}

int compare(const Factors &a, const Factors &b) {
  if (a.size() != b.size())
    return a.size() > b.size() ? -1 : 1;
  for (auto [x, y] : llvm::zip(a, b))
    if (int order = compare(x, y))
      return order;
  return 0;
}

/// No tensor has such a size. Arithmetic stays there instead of wrapping around to
/// a size that looks like one; ShapeAnalysis refuses it where it arises.
constexpr int64_t kMostCoefficient = int64_t(1) << 62;

int64_t limited(__int128 value) { return std::clamp<__int128>(value, -kMostCoefficient, kMostCoefficient); }

struct Term {
  Factors factors;
  int64_t coefficient;
};

class Polynomial {
public:
  explicit Polynomial(MLIRContext *context) : context(context) {}

  static Polynomial of(AffineExpr expr);

  void add(const Term &term) {
    auto it = llvm::partition_point(terms, [&](const Term &t) { return compare(t.factors, term.factors) < 0; });
    if (it == terms.end() || compare(it->factors, term.factors) != 0) {
      if (term.coefficient)
        terms.insert(it, Term{term.factors, limited(term.coefficient)});
      return;
    }
    it->coefficient = limited(__int128(it->coefficient) + term.coefficient);
    if (!it->coefficient)
      terms.erase(it);
  }
  void add(const Polynomial &other) {
    for (const Term &term : other.terms)
      add(term);
  }
  Polynomial times(const Polynomial &other) const {
    Polynomial result(context);
    for (const Term &a : terms)
      for (const Term &b : other.terms)
        result.add(times(a, b));
    return result;
  }

  /// Splits this into quotient * divisor + remainder: exactly where the divisor
  /// is one term, else only if the remainder is zero.
  std::pair<Polynomial, Polynomial> divide(const Polynomial &divisor) const {
    Polynomial quotient(context), remainder(context), rest = *this;
    if (divisor.terms.empty())
      return {quotient, rest};
    // Each step removes the leading term of rest, so this ends.
    while (!rest.terms.empty()) {
      Term head = rest.terms.front();
      std::optional<Term> part = divide(head, divisor.terms.front());
      if (!part) {
        rest.terms.erase(rest.terms.begin());
        remainder.add(head);
        continue;
      }
      quotient.add(*part);
      for (const Term &term : divisor.terms) {
        Term removed = times(*part, term);
        removed.coefficient = -removed.coefficient;
        rest.add(removed);
      }
    }
    if (divisor.terms.size() > 1 && !remainder.terms.empty())
      return {Polynomial(context), *this};
    return {quotient, remainder};
  }

  std::optional<int64_t> asConstant() const {
    if (terms.empty())
      return 0;
    if (terms.size() == 1 && terms[0].factors.empty())
      return terms[0].coefficient;
    return std::nullopt;
  }

  AffineExpr get() const {
    AffineExpr sum = getAffineConstantExpr(0, context);
    for (const Term &term : terms) {
      AffineExpr product;
      for (AffineExpr factor : term.factors)
        product = product ? product * factor : factor;
      sum = sum + (product ? product * term.coefficient : getAffineConstantExpr(term.coefficient, context));
    }
    return sum;
  }

  MLIRContext *context;
  SmallVector<Term> terms;

private:
  static Term times(const Term &a, const Term &b) {
    Term result{a.factors, limited(__int128(a.coefficient) * b.coefficient)};
    result.factors.append(b.factors);
    llvm::stable_sort(result.factors, [](AffineExpr x, AffineExpr y) { return compare(x, y) < 0; });
    return result;
  }
  static std::optional<Term> divide(const Term &a, const Term &b) {
    if (a.coefficient % b.coefficient)
      return std::nullopt;
    Term result{a.factors, a.coefficient / b.coefficient};
    for (AffineExpr factor : b.factors) {
      auto it = llvm::find(result.factors, factor);
      if (it == result.factors.end())
        return std::nullopt;
      result.factors.erase(it);
    }
    return result;
  }
};

/// floor((floor(n / d) + k) / c) = floor((n + k d) / (c d)) for positive c, d.
std::optional<std::pair<Polynomial, int64_t>> nestedQuotient(const Polynomial &value, int64_t by) {
  if (value.terms.empty() || value.terms.size() > 2 || value.terms[0].coefficient != 1 ||
      value.terms[0].factors.size() != 1)
    return std::nullopt;
  auto inner = dyn_cast<AffineBinaryOpExpr>(value.terms[0].factors[0]);
  if (!inner || inner.getKind() != AffineExprKind::FloorDiv)
    return std::nullopt;
  auto divisor = dyn_cast<AffineConstantExpr>(inner.getRHS());
  if (!divisor || divisor.getValue() <= 0 || by <= 0 || (value.terms.size() == 2 && !value.terms[1].factors.empty()))
    return std::nullopt;
  Polynomial numerator = Polynomial::of(inner.getLHS());
  if (value.terms.size() == 2)
    numerator.add(Term{{}, limited(__int128(value.terms[1].coefficient) * divisor.getValue())});
  return std::make_pair(numerator, limited(__int128(by) * divisor.getValue()));
}

Polynomial quotient(AffineExprKind kind, Polynomial value, Polynomial divisor) {
  MLIRContext *context = value.context;
  Polynomial result(context);
  auto [whole, rest] = value.divide(divisor);
  if (kind != AffineExprKind::Mod)
    result = whole;
  if (rest.terms.empty())
    return result;
  if (kind == AffineExprKind::FloorDiv && divisor.asConstant())
    if (auto nested = nestedQuotient(rest, *divisor.asConstant())) {
      Polynomial by(context);
      by.add(Term{{}, nested->second});
      result.add(quotient(kind, nested->first, by));
      return result;
    }
  int64_t common = 0;
  for (const Polynomial *part : {&rest, &divisor})
    for (const Term &term : part->terms)
      common = std::gcd(common, term.coefficient);
  if (kind != AffineExprKind::Mod && common > 1) {
    for (Polynomial *part : {&rest, &divisor})
      for (Term &term : part->terms)
        term.coefficient /= common;
  }
  AffineExpr atom = getAffineBinaryOpExpr(kind, rest.get(), divisor.get());
  if (auto constant = dyn_cast<AffineConstantExpr>(atom))
    result.add(Term{{}, constant.getValue()});
  else
    result.add(Term{{atom}, 1});
  return result;
}

Polynomial Polynomial::of(AffineExpr expr) {
  Polynomial result(expr.getContext());
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    result.add(Term{{}, constant.getValue()});
    return result;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary) {
    result.add(Term{{expr}, 1});
    return result;
  }
  Polynomial lhs = of(binary.getLHS()), rhs = of(binary.getRHS());
  switch (binary.getKind()) {
  case AffineExprKind::Add: lhs.add(rhs); return lhs;
  case AffineExprKind::Mul: return lhs.times(rhs);
  default: return quotient(binary.getKind(), lhs, rhs);
  }
}

} // namespace

AffineExpr canonical(AffineExpr expr) {
  if (!expr || !isa<AffineBinaryOpExpr>(expr))
    return expr;
  return Polynomial::of(expr).get();
}

bool comesBefore(AffineExpr a, AffineExpr b) { return compare(a, b) < 0; }

int64_t linearFactor(AffineExpr expr, AffineExpr symbol) {
  if (expr == symbol)
    return 1;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (binary && binary.getKind() == AffineExprKind::Add) {
    int64_t left = linearFactor(binary.getLHS(), symbol);
    return left ? left : linearFactor(binary.getRHS(), symbol);
  }
  auto factor = binary && binary.getKind() == AffineExprKind::Mul ? dyn_cast<AffineConstantExpr>(binary.getRHS())
                                                                  : AffineConstantExpr();
  return factor && binary.getLHS() == symbol ? factor.getValue() : 0;
}

AffineExpr productOf(ArrayRef<AffineExpr> dims, MLIRContext *context) {
  Polynomial product(context);
  product.add(Term{{}, 1});
  for (AffineExpr dim : dims)
    product = product.times(Polynomial::of(dim));
  return product.get();
}

std::optional<AffineExpr> divideExactly(AffineExpr a, AffineExpr b) {
  Polynomial divisor = Polynomial::of(b);
  auto [quotient, remainder] = Polynomial::of(a).divide(divisor);
  if (divisor.terms.empty() || !remainder.terms.empty())
    return std::nullopt;
  return quotient.get();
}

} // namespace tenon::graph
