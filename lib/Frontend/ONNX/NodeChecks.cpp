// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nodes against ONNX's schemas. ONNX's own checker stops at the first problem;
// this one reports all of them, with the input or attribute at fault.
#include "Model.h"
#include "onnx/defs/data_type_utils.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace tenon::onnxfe;
using onnx::AttributeProto;
using onnx::NodeProto;
using onnx::OpSchema;

namespace {
const char *attributeTypeName(int type) {
  static constexpr const char *kNames[] = {
      "UNDEFINED", "FLOAT",   "INT",    "STRING",        "TENSOR",         "GRAPH",      "FLOATS",     "INTS",
      "STRINGS",   "TENSORS", "GRAPHS", "SPARSE_TENSOR", "SPARSE_TENSORS", "TYPE_PROTO", "TYPE_PROTOS"};
  return type >= 0 && type < 15 ? kNames[type] : "unknown";
}

class NodeChecker {
public:
  explicit NodeChecker(Model &model) : model(model), problems(model.problems) {}

  void check(onnx::GraphProto &graph) {
    for (NodeProto &node : *graph.mutable_node()) {
      check(node);
      for (AttributeProto &attr : *node.mutable_attribute())
        if (attr.has_g())
          check(*attr.mutable_g());
    }
  }

private:
  void check(const NodeProto &node) {
    std::string place = describe(node, model.opsetOf(node));
    if (node.op_type().empty())
      return problems.error(UnknownOperator, place, "the node has no operator");
    if (!model.opsets.count(node.domain()))
      return problems.error(MissingOpsetImport, place,
                            "the model uses domain '" + node.domain() + "' without importing a version of it");
    llvm::StringSet<> names;
    for (const AttributeProto &attr : node.attribute()) {
      if (!names.insert(attr.name()).second)
        problems.error(UnknownAttribute, place, "attribute '" + attr.name() + "' is given twice");
      if (!attr.ref_attr_name().empty())
        problems.error(WrongAttributeType, place,
                       "attribute '" + attr.name() + "' refers to a function's attribute outside any function");
    }
    const OpSchema *schema = model.schemaOf(node);
    if (!schema)
      return checkUnknown(node, place);
    if (model.schemas.isTypeRuleOnly(schema))
      return;
    if (schema->deprecated())
      return problems.error(DeprecatedOperator, place,
                            "the operator was removed from ONNX in opset " + llvm::Twine(schema->SinceVersion()) +
                                "; export the model again");
    checkArity(node, *schema, place);
    if (node.op_type() == "If" && node.domain().empty())
      checkBranches(node, place);
    checkAttributes(node, *schema, names, place);
  }

  /// Each branch of an If makes all of its outputs.
  void checkBranches(const NodeProto &node, const std::string &place) {
    for (const AttributeProto &attr : node.attribute())
      if (attr.has_g() && attr.g().output_size() != node.output_size())
        problems.error(WrongArity, place,
                       attr.name() + " has " + llvm::Twine(attr.g().output_size()) + " outputs, expected " +
                           llvm::Twine(node.output_size()) + " as the node has");
  }

  void checkUnknown(const NodeProto &node, const std::string &place) {
    // Exporters use com.microsoft freely; the conversion to graph says which of
    // its operators it lacks.
    if (node.domain() == "com.microsoft" ||
        (model.options.hasHandler && model.options.hasHandler(node.domain(), node.op_type(), 1)))
      return;
    if (const OpSchema *newest = onnx::OpSchemaRegistry::Schema(node.op_type(), node.domain())) {
      int first = 1;
      while (!onnx::OpSchemaRegistry::Schema(node.op_type(), first, node.domain()) && first < newest->SinceVersion())
        ++first;
      return problems.error(UnknownOperator, place,
                            "the operator exists from opset " + llvm::Twine(first) +
                                " on, but the model imports an older one");
    }
    problems.error(UnknownOperator, place,
                   node.domain().empty() ? "ONNX has no such operator"
                                         : "domain '" + node.domain() +
                                               "' is not known; Tenon supports ONNX's own domains and "
                                               "com.microsoft, and model-local functions");
  }

  void checkArity(const NodeProto &node, const OpSchema &schema, const std::string &place) {
    int inputs = node.input_size(), outputs = node.output_size();
    while (inputs && node.input(inputs - 1).empty())
      --inputs;
    if (inputs < schema.min_input() || inputs > schema.max_input())
      problems.error(WrongArity, place,
                     "has " + llvm::Twine(inputs) + " inputs, expected " +
                         range(schema.min_input(), schema.max_input()));
    if (outputs < schema.min_output() || outputs > schema.max_output())
      problems.error(WrongArity, place,
                     "has " + llvm::Twine(outputs) + " outputs, expected " +
                         range(schema.min_output(), schema.max_output()));
    for (int i = 0; i < inputs && i < static_cast<int>(schema.inputs().size()); ++i)
      if (node.input(i).empty() && schema.inputs()[i].GetOption() == OpSchema::Single)
        problems.error(WrongArity, place,
                       "input #" + llvm::Twine(i) + " (" + schema.inputs()[i].GetName() + ") is required but empty");
  }

