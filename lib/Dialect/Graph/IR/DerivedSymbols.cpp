// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Derived symbols of the shape analysis: operations on sizes that affine
// expressions cannot say, what ranges tell of them, and the assumptions that
// sizes must hold.
#include "SymbolicPolynomial.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Support/Provenance.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace tenon::graph {

namespace {

constexpr int64_t kLow = std::numeric_limits<int64_t>::min(), kHigh = std::numeric_limits<int64_t>::max();
using Range = std::pair<int64_t, int64_t>;

/// Nested minima, maxima and broadcasts are joined up to this many arguments, so
/// that the order in which sizes were joined does not matter; longer chains stay
/// nested, and linear.
constexpr size_t kMostJoined = 4;
/// A range looks at facts up to this number of them.
constexpr size_t kMostFacts = 16;
/// How many minima or maxima in an expression its range looks into.
constexpr unsigned kRangeDepth = 2;

int64_t saturated(__int128 value) { return value < kLow ? kLow : value > kHigh ? kHigh : int64_t(value); }

std::optional<int64_t> asNumber(AffineExpr expr) {
  auto constant = dyn_cast<AffineConstantExpr>(expr);
  return constant ? std::optional(constant.getValue()) : std::nullopt;
}

/// The quotients of numbers from two ranges, rounded down; a divisor of 0 gives 0.
Range quotientRange(Range a, Range b) {
  // A divisor is below, at, or above 0: each part is monotonous at its ends.
  int64_t low = 0, high = 0;
  bool first = !(b.first <= 0 && b.second >= 0);
  auto take = [&](int64_t x, int64_t y) {
    int64_t q =
        x == kLow || x == kHigh ? (y < 0 ? saturated(-__int128(x)) : x) : evaluate(Derivation::floordiv, {x, y});
    low = first ? q : std::min(low, q);
    high = first ? q : std::max(high, q);
    first = false;
  };
  for (int64_t x : {a.first, a.second}) {
    for (int64_t y : {b.first, b.second})
      if (y != 0)
        take(x, y);
    if (b.first <= 1 && b.second >= 1)
      take(x, 1);
    if (b.first <= -1 && b.second >= -1)
      take(x, -1);
  }
  // An endless divisor brings a quotient down to 0, or from below to -1.
  if (b.second == kHigh || b.first == kLow) {
    low = std::min<int64_t>(low, (a.first < 0) != (b.first < 0) || a.first < 0 ? -1 : 0);
    high = std::max<int64_t>(high, 0);
  }
  return {low, high};
}

} // namespace

ShapeAnalysis::Key ShapeAnalysis::keyOf(Derivation kind, ArrayRef<AffineExpr> arguments) {
  Key key{kind, {}};
  for (AffineExpr argument : arguments)
    key.second.push_back(argument.getAsOpaquePointer());
  return key;
}

const Symbol *ShapeAnalysis::derivedSymbol(AffineExpr expr) const {
  auto symbol = expr ? dyn_cast<AffineSymbolExpr>(expr) : AffineSymbolExpr(nullptr);
  if (!symbol || symbol.getPosition() >= symbols.size() || !symbols[symbol.getPosition()].isDerived())
    return nullptr;
  return &symbols[symbol.getPosition()];
}

/// The arguments of an associative, commutative and idempotent operation, without
/// nested ones of its kind and each once.
SmallVector<AffineExpr> ShapeAnalysis::flatten(Derivation kind, ArrayRef<AffineExpr> arguments) const {
  SmallVector<AffineExpr> all;
  for (AffineExpr argument : arguments) {
    const Symbol *nested = derivedSymbol(argument);
    if (nested && nested->derivation == kind && nested->arguments.size() + arguments.size() <= kMostJoined + 1)
      all.append(nested->arguments.begin(), nested->arguments.end());
    else
      all.push_back(argument);
  }
  llvm::sort(all, comesBefore);
  all.erase(llvm::unique(all), all.end());
  return all;
}

