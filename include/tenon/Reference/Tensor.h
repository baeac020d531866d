// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors of the reference evaluator: bytes in row-major order with an element
// type and a shape. Elements take whole bytes: i1 is one byte (0 or 1), 16-bit
// floats are two, types below 8 bits (i4, f4E2M1FN) one; codes of other formats lie
// in the low bits. Copies of a tensor
// share its bytes; nobody changes the bytes of a tensor that he did not create.
#ifndef TENON_REFERENCE_TENSOR_H
#define TENON_REFERENCE_TENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "tenon/Dialect/Num/IR/Num.h"
#include "llvm/ADT/SmallVector.h"
#include <memory>
#include <vector>

namespace tenon::reference {

using Shape = llvm::SmallVector<int64_t>;

/// Product of the dimensions.
int64_t numElements(llvm::ArrayRef<int64_t> shape);
/// Row-major strides in elements.
Shape stridesOf(llvm::ArrayRef<int64_t> shape);
/// Whole bytes that an element takes, or 0 for a type the evaluator does not know.
unsigned elementBytes(mlir::Type element);

class Tensor {
public:
  Tensor() = default;
  /// A tensor of zeros.
  Tensor(mlir::Type element, llvm::ArrayRef<int64_t> shape);

  /// A view of bytes that the caller keeps alive.
  static Tensor borrow(mlir::Type element, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<char> bytes);
  /// Rounds every value once to the element type: to nearest even for floats,
  /// for coded formats as `how` says (or the format's declaration), by ONNX
  /// Cast's truncation for integers, != 0 for i1.
  static Tensor fromDoubles(mlir::Type element, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values,
                            std::optional<numerics::Encoding> how = std::nullopt);
  /// Wraps integers to the width; rounds once for floats, as `fromDoubles` does.
  /// Values of ui64, which `isUnsigned` tells from others, are bit patterns.
  static Tensor fromInts(mlir::Type element, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values,
                         bool isUnsigned = false, std::optional<numerics::Encoding> how = std::nullopt);
  /// Null if the attribute's type or storage is not known.
  static std::optional<Tensor> fromAttribute(mlir::ElementsAttr attribute);

  mlir::Type getElementType() const { return element; }
  mlir::RankedTensorType getType() const { return mlir::RankedTensorType::get(shape, element); }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  int64_t getRank() const { return shape.size(); }
  int64_t getNumElements() const { return numElements(shape); }
  unsigned getElementBytes() const { return elementBytes(element); }
  llvm::ArrayRef<char> getBytes() const { return {data, size_t(getNumElements()) * getElementBytes()}; }
  llvm::MutableArrayRef<char> getMutableBytes() { return {data, size_t(getNumElements()) * getElementBytes()}; }
  bool isFloat() const { return num::isReal(element); }
  bool isUnsigned() const { return element.isUnsignedInteger() || element.isInteger(1); }

  /// All values; integers are exact up to 2^53.
  std::vector<double> toDoubles() const;
  /// All values; floats are truncated; ui64 as bit patterns.
  std::vector<int64_t> toInts() const;

  /// The same bytes under another shape of as many elements.
  Tensor reshaped(llvm::ArrayRef<int64_t> newShape) const;
  /// The elements at offset + sum(index * strides), strides in elements of this
  /// tensor: transposition, slicing and broadcasting are cases of it.
  Tensor strided(llvm::ArrayRef<int64_t> newShape, llvm::ArrayRef<int64_t> strides, int64_t offset = 0) const;
  /// NumPy broadcast to a shape that this tensor's shape fits.
  Tensor broadcast(llvm::ArrayRef<int64_t> newShape) const;

  /// `dense` up to 16 elements, else `dense_resource` in a blob called name, which
  /// shares the bytes unless they are borrowed.
  mlir::ElementsAttr toAttribute(llvm::StringRef name = "value") const;

private:
  mlir::Type element;
  Shape shape;
  std::shared_ptr<char> owner; // null if borrowed
  char *data = nullptr;
};

/// The shape two shapes broadcast to, or nothing if they do not.
std::optional<Shape> broadcastShapes(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);

} // namespace tenon::reference

#endif // TENON_REFERENCE_TENSOR_H
