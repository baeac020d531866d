// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensor values to attributes: the payload's bytes are used where they lie; they
// are copied only if packed, misaligned or stored in typed fields.
#include "Tensors.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "llvm/Support/Alignment.h"

using namespace mlir;
using namespace tenon::onnxfe;
using onnx::TensorProto;

namespace {
constexpr int64_t kInlineElements = 16;
constexpr uint64_t kResourceAlignment = 64;

/// Bits of an element as ONNX stores it; 8 for BOOL.
unsigned storedBits(Type element) {
  if (auto complex = dyn_cast<ComplexType>(element))
    return 2 * complex.getElementType().getIntOrFloatBitWidth();
  unsigned width = element.getIntOrFloatBitWidth();
  return width == 1 ? 8 : width;
}

template <typename Field>
void append(std::vector<char> &bytes, const Field &values, unsigned size) {
  bytes.reserve(values.size() * size);
  for (auto value : values) {
    const char *data = reinterpret_cast<const char *>(&value); // little endian: the low bytes come first
    bytes.insert(bytes.end(), data, data + size);
  }
}

/// The bytes that raw_data would hold. False if the type cannot be stored in
/// the field that is filled.
bool bytesOfTypedFields(const TensorProto &tensor, std::vector<char> &bytes) {
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
  case TensorProto::COMPLEX64: append(bytes, tensor.float_data(), 4); return true;
  case TensorProto::DOUBLE:
  case TensorProto::COMPLEX128: append(bytes, tensor.double_data(), 8); return true;
  case TensorProto::INT64: append(bytes, tensor.int64_data(), 8); return true;
  case TensorProto::UINT64: append(bytes, tensor.uint64_data(), 8); return true;
  case TensorProto::UINT32: append(bytes, tensor.uint64_data(), 4); return true;
  case TensorProto::INT32: append(bytes, tensor.int32_data(), 4); return true;
  case TensorProto::INT16:
  case TensorProto::UINT16:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16: append(bytes, tensor.int32_data(), 2); return true;
  case TensorProto::FLOAT6E2M3:
  case TensorProto::FLOAT6E3M2: return false; // one element an entry here, but packed in raw_data: see read()
  default:                                    // one byte an entry; the 4 and 2 bit types are packed in it
    append(bytes, tensor.int32_data(), 1);
    return true;
  }
}

/// One element a byte from ONNX's packing, which starts at the low bits.
std::vector<char> unpack(ArrayRef<char> packed, int64_t count, unsigned bits, bool signExtend) {
  std::vector<char> bytes(count);
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bit = static_cast<uint64_t>(i) * bits;
    unsigned pair = static_cast<uint8_t>(packed[bit / 8]);
    if (bit % 8 + bits > 8)
      pair |= static_cast<unsigned>(static_cast<uint8_t>(packed[bit / 8 + 1])) << 8;
    unsigned value = (pair >> (bit % 8)) & ((1u << bits) - 1);
    if (signExtend && (value >> (bits - 1)))
      value |= ~0u << bits;
    bytes[i] = static_cast<char>(value);
  }
  return bytes;
}
} // namespace

ElementsAttr TensorReader::readStrings(const TensorProto &tensor, RankedTensorType type, const std::string &place) {
  if (tensor.has_raw_data() || tensor.string_data_size() != type.getNumElements()) {
    problems.error(BadPayload, place,
                   "holds " + Twine(tensor.string_data_size()) + " strings, expected " + Twine(type.getNumElements()) +
                       " in string_data");
    return {};
  }
  SmallVector<StringRef> strings(tensor.string_data().begin(), tensor.string_data().end());
  return DenseStringElementsAttr::get(type, strings);
}

