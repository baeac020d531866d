// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Storage of reference tensors, their conversion from and to attributes, and
// the one primitive of data movement, `strided`.
#include "tenon/Reference/Tensor.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstring>

using namespace mlir;
using namespace tenon::reference;

namespace {
constexpr int64_t kInlineElements = 16;
constexpr size_t kAlign = 64;
} // namespace

int64_t tenon::reference::numElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  return count;
}

Shape tenon::reference::stridesOf(ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

unsigned tenon::reference::elementBytes(Type element) {
  if (element && num::isCoded(element))
    return num::formatOf(element)->storageBytes();
  if (!element || !element.isIntOrFloat())
    return 0;
  unsigned width = element.getIntOrFloatBitWidth();
  return width <= 8 ? 1 : width == 16 || width == 32 || width == 64 ? width / 8 : 0;
}

std::optional<Shape> tenon::reference::broadcastShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  Shape result(a.begin(), a.end());
  size_t skip = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t &dim = result[skip + i];
    if (dim != b[i] && dim != 1 && b[i] != 1)
      return std::nullopt;
    dim = dim == 1 ? b[i] : dim;
  }
  return result;
}

Tensor::Tensor(Type element, ArrayRef<int64_t> shape) : element(element), shape(shape) {
  size_t bytes = size_t(numElements(shape)) * elementBytes(element);
  size_t rounded = (std::max<size_t>(bytes, 1) + kAlign - 1) / kAlign * kAlign;
  data = static_cast<char *>(std::aligned_alloc(kAlign, rounded));
  owner = std::shared_ptr<char>(data, std::free);
  std::memset(data, 0, rounded);
}

Tensor Tensor::borrow(Type element, ArrayRef<int64_t> shape, ArrayRef<char> bytes) {
  assert(bytes.size() >= size_t(numElements(shape)) * elementBytes(element) && "too few bytes for the shape");
  Tensor result;
  result.element = element;
  result.shape = Shape(shape);
  result.data = const_cast<char *>(bytes.data());
  return result;
}

std::optional<Tensor> Tensor::fromAttribute(ElementsAttr attribute) {
  auto type = dyn_cast<RankedTensorType>(attribute.getShapedType());
  if (!type || !type.hasStaticShape() || elementBytes(type.getElementType()) == 0)
    return std::nullopt;
  Type element = type.getElementType();
  int64_t count = type.getNumElements();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || blob->getData().size() < size_t(count) * elementBytes(element))
      return std::nullopt;
    return borrow(element, type.getShape(), blob->getData());
  }
  auto dense = dyn_cast<DenseElementsAttr>(attribute);
  if (!dense)
    return std::nullopt;
  Tensor result(element, type.getShape());
  if (element.isInteger(1)) { // MLIR may pack these
    int64_t i = 0;
    for (bool value : dense.getValues<bool>())
      result.data[i++] = value;
    return result;
  }
  ArrayRef<char> raw = dense.getRawData();
  unsigned size = elementBytes(element);
  if (dense.isSplat())
    for (int64_t i = 0; i < count; ++i)
      std::memcpy(result.data + i * size, raw.data(), size);
  else if (count)
    std::memcpy(result.data, raw.data(), size_t(count) * size);
  return result;
}

ElementsAttr Tensor::toAttribute(StringRef name) const {
  RankedTensorType type = getType();
  if (getNumElements() == 0 && !isa<num::FormatType>(element))
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
  if (getNumElements() > kInlineElements || isa<num::FormatType>(element)) { // dense holds builtin types only
    if (!owner)
      return DenseResourceElementsAttr::get(
          type, name, HeapAsmResourceBlob::allocateAndCopyWithAlign(getBytes(), kAlign, /*dataIsMutable=*/false));
    auto keep = [owner = owner](void *, size_t, size_t) {};
    return DenseResourceElementsAttr::get(type, name,
                                          AsmResourceBlob(getBytes(), kAlign, keep, /*dataIsMutable=*/false));
  }
  if (element.isInteger(1)) {
    SmallVector<bool> values(llvm::map_range(getBytes(), [](char byte) { return byte != 0; }));
    return DenseElementsAttr::get(type, ArrayRef<bool>(values));
  }
  return DenseElementsAttr::getFromRawBuffer(type, getBytes());
}

Tensor Tensor::reshaped(ArrayRef<int64_t> newShape) const {
  assert(numElements(newShape) == getNumElements() && "another number of elements");
  Tensor result = *this;
  result.shape = Shape(newShape);
  return result;
}

namespace {
template <typename T>
void copyStrided(char *toBytes, const char *fromBytes, ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  T *to = reinterpret_cast<T *>(toBytes);
  const T *from = reinterpret_cast<const T *>(fromBytes);
  size_t rank = shape.size();
  int64_t inner = rank ? shape[rank - 1] : 1, step = rank ? strides[rank - 1] : 1;
  int64_t outer = numElements(shape) / std::max<int64_t>(inner, 1);
  Shape index(rank, 0);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i)
      to[i] = from[i * step];
    to += inner;
    for (size_t d = rank > 0 ? rank - 1 : 0; d-- > 0;) {
      from += strides[d];
      if (++index[d] < shape[d])
        break;
      from -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}
} // namespace

Tensor Tensor::strided(ArrayRef<int64_t> newShape, ArrayRef<int64_t> strides, int64_t offset) const {
  Tensor result(element, newShape);
  if (result.getNumElements() == 0)
    return result;
  const char *from = data + offset * int64_t(getElementBytes());
  switch (getElementBytes()) {
  case 1: copyStrided<uint8_t>(result.data, from, newShape, strides); break;
  case 2: copyStrided<uint16_t>(result.data, from, newShape, strides); break;
  case 4: copyStrided<uint32_t>(result.data, from, newShape, strides); break;
  default: copyStrided<uint64_t>(result.data, from, newShape, strides); break;
  }
  return result;
}

Tensor Tensor::broadcast(ArrayRef<int64_t> newShape) const {
  if (newShape == getShape())
    return *this;
  Shape own = stridesOf(shape), strides(newShape.size(), 0);
  size_t skip = newShape.size() - shape.size();
  for (size_t i = 0; i < shape.size(); ++i)
    strides[skip + i] = shape[i] == 1 ? 0 : own[i];
  return strided(newShape, strides);
}
