// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first look at a model: versions and opset imports.
#include "Model.h"
#include "tenon/Frontend/ONNX/Operators.h"

using namespace tenon::onnxfe;

namespace {
constexpr int64_t kOldestIr = 3;

/// "ai.onnx" is another spelling of the default domain; one of them is enough.
void normalizeDomains(onnx::GraphProto &graph);

void normalizeDomain(onnx::NodeProto &node) {
  if (node.domain() == "ai.onnx")
    node.clear_domain();
  for (onnx::AttributeProto &attr : *node.mutable_attribute()) {
    if (attr.has_g())
      normalizeDomains(*attr.mutable_g());
    for (onnx::GraphProto &graph : *attr.mutable_graphs())
      normalizeDomains(graph);
    // Files older than IR version 2 do not state an attribute's type.
    if (attr.type() == onnx::AttributeProto::UNDEFINED && attr.ref_attr_name().empty()) {
      if (attr.has_f())
        attr.set_type(onnx::AttributeProto::FLOAT);
      else if (attr.has_i())
        attr.set_type(onnx::AttributeProto::INT);
      else if (attr.has_s())
        attr.set_type(onnx::AttributeProto::STRING);
      else if (attr.has_t())
        attr.set_type(onnx::AttributeProto::TENSOR);
      else if (attr.floats_size())
        attr.set_type(onnx::AttributeProto::FLOATS);
      else if (attr.ints_size())
        attr.set_type(onnx::AttributeProto::INTS);
      else if (attr.strings_size())
        attr.set_type(onnx::AttributeProto::STRINGS);
    }
  }
}

void normalizeDomains(onnx::GraphProto &graph) {
  for (onnx::NodeProto &node : *graph.mutable_node())
    normalizeDomain(node);
}

void checkOpset(Model &model, const onnx::OperatorSetIdProto &import) {
  const auto &known = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  std::string domain = import.domain() == "ai.onnx" ? "" : import.domain();
  auto range = known.find(domain);
  int64_t oldest = domain.empty() ? tenon::kOldestOpset : 1;
  int64_t newest = range == known.end() ? INT32_MAX : range->second.second;
  if (import.version() < oldest || import.version() > newest)
    model.problems.error(UnsupportedOpset, "model imports opset " + llvm::Twine(import.version()) + " of domain '" +
                                               domain + "', supported are " + llvm::Twine(oldest) + " to " +
                                               llvm::Twine(newest) +
                                               "; export it again, or convert it with onnx.version_converter");
  else if (auto [known, isNew] = model.opsets.try_emplace(domain, static_cast<int>(import.version()));
           !isNew && known->second != import.version())
    model.problems.error(AmbiguousOpset, "model imports opsets " + llvm::Twine(known->second) + " and " +
                                             llvm::Twine(import.version()) + " of domain '" + domain +
                                             "'; which one its nodes mean is not said");
}
} // namespace

void tenon::onnxfe::checkHeader(Model &model) {
  onnx::ModelProto &proto = model.proto;
  model.irVersion = proto.ir_version();
  if (model.irVersion < kOldestIr || model.irVersion > onnx::IR_VERSION)
    model.problems.error(UnsupportedIrVersion, "model has IR version " + llvm::Twine(model.irVersion) +
                                                   ", supported are " + llvm::Twine(kOldestIr) + " to " +
                                                   llvm::Twine(static_cast<int>(onnx::IR_VERSION)));
  // From here on newer rules hold: initializers need not be inputs (IR 4).
  proto.set_ir_version(onnx::IR_VERSION);
  if (!proto.has_graph())
    model.problems.error(UnreadableFile, "model has no graph; is the file an ONNX model?");
  for (onnx::OperatorSetIdProto &import : *proto.mutable_opset_import()) {
    checkOpset(model, import);
    if (import.domain() == "ai.onnx")
      import.clear_domain();
  }
  normalizeDomains(*proto.mutable_graph());
  for (onnx::FunctionProto &function : *proto.mutable_functions()) {
    for (onnx::NodeProto &node : *function.mutable_node())
      normalizeDomain(node);
    for (onnx::OperatorSetIdProto &import : *function.mutable_opset_import())
      if (import.domain() == "ai.onnx")
        import.clear_domain();
  }
  // Contrib operators of ONNX Runtime are also used without being imported.
  model.opsets.try_emplace("com.microsoft", 1);
  if (llvm::none_of(proto.opset_import(), [](auto &import) { return import.domain() == "com.microsoft"; })) {
    onnx::OperatorSetIdProto &import = *proto.add_opset_import();
    import.set_domain("com.microsoft");
    import.set_version(1);
  }

  const onnx::GraphProto &graph = proto.graph();
  model.declaredOutputs.assign(graph.output().begin(), graph.output().end());
}

void tenon::onnxfe::forEachTensor(onnx::GraphProto &graph, llvm::function_ref<void(onnx::TensorProto &)> fn) {
  for (onnx::TensorProto &tensor : *graph.mutable_initializer())
    fn(tensor);
  for (onnx::NodeProto &node : *graph.mutable_node())
    for (onnx::AttributeProto &attr : *node.mutable_attribute()) {
      if (attr.has_t())
        fn(*attr.mutable_t());
      for (onnx::TensorProto &tensor : *attr.mutable_tensors())
        fn(tensor);
      if (attr.has_g())
        forEachTensor(*attr.mutable_g(), fn);
    }
}

TypeScope::TypeScope(const onnx::GraphProto &graph, const TypeScope *parent) : parent(parent) {
  for (const onnx::TensorProto &tensor : graph.initializer()) {
    onnx::TypeProto &type = initializerTypes.emplace_back();
    type.mutable_tensor_type()->set_elem_type(tensor.data_type());
    auto *shape = type.mutable_tensor_type()->mutable_shape();
    for (int64_t dim : tensor.dims())
      shape->add_dim()->set_dim_value(dim);
    types[tensor.name()] = &type;
  }
  for (const onnx::ValueInfoProto &info : graph.value_info())
    types.try_emplace(info.name(), &info.type());
  for (const onnx::ValueInfoProto &info : graph.output())
    types.try_emplace(info.name(), &info.type());
  for (const onnx::ValueInfoProto &info : graph.input())
    types.try_emplace(info.name(), &info.type());
}

const onnx::TypeProto *TypeScope::lookup(const std::string &name) const {
  for (const TypeScope *scope = this; scope; scope = scope->parent)
    if (auto found = scope->types.find(name); found != scope->types.end())
      return found->second;
  return nullptr;
}
