// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tenon/Frontend/ONNX/Operators.h"

#include "Model.h"

using namespace tenon;

int64_t tenon::newestOpset() {
  return onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map().at(onnx::ONNX_DOMAIN).second;
}

std::vector<OnnxOperator> tenon::onnxOperators() {
  std::vector<OnnxOperator> operators;
  for (const onnx::OpSchema &schema : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
    OnnxOperator entry{schema.domain(), schema.Name(), schema.SinceVersion(), schema.Deprecated(), false, {}};
    entry.hasBody = schema.HasFunction() || schema.HasContextDependentFunction();
    if (schema.HasFunction())
      if (const onnx::FunctionProto *body = schema.GetFunction())
        for (const onnx::NodeProto &node : body->node()) {
          int64_t opset = schema.SinceVersion();
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
