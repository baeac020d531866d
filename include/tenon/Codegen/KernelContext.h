// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a strategy sees while it emits one kernel: flat buffers, dimensions and
// strides as index values, and the elementwise part of the fused group as a
// service (ElementEmitter), so that every schedule fuses the same epilogues. What
// depends on the target it asks of the machine, and of the services that the target
// gives the context.
#ifndef TENON_CODEGEN_KERNELCONTEXT_H
#define TENON_CODEGEN_KERNELCONTEXT_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/AffineExpr.h"
#include "tenon/Codegen/BufferAccess.h"
#include "tenon/Codegen/Machine.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Num/IR/StorageType.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"

namespace tenon::codegen {

using plan::atLeastOne;
using plan::Exprs;
using plan::product;
using plan::shapeOf;
using plan::stridesOf;

/// The stride of a dimension `dim` that broadcasts to `space`: 0 where it is 1,
/// which may only turn out at run time.
mlir::AffineExpr broadcastStride(mlir::AffineExpr dim, mlir::AffineExpr space, mlir::AffineExpr stride);
/// Whether a dimension may turn out to broadcast at run time.
bool mayBroadcast(mlir::AffineExpr dim, mlir::AffineExpr space);
/// The value of a constant expression, else (also of null) `otherwise`.
inline int64_t constantOr(mlir::AffineExpr expr, int64_t otherwise = -1) {
  auto constant = mlir::dyn_cast_or_null<mlir::AffineConstantExpr>(expr);
  return constant ? constant.getValue() : otherwise;
}

/// A check that a kernel makes of its data (KernelCheck.h). A kernel counts its
/// checks from 1; each launch adds where its own begin in the program's table, so
/// that kernels of the same code name different nodes.
struct KernelCheck {
  mlir::Operation *op; ///< in the kernel's body: its ONNX node is at fault
  uint32_t code;       ///< of tenon_code
  std::string text;    ///< with the places {0} and {1} for two numbers
};

class KernelContext;

/// How a kernel says that its data is wrong, when it runs (KernelCheck.h).
class ErrorReport {
public:
  virtual ~ErrorReport() = default;
  /// Emits the report that element `position` (an index) fails the check of this number, with the two
  /// numbers (indices) that the check's text speaks of. Of several the first check of the first
  /// position must be what is told in the end. Reached by elements that fail alone.
  virtual void report(KernelContext &c, unsigned check, mlir::Value position, mlir::Value first,
                      mlir::Value second) = 0;
};

/// Operands and sizes that a kernel picks by numbers that it computes: for one of so many
/// operands that code for each of them would be too much.
class OperandTable {
public:
  virtual ~OperandTable() = default;
  /// A table of constants.
  virtual mlir::Value table(KernelContext &c, llvm::ArrayRef<int64_t> values) = 0;
  /// Entry i of a table, as an index; i is an index, too.
  virtual mlir::Value entry(KernelContext &c, mlir::Value table, mlir::Value i) = 0;
  /// The value of a symbol, an index; `number` counts the symbols of plan::symbolsOf.
  virtual mlir::Value symbol(KernelContext &c, mlir::Value number) = 0;
  /// The buffer of input `number`, whose elements are of this type.
  virtual mlir::Value buffer(KernelContext &c, mlir::Value number, mlir::Type element) = 0;
};

/// What a target gives the emission of a kernel.
struct TargetServices {
  BufferAccess &memory;
  ErrorReport &errors;
  OperandTable *operands = nullptr; ///< null: each operand of a kernel has code of its own
};

class KernelContext {
public:
  /// All outlive the context.
  KernelContext(mlir::OpBuilder &b, plan::KernelOp kernel, const Machine &target, TargetServices services)
      : b(b), loc(kernel.getLoc()), kernel(kernel), target(target), services(services) {}

  mlir::OpBuilder &b;
  mlir::Location loc;
  plan::KernelOp kernel;
  const Machine &target;
  TargetServices services;
  mlir::Value begin, end;                 ///< index: the units of work to do, as the target's UnitMapping has them
  llvm::SmallVector<mlir::Value> symbols; ///< index values of the symbols that the kernel reads, at their positions

