// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX element types, tensor types and tensor values as MLIR types and
// attributes.
#ifndef TENON_LIB_FRONTEND_ONNX_TENSORS_H
#define TENON_LIB_FRONTEND_ONNX_TENSORS_H

#include "Problems.h"
#include "Source.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace tenon::onnxfe {

class TensorReader {
public:
  TensorReader(mlir::MLIRContext *context, Source &source, Problems &problems)
      : context(context), source(source), problems(problems) {}

  /// The value as an attribute, or null after reporting. Up to 16 elements are
  /// inline, more are a resource over the mapped bytes wherever these can be
  /// used as they lie.
  mlir::ElementsAttr read(const onnx::TensorProto &tensor, const std::string &place, llvm::StringRef name);

  /// The type of a value; unknown parts become dynamic, unranked, or
  /// !onnx.unknown. Null after reporting.
  mlir::Type type(const onnx::TypeProto &type, const std::string &place);

  /// Moves small shape-like tensors that lie elsewhere into the proto, where
  /// ONNX's shape inference reads them.
  void inlineShapeData(onnx::TensorProto &tensor);

private:
  mlir::RankedTensorType tensorType(const onnx::TensorProto &tensor, const std::string &place);
  mlir::ElementsAttr readStrings(const onnx::TensorProto &tensor, mlir::RankedTensorType type,
                                 const std::string &place);
  mlir::ElementsAttr store(mlir::RankedTensorType type, Payload payload, unsigned elementBytes, llvm::StringRef name);

  mlir::MLIRContext *context;
  Source &source;
  Problems &problems;
};

} // namespace tenon::onnxfe
#endif // TENON_LIB_FRONTEND_ONNX_TENSORS_H
