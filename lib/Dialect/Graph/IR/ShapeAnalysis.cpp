// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The engine of symbolic shape analysis; the ops' rules are in Shape*.cpp.
#include "SymbolicPolynomial.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace tenon::graph {

constexpr size_t kMostContents = 256;
constexpr double kMostWhole = 1e15; // floats up to here are exact in double

ShapeAnalysis ShapeAnalysis::fromModule(ModuleOp module) {
  ShapeAnalysis analysis(module.getContext());
  if (auto attr = module->getAttrOfType<ArrayAttr>("graph.symbols"))
    for (auto entry : attr.getAsRange<DictionaryAttr>())
      analysis.symbols.push_back({entry.getAs<StringAttr>("name").str(), entry.getAs<IntegerAttr>("min").getInt(),
                                  entry.getAs<IntegerAttr>("max").getInt(), entry.getAs<IntegerAttr>("divisor").getInt(),
                                  bool(entry.get("data_dependent"))});
  if (auto attr = module->getAttrOfType<ArrayAttr>("graph.assumptions"))
    for (AffineMap map : attr.getAsValueRange<AffineMapAttr>())
      analysis.assumptions.push_back({map.getResult(0), map.getResult(1)});
  return analysis;
}

void ShapeAnalysis::writeSymbols(ModuleOp module) const {
  Builder b(context);
  SmallVector<Attribute> attrs;
  for (const Symbol &symbol : symbols) {
    NamedAttrList entry;
    entry.append("name", b.getStringAttr(symbol.name));
    entry.append("min", b.getI64IntegerAttr(symbol.min));
    entry.append("max", b.getI64IntegerAttr(symbol.max));
    entry.append("divisor", b.getI64IntegerAttr(symbol.divisor));
    if (symbol.dataDependent)
      entry.append("data_dependent", b.getUnitAttr());
    attrs.push_back(entry.getDictionary(context));
  }
  module->setAttr("graph.symbols", b.getArrayAttr(attrs));
  module->removeAttr("graph.assumptions");
  SmallVector<Attribute> pairs;
  for (auto [left, right] : assumptions)
    pairs.push_back(AffineMapAttr::get(AffineMap::get(0, symbols.size(), {left, right}, context)));
  if (!pairs.empty())
    module->setAttr("graph.assumptions", b.getArrayAttr(pairs));
  // Unnamed dimensions of arguments keep their symbols from pass to pass.
  for (auto func : module.getOps<func::FuncOp>())
    for (BlockArgument argument : func.isDeclaration() ? ArrayRef<BlockArgument>() : ArrayRef<BlockArgument>(func.getArguments())) {
      auto known = shapes.find(argument);
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (known != shapes.end() && type && !type.hasStaticShape())
        func.setArgAttr(argument.getArgNumber(), "graph.shape",
                        AffineMapAttr::get(AffineMap::get(0, symbols.size(), known->second, context)));
    }
}

AffineExpr ShapeAnalysis::symbol(StringRef name) {
  if (!name.empty())
    for (auto [i, symbol] : llvm::enumerate(symbols))
      if (symbol.name == name)
        return getAffineSymbolExpr(i, context);
  Symbol fresh;
  fresh.name = name.empty() ? ("d" + Twine(symbols.size())).str() : name.str();
  while (name.empty() && llvm::any_of(symbols, [&](const Symbol &symbol) { return symbol.name == fresh.name; }))
    fresh.name += "_";
  fresh.min = 0;
  symbols.push_back(fresh);
  return getAffineSymbolExpr(symbols.size() - 1, context);
}

AffineExpr ShapeAnalysis::dataSymbol() {
  AffineExpr result = symbol("");
  symbols.back().dataDependent = true;
  return result;
}

bool ShapeAnalysis::isDataDependent(AffineExpr expr) const {
  bool found = false;
  expr.walk([&](AffineExpr part) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
      found |= symbol.getPosition() < symbols.size() && symbols[symbol.getPosition()].dataDependent;
  });
  return found;
}

