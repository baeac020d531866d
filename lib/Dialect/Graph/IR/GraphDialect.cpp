// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the graph dialect, its enums and interfaces.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;
using namespace tenon::graph;

#include "tenon/Dialect/Graph/IR/GraphDialect.cpp.inc"
#include "tenon/Dialect/Graph/IR/GraphEnums.cpp.inc"
#include "tenon/Dialect/Graph/IR/GraphInterfaces.cpp.inc"
#define GET_OP_CLASSES
#include "tenon/Dialect/Graph/IR/GraphOps.cpp.inc"

void GraphDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Graph/IR/GraphOps.cpp.inc"
      >();
}

Operation *GraphDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  if (auto elements = dyn_cast<ElementsAttr>(value))
    return ConstantOp::create(builder, loc, type, elements);
  return nullptr;
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

int64_t tenon::graph::defaultWork(Operation *op) {
  int64_t work = 0;
  for (Type type : op->getResultTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape())
      return -1;
    work += tensor.getNumElements();
  }
  return work;
}

AffineMapAttr tenon::graph::recordedShape(Value tensor) {
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    return func ? func.getArgAttrOfType<AffineMapAttr>(argument.getArgNumber(), "graph.shape") : AffineMapAttr();
  }
  auto result = cast<OpResult>(tensor);
  if (auto all = result.getOwner()->getAttrOfType<ArrayAttr>("graph.shapes"))
    return result.getResultNumber() < all.size() ? dyn_cast<AffineMapAttr>(all[result.getResultNumber()])
                                                 : AffineMapAttr();
  return result.getOwner()->getAttrOfType<AffineMapAttr>("graph.shape");
}

std::string tenon::graph::text(AffineExpr expr) {
  std::string result;
  llvm::raw_string_ostream os(result);
  expr.print(os);
  return result;
}

void tenon::graph::registerGraphDialect(DialectRegistry &registry) {
  registry.insert<GraphDialect, scf::SCFDialect, arith::ArithDialect, tensor::TensorDialect>();
}
