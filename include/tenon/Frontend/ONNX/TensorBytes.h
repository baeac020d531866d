// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX TensorProto files (test vectors) as plain bytes.
#ifndef TENON_FRONTEND_ONNX_TENSORBYTES_H
#define TENON_FRONTEND_ONNX_TENSORBYTES_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>
#include <vector>

namespace tenon {

struct TensorFile {
  std::string name;
  int32_t dtype = 0; ///< ONNX TensorProto.DataType
  std::vector<int64_t> shape;
  std::string bytes; ///< dense, row-major, little-endian; booleans one byte each
};

/// Reads a TensorProto from a .pb file. False with a message on failure.
bool readTensorFile(llvm::StringRef path, TensorFile &tensor, std::string &error);

} // namespace tenon

#endif // TENON_FRONTEND_ONNX_TENSORBYTES_H