void ShapeAnalysis::dropUnusedSymbols(Operation *root) {
  std::vector<bool> used(symbols.size());
  llvm::DenseMap<Value, Dims> live;
  auto keep = [&](Value value) {
    auto it = shapes.find(value);
    if (it == shapes.end())
      return;
    for (AffineExpr dim : it->second)
      dim.walk([&](AffineExpr part) {
        if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
          used[symbol.getPosition()] = true;
      });
    live.insert(*it);
  };
  root->walk([&](Operation *op) {
    llvm::for_each(op->getResults(), keep);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        llvm::for_each(block.getArguments(), keep);
  });
  SmallVector<AffineExpr> renamed;
  std::vector<Symbol> left;
  for (auto [i, symbol] : llvm::enumerate(symbols)) {
    renamed.push_back(getAffineSymbolExpr(left.size(), context));
    if (used[i])
      left.push_back(symbol);
  }
  auto rename = [&](AffineExpr expr) { return expr ? expr.replaceSymbols(renamed) : expr; };
  auto isLive = [&](AffineExpr expr) {
    bool all = true;
    expr.walk([&](AffineExpr part) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
        all &= used[symbol.getPosition()];
    });
    return all;
  };
  decltype(assumptions) kept;
  for (auto [a, b] : assumptions)
    if (isLive(a) && isLive(b))
      kept.push_back({rename(a), rename(b)});
  assumptions = std::move(kept);
  symbols = std::move(left);
  shapes = std::move(live);
  joins.clear();
  for (auto &[value, dims] : shapes)
    for (AffineExpr &dim : dims)
      dim = canonical(rename(dim));
  contents.clear(); // of values that may be gone
}

const ShapeAnalysis::Dims &ShapeAnalysis::getShape(Value value) {
  auto it = shapes.find(value);
  if (it != shapes.end())
    return it->second;
  Dims dims;
  if (auto type = dyn_cast<RankedTensorType>(value.getType())) {
    AffineMap map;
    Operation *op = value.getDefiningOp();
    if (op)
      if (auto attr = op->getAttrOfType<AffineMapAttr>("graph.shape"))
        map = attr.getValue();
    for (auto [i, size] : llvm::enumerate(type.getShape())) {
      if (!ShapedType::isDynamic(size))
        dims.push_back(constant(size));
      else
        dims.push_back(map ? map.getResult(i) : op ? dataSymbol() : symbol(""));
    }
  }
  return shapes.try_emplace(value, std::move(dims)).first->second;
}

void ShapeAnalysis::setShape(Value value, Dims dims) {
  SmallVector<int64_t> sizes;
  for (AffineExpr &dim : dims) {
    dim = canonical(dim);
    auto constant = dyn_cast<AffineConstantExpr>(dim);
    sizes.push_back(constant ? constant.getValue() : ShapedType::kDynamic);
  }
  value.setType(RankedTensorType::get(sizes, getElementTypeOrSelf(value.getType())));
  shapes[value] = std::move(dims);
}

std::optional<ShapeAnalysis::Dims> ShapeAnalysis::getContents(Value value) {
  auto it = contents.find(value);
  if (it != contents.end())
    return it->second;
  auto constantOp = value.getDefiningOp<ConstantOp>();
  if (!constantOp)
    return std::nullopt;
  auto dense = dyn_cast<DenseElementsAttr>(constantOp.getValue());
  auto type = cast<RankedTensorType>(constantOp.getType());
  if (!dense || size_t(type.getNumElements()) > kMostContents)
    return std::nullopt;
  Dims result;
  if (isa<IntegerType>(type.getElementType())) {
    bool isUnsigned = type.getElementType().isUnsignedInteger() || type.getElementType().isInteger(1);
    for (APInt element : dense.getValues<APInt>())
      result.push_back(constant(isUnsigned ? int64_t(element.getZExtValue()) : element.getSExtValue()));
  } else if (isa<FloatType>(type.getElementType())) {
    for (APFloat element : dense.getValues<APFloat>()) {
      double number = element.convertToDouble();
      bool isWhole = number == std::floor(number) && std::abs(number) < kMostWhole && !element.isNegZero();
      result.push_back(isWhole ? constant(int64_t(number)) : AffineExpr());
    }
  } else {
    return std::nullopt;
  }
  contents[value] = result;
  return result;
}

void ShapeAnalysis::setContents(Value value, Dims elements) {
  if (elements.size() > kMostContents)
    return;
  for (AffineExpr &element : elements)
    element = canonical(element);
  contents[value] = std::move(elements);
}

std::optional<SmallVector<int64_t>> ShapeAnalysis::getConstantInts(Value value) {
  auto elements = getContents(value);
  if (!elements)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (AffineExpr element : *elements) {
    auto constant = element ? dyn_cast<AffineConstantExpr>(element) : AffineConstantExpr();
    if (!constant)
      return std::nullopt;
    result.push_back(constant.getValue());
  }
  return result;
}

/// `dim`, or `otherwise` where dim is 1: (dim mod 2) * (2 floordiv (dim + 1)) is
/// 1 for 1, and 0 for every other size.
static AffineExpr unlessOne(AffineExpr dim, AffineExpr otherwise) {
  AffineExpr isOne = (dim % 2) * getAffineConstantExpr(2, dim.getContext()).floorDiv(dim + 1);
  return canonical(dim + (otherwise - dim) * isOne);
}

