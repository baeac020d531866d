// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A checked model as a module of onnx.node operations.
#include "Model.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::onnxfe;
using onnx::AttributeProto;
using onnx::GraphProto;
using onnx::NodeProto;

namespace {
struct ValueScope {
  ValueScope(const GraphProto &graph, const ValueScope *parent)
      : parent(parent), types(graph, parent ? &parent->types : nullptr) {}
  const ValueScope *parent;
  TypeScope types;
  llvm::StringMap<Value> values;

  Value lookup(llvm::StringRef name) const {
    for (const ValueScope *scope = this; scope; scope = scope->parent)
      if (auto found = scope->values.find(name); found != scope->values.end())
        return found->second;
    return {};
  }
};

class Emitter {
public:
  explicit Emitter(Model &model) : model(model), builder(model.context) {}

  OwningOpRef<ModuleOp> emit();

private:
  Location named(llvm::StringRef name) { return NameLoc::get(builder.getStringAttr(name)); }
  Value none();
  Type typeOf(const std::string &name, const ValueScope &scope, const std::string &place);
  ArrayAttr dimsOf(const onnx::TypeProto &type);
  void emitBody(const GraphProto &graph, ValueScope &scope);
  void emitNode(const NodeProto &node, ValueScope &scope);
  void emitConstant(const NodeProto &node, ValueScope &scope);
  void define(ValueScope &scope, const std::string &name, ElementsAttr value, Location loc);
  SmallVector<Value> outputs(const GraphProto &graph, const ValueScope &scope);
  Attribute attribute(const AttributeProto &attr, const std::string &place);

  Model &model;
  OpBuilder builder;
  Block *entry = nullptr;
  Value noneValue;
};

Value Emitter::none() {
  if (!noneValue) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(entry);
    noneValue = onnxir::NoneOp::create(builder, builder.getUnknownLoc(), builder.getNoneType());
  }
  return noneValue;
}

Type Emitter::typeOf(const std::string &name, const ValueScope &scope, const std::string &place) {
  const onnx::TypeProto *proto = scope.types.lookup(name);
  if (!proto)
    return UnrankedTensorType::get(onnxir::UnknownType::get(model.context));
  Type type = model.reader.type(*proto, place);
  return type ? type : builder.getNoneType(); // reported; the module is thrown away
}

ArrayAttr Emitter::dimsOf(const onnx::TypeProto &type) {
  SmallVector<llvm::StringRef> names;
  for (const auto &dim : type.tensor_type().shape().dim())
    names.push_back(dim.has_dim_param() ? llvm::StringRef(dim.dim_param()) : llvm::StringRef());
  return builder.getStrArrayAttr(names);
}

void Emitter::define(ValueScope &scope, const std::string &name, ElementsAttr value, Location loc) {
  scope.values[name] =
      value ? onnxir::ConstantOp::create(builder, loc, value.getType(), value, builder.getStringAttr(name)).getResult()
            : none();
}

/// Attributes that are not subgraphs; null after reporting.
Attribute Emitter::attribute(const AttributeProto &attr, const std::string &place) {
  switch (attr.type()) {
  case AttributeProto::FLOAT: return builder.getF32FloatAttr(attr.f());
  case AttributeProto::INT: return builder.getI64IntegerAttr(attr.i());
  case AttributeProto::STRING: return builder.getStringAttr(attr.s());
  case AttributeProto::FLOATS:
    return builder.getDenseF32ArrayAttr(SmallVector<float>(attr.floats().begin(), attr.floats().end()));
  case AttributeProto::INTS:
    return builder.getDenseI64ArrayAttr(SmallVector<int64_t>(attr.ints().begin(), attr.ints().end()));
  case AttributeProto::STRINGS:
    return builder.getStrArrayAttr(SmallVector<llvm::StringRef>(attr.strings().begin(), attr.strings().end()));
  case AttributeProto::TENSOR:
    return model.reader.read(attr.t(), place + ": attribute '" + attr.name() + "'", attr.name());
  case AttributeProto::TENSORS: {
    SmallVector<Attribute> tensors;
    for (const onnx::TensorProto &tensor : attr.tensors()) {
      tensors.push_back(model.reader.read(tensor, place + ": attribute '" + attr.name() + "'", attr.name()));
      if (!tensors.back())
        return {};
    }
    return builder.getArrayAttr(tensors);
  }
  case AttributeProto::TYPE_PROTO:
    if (Type type = model.reader.type(attr.tp(), place + ": attribute '" + attr.name() + "'"))
      return TypeAttr::get(type);
    return {};
  default:
    model.problems.error(WrongAttributeType, place,
                         "attribute '" + attr.name() + "' is of a kind that Tenon does not support (type " +
                             Twine(static_cast<int>(attr.type())) + ")");
    return {};
  }
}

