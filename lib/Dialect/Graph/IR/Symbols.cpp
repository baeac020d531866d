// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of symbols and the assumptions as attributes, and the value of a
// derived symbol.
#include "tenon/Dialect/Graph/IR/Symbols.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace tenon::graph {
namespace {

struct Form {
  Derivation kind;
  StringLiteral name;
  unsigned least, most; ///< arguments
};

constexpr unsigned kMany = std::numeric_limits<unsigned>::max();
constexpr Form kOperations[] = {
    {Derivation::min, "min", 1, kMany},
    {Derivation::max, "max", 1, kMany},
    {Derivation::floordiv, "floordiv", 2, 2},
    {Derivation::mod, "mod", 2, 2},
    {Derivation::truncdiv, "truncdiv", 2, 2},
    {Derivation::eq, "eq", 2, 2},
    {Derivation::lt, "lt", 2, 2},
    {Derivation::select, "select", 3, 3},
    {Derivation::broadcast, "broadcast", 1, kMany},
    {Derivation::ratio, "ratio", 2, 2},
};

constexpr StringLiteral kAssumptionNames[] = {"equal", "at_most", "broadcasts", "never"};

/// Whether expressions of a map name symbols below `count` only.
bool isOver(AffineMap map, size_t count) {
  return map.getNumDims() == 0 && llvm::all_of(map.getResults(), [&](AffineExpr expr) {
           bool bound = true;
           expr.walk([&](AffineExpr part) {
             auto symbol = dyn_cast<AffineSymbolExpr>(part);
             bound &= !symbol || symbol.getPosition() < count;
           });
           return bound;
         });
}

} // namespace

StringRef derivationName(Derivation kind) {
  for (const Form &operation : kOperations)
    if (operation.kind == kind)
      return operation.name;
  return "";
}

std::optional<Derivation> parseDerivation(StringRef name) {
  for (const Form &operation : kOperations)
    if (operation.name == name)
      return operation.kind;
  return std::nullopt;
}

int64_t evaluate(Derivation kind, ArrayRef<int64_t> x) {
  // The one quotient that 64 bits do not hold stays what it was.
  auto quotient = [&]() { return x[1] == 0 ? 0 : x[1] == -1 ? int64_t(0 - uint64_t(x[0])) : x[0] / x[1]; };
  auto floored = [&]() {
    int64_t q = quotient();
    return x[1] != 0 && x[1] != -1 && x[0] % x[1] != 0 && (x[0] < 0) != (x[1] < 0) ? q - 1 : q;
  };
  switch (kind) {
  case Derivation::min: return *std::min_element(x.begin(), x.end());
  case Derivation::max: return *std::max_element(x.begin(), x.end());
  case Derivation::floordiv: return floored();
  case Derivation::mod: return x[1] == 0 ? x[0] : int64_t(uint64_t(x[0]) - uint64_t(x[1]) * uint64_t(floored()));
  case Derivation::truncdiv: return quotient();
  case Derivation::eq: return x[0] == x[1];
  case Derivation::lt: return x[0] < x[1];
  case Derivation::select: return x[0] ? x[1] : x[2];
  case Derivation::broadcast:
    for (int64_t size : x)
      if (size != 1)
        return size;
    return 1;
  default: return 0;
  }
}

std::vector<Symbol> readSymbols(ModuleOp module) {
  std::vector<Symbol> symbols;
  auto attr = module->getAttrOfType<ArrayAttr>("graph.symbols");
  if (!attr)
    return symbols;
  for (auto entry : attr.getAsRange<DictionaryAttr>()) {
    Symbol symbol;
    if (auto name = entry.getAs<StringAttr>("name"))
      symbol.name = name.str();
    symbol.min = entry.getAs<IntegerAttr>("min").getInt();
    symbol.max = entry.getAs<IntegerAttr>("max").getInt();
    if (auto divisor = entry.getAs<IntegerAttr>("divisor"))
      symbol.divisor = divisor.getInt();
    symbol.dataDependent = entry.contains("data_dependent");
    if (auto op = entry.getAs<StringAttr>("op")) {
      symbol.derivation = *parseDerivation(op);
      llvm::append_range(symbol.arguments, entry.getAs<AffineMapAttr>("args").getValue().getResults());
    }
    if (auto after = entry.getAs<StringAttr>("after"))
      symbol.after = after.str();
    symbols.push_back(std::move(symbol));
  }
  return symbols;
}