bool ShapeAnalysis::broadcastsTo(AffineExpr dim, AffineExpr to) {
  if (dim == 1 || dim == to)
    return true;
  if (getRange(dim).first > 1)
    return bool(unify(dim, to));
  if (isa<AffineConstantExpr>(dim) && isa<AffineConstantExpr>(to))
    return false;
  assume(unlessOne(dim, to), to);
  return true;
}

AffineExpr ShapeAnalysis::broadcast(AffineExpr a, AffineExpr b) {
  if (b == 1 || a == b)
    return a;
  if (a == 1)
    return b;
  if (isDataDependent(a) || isDataDependent(b))
    return unify(a, b);
  auto into = [&](AffineExpr dim, AffineExpr to) { return broadcastsTo(dim, to) ? to : AffineExpr(); };
  // The one that is never smaller is the result.
  auto [low, high] = getRange(canonical(a - b));
  if (isa<AffineConstantExpr>(b) || high <= 0)
    return into(a, b);
  if (isa<AffineConstantExpr>(a) || low >= 0)
    return into(b, a);
  auto partsOf = [&](AffineExpr dim) {
    for (auto &[result, parts] : joins)
      if (result == dim)
        return parts;
    return SmallVector<AffineExpr>{dim};
  };
  SmallVector<AffineExpr> parts = partsOf(a);
  for (AffineExpr part : partsOf(b))
    if (!llvm::is_contained(parts, part))
      parts.push_back(part);
  auto covers = [&](ArrayRef<AffineExpr> others) {
    return others.size() == parts.size() && llvm::all_of(others, [&](AffineExpr e) { return llvm::is_contained(parts, e); });
  };
  for (AffineExpr dim : {a, b})
    if (covers(partsOf(dim)))
      return dim;
  for (auto &[result, others] : joins)
    if (covers(others))
      return result;
  AffineExpr result = unlessOne(a, b);
  joins.push_back({result, parts});
  return into(b, result);
}

AffineExpr ShapeAnalysis::unify(AffineExpr a, AffineExpr b) {
  if (a == b)
    return a;
  // 3 and 4, but also s0 and s0 + 1.
  if (isa<AffineConstantExpr>(canonical(a - b)))
    return {};
  assume(a, b);
  if (isa<AffineConstantExpr>(b))
    return b;
  // A size that the inputs give is better than one only known at run time.
  return isDataDependent(a) && !isDataDependent(b) ? b : a;
}

void ShapeAnalysis::assume(AffineExpr a, AffineExpr b) {
  if (!llvm::is_contained(assumptions, std::make_pair(a, b)) && !llvm::is_contained(assumptions, std::make_pair(b, a)))
    assumptions.push_back({a, b});
}

void ShapeAnalysis::assumeAtLeast(AffineExpr expr, int64_t low) {
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    symbols[symbol.getPosition()].min = std::max(symbols[symbol.getPosition()].min, low);
  else if (getRange(expr).first < low) // low < expr + 1, as an equality
    assume(constant(low).floorDiv(expr + 1), constant(0));
}

void ShapeAnalysis::assumeAtMost(AffineExpr expr, int64_t high) {
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    symbols[symbol.getPosition()].max = std::min(symbols[symbol.getPosition()].max, high);
  else if (getRange(expr).second > high)
    assume(expr.floorDiv(high + 1), constant(0));
}

void ShapeAnalysis::assumeWithin(AffineExpr size, AffineExpr limit) {
  if (auto known = dyn_cast<AffineConstantExpr>(limit))
    return assumeAtMost(size, known.getValue());
  if (auto known = dyn_cast<AffineConstantExpr>(size))
    return assumeAtLeast(limit, known.getValue());
  assume(canonical(size.floorDiv(limit + 1)), constant(0)); // as an equality
}

