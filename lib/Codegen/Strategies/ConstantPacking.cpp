// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Repacking copies the bytes of elements, so that any element type will do, from dense or resource data.
#include "tenon/Codegen/ConstantPacking.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace tenon::codegen {

/// A constant's bytes; of a splat those of its one element.
static ArrayRef<char> rawData(Attribute value, bool &splat) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? blob->getData() : ArrayRef<char>();
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return {};
  splat = dense.isSplat();
  return dense.getRawData();
}

static graph::ConstantOp constantOf(plan::KernelOp kernel, Value operand) {
  auto argument = dyn_cast<BlockArgument>(operand);
  return argument ? kernel.getInputs()[argument.getArgNumber()].getDefiningOp<graph::ConstantOp>() : nullptr;
}

StringRef packedLayout(plan::KernelOp kernel, unsigned index) {
  return kernel.getPacked() ? cast<StringAttr>((*kernel.getPacked())[index]).getValue() : StringRef();
}

bool isPackedAs(plan::KernelOp kernel, Value operand, StringRef layout) {
  auto argument = dyn_cast_or_null<BlockArgument>(operand);
  if (!argument || !kernel.getPacked())
    return false;
  return cast<StringAttr>((*kernel.getPacked())[argument.getArgNumber()]).getValue() == layout;
}

bool canPack(plan::KernelOp kernel, Operation *root, Value operand) {
  graph::ConstantOp constant = operand ? constantOf(kernel, operand) : nullptr;
  // The packed form is the only one that the kernel has: no second use may need the other.
  if (!constant || llvm::range_size(operand.getUses()) != 1 || *operand.user_begin() != root)
    return false;
  if (kernel.getPacked() &&
      !cast<StringAttr>((*kernel.getPacked())[cast<BlockArgument>(operand).getArgNumber()]).getValue().empty())
    return false;
  bool splat = false;
  return !rawData(constant.getValue(), splat).empty() && elementOf(operand).getIntOrFloatBitWidth() % 8 == 0;
}

void packConstant(plan::KernelOp kernel, Value operand, StringRef layout, ArrayRef<int64_t> shape,
                  function_ref<int64_t(int64_t)> source) {
  auto argument = cast<BlockArgument>(operand);
  unsigned number = argument.getArgNumber();
  graph::ConstantOp constant = constantOf(kernel, operand);
  Type element = elementOf(operand);
  bool splat = false;
  ArrayRef<char> raw = rawData(constant.getValue(), splat);
  size_t bytes = element.getIntOrFloatBitWidth() / 8;
  auto type = RankedTensorType::get(shape, element);
  std::vector<char> data(size_t(type.getNumElements()) * bytes, 0);
  for (int64_t i = 0, e = type.getNumElements(); i < e; ++i)
    if (int64_t from = source(i); from >= 0)
      std::memcpy(&data[size_t(i) * bytes], &raw[splat ? 0 : size_t(from) * bytes], bytes);
  OpBuilder b(kernel);
  auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(data, 64, /*dataIsMutable=*/false);
  auto attr = DenseResourceElementsAttr::get(type, ("packed_" + kernel.getName() + "_" + llvm::Twine(number)).str(),
                                             std::move(blob));
  auto packed = graph::ConstantOp::create(b, constant.getLoc(), type, attr);
  kernel.getInputsMutable()[number].set(packed);
  argument.setType(type);
  SmallVector<Attribute> names;
  for (unsigned i = 0; i < kernel.getInputs().size(); ++i) {
    StringRef old = kernel.getPacked() ? cast<StringAttr>((*kernel.getPacked())[i]).getValue() : StringRef();
    names.push_back(b.getStringAttr(i == number ? layout : old));
  }
  kernel.setPackedAttr(b.getArrayAttr(names));
  if (auto old = kernel.getArgShapes()) {
    SmallVector<Attribute> maps(old->begin(), old->end());
    SmallVector<AffineExpr> dims;
    for (int64_t d : shape)
      dims.push_back(b.getAffineConstantExpr(d));
    maps[number] = AffineMapAttr::get(AffineMap::get(0, 0, dims, b.getContext()));
    kernel.setArgShapesAttr(b.getArrayAttr(maps));
  }
}

} // namespace tenon::codegen
