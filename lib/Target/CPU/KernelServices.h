// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the CPU gives the emission of a kernel. A kernel's function is called as
//
//   kernel(addresses of the buffers, values of the symbols, begin, end)
//
// by each thread that has units of work to do, [begin, end) at a time.
#ifndef TENON_LIB_TARGET_CPU_KERNELSERVICES_H
#define TENON_LIB_TARGET_CPU_KERNELSERVICES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Codegen/KernelContext.h"
#include "tenon/Codegen/UnitMapping.h"

namespace tenon::cpu {

using namespace codegen;

/// Memrefs, with what LLVM 22 makes of some accesses in mind.
class CpuBufferAccess final : public MemRefAccess {
public:
  /// `begin` is the first unit of work, an index that is never negative.
  explicit CpuBufferAccess(mlir::Value begin) : begin(begin) {}
  mlir::Value load(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer, mlir::Type element, mlir::Value at,
                   int64_t lanes, mlir::Value mask) override;
  void store(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, mlir::Value buffer, mlir::Value at,
             mlir::Value mask) override;
  mlir::Value firstLanes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value rest, int64_t lanes) override;

private:
  mlir::Value begin;
};

/// Into the launch's error record, whose address follows those of the buffers.
class CpuErrorReport final : public ErrorReport {
public:
  explicit CpuErrorReport(mlir::Value bufferList) : bufferList(bufferList) {}
  void report(KernelContext &c, unsigned check, mlir::Value position, mlir::Value first, mlir::Value second) override;

private:
  mlir::Value bufferList;
};

/// Loads from the lists that the kernel is called with; tables are constants beside its function.
class CpuOperandTable final : public OperandTable {
public:
  CpuOperandTable(mlir::func::FuncOp func) : func(func) {}
  mlir::Value table(KernelContext &c, llvm::ArrayRef<int64_t> values) override;
  mlir::Value entry(KernelContext &c, mlir::Value table, mlir::Value i) override;
  mlir::Value symbol(KernelContext &c, mlir::Value number) override;
  mlir::Value buffer(KernelContext &c, mlir::Value number, mlir::Type element) override;

private:
  mlir::func::FuncOp func;
};

/// The units [begin, end) that a thread was given.
class WorkerRange final : public UnitMapping {
public:
  WorkerRange(mlir::Value begin, mlir::Value end) : begin(begin), end(end) {}
  mlir::LogicalResult map(KernelContext &c, mlir::AffineExpr total,
                          llvm::function_ref<mlir::LogicalResult()> body) override {
    c.begin = begin;
    c.end = end;
    return body();
  }

private:
  mlir::Value begin, end;
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_KERNELSERVICES_H