Range ShapeAnalysis::rangeOf(Derivation kind, ArrayRef<AffineExpr> x) const {
  SmallVector<Range> ranges;
  for (AffineExpr argument : x)
    ranges.push_back(getRange(argument));
  Range all = ranges.front();
  auto join = [](Range a, Range b) { return Range{std::min(a.first, b.first), std::max(a.second, b.second)}; };
  switch (kind) {
  case Derivation::min:
    for (auto [low, high] : ranges)
      all = {std::min(all.first, low), std::min(all.second, high)};
    return all;
  case Derivation::max:
    for (auto [low, high] : ranges)
      all = {std::max(all.first, low), std::max(all.second, high)};
    return all;
  case Derivation::floordiv: return quotientRange(ranges[0], ranges[1]);
  case Derivation::truncdiv: {
    auto [low, high] = quotientRange(ranges[0], ranges[1]);
    return {low, saturated(__int128(high) + (low < 0))};
  }
  case Derivation::mod:
    if (ranges[1].first > 0)
      return {0, ranges[0].first >= 0 ? std::min(ranges[0].second, ranges[1].second - 1) : ranges[1].second - 1};
    if (ranges[1].first >= 0 && ranges[0].first >= 0)
      return {0, ranges[0].second};
    return {kLow, kHigh};
  case Derivation::eq:
  case Derivation::lt: return {0, 1};
  case Derivation::select: return join(ranges[1], ranges[2]);
  case Derivation::broadcast:
    for (Range range : ranges)
      all = join(all, range);
    return all;
  default: return {kLow, kHigh};
  }
}

/// Leaves out what is never the least (or largest) of the arguments.
static void dropNeedless(const ShapeAnalysis &analysis, Derivation kind, SmallVectorImpl<AffineExpr> &x) {
  for (size_t i = 0; i < x.size() && x.size() > 1;) {
    bool needless = false;
    for (size_t j = 0; j < x.size() && !needless; ++j) {
      if (i == j)
        continue;
      auto [low, high] = analysis.getRange(canonical(x[i] - x[j]));
      needless = kind == Derivation::min ? low >= 0 : high <= 0;
    }
    if (needless)
      x.erase(x.begin() + i);
    else
      ++i;
  }
}

/// A quotient, rounded down or towards 0, as an affine expression; null where it is none.
static AffineExpr simplifyQuotient(const ShapeAnalysis &analysis, Derivation kind, AffineExpr a, AffineExpr b) {
  auto divisor = asNumber(b);
  if (divisor == 0)
    return analysis.constant(0);
  // A quotient of sizes that may both be 0 is 0 there, as their factor is not.
  if (auto exact = divideExactly(a, b); exact && (divisor || analysis.getRange(b).first > 0))
    return *exact;
  if (divisor && *divisor > 0 && (kind == Derivation::floordiv || analysis.getRange(a).first >= 0))
    return canonical(a.floorDiv(*divisor));
  return {};
}

/// The choice between two expressions where it is decided, or where it is its own condition.
static AffineExpr simplifySelect(const ShapeAnalysis &analysis, AffineExpr condition, AffineExpr a, AffineExpr b) {
  auto [low, high] = analysis.getRange(condition);
  if (a == b || low > 0 || high < 0)
    return a;
  if (low == 0 && high == 0)
    return b;
  return low == 0 && high == 1 && a == 1 && b == 0 ? condition : AffineExpr();
}

