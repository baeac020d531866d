// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How elements lie in memory. The host program, the kernels of all targets and the
// runtime read the same buffers, so that this is one rule for all.
#include "tenon/Dialect/Num/IR/StorageType.h"

#include "mlir/IR/BuiltinTypes.h"
#include "tenon/Dialect/Num/IR/Num.h"

using namespace mlir;

namespace tenon {

Type storageType(Type type) {
  if (num::isCoded(type))
    return num::codeType(type);
  if (type.isInteger(1))
    return IntegerType::get(type.getContext(), 8);
  if (auto integer = dyn_cast<IntegerType>(type))
    return IntegerType::get(type.getContext(), std::max(8u, integer.getWidth()));
  return type;
}

} // namespace tenon