void Emitter::emitConstant(const NodeProto &node, ValueScope &scope) {
  std::string place = describe(node, model.opsetOf(node));
  if (node.output_size() != 1 || node.attribute_size() != 1)
    return model.problems.error(BadConstant, place,
                                "a Constant has one output and exactly one attribute, found " +
                                    Twine(node.output_size()) + " and " + Twine(node.attribute_size()));
  const AttributeProto &attr = node.attribute(0);
  ElementsAttr value;
  auto dense = [&](ArrayRef<int64_t> shape, Type element, auto values) {
    auto type = RankedTensorType::get(shape, element);
    return cast<ElementsAttr>(DenseElementsAttr(DenseElementsAttr::get(type, values)));
  };
  switch (attr.type()) {
  case AttributeProto::TENSOR: value = model.reader.read(attr.t(), place, node.output(0)); break;
  case AttributeProto::FLOAT: value = dense({}, builder.getF32Type(), ArrayRef<float>(attr.f())); break;
  case AttributeProto::INT: value = dense({}, builder.getI64Type(), ArrayRef<int64_t>(attr.i())); break;
  case AttributeProto::FLOATS:
    value =
        dense({attr.floats_size()}, builder.getF32Type(), ArrayRef<float>(attr.floats().data(), attr.floats_size()));
    break;
  case AttributeProto::INTS:
    value = dense({attr.ints_size()}, builder.getI64Type(), ArrayRef<int64_t>(attr.ints().data(), attr.ints_size()));
    break;
  case AttributeProto::STRING:
  case AttributeProto::STRINGS: {
    SmallVector<llvm::StringRef> texts(attr.strings().begin(), attr.strings().end());
    SmallVector<int64_t> shape = {attr.strings_size()};
    if (attr.type() == AttributeProto::STRING) {
      texts.assign(1, attr.s());
      shape.clear();
    }
    value = DenseStringElementsAttr::get(RankedTensorType::get(shape, onnxir::StringType::get(model.context)), texts);
    break;
  }
  default:
    model.problems.error(SparseUnsupported, place,
                         "attribute '" + attr.name() + "' is not supported; store the constant densely in 'value'");
  }
  define(scope, node.output(0), value, named(node.name()));
}

void Emitter::emitNode(const NodeProto &node, ValueScope &scope) {
  if (node.op_type() == "Constant" && node.domain().empty())
    return emitConstant(node, scope);
  int opset = model.opsetOf(node);
  std::string place = describe(node, opset);
  const onnx::OpSchema *schema = model.schemaOf(node);

  SmallVector<Value> inputs;
  int inputCount = node.input_size();
  while (inputCount && node.input(inputCount - 1).empty())
    --inputCount;
  for (int i = 0; i < inputCount; ++i) {
    Value input = node.input(i).empty() ? none() : scope.lookup(node.input(i));
    inputs.push_back(input ? input : none());
  }
  SmallVector<Type> types;
  for (const std::string &output : node.output())
    types.push_back(output.empty() ? builder.getNoneType() : typeOf(output, scope, place + " output '" + output + "'"));

  SmallVector<NamedAttribute> attrs;
  SmallVector<llvm::StringRef> bodies;
  SmallVector<const GraphProto *> graphs;
  for (const AttributeProto &attr : node.attribute()) {
    if (attr.type() == AttributeProto::GRAPH) {
      bodies.push_back(attr.name());
      graphs.push_back(&attr.g());
    } else if (Attribute value = attribute(attr, place)) {
      attrs.push_back(builder.getNamedAttr(attr.name(), value));
    }
  }
  llvm::StringRef origin = node.name();
  for (const onnx::StringStringEntryProto &entry : node.metadata_props())
    if (entry.key() == "tenon.origin")
      origin = entry.value();
  auto op = onnxir::NodeOp::create(builder, named(origin), types, node.op_type(), inputs, node.name(), node.domain(),
                                   schema ? schema->SinceVersion() : 1, opset, builder.getDictionaryAttr(attrs),
                                   builder.getStrArrayAttr(bodies), bodies.size());
  for (auto [region, graph] : llvm::zip(op.getBodies(), graphs)) {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&region);
    ValueScope inner(*graph, &scope);
    for (const onnx::ValueInfoProto &input : graph->input())
      inner.values[input.name()] = block->addArgument(
          typeOf(input.name(), inner, place + " subgraph input '" + input.name() + "'"), named(input.name()));
    emitBody(*graph, inner);
    onnxir::YieldOp::create(builder, op.getLoc(), outputs(*graph, inner));
  }
  for (auto [name, result] : llvm::zip(node.output(), op.getOutputs()))
    if (!name.empty())
      scope.values[name] = result;
}

