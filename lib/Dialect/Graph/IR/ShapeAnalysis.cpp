// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The engine of symbolic shape analysis; the ops' rules are in Shape*.cpp.
#include "SymbolicPolynomial.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace tenon::graph {

constexpr size_t kMostContents = 256;
constexpr double kMostWhole = 1e15;      // floats up to here are exact in double
constexpr int64_t kMostHalved = 1 << 16; // the denominator of fractions that contents know
constexpr int64_t kMostFactors = 8;

ShapeAnalysis ShapeAnalysis::fromModule(ModuleOp module) {
  ShapeAnalysis analysis(module.getContext());
  for (Symbol &symbol : readSymbols(module))
    analysis.addSymbol(std::move(symbol));
  analysis.assumptions[Scope()] = readAssumptions(module, "graph.assumptions");
  module.walk([&](scf::IfOp branch) {
    for (unsigned region : {0, 1})
      analysis.assumptions[{branch, region}] = readAssumptions(branch, branchAssumptions(region));
  });
  analysis.relearn();
  return analysis;
}

void ShapeAnalysis::writeSymbols(ModuleOp module) const {
  auto set = [&](Operation *op, StringRef attribute, Scope scope) {
    auto known = assumptions.find(scope);
    if (known == assumptions.end() || known->second.empty())
      op->removeAttr(attribute);
    else
      op->setAttr(attribute, assumptionsAttr(known->second, symbols.size(), context));
  };
  module->setAttr("graph.symbols", symbolsAttr(symbols, context));
  set(module, "graph.assumptions", Scope());
  module.walk([&](scf::IfOp branch) {
    for (unsigned region : {0, 1})
      set(branch, branchAssumptions(region), {branch, region});
  });
  // Unnamed dimensions of arguments keep their symbols from pass to pass.
  for (auto func : module.getOps<func::FuncOp>())
    for (BlockArgument argument :
         func.isDeclaration() ? ArrayRef<BlockArgument>() : ArrayRef<BlockArgument>(func.getArguments())) {
      auto known = shapes.find(argument);
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (known != shapes.end() && type && !type.hasStaticShape())
        func.setArgAttr(argument.getArgNumber(), "graph.shape",
                        AffineMapAttr::get(AffineMap::get(0, symbols.size(), known->second, context)));
    }
}

void ShapeAnalysis::addSymbol(Symbol symbol) {
  if (symbol.isDerived())
    derived.try_emplace(keyOf(symbol.derivation, symbol.arguments), symbols.size());
  else
    named.try_emplace(symbol.name, symbols.size());
  symbols.push_back(std::move(symbol));
}

AffineExpr ShapeAnalysis::symbol(StringRef name) {
  if (auto known = named.find(name); !name.empty() && known != named.end())
    return getAffineSymbolExpr(known->second, context);
  Symbol fresh;
  fresh.name = name.empty() ? ("d" + Twine(symbols.size())).str() : name.str();
  while (named.contains(fresh.name))
    fresh.name += "_";
  addSymbol(fresh);
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

namespace {

/// The symbols that something still speaks of.
class UsedSymbols {
public:
  explicit UsedSymbols(ArrayRef<Symbol> symbols) : symbols(symbols), used(symbols.size()) {}

  /// A symbol needs those that it is derived from.
  void add(AffineExpr expr) {
    expr.walk([&](AffineExpr part) {
      auto symbol = dyn_cast<AffineSymbolExpr>(part);
      if (!symbol || used[symbol.getPosition()])
        return;
      used[symbol.getPosition()] = true;
      for (AffineExpr argument : symbols[symbol.getPosition()].arguments)
        add(argument);
    });
  }

  bool contains(size_t position) const { return used[position]; }

  /// Whether all symbols of an expression are used, or derived from such.
  bool determine(AffineExpr expr) const {
    bool all = true;
    expr.walk([&](AffineExpr part) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(part)) {
        const Symbol &known = symbols[symbol.getPosition()];
        all &= contains(symbol.getPosition()) ||
               (known.isDerived() &&
                llvm::all_of(known.arguments, [&](AffineExpr argument) { return determine(argument); }));
      }
    });
    return all;
  }

private:
  ArrayRef<Symbol> symbols;
  std::vector<bool> used;
};

/// Symbols that are left, and what each of those before is called now.
struct Renumbering {
  std::vector<Symbol> symbols;
  SmallVector<AffineExpr> renamed;

  AffineExpr rename(AffineExpr expr) const { return canonical(expr.replaceSymbols(renamed)); }
};

} // namespace

/// Named symbols come first: the inputs give them, and the others follow.
static Renumbering renumber(ArrayRef<Symbol> symbols, const UsedSymbols &used, MLIRContext *context) {
  Renumbering result;
  result.renamed.resize(symbols.size(), getAffineConstantExpr(0, context));
  for (bool isDerived : {false, true})
    for (auto [i, symbol] : llvm::enumerate(symbols)) {
      if (!used.contains(i) || symbol.isDerived() != isDerived)
        continue;
      Symbol kept = symbol;
      for (AffineExpr &argument : kept.arguments)
        argument = result.rename(argument);
      if (isCommutative(kept.derivation))
        llvm::sort(kept.arguments, comesBefore);
      result.renamed[i] = getAffineSymbolExpr(result.symbols.size(), context);
      result.symbols.push_back(std::move(kept));
    }
  return result;
}

