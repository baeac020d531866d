// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The attribute of a constant may hold its bytes otherwise than kernels read them: a splat holds one element,
// which is repeated here, and MLIR may pack booleans, which get a byte each. The bytes of a resource are taken
// as they are.
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Interfaces/ModuleCode.h"

using namespace mlir;

namespace tenon {

std::string weightBytes(ElementsAttr value) {
  auto type = cast<ShapedType>(value.getType());
  Type element = type.getElementType();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return std::string(blob->getData().data(), blob->getData().size());
    return {};
  }
  auto dense = cast<DenseElementsAttr>(value);
  std::string bytes;
  if (element.isInteger(1)) {
    for (bool bit : dense.getValues<bool>())
      bytes.push_back(bit);
    return bytes;
  }
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return std::string(raw.data(), raw.size());
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    bytes.append(raw.data(), raw.size());
  return bytes;
}

} // namespace tenon