/// The operation without a symbol of its own, or null; may rewrite the arguments.
AffineExpr ShapeAnalysis::simplify(Derivation kind, SmallVectorImpl<AffineExpr> &x) {
  auto difference = [&](AffineExpr a, AffineExpr b) { return getRange(canonical(a - b)); };
  switch (kind) {
  case Derivation::min:
  case Derivation::max:
    x = flatten(kind, x);
    dropNeedless(*this, kind, x);
    return x.size() == 1 ? x[0] : AffineExpr();
  case Derivation::floordiv:
  case Derivation::truncdiv: return simplifyQuotient(*this, kind, x[0], x[1]);
  case Derivation::mod: {
    auto divisor = asNumber(x[1]);
    if (divisor && *divisor > 0)
      return canonical(x[0] % *divisor);
    return divisor == 0 ? x[0] : AffineExpr();
  }
  case Derivation::eq: {
    auto [low, high] = difference(x[0], x[1]);
    if (low > 0 || high < 0)
      return constant(0);
    llvm::sort(x, comesBefore);
    return low == 0 && high == 0 ? constant(1) : AffineExpr();
  }
  case Derivation::lt: {
    auto [low, high] = difference(x[0], x[1]);
    return high < 0 ? constant(1) : low >= 0 ? constant(0) : AffineExpr();
  }
  case Derivation::select: return simplifySelect(*this, x[0], x[1], x[2]);
  case Derivation::broadcast:
    x = flatten(kind, x);
    llvm::erase_if(x, [](AffineExpr size) { return size == 1; });
    return x.empty() ? constant(1) : x.size() == 1 ? x[0] : AffineExpr();
  default: return {};
  }
}

AffineExpr ShapeAnalysis::derive(Derivation kind, ArrayRef<AffineExpr> arguments) {
  SmallVector<AffineExpr> x = llvm::map_to_vector(arguments, canonical);
  if (kind != Derivation::ratio && llvm::all_of(x, llvm::IsaPred<AffineConstantExpr>))
    return constant(evaluate(kind, llvm::map_to_vector(x, [](AffineExpr e) { return *asNumber(e); })));
  if (AffineExpr simple = simplify(kind, x))
    return simple;
  auto known = derived.find(keyOf(kind, x));
  if (known != derived.end())
    return getAffineSymbolExpr(known->second, context);
  Symbol fresh;
  fresh.derivation = kind;
  fresh.arguments.assign(x.begin(), x.end());
  std::tie(fresh.min, fresh.max) = rangeOf(kind, x);
  if (fresh.min == fresh.max)
    return constant(fresh.min);
  fresh.dataDependent = llvm::any_of(x, [&](AffineExpr e) { return isDataDependent(e); });
  addSymbol(std::move(fresh));
  return getAffineSymbolExpr(symbols.size() - 1, context);
}

/// Named dimensions that can have one value only are that value.
AffineExpr ShapeAnalysis::pinned(AffineExpr expr) const {
  llvm::DenseMap<AffineExpr, AffineExpr> values;
  expr.walk([&](AffineExpr part) {
    auto symbol = dyn_cast<AffineSymbolExpr>(part);
    if (!symbol)
      return;
    const Symbol &known = symbols[symbol.getPosition()];
    if (known.min == known.max && !known.dataDependent)
      values[part] = constant(known.min);
  });
  return values.empty() ? expr : expr.replace(values);
}

AffineExpr ShapeAnalysis::absorb(AffineExpr expr) {
  expr = canonical(pinned(expr));
  if (!isa<AffineBinaryOpExpr>(expr))
    return expr;
  AffineExpr found;
  int64_t factor = 0;
  expr.walk([&](AffineExpr part) {
    const Symbol *symbol = derivedSymbol(part);
    if (found || !symbol ||
        !llvm::is_contained({Derivation::min, Derivation::max, Derivation::select}, symbol->derivation))
      return;
    factor = linearFactor(expr, part);
    found = factor == 1 || factor == -1 ? part : AffineExpr();
  });
  if (!found)
    return expr;
  Derivation kind = derivedSymbol(found)->derivation;
  auto arguments = derivedSymbol(found)->arguments;
  for (auto [i, argument] : llvm::enumerate(arguments))
    if (kind != Derivation::select || i > 0)
      argument = absorb(expr + (argument - found) * factor);
  if (factor < 0 && kind != Derivation::select)
    kind = kind == Derivation::min ? Derivation::max : Derivation::min;
  return derive(kind, arguments);
}