void ShapeAnalysis::dropUnusedSymbols(Operation *root) {
  UsedSymbols used(symbols);
  llvm::DenseMap<Value, Dims> live;
  auto keep = [&](Value value) {
    auto it = shapes.find(value);
    if (it == shapes.end())
      return;
    for (AffineExpr dim : it->second)
      used.add(dim);
    live.insert(*it);
  };
  llvm::DenseSet<Operation *> branches;
  root->walk([&](Operation *op) {
    if (isa<scf::IfOp>(op))
      branches.insert(op);
    llvm::for_each(op->getResults(), keep);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        llvm::for_each(block.getArguments(), keep);
  });
  // An assumption stays if the dimensions that it speaks of are there, and with it
  // what it derives from them.
  for (auto &[where, list] : assumptions) {
    if (where.first && !branches.contains(where.first))
      list.clear();
    llvm::erase_if(list, [&](const Assumption &x) { return !used.determine(x.a) || !used.determine(x.b); });
    for (const Assumption &assumption : list) {
      used.add(assumption.a);
      used.add(assumption.b);
    }
  }
  Renumbering renumbering = renumber(symbols, used, context);
  symbols.clear();
  named.clear();
  derived.clear();
  for (Symbol &symbol : renumbering.symbols)
    addSymbol(std::move(symbol));
  for (auto &[where, list] : assumptions)
    for (Assumption &assumption : list) {
      assumption.a = renumbering.rename(assumption.a);
      assumption.b = renumbering.rename(assumption.b);
    }
  relearn();
  shapes = std::move(live);
  for (auto &[value, dims] : shapes)
    for (AffineExpr &dim : dims)
      dim = renumbering.rename(dim);
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
    if (AffineMapAttr attr = op ? recordedShape(value) : AffineMapAttr())
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
    dim = absorb(dim);
    auto known = dyn_cast<AffineConstantExpr>(dim);
    sizes.push_back(known ? known.getValue() : ShapedType::kDynamic);
    // No kernel runs on a size below 0: nothing would be between its loops and
    // foreign memory.
    if (!known && getRange(dim).first < 0)
      assume(Assumption::atMost, constant(0), dim);
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
      bool isExact = number == std::floor(number * kMostHalved) / kMostHalved && std::abs(number) < kMostWhole &&
                     !element.isNegZero();
      if (isExact && number == std::floor(number))
        result.push_back(constant(int64_t(number)));
      else // factors such as 0.5, few at a time: a tensor of weights is none
        result.push_back(
            isExact && type.getNumElements() <= kMostFactors
                ? derive(Derivation::ratio, {constant(int64_t(number * kMostHalved)), constant(kMostHalved)})
                : AffineExpr());
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

/// A size that a condition decides: by the condition's contents where they follow
/// from sizes, else by data.
AffineExpr ShapeAnalysis::joined(Value condition, AffineExpr a, AffineExpr b) {
  auto known = getContents(condition);
  if (known && known->size() == 1 && known->front())
    return derive(Derivation::select, {known->front(), a, b});
  return a == b ? a : dataSymbol();
}

void ShapeAnalysis::enter(Block *block, Location loc) {
  Operation *parent = block ? block->getParentOp() : nullptr;
  scope = isa_and_nonnull<scf::IfOp>(parent) ? Scope(parent, block->getParent()->getRegionNumber()) : Scope();
  where = loc;
}

LogicalResult ShapeAnalysis::visit(Operation *op) {
  enter(op->getBlock(), op->getLoc());
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
      x = joined(select.getCondition(), x, y);
    setShape(select.getResult(), a);
    return success();
  }
  // A cast at the end of a branch: visitIf decides its type.
  if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    shapes[cast.getResult()] = Dims(getShape(cast.getSource()));
    if (auto elements = getContents(cast.getSource()))
      setContents(cast.getResult(), *elements);
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
    enter(op->getBlock(), op->getLoc());
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
  enter(op->getBlock(), op->getLoc());
  if (branch.getNumResults() == 0)
    return success();
  for (auto [i, result] : llvm::enumerate(branch.getResults())) {
    if (!isa<TensorType>(result.getType()))
      continue;
    Dims a = getShape(branch.thenYield()->getOperand(i)), b = getShape(branch.elseYield()->getOperand(i));
    if (a.size() != b.size())
      return op->emitError("[TN2010] result ")
             << i << " has rank " << a.size() << " in one branch and " << b.size()
             << " in the other; the branch must be decided when the model is compiled";
    if (isRefused(branch, 0))
      a = b;
    else if (!isRefused(branch, 1))
      for (auto [x, y] : llvm::zip(a, b))
        x = joined(branch.getCondition(), x, y);
    setShape(result, a);
    // scf.if wants the branches' types to be its own.
    for (Operation *yield : {branch.thenYield().getOperation(), branch.elseYield().getOperation()})
      castTo(cast<RankedTensorType>(result.getType()), yield->getOpOperand(i));
  }
  return success();
}

/// Gives an operand another type of the same tensor, whose sizes stay known.
void ShapeAnalysis::castTo(RankedTensorType type, OpOperand &operand) {
  if (auto before = operand.get().getDefiningOp<tensor::CastOp>())
    operand.set(before.getSource());
  if (operand.get().getType() == type)
    return;
  OpBuilder b(operand.getOwner());
  Value from = operand.get(), to = tensor::CastOp::create(b, from.getLoc(), type, from);
  shapes[to] = Dims(getShape(from));
  operand.set(to);
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