  /// Flat buffer of a block argument, for `services.memory`. Its elements are of the storage type (i8
  /// for i1, signless integers).
  mlir::Value inputBuffer(unsigned i) const { return inputs[i]; }
  mlir::Value outputBuffer(unsigned i) const { return outputs[i]; }
  mlir::Value buffer(mlir::Value blockArgument) const;
  llvm::SmallVector<mlir::Value> inputs, outputs;
  std::vector<KernelCheck> checks;

  Exprs shape(mlir::Value tensor) { return shapeOf(tensor); }
  mlir::Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(b, loc, value); }
  /// Materialises an expression over the symbols.
  mlir::Value index(mlir::AffineExpr expr);
  llvm::SmallVector<mlir::Value> indices(llvm::ArrayRef<mlir::AffineExpr> exprs);

  mlir::Value add(mlir::Value a, mlir::Value c);
  mlir::Value sub(mlir::Value a, mlir::Value c);
  mlir::Value mul(mlir::Value a, mlir::Value c);
  mlir::Value mulAdd(mlir::Value a, mlir::Value c, mlir::Value d) { return add(mul(a, c), d); }
  mlir::Value divU(mlir::Value a, mlir::Value c);
  mlir::Value remU(mlir::Value a, mlir::Value c);
  mlir::Value minS(mlir::Value a, mlir::Value c);
  mlir::Value maxS(mlir::Value a, mlir::Value c);
  /// Splits a linear index into row-major coordinates of a shape.
  llvm::SmallVector<mlir::Value> delinearize(mlir::Value linear, llvm::ArrayRef<mlir::AffineExpr> shape);
  /// sum of index * stride; strides that are constant 0 vanish.
  mlir::Value offset(llvm::ArrayRef<mlir::Value> index, llvm::ArrayRef<mlir::AffineExpr> strides);

  /// Calls body for each unit of work that is to be done.
  void eachUnit(llvm::function_ref<void(mlir::Value)> body) { loop(begin, end, 1, body); }
  /// scf.for over [lo, hi) by step; the body gets the induction variable.
  void loop(mlir::Value lo, mlir::Value hi, int64_t step, llvm::function_ref<void(mlir::Value)> body);
  /// With loop-carried values; the body returns the next ones.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value lo, mlir::Value hi, int64_t step, mlir::ValueRange init,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  /// Calls body(position, lanes, mask) over [lo, hi): full vectors without a
  /// mask, then one masked vector for the rest (omitted when `extent`, the
  /// static value of hi - lo, is a multiple of the vector; -1 if unknown).
  void vectorLoop(mlir::Value lo, mlir::Value hi, int64_t lanes, int64_t extent,
                  llvm::function_ref<void(mlir::Value, mlir::Value)> body);

  /// The mask of the first `rest` of `lanes`.
  mlir::Value maskOf(mlir::Value rest, int64_t lanes) { return services.memory.firstLanes(b, loc, rest, lanes); }
  /// Elements as they are stored.
  mlir::Value loadStored(mlir::Value buffer, mlir::Type storage, mlir::Value at, int64_t lanes = 1,
                         mlir::Value mask = {}) {
    return services.memory.load(b, loc, buffer, storage, at, lanes, mask);
  }
  void storeStored(mlir::Value value, mlir::Value buffer, mlir::Value at, mlir::Value mask = {}) {
    services.memory.store(b, loc, value, buffer, at, mask);
  }
  /// A buffer of the kernel's own. Call before any loop is open.
  mlir::Value temporary(int64_t elements, mlir::Type element, int64_t alignment = 64) {
    return services.memory.temporary(b, loc, elements, element, alignment);
  }
  /// Loads `lanes` consecutive elements (a scalar if lanes == 1) at a flat
  /// offset and converts them from storage to compute type: i8 to i1 for
  /// booleans, 16-bit floats to f32. Lanes beyond the mask are zero.
  mlir::Value load(mlir::Value buffer, mlir::Type elementType, mlir::Value at, int64_t lanes, mlir::Value mask = {});
  /// The inverse: converts a compute-type value to storage and stores it.
  void store(mlir::Value value, mlir::Value buffer, mlir::Type elementType, mlir::Value at, mlir::Value mask = {});
  /// Codes of f32 values in a coded format (num::isCoded), rounded once. Stochastic
  /// rounding wants each value's place in its tensor, see `places`.
  mlir::Value encode(mlir::Value value, mlir::Type elementType, const numerics::Encoding &how, mlir::Value places = {});
  /// Linear indices of elements from `at` on, i64: one, or `lanes` of them `stride` apart.
  mlir::Value places(mlir::Value at, mlir::Value stride, int64_t lanes);
  /// Splat of a scalar to `lanes` (itself if lanes == 1).
  mlir::Value broadcast(mlir::Value scalar, int64_t lanes);
  /// Constant of a compute type (scalar type), splat to lanes.
  mlir::Value constant(mlir::Type computeType, double value, int64_t lanes);
};

