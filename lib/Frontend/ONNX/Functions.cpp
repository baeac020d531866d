// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions become the nodes they stand for: model-local functions through
// ONNX's inliner, operators that the compiler does not handle itself through
// the function body of their schema (context-dependent ones too).
//
// ONNX's inliner is not used for the latter: it infers the shapes of the whole
// model for each call and knows no types inside subgraphs.
#include "Model.h"
#include "onnx/inliner/inliner.h"
#include "onnx/shape_inference/attribute_binder.h"
#include "onnx/shape_inference/implementation.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace tenon::onnxfe;
using onnx::AttributeProto;
using onnx::FunctionProto;
using onnx::GraphProto;
using onnx::NodeProto;

namespace {
/// Nodes that a model may grow to. Functions that call functions can describe
/// exponentially many.
constexpr int64_t kMostNodes = 1000000;

std::string functionId(const std::string &domain, const std::string &name, const std::string &overload) {
  return domain + "::" + name + (overload.empty() ? "" : ":" + overload);
}

/// Counts the nodes that inlining would make, saturating.
class InlinedSize {
public:
  explicit InlinedSize(const onnx::ModelProto &proto) {
    for (const FunctionProto &function : proto.functions())
      functions[functionId(function.domain(), function.name(), function.overload())] = &function;
  }
  std::string cycle;

  int64_t of(const google::protobuf::RepeatedPtrField<NodeProto> &nodes) {
    int64_t sum = 0;
    for (const NodeProto &node : nodes) {
      int64_t size = 1;
      std::string id = functionId(node.domain(), node.op_type(), node.overload());
      if (auto found = functions.find(id); found != functions.end())
        size = ofFunction(id, *found->second);
      for (const AttributeProto &attr : node.attribute())
        if (attr.has_g())
          size += of(attr.g().node());
      sum = std::min(kMostNodes + 1, sum + size);
    }
    return sum;
  }

private:
  int64_t ofFunction(const std::string &id, const FunctionProto &function) {
    auto [entry, isNew] = sizes.try_emplace(id, -1);
    if (!isNew) {
      if (entry->second == -1)
        cycle = id;
      return std::max<int64_t>(entry->second, 0);
    }
    int64_t size = of(function.node());
    return sizes[id] = size;
  }

  llvm::StringMap<const FunctionProto *> functions;
  llvm::StringMap<int64_t> sizes; // -1 while a function is being counted
};

/// Drops declared types of constants: the tensor itself says what it is, and
/// exporters that declare something else stop ONNX's inference.
void dropConstantTypes(GraphProto &graph) {
  llvm::StringSet<> constants;
  for (const onnx::TensorProto &tensor : graph.initializer())
    constants.insert(tensor.name());
  for (NodeProto &node : *graph.mutable_node()) {
    if (node.op_type() == "Constant" && node.domain().empty())
      for (const std::string &output : node.output())
        constants.insert(output);
    for (AttributeProto &attr : *node.mutable_attribute())
      if (attr.has_g())
        dropConstantTypes(*attr.mutable_g());
  }
  auto *infos = graph.mutable_value_info();
  infos->erase(std::remove_if(infos->begin(), infos->end(),
                              [&](const onnx::ValueInfoProto &info) { return constants.contains(info.name()); }),
               infos->end());
}

/// Gives the values of a function's body names that nothing in the model has, and
/// those of its interface the caller's. ONNX's renamer leaves out what subgraphs
/// use, so that an If of a body could not see the body's values.
class BodyRenamer {
public:
  explicit BodyRenamer(unsigned number) : suffix("__@" + std::to_string(number)), scopes(1) {}

  void bind(const std::string &formal, const std::string &actual) { scopes.back()[formal] = actual; }

  void rename(NodeProto &node) {
    for (std::string &input : *node.mutable_input())
      use(input);
    for (AttributeProto &attr : *node.mutable_attribute())
      if (attr.has_g())
        rename(*attr.mutable_g());
    for (std::string &output : *node.mutable_output())
      define(output);
  }

private:
  void rename(GraphProto &graph) {
    scopes.emplace_back();
    for (onnx::ValueInfoProto &input : *graph.mutable_input())
      define(*input.mutable_name());
    for (onnx::TensorProto &tensor : *graph.mutable_initializer())
      define(*tensor.mutable_name());
    for (NodeProto &node : *graph.mutable_node())
      rename(node);
    for (onnx::ValueInfoProto &output : *graph.mutable_output())
      use(*output.mutable_name());
    for (onnx::ValueInfoProto &info : *graph.mutable_value_info())
      use(*info.mutable_name());
    scopes.pop_back();
  }

