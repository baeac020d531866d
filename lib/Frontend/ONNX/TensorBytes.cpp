// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tenon/Frontend/ONNX/TensorBytes.h"

#include "Source.h"

namespace tenon {
namespace {

template <typename T, typename Field> void append(std::string &bytes, const Field &field) {
  for (auto value : field) {
    T narrow = static_cast<T>(value);
    bytes.append(reinterpret_cast<const char *>(&narrow), sizeof(T));
  }
}

} // namespace

bool readTensorFile(llvm::StringRef path, TensorFile &tensor, std::string &error) {
  auto buffer = openInput(path, error);
  if (!buffer) {
    error = (path + " " + error).str();
    return false;
  }
  onnx::TensorProto proto;
  if (!onnxfe::parseTensor(*buffer, proto)) {
    error = (path + " is not an ONNX tensor").str();
    return false;
  }
  tensor.name = proto.name();
  tensor.dtype = proto.data_type();
  tensor.shape.assign(proto.dims().begin(), proto.dims().end());
  tensor.bytes.clear();
  if (proto.has_raw_data()) {
    tensor.bytes = proto.raw_data();
    return true;
  }
  using onnx::TensorProto;
  switch (tensor.dtype) {
  case TensorProto::FLOAT: append<float>(tensor.bytes, proto.float_data()); break;
  case TensorProto::DOUBLE: append<double>(tensor.bytes, proto.double_data()); break;
  case TensorProto::INT64: append<int64_t>(tensor.bytes, proto.int64_data()); break;
  case TensorProto::UINT64: append<uint64_t>(tensor.bytes, proto.uint64_data()); break;
  case TensorProto::UINT32: append<uint32_t>(tensor.bytes, proto.uint64_data()); break;
  case TensorProto::INT32: append<int32_t>(tensor.bytes, proto.int32_data()); break;
  case TensorProto::INT16: case TensorProto::UINT16: case TensorProto::FLOAT16: case TensorProto::BFLOAT16:
    append<uint16_t>(tensor.bytes, proto.int32_data()); break;
  case TensorProto::INT8: case TensorProto::UINT8: case TensorProto::BOOL:
    append<uint8_t>(tensor.bytes, proto.int32_data()); break;
  default:
    error = (path + ": element type " + llvm::Twine(tensor.dtype) + " is not supported here").str();
    return false;
  }
  return true;
}

} // namespace tenon