/// Type that arithmetic on a tensor element type is done in: f32 for 16-bit
/// and 8-bit floats, i1 for booleans, signless integers.
mlir::Type computeType(mlir::Type elementType);

/// The low bits of a wider integer, extended as an integer type of less than a
/// byte says: elements of such types take a whole byte.
mlir::Value wrapToWidth(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, mlir::IntegerType type);

/// Emits one elementwise graph op on compute-type operands, scalars or
/// vectors alike. Null (with an error on the op) if the kind has no lowering.
/// Stochastic casts need the elements' places (KernelContext::places).
mlir::Value emitElementwise(KernelContext &context, mlir::Operation *op, llvm::ArrayRef<mlir::Value> operands,
                            mlir::Value places = {});
/// Quantize and dequantize values in registers; all operands are of the compute
/// types of their tensors, scalars or vectors alike, zeroPoint may be null.
mlir::Value emitQuantize(KernelContext &context, graph::QuantizeOp op, mlir::Value x, mlir::Value scale,
                         mlir::Value zeroPoint);
mlir::Value emitDequantize(KernelContext &context, graph::DequantizeOp op, mlir::Value x, mlir::Value scale,
                           mlir::Value zeroPoint);
/// True for the ops that emitElementwise and ElementEmitter handle: unary,
/// binary, select, cast, expand, quantize and dequantize by one scale, and splat
/// constants.
bool isElementwise(mlir::Operation *op);

/// Evaluates the elementwise ops of a kernel at points of an iteration space.
/// A point is one index per space dimension; the last dimension covers `lanes`
/// consecutive elements. Operands broadcast to the space as in NumPy.
class ElementEmitter {
public:
  /// `space`: shape of the kernel's results before merging. `groups` merges
  /// runs of adjacent dimensions [first, last] into one (default: none).
  ElementEmitter(KernelContext &context, Exprs space, llvm::SmallVector<std::pair<unsigned, unsigned>> groups = {});

  void setPoint(llvm::ArrayRef<mlir::Value> index, int64_t lanes, mlir::Value mask = {});
  /// Gives a value computed elsewhere (the root's result at this point, in
  /// compute type).
  void define(mlir::Value graphValue, mlir::Value value) { values[graphValue] = value; }
  /// The value of a tensor at the point, in compute type.
  mlir::Value get(mlir::Value graphValue);
  /// Computes every yielded value at the point and stores it.
  mlir::LogicalResult storeYields();

private:
  KernelContext &context;
  Exprs space;
  llvm::SmallVector<std::pair<unsigned, unsigned>> groups;
  llvm::SmallVector<mlir::Value> point;
  int64_t lanes = 1;
  mlir::Value mask;
  llvm::DenseMap<mlir::Value, mlir::Value> values;

  /// Strides of a tensor along the (merged) space dimensions; 0 = broadcast.
  Exprs spaceStrides(mlir::Value tensor);
  /// The elements at the point of a tensor in memory.
  mlir::Value read(mlir::Value tensor);
  /// Elements from `at` on, `stride` apart, where they are neither neighbours nor one and the same.
  mlir::Value readStrided(mlir::Value buffer, mlir::Type element, mlir::Value at, mlir::AffineExpr stride);
  /// The one value of a constant.
  mlir::Value splat(mlir::DenseElementsAttr elements);
  /// What an elementwise op makes of its operands at the point.
  mlir::Value evaluate(mlir::Value tensor);
};

} // namespace tenon::codegen

#endif // TENON_CODEGEN_KERNELCONTEXT_H
