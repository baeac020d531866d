// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list is that of ONNX's schema registry. A function body that depends on the node is in no schema; it is
// built for an example instead, a node with all operands, which are floats in 3 dimensions, or in 4 where
// there is no body for 3.
#include "tenon/Frontend/ONNX/Operators.h"

#include "Model.h"
#include "onnx/shape_inference/implementation.h"

using namespace tenon;

/// The body of an operator where it depends on the node: the one of a node with all
/// operands, of floats in `rank` dimensions, and no attributes but those that it has to have.
static bool bodyOfExample(const onnx::OpSchema &schema, int rank, onnx::FunctionProto &body) {
  onnx::NodeProto node;
  node.set_op_type(schema.Name());
  node.set_domain(schema.domain());
  onnx::TypeProto number;
  number.mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  for (int i = 0; i < rank; ++i)
    number.mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(1);
  for (size_t i = 0; i < schema.inputs().size(); ++i)
    node.add_input("x" + std::to_string(i));
  for (size_t i = 0; i < schema.outputs().size(); ++i)
    node.add_output("y" + std::to_string(i));
  for (const auto &[name, attribute] : schema.attributes()) {
    if (attribute.default_value.has_name()) {
      *node.add_attribute() = attribute.default_value;
    } else if (attribute.required) {
      if (attribute.type != onnx::AttributeProto::INT)
        return false;
      onnx::AttributeProto &given = *node.add_attribute();
      given.set_name(name);
      given.set_type(attribute.type);
      given.set_i(1);
    }
  }
  try {
    std::vector<onnx::TypeProto> types(schema.inputs().size(), number);
    onnx::FunctionBodyBuildContextImpl context(node, types);
    return schema.BuildContextDependentFunction(context, body, schema.SinceVersion());
  } catch (const std::exception &) {
    return false;
  }
}

int64_t tenon::newestOpset() {
  return onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map().at(onnx::ONNX_DOMAIN).second;
}

std::vector<OnnxOperator> tenon::onnxOperators() {
  std::vector<OnnxOperator> operators;
  for (const onnx::OpSchema &schema : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
    OnnxOperator entry{schema.domain(), schema.Name(), schema.SinceVersion(), schema.Deprecated(), false, {}};
    onnx::FunctionProto example;
    const onnx::FunctionProto *body = schema.HasFunction() ? schema.GetFunction() : nullptr;
    for (int rank : {3, 4})
      if (!body && schema.HasContextDependentFunction() && bodyOfExample(schema, rank, example))
        body = &example;
    entry.hasBody = body && body->node_size();
    for (int i = 0; entry.hasBody && i < body->node_size(); ++i) {
      const onnx::NodeProto &node = body->node(i);
      // A domain that a body does not import is the model's, which may be the newest.
      int64_t opset = node.domain() == schema.domain() ? schema.SinceVersion() : newestOpset();
      for (const onnx::OperatorSetIdProto &import : body->opset_import())
        if (import.domain() == node.domain())
          opset = import.version();
      entry.body.push_back({node.domain(), node.op_type(), opset});
    }
    operators.push_back(std::move(entry));
  }
  llvm::sort(operators, [](const OnnxOperator &a, const OnnxOperator &b) {
    return std::tie(a.domain, a.name, a.since) < std::tie(b.domain, b.name, b.since);
  });
  return operators;
}