AffineExpr ShapeAnalysis::ceilDiv(AffineExpr a, AffineExpr b) {
  if (auto divisor = asNumber(b); divisor && *divisor > 0)
    return canonical(a.ceilDiv(*divisor));
  return canonical(-derive(Derivation::floordiv, {-a, b}));
}

//===-- ranges ------------------------------------------------------------===//

Range ShapeAnalysis::getInterval(AffineExpr expr) const {
  if (auto constant = asNumber(expr))
    return {*constant, *constant};
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    const Symbol &known = symbols[symbol.getPosition()];
    return {known.min, known.max};
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return {kLow, kHigh};
  // A bound at the end of the numbers says that there is none.
  auto sum = [](int64_t a, int64_t b, int64_t open) {
    return a == open || b == open ? open : saturated(__int128(a) + b);
  };
  auto [al, ah] = getInterval(binary.getLHS());
  auto [bl, bh] = getInterval(binary.getRHS());
  switch (binary.getKind()) {
  case AffineExprKind::Add: return {sum(al, bl, kLow), sum(ah, bh, kHigh)};
  case AffineExprKind::Mul: {
    __int128 corners[] = {__int128(al) * bl, __int128(al) * bh, __int128(ah) * bl, __int128(ah) * bh};
    return {saturated(*std::min_element(corners, corners + 4)), saturated(*std::max_element(corners, corners + 4))};
  }
  case AffineExprKind::Mod: return {0, bh > 0 ? bh - 1 : kHigh};
  default: {
    if (bl <= 0)
      return {kLow, kHigh};
    // Between the extreme quotients; the ends of the range absorb the rounding.
    int64_t round = binary.getKind() == AffineExprKind::CeilDiv ? 1 : 0;
    int64_t low = al < 0 ? (al == kLow ? kLow : al / bl - 1) : al / bh;
    int64_t high = ah < 0 ? 0 : ah == kHigh ? kHigh : ah / bl + round;
    return {low, high};
  }
  }
}

/// The expression without its constant term, and that term.
static std::pair<AffineExpr, int64_t> split(AffineExpr expr) {
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (sum && sum.getKind() == AffineExprKind::Add)
    if (auto number = asNumber(sum.getRHS()))
      return {sum.getLHS(), *number};
  return {expr, 0};
}

Range ShapeAnalysis::getRange(AffineExpr expr) const {
  auto [low, high] = getRange(expr, kRangeDepth);
  if (facts.empty() || isa<AffineConstantExpr>(expr) || facts.size() > kMostFacts)
    return {low, high};
  // fact <= most, so expr = fact - (fact - expr) <= most - (fact - expr).
  auto bound = [&](AffineExpr sum, int64_t known) {
    for (auto [fact, most] : facts)
      if (int64_t rest = getInterval(canonical(fact - sum)).first; rest != kLow)
        known = std::min(known, saturated(__int128(most) - rest));
    return known;
  };
  high = bound(expr, high);
  if (int64_t below = bound(canonical(-expr), kHigh); below != kHigh)
    low = std::max(low, saturated(-__int128(below)));
  return {low, high};
}

namespace {

/// A sum that has both a quotient and its dividend in it.
struct DividedTerm {
  AffineExpr dividend, quotient; ///< (dividend + offset) floordiv divisor
  int64_t offset, divisor;
  int64_t factor; ///< of the dividend in the sum
};

} // namespace

static std::optional<DividedTerm> findDividedTerm(AffineExpr expr) {
  std::optional<DividedTerm> found;
  expr.walk([&](AffineExpr part) {
    auto binary = dyn_cast<AffineBinaryOpExpr>(part);
    if (found || !binary || binary.getKind() != AffineExprKind::FloorDiv || !linearFactor(expr, part))
      return;
    auto [rest, offset] = split(binary.getLHS());
    if (!isa<AffineSymbolExpr>(rest))
      return;
    if (int64_t factor = linearFactor(expr, rest))
      found = DividedTerm{rest, part, offset, *asNumber(binary.getRHS()), factor};
  });
  return found;
}

