// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads TensorProto files with the reader of initializers. External data is
// refused: a test vector is one file.
#include "tenon/Frontend/ONNX/TensorFile.h"
#include "Problems.h"
#include "Source.h"
#include "Tensors.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"

using namespace mlir;
using namespace tenon::onnxfe;

ElementsAttr tenon::readOnnxTensorFile(MLIRContext &context, llvm::StringRef path) {
  context.loadDialect<onnxir::OnnxDialect>();
  Problems problems(&context, path);
  std::string why;
  auto buffer = openInput(path, why);
  if (!buffer) {
    problems.error(UnreadableFile, why);
    return {};
  }
  try {
    onnx::TensorProto tensor;
    if (!parseTensor(*buffer, tensor)) {
      problems.error(UnreadableFile, "is not an ONNX TensorProto");
      return {};
    }
    Source source;
    TensorReader reader(&context, source, problems);
    return reader.read(tensor, "tensor '" + tensor.name() + "'", tensor.name());
  } catch (const std::exception &failure) {
    problems.error(InternalFailure, failure.what());
    return {};
  }
}
