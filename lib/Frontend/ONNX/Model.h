// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model on its way through the importer, and the importer's steps in order.
// Each step reports everything it finds; a step runs only if those before it
// found nothing that makes its own findings meaningless.
#ifndef TENON_LIB_FRONTEND_ONNX_MODEL_H
#define TENON_LIB_FRONTEND_ONNX_MODEL_H

#include "Problems.h"
#include "Source.h"
#include "Tensors.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "onnx/defs/schema.h"
#include "tenon/Frontend/ONNX/Import.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include <list>
#include <map>
#include <unordered_map>

namespace tenon::onnxfe {

/// ONNX's schemas, and type rules for operators that exporters emit although
/// ONNX does not define them.
class Schemas final : public onnx::ISchemaRegistry {
public:
  Schemas();
  const onnx::OpSchema *GetSchema(const std::string &name, const int version, const std::string &domain) const override;
  /// A rule that knows result types only: no arity, attributes or constraints.
  bool isTypeRuleOnly(const onnx::OpSchema *schema) const { return schema->domain() == kOwn; }
  static constexpr const char *kOwn = "tenon.types";

private:
  std::map<std::string, onnx::OpSchema> own;
};

struct Model {
  Model(mlir::MLIRContext *context, Source &source, const OnnxImportOptions &options, Problems &problems)
      : context(context), source(source), options(options), problems(problems), reader(context, source, problems) {}

  mlir::MLIRContext *context;
  Source &source;
  const OnnxImportOptions &options;
  Problems &problems;
  TensorReader reader;
  onnx::ModelProto proto;
  /// As the model declares them, before shape inference refines them.
  std::vector<onnx::ValueInfoProto> declaredOutputs;
  int64_t irVersion = 0;
  /// Values of the optional inputs, and the names of inputs that became constants.
  llvm::StringMap<onnx::TensorProto> defaults;
  std::vector<std::string> fixedInputs;
  std::unordered_map<std::string, int> opsets;
  Schemas schemas;

  int opsetOf(const onnx::NodeProto &node) const {
    auto found = opsets.find(node.domain());
    return found == opsets.end() ? 0 : found->second;
  }
  const onnx::OpSchema *schemaOf(const onnx::NodeProto &node) const {
    return schemas.GetSchema(node.op_type(), opsetOf(node), node.domain());
  }
};

/// Types of the values that a graph and those around it define.
class TypeScope {
public:
  TypeScope(const onnx::GraphProto &graph, const TypeScope *parent);
  const onnx::TypeProto *lookup(const std::string &name) const;

private:
  std::unordered_map<std::string, const onnx::TypeProto *> types;
  std::list<onnx::TypeProto> initializerTypes;
  const TypeScope *parent;
};

/// Versions, domains.
void checkHeader(Model &model);
/// Replaces calls of model-local functions by their bodies.
void inlineLocalFunctions(Model &model);
/// Drops each initializer that is also an input from the one list or the other.
void chooseOverridable(Model &model);
/// Names every node, checks definitions and uses, sorts graphs topologically.
void checkStructure(Model &model);
/// Operators, arity and attributes against the schemas.
void checkNodes(Model &model);
/// Result types by ONNX's own inference.
void inferTypes(Model &model);
/// Expands operators that nobody handles to their standard function bodies.
void expandFunctions(Model &model);
/// Element types against the schemas.
void checkTypes(Model &model);
/// The model as MLIR.
mlir::OwningOpRef<mlir::ModuleOp> emitModule(Model &model);

/// Calls fn for each tensor of the graph, its attributes and subgraphs.
void forEachTensor(onnx::GraphProto &graph, llvm::function_ref<void(onnx::TensorProto &)> fn);

} // namespace tenon::onnxfe
#endif // TENON_LIB_FRONTEND_ONNX_MODEL_H