/// The first minimum, maximum, broadcast or choice that is a term of a sum, and its factor.
static std::pair<AffineExpr, int64_t> findChoice(const ShapeAnalysis &analysis, AffineExpr expr) {
  std::pair<AffineExpr, int64_t> found;
  expr.walk([&](AffineExpr part) {
    const Symbol *symbol = analysis.derivedSymbol(part);
    if (found.first || !symbol || symbol->arguments.size() > kMostJoined ||
        !llvm::is_contained({Derivation::min, Derivation::max, Derivation::broadcast, Derivation::select},
                            symbol->derivation))
      return;
    if (int64_t factor = linearFactor(expr, part))
      found = {part, factor};
  });
  return found;
}

Range ShapeAnalysis::getRange(AffineExpr expr, unsigned depth) const {
  Range range = getInterval(expr);
  if (depth == 0 || !isa<AffineBinaryOpExpr>(expr))
    return range;
  // A dividend is its quotient times the divisor, and a rest: N - 2 * (N floordiv 3)
  // is N floordiv 3 and 0 to 2.
  if (std::optional<DividedTerm> term = findDividedTerm(expr)) {
    AffineExpr replaced = expr + (term->quotient * term->divisor - term->offset - term->dividend) * term->factor;
    auto [low, high] = getRange(canonical(replaced), depth - 1);
    int64_t rest = saturated(__int128(term->factor) * (term->divisor - 1));
    low = low == kLow ? low : saturated(__int128(low) + std::min<int64_t>(rest, 0));
    high = high == kHigh ? high : saturated(__int128(high) + std::max<int64_t>(rest, 0));
    return {std::max(range.first, low), std::min(range.second, high)};
  }
  // A minimum is one of its arguments and not above any: with it in a sum, the sum
  // is one of those with an argument in its place, and bounded by each.
  auto [found, factor] = findChoice(*this, expr);
  if (!found)
    return range;
  const Symbol *symbol = derivedSymbol(found);
  ArrayRef<AffineExpr> choices = symbol->arguments;
  if (symbol->derivation == Derivation::select)
    choices = choices.drop_front();
  int64_t leastLow = kHigh, mostLow = kLow, leastHigh = kHigh, mostHigh = kLow;
  for (AffineExpr choice : choices) {
    auto [low, high] = getRange(canonical(expr + (choice - found) * factor), depth - 1);
    leastLow = std::min(leastLow, low);
    mostLow = std::max(mostLow, low);
    leastHigh = std::min(leastHigh, high);
    mostHigh = std::max(mostHigh, high);
  }
  bool isSmallest =
      (symbol->derivation == Derivation::min && factor > 0) || (symbol->derivation == Derivation::max && factor < 0);
  bool isLargest =
      (symbol->derivation == Derivation::max && factor > 0) || (symbol->derivation == Derivation::min && factor < 0);
  return {std::max(range.first, isLargest ? mostLow : leastLow),
          std::min(range.second, isSmallest ? leastHigh : mostHigh)};
}

//===-- assumptions -------------------------------------------------------===//

void ShapeAnalysis::assume(Assumption::Kind kind, AffineExpr a, AffineExpr b) {
  Assumption fresh{kind, canonical(a), canonical(b), {}, {}};
  auto holds = [&](Scope where) {
    auto list = assumptions.find(where);
    return list != assumptions.end() &&
           llvm::any_of(list->second, [&](const Assumption &x) { return x.sameAs(fresh); });
  };
  // What the blocks around this one have checked holds here.
  for (Scope around = scope;;) {
    if (holds(around))
      return;
    if (!around.first)
      break;
    Block *block = around.first->getBlock();
    Operation *parent = block ? block->getParentOp() : nullptr;
    around = isa_and_nonnull<scf::IfOp>(parent) ? Scope(parent, block->getParent()->getRegionNumber()) : Scope();
  }
  if (where)
    fresh.node = llvm::join(sourceNodes(where).getArrayRef(), ", ");
  if (!scope.first)
    learn(fresh);
  assumptions[scope].push_back(std::move(fresh));
}