  void use(std::string &name) const {
    for (const auto &scope : llvm::reverse(scopes))
      if (auto found = scope.find(name); found != scope.end()) {
        name = found->second;
        return;
      }
  }

  void define(std::string &name) {
    if (!name.empty())
      name = scopes.back().try_emplace(name, name + suffix).first->second;
  }

  std::string suffix;
  std::vector<llvm::StringMap<std::string>> scopes;
};

class Expander {
public:
  explicit Expander(Model &model) : model(model) {}

  /// Expands one level of every graph; true if anything changed.
  bool expand(GraphProto &graph, const TypeScope *parent) {
    TypeScope scope(graph, parent);
    bool changed = false;
    google::protobuf::RepeatedPtrField<NodeProto> nodes;
    for (NodeProto &node : *graph.mutable_node()) {
      FunctionProto body;
      if (bodyOf(node, scope, body)) {
        changed = true;
        append(node, body, nodes);
        continue;
      }
      for (AttributeProto &attr : *node.mutable_attribute())
        if (attr.has_g())
          changed |= expand(*attr.mutable_g(), &scope);
      nodes.Add()->Swap(&node);
    }
    graph.mutable_node()->Swap(&nodes);
    return changed;
  }
  int64_t added = 0;

private:
  bool bodyOf(NodeProto &node, const TypeScope &scope, FunctionProto &body) {
    const onnx::OpSchema *schema = model.schemaOf(node);
    if (!schema || model.schemas.isTypeRuleOnly(schema) ||
        (!schema->HasFunction() && !schema->HasContextDependentFunction()) ||
        model.options.hasHandler(node.domain(), node.op_type(), schema->SinceVersion()))
      return false;
    int opset = model.opsetOf(node);
    // Bodies refer to attributes by name; defaults are the schema's.
    for (const auto &[name, attr] : schema->attributes())
      if (attr.default_value.has_name() &&
          llvm::none_of(node.attribute(), [&](const AttributeProto &given) { return given.name() == name; }))
        *node.add_attribute() = attr.default_value;
    try {
      if (const FunctionProto *known = schema->GetFunction(opset)) {
        body = *known;
      } else if (schema->HasContextDependentFunction()) {
        std::vector<onnx::TypeProto> types;
        for (const std::string &input : node.input()) {
          const onnx::TypeProto *type = input.empty() ? nullptr : scope.lookup(input);
          types.push_back(type ? *type : onnx::TypeProto());
        }
        onnx::FunctionBodyBuildContextImpl context(node, types);
        if (!schema->BuildContextDependentFunction(context, body, opset))
          return false;
      } else {
        return false;
      }
      onnx::internal::AttributeBinder::BindAttributes(node, body);
    } catch (const std::exception &) {
      return false; // stays a node; the conversion to graph reports it
    }
    return body.node_size() > 0;
  }

  /// Names by position, and where the nodes come from.
  static void nameNode(NodeProto &node, const std::string &prefix, int index, const std::string &origin) {
    node.set_name(prefix + node.op_type() + "_" + std::to_string(index));
    onnx::StringStringEntryProto &entry = *node.add_metadata_props();
    entry.set_key("tenon.origin");
    entry.set_value(origin);
    for (AttributeProto &attr : *node.mutable_attribute())
      for (int i = 0; attr.has_g() && i < attr.g().node_size(); ++i)
        nameNode(*attr.mutable_g()->mutable_node(i), node.name() + "/" + attr.name() + "/", i, origin);
  }