void Emitter::emitBody(const GraphProto &graph, ValueScope &scope) {
  for (const onnx::TensorProto &tensor : graph.initializer())
    define(scope, tensor.name(), model.reader.read(tensor, "initializer '" + tensor.name() + "'", tensor.name()),
           named(tensor.name()));
  for (const NodeProto &node : graph.node())
    emitNode(node, scope);
}

SmallVector<Value> Emitter::outputs(const GraphProto &graph, const ValueScope &scope) {
  SmallVector<Value> values;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    Value value = scope.lookup(output.name());
    values.push_back(value ? value : none());
  }
  return values;
}

OwningOpRef<ModuleOp> Emitter::emit() {
  const onnx::ModelProto &proto = model.proto;
  const GraphProto &graph = proto.graph();
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  module.get()->setAttr(onnxir::kIrVersionAttr, builder.getI64IntegerAttr(model.irVersion));
  module.get()->setAttr(onnxir::kProducerAttr,
                        builder.getStringAttr(proto.producer_name() + (proto.producer_version().empty() ? "" : " ") +
                                              proto.producer_version()));
  builder.setInsertionPointToEnd(module->getBody());

  ValueScope scope(graph, nullptr);
  auto func = func::FuncOp::create(builder, named(graph.name()), "main", builder.getFunctionType({}, {}));
  entry = func.addEntryBlock();
  SmallVector<Type> inputTypes, resultTypes;
  SmallVector<DictionaryAttr> inputAttrs, resultAttrs;
  auto describeValue = [&](const std::string &name, const onnx::TypeProto &type) {
    SmallVector<NamedAttribute> attrs = {builder.getNamedAttr(onnxir::kNameAttr, builder.getStringAttr(name))};
    if (type.tensor_type().has_shape())
      attrs.push_back(builder.getNamedAttr(onnxir::kDimsAttr, dimsOf(type)));
    return builder.getDictionaryAttr(attrs);
  };
  for (const onnx::ValueInfoProto &input : graph.input()) {
    Type type = typeOf(input.name(), scope, "graph input '" + input.name() + "'");
    inputTypes.push_back(type);
    inputAttrs.push_back(describeValue(input.name(), input.type()));
    if (auto found = model.defaults.find(input.name()); found != model.defaults.end())
      if (ElementsAttr value = model.reader.read(found->second, "initializer '" + input.name() + "'", input.name())) {
        NamedAttrList attrs(inputAttrs.back());
        attrs.set(kDefaultAttr, value);
        inputAttrs.back() = attrs.getDictionary(model.context);
      }
    scope.values[input.name()] = entry->addArgument(type, named(input.name()));
  }
  builder.setInsertionPointToEnd(entry);
  emitBody(graph, scope);
  SmallVector<Value> results = outputs(graph, scope);
  for (auto [value, declared] : llvm::zip(results, model.declaredOutputs)) {
    resultTypes.push_back(value.getType());
    // Names of dimensions only where the declared rank is the value's own.
    auto ranked = dyn_cast<RankedTensorType>(value.getType());
    onnx::TypeProto type = declared.type();
    if (!ranked || ranked.getRank() != type.tensor_type().shape().dim_size())
      type.mutable_tensor_type()->clear_shape();
    resultAttrs.push_back(describeValue(declared.name(), type));
  }
  func::ReturnOp::create(builder, func.getLoc(), results);
  func.setFunctionType(builder.getFunctionType(inputTypes, resultTypes));
  func.setAllArgAttrs(inputAttrs);
  func.setAllResultAttrs(resultAttrs);
  if (!model.fixedInputs.empty())
    func->setAttr(kFixedInputsAttr, builder.getStrArrayAttr(SmallVector<llvm::StringRef>(model.fixedInputs.begin(),
                                                                                         model.fixedInputs.end())));
  auto opset = model.opsets.find("");
  func->setAttr(onnxir::kOpsetAttr, builder.getI64IntegerAttr(opset == model.opsets.end() ? 0 : opset->second));

  if (model.problems.any() || failed(verify(*module)))
    return {};
  return module;
}
} // namespace

OwningOpRef<ModuleOp> tenon::onnxfe::emitModule(Model &model) { return Emitter(model).emit(); }
