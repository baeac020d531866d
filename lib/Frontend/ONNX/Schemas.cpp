// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Type rules for operators of ONNX Runtime that real exporters emit. They give
// ONNX's shape inference enough to go on behind such a node.
#include "Model.h"

#include "onnx/defs/shape_inference.h"
#include "tenon/Frontend/ONNX/Import.h"

using namespace tenon::onnxfe;
using onnx::InferenceContext;
using onnx::TensorProto;

namespace {
/// Result result has the element type of input input, and its shape if asked.
void same(InferenceContext &ctx, size_t input, size_t result, bool shape) {
  if (result >= ctx.getNumOutputs() || input >= ctx.getNumInputs() || !ctx.getInputType(input) ||
      !ctx.getInputType(input)->has_tensor_type())
    return;
  onnx::propagateElemTypeFromInputToOutput(ctx, input, result);
  if (shape && onnx::hasInputShape(ctx, input))
    onnx::propagateShapeFromInputToOutput(ctx, input, result);
}

void integer(InferenceContext &ctx, size_t result) {
  if (result < ctx.getNumOutputs())
    ctx.getOutputType(result)->mutable_tensor_type()->set_elem_type(TensorProto::INT32);
}

void sameAsFirst(InferenceContext &ctx) { same(ctx, 0, 0, true); }

void typeOfFirst(InferenceContext &ctx) {
  for (size_t i = 0; i < ctx.getNumOutputs(); ++i)
    same(ctx, 0, i, false);
}

void skipNormalization(InferenceContext &ctx) {
  same(ctx, 0, 0, true);
  same(ctx, 0, 3, true); // the sum of the skip connection
}

void embedNormalization(InferenceContext &ctx) {
  same(ctx, 2, 0, false);
  integer(ctx, 1);
  same(ctx, 2, 2, false);
}

struct Rule {
  const char *domain;
  const char *name;
  void (*infer)(InferenceContext &);
};

constexpr Rule kRules[] = {
    {"", "SimplifiedLayerNormalization", sameAsFirst},
    {"com.microsoft", "SimplifiedLayerNormalization", sameAsFirst},
    {"com.microsoft", "FastGelu", sameAsFirst},
    {"com.microsoft", "Gelu", sameAsFirst},
    {"com.microsoft", "BiasGelu", sameAsFirst},
    {"com.microsoft", "QuickGelu", sameAsFirst},
    {"com.microsoft", "RotaryEmbedding", sameAsFirst},
    {"com.microsoft", "SkipLayerNormalization", skipNormalization},
    {"com.microsoft", "SkipSimplifiedLayerNormalization", skipNormalization},
    {"com.microsoft", "EmbedLayerNormalization", embedNormalization},
    {"com.microsoft", "Attention", typeOfFirst},
    {"com.microsoft", "MultiHeadAttention", typeOfFirst},
    {"com.microsoft", "GroupQueryAttention", typeOfFirst},
    {"com.microsoft", "FusedMatMul", typeOfFirst},
    {"com.microsoft", "FusedGemm", typeOfFirst},
    {"com.microsoft", "FusedConv", typeOfFirst},
    {"com.microsoft", "MatMulNBits", typeOfFirst},
};
} // namespace

Schemas::Schemas() {
  for (const Rule &rule : kRules) {
    onnx::OpSchema schema(rule.name, __FILE__, __LINE__);
    schema.SetDomain(kOwn).SinceVersion(1).TypeAndShapeInferenceFunction(rule.infer);
    own.emplace(std::string(rule.domain) + "::" + rule.name, std::move(schema));
  }
}

const onnx::OpSchema *Schemas::GetSchema(const std::string &name, const int version, const std::string &domain) const {
  if (const onnx::OpSchema *schema = onnx::OpSchemaRegistry::Schema(name, version, domain))
    return schema;
  auto found = own.find(domain + "::" + name);
  return found == own.end() ? nullptr : &found->second;
}

void tenon::loadOnnxSchemas() { onnx::OpSchemaRegistry::Schema("Identity", 1, ""); }