  void append(const NodeProto &call, FunctionProto &body, google::protobuf::RepeatedPtrField<NodeProto> &nodes) {
    BodyRenamer renamer(count++);
    for (int i = 0; i < body.input_size(); ++i)
      renamer.bind(body.input(i), i < call.input_size() ? call.input(i) : "");
    for (int i = 0; i < body.output_size(); ++i)
      if (i < call.output_size() && !call.output(i).empty())
        renamer.bind(body.output(i), call.output(i));
    std::string origin = call.name();
    for (const onnx::StringStringEntryProto &entry : call.metadata_props())
      if (entry.key() == "tenon.origin")
        origin = entry.value();
    int index = 0;
    for (NodeProto &node : *body.mutable_node()) {
      renamer.rename(node);
      nameNode(node, call.name() + "/", index++, origin);
      nodes.Add()->Swap(&node);
      ++added;
    }
  }

  Model &model;
  unsigned count = 0;
};
} // namespace

/// What a function says it returns must be made inside; after inlining only the
/// caller's name for it would be left to report.
static void checkResults(Model &model) {
  for (const FunctionProto &function : model.proto.functions()) {
    llvm::StringSet<> made;
    for (const std::string &input : function.input())
      made.insert(input);
    for (const NodeProto &node : function.node())
      for (const std::string &output : node.output())
        made.insert(output);
    for (const std::string &output : function.output())
      if (!made.contains(output))
        model.problems.error(BadFunction, "model-local function " + functionId(function.domain(), function.name(), "") +
                                              ": output '" + output + "' is defined by no node of it");
  }
}

void tenon::onnxfe::inlineLocalFunctions(Model &model) {
  onnx::ModelProto &proto = model.proto;
  if (proto.functions().empty())
    return;
  checkResults(model);
  if (model.problems.any())
    return;
  InlinedSize size(proto);
  if (size.of(proto.graph().node()) > kMostNodes)
    return model.problems.error(BadFunction,
                                "model-local functions expand to more than " + llvm::Twine(kMostNodes) + " nodes");
  if (!size.cycle.empty())
    return model.problems.error(BadFunction, "model-local function " + size.cycle + " calls itself");
  try {
    onnx::inliner::InlineLocalFunctions(proto, /*convert_version=*/true);
  } catch (const std::exception &error) {
    return model.problems.error(BadFunction, llvm::Twine("model-local functions cannot be inlined: ") + error.what());
  }
  for (const FunctionProto &function : proto.functions())
    model.problems.error(BadFunction,
                         "model-local function " + functionId(function.domain(), function.name(), "") +
                             " imports other versions of domains than the model does; import the model's versions");
  // Conversion may have left names of the default domain in the long spelling.
  for (NodeProto &node : *proto.mutable_graph()->mutable_node())
    if (node.domain() == "ai.onnx")
      node.clear_domain();
}

void tenon::onnxfe::inferTypes(Model &model) {
  dropConstantTypes(*model.proto.mutable_graph());
  onnx::shape_inference::DataValueMap values;
  onnx::ShapeInferenceOptions options(/*check_type=*/false, /*error_mode=*/0, /*data_propagation=*/true);
  // Data propagation represents each element of a one-dimensional tensor by an
  // object of its own: only worth it, and only safe, for shape-like tensors.
  auto isLong = [](const onnx::ValueInfoProto &info) {
    const auto &shape = info.type().tensor_type().shape();
    return shape.dim_size() == 1 && shape.dim(0).dim_value() > 65536;
  };
  const GraphProto &graph = model.proto.graph();
  if (llvm::any_of(graph.input(), isLong) || llvm::any_of(graph.value_info(), isLong) ||
      llvm::any_of(graph.output(), isLong))
    options.enable_data_propagation = false;
  try {
    onnx::shape_inference::InferShapes(model.proto, &model.schemas, options, &values);
  } catch (const std::exception &) {
    // Types that were not found are unknown; later stages infer again.
  }
}

void tenon::onnxfe::expandFunctions(Model &model) {
  if (!model.options.hasHandler)
    return;
  Expander expander(model);
  // Bodies may use operators that have bodies themselves.
  for (int round = 0; round < 16 && expander.expand(*model.proto.mutable_graph(), nullptr); ++round) {
    if (expander.added > kMostNodes)
      return model.problems.error(BadFunction, "operators expand to more than " + llvm::Twine(kMostNodes) + " nodes");
    if (model.options.inferShapes)
      inferTypes(model);
  }
}