ArrayAttr symbolsAttr(ArrayRef<Symbol> symbols, MLIRContext *context) {
  Builder b(context);
  SmallVector<Attribute> attrs;
  for (const Symbol &symbol : symbols) {
    NamedAttrList entry;
    if (symbol.isDerived()) {
      entry.append("op", b.getStringAttr(derivationName(symbol.derivation)));
      entry.append("args", AffineMapAttr::get(AffineMap::get(0, attrs.size(), symbol.arguments, context)));
    } else {
      entry.append("name", b.getStringAttr(symbol.name));
      entry.append("divisor", b.getI64IntegerAttr(symbol.divisor));
    }
    entry.append("min", b.getI64IntegerAttr(symbol.min));
    entry.append("max", b.getI64IntegerAttr(symbol.max));
    if (symbol.dataDependent)
      entry.append("data_dependent", b.getUnitAttr());
    if (!symbol.after.empty())
      entry.append("after", b.getStringAttr(symbol.after));
    attrs.push_back(entry.getDictionary(context));
  }
  return b.getArrayAttr(attrs);
}

std::string whyNoSymbols(Attribute attribute) {
  auto symbols = dyn_cast<ArrayAttr>(attribute);
  if (!symbols)
    return "must be a list of dictionaries";
  for (auto [i, entry] : llvm::enumerate(symbols)) {
    auto symbol = dyn_cast<DictionaryAttr>(entry);
    auto hasNumber = [&](StringRef name) {
      auto number = symbol.getAs<IntegerAttr>(name);
      return number && number.getType().isInteger(64);
    };
    if (!symbol || !hasNumber("min") || !hasNumber("max"))
      return "must hold dictionaries with min and max";
    auto op = symbol.getAs<StringAttr>("op");
    if (!op) {
      if (!symbol.getAs<StringAttr>("name") || !hasNumber("divisor"))
        return "must hold dictionaries with name, min, max and divisor, or with op, args, min and max";
      continue;
    }
    const auto *known = llvm::find_if(kOperations, [&](const Form &o) { return o.name == op.getValue(); });
    if (known == std::end(kOperations))
      return ("has the unknown operation '" + op.getValue() + "'").str();
    auto args = symbol.getAs<AffineMapAttr>("args");
    size_t count = args ? args.getValue().getNumResults() : 0;
    if (!args || count < known->least || count > known->most || !isOver(args.getValue(), i))
      return ("needs, for symbol " + Twine(i) + " (" + op.getValue() +
              "), args: a map from the symbols before it to its arguments")
          .str();
  }
  return "";
}

StringRef branchAssumptions(unsigned region) {
  return region == 0 ? "graph.then_assumptions" : "graph.else_assumptions";
}
StringRef assumptionName(Assumption::Kind kind) { return kAssumptionNames[kind]; }

std::vector<Assumption> readAssumptions(mlir::Operation *op, StringRef attribute) {
  std::vector<Assumption> assumptions;
  auto attr = op->getAttrOfType<ArrayAttr>(attribute);
  if (!attr)
    return assumptions;
  for (auto entry : attr.getAsRange<DictionaryAttr>()) {
    AffineMap sizes = entry.getAs<AffineMapAttr>("sizes").getValue();
    auto kind = llvm::find(kAssumptionNames, entry.getAs<StringAttr>("kind").getValue()) - std::begin(kAssumptionNames);
    auto text = [&](StringRef key) {
      auto attr = entry.getAs<StringAttr>(key);
      return attr ? attr.str() : "";
    };
    assumptions.push_back({Assumption::Kind(kind), sizes.getResult(0), sizes.getResult(1), text("node"), text("why")});
  }
  return assumptions;
}

ArrayAttr assumptionsAttr(ArrayRef<Assumption> assumptions, size_t symbols, MLIRContext *context) {
  Builder b(context);
  SmallVector<Attribute> entries;
  for (const Assumption &assumption : assumptions) {
    NamedAttrList entry;
    entry.append("kind", b.getStringAttr(assumptionName(assumption.kind)));
    entry.append("sizes", AffineMapAttr::get(AffineMap::get(0, symbols, {assumption.a, assumption.b}, context)));
    if (!assumption.node.empty())
      entry.append("node", b.getStringAttr(assumption.node));
    if (!assumption.why.empty())
      entry.append("why", b.getStringAttr(assumption.why));
    entries.push_back(entry.getDictionary(context));
  }
  return b.getArrayAttr(entries);
}

std::string whyNoAssumptions(Attribute attribute, size_t symbols) {
  auto list = dyn_cast<ArrayAttr>(attribute);
  auto isAssumption = [&](Attribute entry) {
    auto assumption = dyn_cast<DictionaryAttr>(entry);
    auto kind = assumption ? assumption.getAs<StringAttr>("kind") : StringAttr();
    auto sizes = assumption ? assumption.getAs<AffineMapAttr>("sizes") : AffineMapAttr();
    return kind && llvm::is_contained(kAssumptionNames, kind.getValue()) && sizes &&
           sizes.getValue().getNumResults() == 2 && isOver(sizes.getValue(), symbols);
  };
  if (!list || !llvm::all_of(list, isAssumption))
    return "must hold dictionaries of a kind (equal, at_most, broadcasts or never) and a map from the module's symbols "
           "to two "
           "sizes";
  return "";
}

} // namespace tenon::graph