ElementsAttr TensorReader::store(RankedTensorType type, Payload payload, unsigned elementBytes, StringRef name) {
  ArrayRef<char> bytes = payload.bytes;
  if (type.getNumElements() <= kInlineElements) {
    if (type.getElementType().isInteger(1)) {
      SmallVector<bool> values(llvm::map_range(bytes, [](char byte) { return byte != 0; }));
      return DenseElementsAttr::get(type, ArrayRef<bool>(values));
    }
    if (type.getNumElements() == 0)
      return DenseElementsAttr::get(type, ArrayRef<Attribute>());
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  }
  AsmResourceBlob blob;
  auto address = reinterpret_cast<uintptr_t>(bytes.data());
  if (payload.owner && address % elementBytes == 0) {
    // The true alignment, so that nobody assumes more of a mapped file.
    uint64_t alignment = std::min<uint64_t>(kResourceAlignment, address & ~(address - 1));
    blob = UnmanagedAsmResourceBlob::allocateWithAlign(bytes, alignment,
                                                       [owner = payload.owner](void *, size_t, size_t) {});
  } else {
    blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, kResourceAlignment, /*dataIsMutable=*/false);
  }
  return DenseResourceElementsAttr::get(type, name.empty() ? "value" : name, std::move(blob));
}

ElementsAttr TensorReader::read(const TensorProto &tensor, const std::string &place, StringRef name) {
  if (tensor.has_segment()) {
    problems.error(BadPayload, place, "is stored in segments, which ONNX never defined");
    return {};
  }
  RankedTensorType type = tensorType(tensor, place);
  if (!type)
    return {};
  Type element = type.getElementType();
  if (isa<onnxir::StringType>(element))
    return readStrings(tensor, type, place);

  Payload payload;
  bool isRaw = false;
  if (!source.rawPayload(tensor, place, problems, payload, isRaw))
    return {};
  unsigned bits = storedBits(element);
  int64_t count = type.getNumElements();
  std::vector<char> owned;
  bool packed = bits < 8;
  if (!isRaw) {
    if (!bytesOfTypedFields(tensor, owned)) {
      append(owned, tensor.int32_data(), 1);
      for (char &byte : owned)
        byte &= 0x3f;
      packed = false;
      bits = 8;
    }
    payload = {owned, nullptr};
  }
  // count <= 2^48, so that the product cannot overflow.
  uint64_t expected = (static_cast<uint64_t>(count) * bits + 7) / 8;
  if (payload.bytes.size() != expected) {
    problems.error(BadPayload, place,
                   "holds " + Twine(payload.bytes.size()) + " bytes, expected " + Twine(expected) + " for " +
                       Twine(count) + " elements of " +
                       tenon::onnxir::elementTypeName(element.getContext(), tensor.data_type()));
    return {};
  }
  if (packed) {
    auto integer = dyn_cast<IntegerType>(element);
    owned = unpack(payload.bytes, count, bits, integer && !integer.isUnsigned());
    payload = {owned, nullptr};
  } else if (element.isInteger(1) && llvm::any_of(payload.bytes, [](char b) { return b != 0 && b != 1; })) {
    std::vector<char> clean(payload.bytes.begin(), payload.bytes.end());
    for (char &byte : clean)
      byte = byte != 0;
    owned = std::move(clean);
    payload = {owned, nullptr};
  }
  return store(type, payload, std::max(1u, isa<ComplexType>(element) ? bits / 16 : bits / 8), name);
}

void TensorReader::inlineShapeData(TensorProto &tensor) {
  constexpr size_t kLargestShape = 4096; // bytes
  int type = tensor.data_type();         // FLOAT: the scales of Resize
  if ((type != TensorProto::INT64 && type != TensorProto::INT32 && type != TensorProto::FLOAT) ||
      tensor.dims_size() > 1 || tensor.has_raw_data())
    return;
  // A problem here is reported when the tensor is read.
  ScopedDiagnosticHandler quiet(context, [](Diagnostic &) { return success(); });
  Problems ignored(context, "");
  Payload payload;
  bool isRaw = false;
  if (!source.rawPayload(tensor, "", ignored, payload, isRaw) || !isRaw ||
      payload.bytes.size() > (type == TensorProto::FLOAT ? 256 : kLargestShape))
    return;
  tensor.set_raw_data(payload.bytes.data(), payload.bytes.size());
  tensor.clear_doc_string();
  tensor.clear_external_data();
  tensor.clear_data_location();
}