void ShapeAnalysis::learn(AffineExpr expr, int64_t high) {
  auto [rest, constant] = split(canonical(expr));
  if (isa<AffineConstantExpr, AffineSymbolExpr>(rest))
    return; // nothing, or what the symbol's own range says
  int64_t most = saturated(__int128(high) - constant);
  auto [known, isNew] = facts.try_emplace(rest, most);
  known->second = std::min(known->second, most);
}

void ShapeAnalysis::learn(const Assumption &assumption) {
  if (assumption.kind == Assumption::broadcasts || assumption.kind == Assumption::never)
    return;
  learn(assumption.a - assumption.b, 0);
  if (assumption.kind == Assumption::equal)
    learn(assumption.b - assumption.a, 0);
}

void ShapeAnalysis::relearn() {
  facts.clear();
  if (auto whole = assumptions.find(Scope()); whole != assumptions.end())
    for (const Assumption &assumption : whole->second)
      learn(assumption);
}

void ShapeAnalysis::inlineAssumptions(Operation *branch, unsigned region) {
  std::vector<Assumption> moved = std::move(assumptions[{branch, region}]);
  assumptions.erase({branch, 0});
  assumptions.erase({branch, 1});
  enter(branch->getBlock(), branch->getLoc());
  std::vector<Assumption> &list = assumptions[scope];
  for (Assumption &assumption : moved)
    if (llvm::none_of(list, [&](const Assumption &x) { return x.sameAs(assumption); }))
      list.push_back(std::move(assumption));
}

void ShapeAnalysis::refuseBranch(Operation *branch, unsigned region, StringRef node, StringRef why) {
  branch->getRegion(region).walk([&](Operation *op) {
    for (Value result : op->getResults()) {
      shapes.erase(result);
      contents.erase(result);
    }
    assumptions.erase({op, 0});
    assumptions.erase({op, 1});
  });
  assumptions[{branch, region}] = {{Assumption::never, constant(0), constant(0), node.str(), why.str()}};
}

bool ShapeAnalysis::isRefused(Operation *branch, unsigned region) const {
  auto list = assumptions.find({branch, region});
  return list != assumptions.end() &&
         llvm::any_of(list->second, [](const Assumption &x) { return x.kind == Assumption::never; });
}

bool ShapeAnalysis::broadcastsTo(AffineExpr dim, AffineExpr to) {
  if (dim == 1 || dim == to)
    return true;
  if (getRange(dim).first > 1)
    return bool(unify(dim, to));
  if (isa<AffineConstantExpr>(dim) && isa<AffineConstantExpr>(to))
    return false;
  // What a size was joined with others to, it fits.
  const Symbol *join = derivedSymbol(to);
  if (join && join->derivation == Derivation::broadcast && llvm::is_contained(join->arguments, dim))
    return true;
  assume(Assumption::broadcasts, dim, to);
  return true;
}

/// Where `of` is a minimum or maximum of `choice` and others, requires that it is
/// `choice`: the others are not below (above) it. False of anything else.
bool ShapeAnalysis::requireChoice(AffineExpr choice, AffineExpr of) {
  const Symbol *symbol = derivedSymbol(of);
  if (!symbol || (symbol->derivation != Derivation::min && symbol->derivation != Derivation::max) ||
      !llvm::is_contained(symbol->arguments, choice))
    return false;
  bool isMin = symbol->derivation == Derivation::min;
  for (AffineExpr other : SmallVector<AffineExpr, 2>(symbol->arguments))
    if (other != choice)
      isMin ? assumeWithin(choice, other) : assumeWithin(other, choice);
  return true;
}

