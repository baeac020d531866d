// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a handler sees of the node it converts: operands already converted,
// attributes with their defaults, shapes, and short spellings of graph ops.
// After the first error everything still returns values, so that handlers need
// no checks in between; they are dropped with the node.
#ifndef TENON_LIB_CONVERSION_ONNXTOGRAPH_NODECONTEXT_H
#define TENON_LIB_CONVERSION_ONNXTOGRAPH_NODECONTEXT_H

#include "mlir/IR/Builders.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"

namespace tenon::onnxtograph {

using graph::BinaryKind;
using graph::ReduceKind;
using graph::UnaryKind;
using llvm::ArrayRef;
using llvm::failure;
using llvm::LogicalResult;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::success;
using mlir::Type;
using mlir::Value;
using Ints = SmallVector<int64_t>;

/// Codes of the errors that handlers report; see Passes.td.
enum class Problem { unsupported = 2102, notConstant = 2103, range = 2104, type = 2105 };

/// A dimension of a shape operand under construction: a number, dimension
/// `index` of a tensor, or element `index` of a shape tensor.
struct Extent {
  Extent(int64_t number) : number(number) {}
  static Extent dimOf(Value tensor, int64_t index) { return Extent(tensor, index, false); }
  static Extent elementOf(Value shape, int64_t index) { return Extent(shape, index, true); }
  int64_t number = -1;
  Value source;
  int64_t index = 0;
  bool isElement = false;

private:
  Extent(Value source, int64_t index, bool isElement) : source(source), index(index), isElement(isElement) {}
};

class NodeContext {
public:
  using ConvertBlock = llvm::function_ref<LogicalResult(mlir::Block &)>;
  using ConvertBranch = llvm::function_ref<LogicalResult(mlir::Block &, llvm::SmallVectorImpl<mlir::Diagnostic> &)>;

  NodeContext(onnxir::NodeOp node, mlir::OpBuilder &builder, graph::ShapeAnalysis &shapes, ConvertBlock convertBlock,
              ConvertBranch convertBranch)
      : node(node), builder(builder), shapes(shapes), loc(node.getLoc()), convertBlock(convertBlock),
        convertBranch(convertBranch) {}

  onnxir::NodeOp node;
  mlir::OpBuilder &builder;
  graph::ShapeAnalysis &shapes;
  mlir::Location loc;
  /// Converts the ops of a subgraph's block at the builder's position.
  ConvertBlock convertBlock;
  /// The same for a branch that a run may never take. Where nodes in it break rules of
  /// shapes and nothing else is wrong, it fails with their errors in the list instead
  /// of reporting them.
  ConvertBranch convertBranch;
  /// The node's results; a handler sets them, null where nothing uses them.
  SmallVector<Value> results;

  bool failed() const { return hasFailed; }
  LogicalResult error(Problem problem, const llvm::Twine &text);
  LogicalResult set(mlir::ValueRange values) {
    results.assign(values.begin(), values.end());
    return success(!hasFailed);
  }

  //===-- inputs and outputs ----------------------------------------------===//
  unsigned numInputs() { return node.getInputs().size(); }
  Value input(unsigned i) { return node.getInput(i); }
  bool uses(unsigned output) { return output < node.getNumResults() && !node.getResult(output).use_empty(); }
  int64_t since() { return node.getSince(); }

  //===-- attributes ------------------------------------------------------===//
  int64_t integer(StringRef name, int64_t otherwise) { return node.getInt(noted(name), otherwise); }
  float real(StringRef name, double otherwise) { return float(node.getFloat(noted(name), otherwise)); }
  StringRef text(StringRef name, StringRef otherwise) { return node.getString(noted(name), otherwise); }
  /// Notes attributes that do not change what the node computes.
  void ignore(ArrayRef<StringRef> names) {
    for (StringRef name : names)
      noted(name);
  }
  /// An error if the node has an attribute that its handler has not asked for:
  /// for operators whose attributes no schema has checked.
  LogicalResult refuseUnknownAttributes();
  std::optional<Ints> ints(StringRef name) {
    noted(name);
    if (auto values = node.getInts(name))
      return Ints(*values);
    return std::nullopt;
  }
  bool has(StringRef name) { return node.hasAttribute(noted(name)); }
  /// An error unless the normalisation is computed in f32, as graph.norm is.
  void requireFloatStash() {
    if (int64_t type = integer("stash_type", 1); type != 1)
      (void)error(Problem::unsupported, "attribute stash_type = " + llvm::Twine(type) + ", expected 1 (FLOAT)");
  }

