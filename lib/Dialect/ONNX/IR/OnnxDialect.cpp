// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the onnx dialect, the accessors of onnx.node and verifiers.
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::onnxir;

#include "tenon/Dialect/ONNX/IR/OnnxDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "tenon/Dialect/ONNX/IR/OnnxTypes.cpp.inc"
#define GET_OP_CLASSES
#include "tenon/Dialect/ONNX/IR/OnnxOps.cpp.inc"

void OnnxDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/ONNX/IR/OnnxOps.cpp.inc"
      >();
  registerTypes();
}

void OnnxDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "tenon/Dialect/ONNX/IR/OnnxTypes.cpp.inc"
      >();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

std::string NodeOp::getQualifiedType() {
  return getDomain().empty() ? getOpType().str() : (getDomain() + "::" + getOpType()).str();
}

Value NodeOp::getInput(unsigned i) {
  if (i >= getInputs().size())
    return {};
  Value input = getInputs()[i];
  return isa<NoneType>(input.getType()) ? Value() : input;
}

Attribute NodeOp::getAttribute(StringRef name) { return getAttrs().get(name); }

int64_t NodeOp::getInt(StringRef name, int64_t otherwise) {
  auto attr = dyn_cast_or_null<IntegerAttr>(getAttribute(name));
  return attr ? attr.getValue().getSExtValue() : otherwise;
}

double NodeOp::getFloat(StringRef name, double otherwise) {
  auto attr = dyn_cast_or_null<FloatAttr>(getAttribute(name));
  return attr ? attr.getValueAsDouble() : otherwise;
}

StringRef NodeOp::getString(StringRef name, StringRef otherwise) {
  auto attr = dyn_cast_or_null<StringAttr>(getAttribute(name));
  return attr ? attr.getValue() : otherwise;
}

std::optional<ArrayRef<int64_t>> NodeOp::getInts(StringRef name) {
  if (auto attr = dyn_cast_or_null<DenseI64ArrayAttr>(getAttribute(name)))
    return attr.asArrayRef();
  return std::nullopt;
}

std::optional<ArrayRef<float>> NodeOp::getFloats(StringRef name) {
  if (auto attr = dyn_cast_or_null<DenseF32ArrayAttr>(getAttribute(name)))
    return attr.asArrayRef();
  return std::nullopt;
}

SmallVector<StringRef> NodeOp::getStrings(StringRef name) {
  SmallVector<StringRef> strings;
  if (auto array = dyn_cast_or_null<ArrayAttr>(getAttribute(name)))
    for (Attribute element : array)
      if (auto text = dyn_cast<StringAttr>(element))
        strings.push_back(text.getValue());
  return strings;
}

ElementsAttr NodeOp::getElements(StringRef name) { return dyn_cast_or_null<ElementsAttr>(getAttribute(name)); }

Region *NodeOp::getSubgraph(StringRef name) {
  for (auto [attr, region] : llvm::zip(getSubgraphs(), getBodies()))
    if (cast<StringAttr>(attr).getValue() == name)
      return &region;
  return nullptr;
}

LogicalResult NodeOp::verify() {
  if (getOpType().empty() || getName().empty())
    return emitOpError("(C1) needs a non-empty op_type and name");
  if (getSince() < 1 || getSince() > getOpset())
    return emitOpError("(C2) has since = ") << getSince() << " outside [1, opset = " << getOpset() << "]";
  if (getSubgraphs().size() != getBodies().size())
    return emitOpError("(C3) names ") << getSubgraphs().size() << " subgraphs but has " << getBodies().size()
                                      << " regions";
  llvm::StringSet<> names;
  for (Attribute name : getSubgraphs())
    if (!names.insert(cast<StringAttr>(name).getValue()).second)
      return emitOpError("(C3) has two subgraphs named ") << name;
  for (Region &body : getBodies())
    if (body.front().empty() || !isa<YieldOp>(body.front().back()))
      return emitOpError("(C4) has a region that does not end in onnx.yield");
  return success();
}
