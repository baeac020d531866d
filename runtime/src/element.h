// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes of ONNX element types in a session's buffers.
#ifndef TENON_RUNTIME_ELEMENT_H
#define TENON_RUNTIME_ELEMENT_H

#include <cstddef>

namespace tenon::rt {

/// Bytes of an element of an ONNX TensorProto.DataType; 0 if it has no fixed
/// size. Types of less than a byte are not packed: one byte an element.
inline size_t elementBytes(int dtype) {
  switch (dtype) {
  case 2:
  case 3:
  case 9: // uint8, int8, bool
  case 17:
  case 18:
  case 19:
  case 20: // float8 kinds
  case 21:
  case 22:
  case 23: // uint4, int4, float4e2m1
  case 24:
  case 25:
  case 26: // float8e8m0, uint2, int2
  case 27:
  case 28: // float6e2m3, float6e3m2
    return 1;
  case 4:
  case 5:
  case 10:
  case 16: // uint16, int16, float16, bfloat16
    return 2;
  case 1:
  case 6:
  case 12: // float, int32, uint32
    return 4;
  case 7:
  case 11:
  case 13:
  case 14: // int64, double, uint64, complex64
    return 8;
  case 15: // complex128
    return 16;
  default: return 0;
  }
}

} // namespace tenon::rt

#endif // TENON_RUNTIME_ELEMENT_H
