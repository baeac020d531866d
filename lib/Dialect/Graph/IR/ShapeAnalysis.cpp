// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The engine of symbolic shape analysis; the ops' rules are in Shape*.cpp.
#include "tenon/Dialect/Graph/IR/Graph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace tenon::graph {

constexpr size_t kMostContents = 256;

ShapeAnalysis ShapeAnalysis::fromModule(ModuleOp module) {
  ShapeAnalysis analysis(module.getContext());
  if (auto attr = module->getAttrOfType<ArrayAttr>("graph.symbols"))
    for (auto entry : attr.getAsRange<DictionaryAttr>())
      analysis.symbols.push_back({entry.getAs<StringAttr>("name").str(), entry.getAs<IntegerAttr>("min").getInt(),
                                  entry.getAs<IntegerAttr>("max").getInt(), entry.getAs<IntegerAttr>("divisor").getInt()});
  return analysis;
}

void ShapeAnalysis::writeSymbols(ModuleOp module) const {
  Builder b(context);
  SmallVector<Attribute> attrs;
  for (const Symbol &symbol : symbols)
    attrs.push_back(b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(symbol.name)),
                                         b.getNamedAttr("min", b.getI64IntegerAttr(symbol.min)),
                                         b.getNamedAttr("max", b.getI64IntegerAttr(symbol.max)),
                                         b.getNamedAttr("divisor", b.getI64IntegerAttr(symbol.divisor))}));
  module->setAttr("graph.symbols", b.getArrayAttr(attrs));
}

AffineExpr ShapeAnalysis::symbol(StringRef name) {
  if (!name.empty())
    for (auto [i, symbol] : llvm::enumerate(symbols))
      if (symbol.name == name)
        return getAffineSymbolExpr(i, context);
  Symbol fresh;
  fresh.name = name.empty() ? ("d" + Twine(symbols.size())).str() : name.str();
  fresh.min = 0;
  symbols.push_back(fresh);
  return getAffineSymbolExpr(symbols.size() - 1, context);
}

const ShapeAnalysis::Dims &ShapeAnalysis::getShape(Value value) {
  auto it = shapes.find(value);
  if (it != shapes.end())
    return it->second;
  Dims dims;
  if (auto type = dyn_cast<RankedTensorType>(value.getType())) {
    AffineMap map;
    if (Operation *op = value.getDefiningOp())
      if (auto attr = op->getAttrOfType<AffineMapAttr>("graph.shape"))
        map = attr.getValue();
    for (auto [i, size] : llvm::enumerate(type.getShape())) {
      if (!ShapedType::isDynamic(size))
        dims.push_back(constant(size));
      else
        dims.push_back(map ? map.getResult(i) : symbol(""));
    }
  }
  return shapes.try_emplace(value, std::move(dims)).first->second;
}

void ShapeAnalysis::setShape(Value value, Dims dims) {
  SmallVector<int64_t> sizes;
  for (AffineExpr dim : dims) {
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
      result.push_back(number == std::floor(number) && std::abs(number) < 1e15 ? constant(int64_t(number)) : AffineExpr());
    }
  } else {
    return std::nullopt;
  }
  contents[value] = result;
  return result;
}

void ShapeAnalysis::setContents(Value value, Dims elements) {
  if (elements.size() <= kMostContents)
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

AffineExpr ShapeAnalysis::broadcast(AffineExpr a, AffineExpr b) {
  if (a == b || b == 1)
    return a;
  if (a == 1)
    return b;
  bool constantA = isa<AffineConstantExpr>(a), constantB = isa<AffineConstantExpr>(b);
  if (constantA && constantB)
    return {};
  // A symbol against a constant other than 1 must equal it; two different
  // symbols must be equal (the runtime checks inputs; see assumptions).
  return constantB ? b : a;
}

LogicalResult ShapeAnalysis::visit(Operation *op) {
  if (auto rule = dyn_cast<ShapeInferenceOpInterface>(op))
    return rule.inferShapes(*this);
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &nested : block)
          if (failed(visit(&nested)))
            return failure();
    if (branch.getNumResults() == 0)
      return success();
    Operation *yields[] = {branch.thenYield(), branch.elseYield()};
    for (auto [i, result] : llvm::enumerate(branch.getResults())) {
      if (!isa<TensorType>(result.getType()))
        continue;
      Dims a = getShape(yields[0]->getOperand(i)), b = getShape(yields[1]->getOperand(i));
      if (a.size() != b.size())
        return op->emitError("[TN2010] result ") << i << " has rank " << a.size() << " in one branch and " << b.size()
               << " in the other; the branch must be decided when the model is compiled";
      for (auto [x, y] : llvm::zip(a, b))
        if (x != y)
          return op->emitError("[TN2011] result ") << i << " has different shapes in the branches";
      setShape(result, a);
    }
    return success();
  }
  for (Value result : op->getResults())
    if (isa<RankedTensorType>(result.getType()))
      getShape(result);
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
