// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Serialized ONNX TensorProto files, the form of test vectors, as attributes.
#ifndef TENON_FRONTEND_ONNX_TENSORFILE_H
#define TENON_FRONTEND_ONNX_TENSORFILE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringRef.h"

namespace tenon {

/// The tensor in a file: dense up to 16 elements, else a resource. Null after
/// a diagnostic.
mlir::ElementsAttr readOnnxTensorFile(mlir::MLIRContext &context, llvm::StringRef path);

} // namespace tenon

#endif // TENON_FRONTEND_ONNX_TENSORFILE_H