  static std::string range(int low, int high) {
    if (low == high)
      return std::to_string(low);
    return std::to_string(low) + (high == INT_MAX ? " or more" : " to " + std::to_string(high));
  }

  void checkAttributes(const NodeProto &node, const OpSchema &schema, const llvm::StringSet<> &names,
                       const std::string &place) {
    for (const AttributeProto &attr : node.attribute()) {
      auto expected = schema.attributes().find(attr.name());
      if (expected == schema.attributes().end()) {
        if (!llvm::StringRef(attr.name()).starts_with("__"))
          problems.error(UnknownAttribute, place,
                         "attribute '" + attr.name() + "' does not exist in version " +
                             llvm::Twine(schema.SinceVersion()) + " of the operator");
      } else if (attr.type() != expected->second.type && attr.ref_attr_name().empty()) {
        problems.error(WrongAttributeType, place,
                       "attribute '" + attr.name() + "' is " + attributeTypeName(attr.type()) + ", expected " +
                           attributeTypeName(expected->second.type));
      }
    }
    for (const auto &[name, attr] : schema.attributes())
      if (attr.required && !names.contains(name))
        problems.error(MissingAttribute, place, "attribute '" + name + "' is required but not given");
  }

  Model &model;
  Problems &problems;
};

class TypeChecker {
public:
  explicit TypeChecker(Model &model) : model(model) {}

  void check(const onnx::GraphProto &graph, const TypeScope *parent) {
    TypeScope scope(graph, parent);
    for (const NodeProto &node : graph.node()) {
      check(node, scope);
      for (const AttributeProto &attr : node.attribute())
        if (attr.has_g())
          check(attr.g(), &scope);
    }
  }

private:
  void check(const NodeProto &node, const TypeScope &scope) {
    const OpSchema *schema = model.schemaOf(node);
    if (!schema || model.schemas.isTypeRuleOnly(schema))
      return;
    llvm::StringMap<std::pair<std::string, int>> bound;
    for (int i = 0; i < node.input_size() && !schema->inputs().empty(); ++i) {
      const auto &formal = schema->inputs()[std::min<size_t>(i, schema->inputs().size() - 1)];
      std::string actual = typeName(scope.lookup(node.input(i)));
      if (actual.empty())
        continue;
      std::string place = describe(node, model.opsetOf(node));
      if (llvm::none_of(formal.GetTypes(), [&](onnx::DataType allowed) { return *allowed == actual; })) {
        model.problems.error(TypeMismatch, place,
                             "input #" + llvm::Twine(i) + " (" + formal.GetName() + ") '" + node.input(i) + "' is " +
                                 actual + ", expected " + list(formal.GetTypes()));
        continue;
      }
      if (!schema->typeConstraintMap().count(formal.GetTypeStr()) || !formal.GetIsHomogeneous())
        continue;
      auto [first, isNew] = bound.try_emplace(formal.GetTypeStr(), actual, i);
      if (!isNew && first->second.first != actual)
        model.problems.error(TypeMismatch, place,
                             "input #" + llvm::Twine(i) + " (" + formal.GetName() + ") '" + node.input(i) + "' is " +
                                 actual + ", but input #" + llvm::Twine(first->second.second) + " is " +
                                 first->second.first + "; both must have the same type");
    }
  }

  /// "tensor(float)", or nothing where the type is not known.
  static std::string typeName(const onnx::TypeProto *type) {
    if (!type || type->value_case() == onnx::TypeProto::VALUE_NOT_SET ||
        (type->has_tensor_type() && type->tensor_type().elem_type() == onnx::TensorProto::UNDEFINED))
      return "";
    try {
      return *onnx::Utils::DataTypeUtils::ToType(*type);
    } catch (const std::exception &) {
      return ""; // an element type that ONNX does not define, reported elsewhere
    }
  }

  static std::string list(const onnx::DataTypeSet &types) {
    std::vector<std::string> names;
    for (onnx::DataType type : types)
      names.push_back(*type);
    llvm::sort(names);
    std::string text;
    for (const std::string &name : names)
      text += (text.empty() ? "" : ", ") + name;
    return names.size() > 1 ? "one of " + text : text;
  }

  Model &model;
};
} // namespace

void tenon::onnxfe::checkNodes(Model &model) { NodeChecker(model).check(*model.proto.mutable_graph()); }

void tenon::onnxfe::checkTypes(Model &model) { TypeChecker(model).check(model.proto.graph(), nullptr); }
