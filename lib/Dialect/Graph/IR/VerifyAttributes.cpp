// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verification of the attributes that shape analysis records: passes read them
// without asking again.
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Graph/IR/IndexBounds.h"

using namespace mlir;
using namespace tenon::graph;

static InFlightDiagnostic violation(Operation *op, int number) {
  return op->emitOpError("[TN2200] A") << number << ": ";
}

/// The number of symbols of the op's module; those of a kernel are its module's.
static size_t symbolsAround(Operation *op) {
  size_t count = 0;
  for (Operation *around = op; around; around = around->getParentOp())
    if (auto symbols = around->getAttrOfType<ArrayAttr>("graph.symbols"))
      count = std::max(count, symbols.size());
  return count;
}

/// A map over the symbols around the op, with `results` results if given.
static bool isMap(Operation *op, Attribute value, std::optional<int64_t> results) {
  auto map = dyn_cast<AffineMapAttr>(value);
  return map && map.getValue().getNumDims() == 0 && map.getValue().getNumSymbols() <= symbolsAround(op) &&
         (!results || map.getValue().getNumResults() == *results);
}

static LogicalResult verifyShape(Operation *op, Attribute value, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!isMap(op, value, tensor ? std::optional(tensor.getRank()) : std::nullopt))
    return violation(op, 3) << value << " must be a map from the module's symbols to each dimension of " << type;
  return success();
}

LogicalResult GraphDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  Attribute value = attribute.getValue();
  StringRef name = attribute.getName();
  if (name == "graph.symbols")
    if (std::string problem = whyNoSymbols(value); !problem.empty())
      return violation(op, 1) << "graph.symbols " << problem;
  if (name == "graph.assumptions" || name == branchAssumptions(0) || name == branchAssumptions(1))
    if (std::string problem = whyNoAssumptions(value, symbolsAround(op)); !problem.empty())
      return violation(op, 2) << name << ' ' << problem;
  if (name == "graph.index_error") {
    auto error = dyn_cast<DictionaryAttr>(value);
    auto code = error ? error.getAs<IntegerAttr>("code") : IntegerAttr();
    if (!code || !code.getType().isInteger(64) || !error.getAs<StringAttr>("text"))
      return violation(op, 4) << "graph.index_error must hold a code and a text";
  }
  if (name == kIndexBounds) {
    auto bounds = dyn_cast<DenseI64ArrayAttr>(value);
    if (!bounds || bounds.size() % 2)
      return violation(op, 5) << kIndexBounds << " must hold two integers along each axis";
  }
  if (attribute.getName() == "graph.shape")
    return op->getNumResults() == 1 ? verifyShape(op, value, op->getResult(0).getType())
                                    : LogicalResult(violation(op, 3) << "graph.shape needs an op of one result");
  if (attribute.getName() == "graph.shapes") {
    auto maps = dyn_cast<ArrayAttr>(value);
    if (!maps || maps.size() != op->getNumResults())
      return violation(op, 3) << "graph.shapes must hold a map for each of " << op->getNumResults() << " results";
    for (auto [map, type] : llvm::zip(maps, op->getResultTypes()))
      if (failed(verifyShape(op, map, type)))
        return failure();
  }
  return success();
}

LogicalResult GraphDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned argument,
                                                     NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (attribute.getName() != "graph.shape" || !function)
    return success();
  return verifyShape(op, attribute.getValue(), function.getArgumentTypes()[argument]);
}

LogicalResult GraphDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned result,
                                                        NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (attribute.getName() != "graph.shape" || !function)
    return success();
  return verifyShape(op, attribute.getValue(), function.getResultTypes()[result]);
}
