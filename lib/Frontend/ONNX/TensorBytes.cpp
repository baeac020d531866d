// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A TensorProto holds its elements as raw bytes or in a typed field, whose numbers are wider than elements of
// up to 16 bits. Elements of less than a byte are packed in either; each gets a byte of its own, where signed
// integers are sign-extended.
#include "tenon/Frontend/ONNX/TensorBytes.h"

#include "Source.h"

namespace tenon {
namespace {

template <typename T, typename Field>
void append(std::string &bytes, const Field &field) {
  for (auto value : field) {
    T narrow = static_cast<T>(value);
    bytes.append(reinterpret_cast<const char *>(&narrow), sizeof(T));
  }
}

/// Bits of an element that shares its byte with others in a file; 0 for other types.
unsigned packedBits(int32_t dtype) {
  switch (dtype) {
  case onnx::TensorProto::UINT4:
  case onnx::TensorProto::INT4:
  case onnx::TensorProto::FLOAT4E2M1: return 4;
  case onnx::TensorProto::UINT2:
  case onnx::TensorProto::INT2: return 2;
  case onnx::TensorProto::FLOAT6E2M3:
  case onnx::TensorProto::FLOAT6E3M2: return 6;
  default: return 0;
  }
}

/// A byte an element, as the runtime takes them, of what a file packs, the first
/// element in the lowest bits. Bytes that the shape does not explain stay as they are.
void unpack(TensorFile &tensor) {
  unsigned bits = packedBits(tensor.dtype);
  uint64_t elements = 1, total;
  for (int64_t size : tensor.shape)
    if (size < 0 || __builtin_mul_overflow(elements, uint64_t(size), &elements))
      return;
  if (!bits || __builtin_mul_overflow(elements, bits, &total) || tensor.bytes.size() != total / 8 + (total % 8 != 0))
    return;
  bool isSigned = tensor.dtype == onnx::TensorProto::INT4 || tensor.dtype == onnx::TensorProto::INT2;
  std::string bytes(elements, 0);
  for (uint64_t i = 0; i < elements; ++i) {
    uint64_t at = i * bits / 8;
    unsigned pair = uint8_t(tensor.bytes[at]) | (at + 1 < tensor.bytes.size() ? uint8_t(tensor.bytes[at + 1]) << 8 : 0);
    unsigned code = pair >> (i * bits % 8) & ((1u << bits) - 1);
    bytes[i] = char(isSigned && code >> (bits - 1) ? code | (~0u << bits) : code);
  }
  tensor.bytes = std::move(bytes);
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
    unpack(tensor);
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
  case TensorProto::INT16:
  case TensorProto::UINT16:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16: append<uint16_t>(tensor.bytes, proto.int32_data()); break;
  case TensorProto::INT8:
  case TensorProto::UINT8:
  case TensorProto::BOOL: append<uint8_t>(tensor.bytes, proto.int32_data()); break;
  case TensorProto::UINT4:
  case TensorProto::INT4:
  case TensorProto::UINT2:
  case TensorProto::INT2:
  case TensorProto::FLOAT4E2M1:
  case TensorProto::FLOAT6E2M3:
  case TensorProto::FLOAT6E3M2:
    append<uint8_t>(tensor.bytes, proto.int32_data());
    unpack(tensor);
    break;
  default:
    error = (path + ": element type " + llvm::Twine(tensor.dtype) + " is not supported here").str();
    return false;
  }
  return true;
}

} // namespace tenon