AffineExpr ShapeAnalysis::broadcast(AffineExpr a, AffineExpr b) {
  if (b == 1 || a == b)
    return a;
  if (a == 1)
    return b;
  if (isDataDependent(a) || isDataDependent(b))
    return unify(a, b);
  // A size that is never 1 is the result, and the other one 1 or the same.
  for (auto [dim, to] : {std::pair(a, b), std::pair(b, a)})
    if (auto [low, high] = getRange(to); low > 1 || high < 1)
      return broadcastsTo(dim, to) ? to : AffineExpr();
  // The minimum of a size and what is never 1 is 1 where the size is, so that the
  // two only fit where they are equal.
  for (auto [dim, least] : {std::pair(a, b), std::pair(b, a)}) {
    const Symbol *symbol = derivedSymbol(least);
    if (symbol && symbol->derivation == Derivation::min && llvm::is_contained(symbol->arguments, dim) &&
        llvm::all_of(symbol->arguments, [&, dim = dim](AffineExpr e) { return e == dim || getRange(e).first > 1; }))
      return requireChoice(dim, least) ? dim : AffineExpr();
  }
  AffineExpr result = derive(Derivation::broadcast, {a, b});
  const Symbol *join = derivedSymbol(result);
  if (!join || join->derivation != Derivation::broadcast)
    return result;
  // What either was joined from before has been checked against it then.
  for (AffineExpr part : {a, b})
    if (part != result)
      assume(Assumption::broadcasts, part, result);
  return result;
}

AffineExpr ShapeAnalysis::unify(AffineExpr a, AffineExpr b) {
  if (a == b)
    return a;
  // 3 and 4, but also s0 and s0 + 1.
  if (isa<AffineConstantExpr>(canonical(a - b)))
    return {};
  if (requireChoice(a, b))
    return a;
  if (requireChoice(b, a))
    return b;
  for (auto [expr, value] : {std::pair(a, b), std::pair(b, a)}) {
    auto symbol = dyn_cast<AffineSymbolExpr>(expr);
    auto number = asNumber(value);
    if (!symbol || !number || scope.first)
      continue;
    // A dimension of an input with one possible value: the input is checked.
    if (const Symbol &known = symbols[symbol.getPosition()]; known.isDerived() || known.dataDependent)
      continue;
    assumeAtLeast(expr, *number);
    assumeAtMost(expr, *number);
    return value;
  }
  assume(Assumption::equal, a, b);
  if (isa<AffineConstantExpr>(b))
    return b;
  // A size that the inputs give is better than one only known at run time.
  return isDataDependent(a) && !isDataDependent(b) ? b : a;
}

void ShapeAnalysis::assumeAtLeast(AffineExpr expr, int64_t low) {
  if (getRange(expr).first >= low)
    return;
  auto [rest, constant] = split(canonical(expr));
  auto symbol = dyn_cast<AffineSymbolExpr>(rest);
  if (symbol && !scope.first && !symbols[symbol.getPosition()].isDerived())
    symbols[symbol.getPosition()].min = saturated(__int128(low) - constant);
  else
    assume(Assumption::atMost, getAffineConstantExpr(low, context), expr);
}

void ShapeAnalysis::assumeAtMost(AffineExpr expr, int64_t high) {
  if (getRange(expr).second <= high)
    return;
  auto [rest, constant] = split(canonical(expr));
  auto symbol = dyn_cast<AffineSymbolExpr>(rest);
  if (symbol && !scope.first && !symbols[symbol.getPosition()].isDerived())
    symbols[symbol.getPosition()].max = saturated(__int128(high) - constant);
  else
    assume(Assumption::atMost, expr, getAffineConstantExpr(high, context));
}

void ShapeAnalysis::assumeWithin(AffineExpr size, AffineExpr limit) {
  if (auto known = asNumber(limit))
    return assumeAtMost(size, *known);
  if (auto known = asNumber(size))
    return assumeAtLeast(limit, *known);
  if (getRange(canonical(size - limit)).second > 0)
    assume(Assumption::atMost, size, limit);
}

} // namespace tenon::graph
