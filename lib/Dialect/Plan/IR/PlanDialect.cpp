// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration and verifiers of the plan dialect.
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::plan;

#include "tenon/Dialect/Plan/IR/PlanDialect.cpp.inc"
#include "tenon/Dialect/Plan/IR/PlanEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "tenon/Dialect/Plan/IR/PlanAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "tenon/Dialect/Plan/IR/PlanOps.cpp.inc"

void PlanDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Plan/IR/PlanOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tenon/Dialect/Plan/IR/PlanAttrs.cpp.inc"
      >();
}

LogicalResult PlaceAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, StringRef space, PlaceKind kind,
                                int64_t number, AffineMapAttr bytes) {
  if (space.empty() || number < 0)
    return emitError() << "expected a memory space and a number of 0 or more, found \"" << space << "\" and " << number;
  if (bytes && bytes.getValue().getNumResults() != 1)
    return emitError() << "expected bytes of one size, found " << bytes.getValue().getNumResults();
  return success();
}

LogicalResult ArenaAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, StringRef space, int64_t bytes,
                                ArrayAttr slots, int64_t redZone) {
  if (space.empty() || bytes < 0 || redZone < 0)
    return emitError() << "expected a memory space and bytes of 0 or more, found \"" << space << "\", " << bytes
                       << " and a red zone of " << redZone;
  for (Attribute slot : slots)
    if (auto map = dyn_cast<AffineMapAttr>(slot); !map || map.getValue().getNumResults() == 0)
      return emitError() << "expected slots with a map of sizes each, found " << slot;
  return success();
}

ArenaAttr tenon::plan::arenaOf(ModuleOp module, StringRef space) {
  if (auto arenas = module->getAttrOfType<ArrayAttr>(kArenasAttr))
    for (auto arena : arenas.getAsRange<ArenaAttr>())
      if (arena.getSpace() == space)
        return arena;
  return {};
}

LogicalResult KernelOp::verify() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != TypeRange(getInputs()))
    return emitOpError("has operand types that differ from its block arguments'");
  auto yield = cast<YieldOp>(block.getTerminator());
  if (TypeRange(yield.getValues()) != getResultTypes())
    return emitOpError("has result types that differ from its yield's operand types");
  if (getArgShapes() && getArgShapes()->size() != getInputs().size())
    return emitOpError("has ") << getArgShapes()->size() << " arg_shapes for " << getInputs().size() << " operands";
  if (getArgShapes() && !llvm::all_of(*getArgShapes(), llvm::IsaPred<AffineMapAttr>))
    return emitOpError("has an arg_shape that is no map");
  if (getPacked() && getPacked()->size() != getInputs().size())
    return emitOpError("has ") << getPacked()->size() << " packed layouts for " << getInputs().size() << " operands";
  if (getPlaces() && getPlaces()->size() != getNumResults())
    return emitOpError("has ") << getPlaces()->size() << " places for " << getNumResults() << " results";
  if (getPlaces() && !llvm::all_of(*getPlaces(), llvm::IsaPred<PlaceAttr>))
    return emitOpError("has a place that is no #plan.place");
  if (getRoot() != "elementwise" && !getRootOp())
    return emitOpError("names root \"") << getRoot() << "\", which none of its ops is";
  return success();
}

LogicalResult ViewOp::verify() {
  RankedTensorType x = getX().getType(), result = getResult().getType();
  if (x.getElementType() != result.getElementType())
    return emitOpError("has element types ") << x.getElementType() << " and " << result.getElementType();
  if (x.hasStaticShape() && result.hasStaticShape() && x.getNumElements() != result.getNumElements())
    return emitOpError("views ") << x.getNumElements() << " elements as " << result.getNumElements();
  return success();
}

Operation *KernelOp::getRootOp() {
  for (Operation &op : getBody().front())
    if (op.getName().stripDialect() == getRoot())
      return &op;
  return nullptr;
}