  //===-- what is known of values -----------------------------------------===//
  static Type elementType(Value value) { return mlir::getElementTypeOrSelf(value.getType()); }
  static bool isFloat(Value value) { return mlir::isa<mlir::FloatType>(elementType(value)); }
  int64_t rank(Value value);
  /// The dimension if it is static, else nullopt.
  std::optional<int64_t> staticDim(Value value, int64_t index);
  /// The dimension, or an error that it must be static.
  int64_t requireDim(Value value, int64_t index, StringRef what);
  /// An axis in [0, rank), or an error.
  int64_t axis(int64_t given, int64_t rank, StringRef what = "axis");
  Ints axes(ArrayRef<int64_t> given, int64_t rank, StringRef what = "axes");
  /// Contents of a small integer tensor; an error if not constant.
  Ints constantInts(Value value, StringRef what);
  std::optional<Ints> tryInts(Value value) { return shapes.getConstantInts(value); }
  /// The single element of a constant float tensor, if it is one.
  std::optional<double> tryReal(Value value);
  /// Axes by input `index` if present, else by attribute `axes`; nullopt if neither.
  std::optional<Ints> axesByInputOrAttribute(unsigned index, int64_t rank);

  //===-- creating ops ----------------------------------------------------===//
  /// Creates an op of one result and infers its shape.
  template <typename OpTy, typename... Args>
  Value create(Type element, Args &&...args) {
    auto op = OpTy::create(builder, loc, mlir::UnrankedTensorType::get(element), std::forward<Args>(args)...);
    visit(op);
    return op->getResult(0);
  }
  void visit(mlir::Operation *op);
  Type unranked(Type element) { return mlir::UnrankedTensorType::get(element); }

  Type i64() { return builder.getI64Type(); }
  Type i1() { return builder.getI1Type(); }
  Type f32() { return builder.getF32Type(); }
  /// Element type of an ONNX TensorProto code, null if there is none.
  Type typeOfCode(int64_t code);

  Value constant(mlir::ElementsAttr value);
  Value shapeConstant(ArrayRef<int64_t> values);
  Value scalar(Type element, double value);
  Value scalarLike(Value like, double value) { return scalar(elementType(like), value); }
  Value realConstant(ArrayRef<float> values);

  Value unary(UnaryKind kind, Value x, float alpha = 0, float beta = 0);
  Value binary(BinaryKind kind, Value lhs, Value rhs);
  Value add(Value a, Value b) { return binary(BinaryKind::add, a, b); }
  Value sub(Value a, Value b) { return binary(BinaryKind::sub, a, b); }
  Value mul(Value a, Value b) { return binary(BinaryKind::mul, a, b); }
  Value div(Value a, Value b) { return binary(BinaryKind::div, a, b); }
  Value select(Value condition, Value a, Value b);
  Value cast(Value x, Type element);
  Value castLike(Value x, Value like) { return cast(x, elementType(like)); }

  Value reduce(ReduceKind kind, Value x, ArrayRef<int64_t> axes, bool keepDims);
  Value matmul(Value a, Value b, bool transposeA = false, bool transposeB = false);
  Value transpose(Value x, ArrayRef<int64_t> perm);
  Value squeeze(Value x, ArrayRef<int64_t> axes);
  Value unsqueeze(Value x, ArrayRef<int64_t> axes);
  Value flatten(Value x, int64_t begin, int64_t end);
  Value reshape(Value x, ArrayRef<Extent> shape);
  Value reshapeLike(Value x, Value like);
  Value expand(Value x, ArrayRef<Extent> shape);
  Value concat(ArrayRef<Value> parts, int64_t axis);
  Value slice(Value x, int64_t axis, int64_t begin, int64_t end);
  Value slice(Value x, int64_t axis, Extent begin, Extent end);
  Value gather(Value x, Value indices, int64_t axis);

  /// An i64 tensor of rank 1 (shape operands may be i32 or scalars in ONNX).
  Value asShape(Value value);
  /// The i64 tensor of these extents.
  Value shapeOf(ArrayRef<Extent> extents);
  /// Extents of all dimensions of x.
  SmallVector<Extent> extentsOf(Value x);

private:
  StringRef noted(StringRef name) {
    known.insert(name);
    return name;
  }

  bool hasFailed = false;
  llvm::StringSet<> known; ///< attributes that the handler has asked for
};

} // namespace tenon::onnxtograph

#endif // TENON_LIB_CONVERSION_ONNXTOGRAPH_NODECONTEXT_H