std::pair<int64_t, int64_t> ShapeAnalysis::getRange(AffineExpr expr) const {
  constexpr int64_t kLow = std::numeric_limits<int64_t>::min(), kHigh = std::numeric_limits<int64_t>::max();
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return {constant.getValue(), constant.getValue()};
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    const Symbol &known = symbols[symbol.getPosition()];
    return {known.min, known.max};
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return {kLow, kHigh};
  auto clamp = [](__int128 value) { return value < kLow ? kLow : value > kHigh ? kHigh : int64_t(value); };
  auto [al, ah] = getRange(binary.getLHS());
  auto [bl, bh] = getRange(binary.getRHS());
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return {clamp(__int128(al) + bl), clamp(__int128(ah) + bh)};
  case AffineExprKind::Mul: {
    __int128 corners[] = {__int128(al) * bl, __int128(al) * bh, __int128(ah) * bl, __int128(ah) * bh};
    return {clamp(*std::min_element(corners, corners + 4)), clamp(*std::max_element(corners, corners + 4))};
  }
  case AffineExprKind::Mod:
    return {0, bh > 0 ? bh - 1 : kHigh};
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

LogicalResult checkMemorySize(Type type, llvm::function_ref<InFlightDiagnostic()> report) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getElementType().isIntOrFloat())
    return success();
  constexpr int64_t kMostBytes = int64_t(1) << 47; // what a process can address
  int64_t bytes = llvm::divideCeil(tensor.getElementTypeBitWidth(), 8);
  bool tooLarge = false, empty = false;
  for (auto [i, size] : llvm::enumerate(tensor.getShape())) {
    if (ShapedType::isDynamic(size))
      continue;
    if (size < 0)
      return report() << "[TN2061] dimension " << i << " of " << tensor.getRank() << " would be " << size
                      << ", expected 0 or more";
    empty |= size == 0;
    tooLarge |= __builtin_mul_overflow(bytes, size, &bytes) || bytes > kMostBytes;
  }
  if (tooLarge && !empty)
    return report() << "[TN2062] a tensor of " << tensor << " has more bytes than a machine can address";
  return success();
}

LogicalResult ShapeAnalysis::visit(Operation *op) {
  if (auto rule = dyn_cast<ShapeInferenceOpInterface>(op)) {
    if (failed(rule.inferShapes(*this)))
      return failure();
    for (Type type : op->getResultTypes())
      if (failed(checkMemorySize(type, [&] { return op->emitError(); })))
        return failure();
    return success();
  }
  if (isa<scf::IfOp>(op))
    return visitIf(op);
  // What MLIR makes of an scf.if with empty branches.
  if (auto select = dyn_cast<arith::SelectOp>(op); select && isa<RankedTensorType>(select.getType())) {
    Dims a = getShape(select.getTrueValue()), b = getShape(select.getFalseValue());
    for (auto [x, y] : llvm::zip(a, b))
      if (x != y)
        x = dataSymbol();
    setShape(select.getResult(), a);
    return success();
  }
  // The condition of scf.if is extracted from a tensor.
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    if (auto elements = getContents(extract.getTensor()); elements && elements->size() == 1)
      setContents(extract.getResult(), *elements);
  for (Value result : op->getResults())
    if (isa<RankedTensorType>(result.getType()))
      getShape(result);
  return success();
}

LogicalResult ShapeAnalysis::visitIf(Operation *op) {
  auto branch = cast<scf::IfOp>(op);
  auto visitAll = [&](Region &region) {
    for (Block &block : region)
      for (Operation &nested : block)
        if (failed(visit(&nested)))
          return failure();
    return success();
  };
  // The branch not taken may not even be valid for these shapes.
  if (auto known = getConstantInts(branch.getCondition())) {
    Region &taken = known->front() ? branch.getThenRegion() : branch.getElseRegion();
    if (failed(visitAll(taken)))
      return failure();
    if (!taken.empty())
      for (auto [result, value] : llvm::zip(branch.getResults(), taken.front().getTerminator()->getOperands())) {
        if (isa<TensorType>(result.getType()))
          setShape(result, Dims(getShape(value)));
        if (auto elements = getContents(value))
          setContents(result, *elements);
      }
    return success();
  }
  if (failed(visitAll(branch.getThenRegion())) || failed(visitAll(branch.getElseRegion())))
    return failure();
  if (branch.getNumResults() == 0)
    return success();
  for (auto [i, result] : llvm::enumerate(branch.getResults())) {
    if (!isa<TensorType>(result.getType()))
      continue;
    Dims a = getShape(branch.thenYield()->getOperand(i)), b = getShape(branch.elseYield()->getOperand(i));
    if (a.size() != b.size())
      return op->emitError("[TN2010] result ") << i << " has rank " << a.size() << " in one branch and " << b.size()
             << " in the other; the branch must be decided when the model is compiled";
    for (auto [x, y] : llvm::zip(a, b))
      if (x != y)
        x = dataSymbol();
    setShape(result, a);
  }
  return success();
}

LogicalResult ShapeAnalysis::run(Operation *root) {
  LogicalResult result = success();
  for (Region &region : root->getRegions())
    for (Block &block : region)
      for (Operation &op : block) {
        if (isa<func::FuncOp>(op))
          result = failed(run(&op)) ? failure() : result;
        else if (failed(visit(&op)))
          result = failure();
      }
  return result;
}

} // namespace tenon::graph
