// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes in the host program: the values of expressions over symbols, and those
// of derived symbols.
#ifndef TENON_LIB_TARGET_HOST_SIZEEMITTER_H
#define TENON_LIB_TARGET_HOST_SIZEEMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "tenon/Dialect/Graph/IR/Symbols.h"

namespace tenon::host {

/// Functions of more sizes than this, or checks of sizes, are split: LLVM takes long
/// over long ones.
constexpr size_t kMostSizes = 128;

class SizeEmitter {
public:
  /// Functions go to the end of `module`.
  explicit SizeEmitter(mlir::ModuleOp module)
      : b(module.getContext()), loc(b.getUnknownLoc()), pointer(mlir::LLVM::LLVMPointerType::get(b.getContext())),
        i64(b.getI64Type()), module(module) {}

  using Value = mlir::Value;

  /// The address of element i of an array.
  Value element(Value base, mlir::Type type, int64_t i) {
    return mlir::LLVM::GEPOp::create(b, loc, pointer, type, base, llvm::ArrayRef<mlir::LLVM::GEPArg>{int32_t(i)});
  }
  Value constant(int64_t value) { return mlir::arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); }
  Value constant32(int64_t value) { return mlir::arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value)); }
  Value compare(mlir::arith::CmpIPredicate predicate, Value a, Value c) {
    return mlir::arith::CmpIOp::create(b, loc, predicate, a, c);
  }
  Value add(Value a, Value c);
  Value mul(Value a, Value c);

  /// A size of memory that the runtime is told before the run, or -1 if it lies
  /// beyond i64: named dimensions may be large where another one is 0.
  Value size(llvm::function_ref<Value()> compute);
  /// An expression's value; symbols are read where `symbols` has been put.
  Value eval(mlir::AffineExpr expr);
  /// Begins a function, one of whose arguments is `symbols`.
  mlir::func::FuncOp beginFunction(llvm::StringRef name, llvm::ArrayRef<mlir::Type> arguments,
                                   llvm::ArrayRef<mlir::Type> results, unsigned symbolArgument);
  /// A derived symbol's value, as graph::evaluate has it: total, whatever the
  /// arguments are. One beyond all memory stays one, and is refused where it is used.
  Value derive(const graph::Symbol &symbol);

  mlir::OpBuilder b;
  mlir::Location loc;
  mlir::Type pointer, i64;
  Value symbols; ///< the address of the symbols' values

private:
  Value select(Value condition, Value a, Value c) { return mlir::arith::SelectOp::create(b, loc, condition, a, c); }
  Value isZero(Value value) { return compare(mlir::arith::CmpIPredicate::eq, value, constant(0)); }
  Value modulo(Value x, Value y);
  Value sum(mlir::AffineExpr expr);
  mlir::func::FuncOp sumPart(mlir::AffineExpr expr, size_t number, llvm::ArrayRef<mlir::AffineExpr> terms);
  Value derived(const graph::Symbol &symbol);

  mlir::ModuleOp module;
  Value overflow; ///< set while a size is computed
  llvm::DenseMap<std::pair<mlir::AffineExpr, size_t>, mlir::func::FuncOp> sumParts;
  unsigned sums = 0; ///< parts that have a name
};

} // namespace tenon::host

#endif // TENON_LIB_TARGET_HOST_SIZEEMITTER_H
