// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the buffers of a kernel are read and written. What a buffer is as a value (a
// memref, an address, a descriptor) is the target's matter: code that is shared among
// targets passes such values on, and touches memory by these functions alone.
#ifndef TENON_CODEGEN_BUFFERACCESS_H
#define TENON_CODEGEN_BUFFERACCESS_H

#include "mlir/IR/Builders.h"

namespace tenon::codegen {

/// Elements are of storage types, and lie side by side from a flat offset `at` on. An
/// access is of one element (a scalar) if `lanes` is 1, else of a vector; lanes that
/// `mask` (an i1 for a scalar) leaves out are not touched. A null mask: all are.
class BufferAccess {
public:
  virtual ~BufferAccess() = default;
  /// Lanes that are left out are zero.
  virtual mlir::Value load(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer, mlir::Type element,
                           mlir::Value at, int64_t lanes, mlir::Value mask) = 0;
  virtual void store(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, mlir::Value buffer, mlir::Value at,
                     mlir::Value mask) = 0;
  /// The elements at `base` plus each of a vector of i32 offsets; lanes that are left out are zero.
  virtual mlir::Value gather(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer, mlir::Type element,
                             mlir::Value base, mlir::Value offsets, mlir::Value mask) = 0;
  /// The mask of the first `rest` of `lanes`, which are two or more; `rest` is 0 or more.
  virtual mlir::Value firstLanes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value rest, int64_t lanes) = 0;
  /// A buffer of one invocation's own, of undefined contents, that lasts until it ends.
  /// `alignment` in bytes; 0: that of the elements.
  virtual mlir::Value temporary(mlir::OpBuilder &b, mlir::Location loc, int64_t elements, mlir::Type element,
                                int64_t alignment) = 0;
};

/// Buffers are memrefs of rank 1, in whatever memory space their types name; temporaries
/// are allocas.
class MemRefAccess : public BufferAccess {
public:
  mlir::Value load(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer, mlir::Type element, mlir::Value at,
                   int64_t lanes, mlir::Value mask) override;
  void store(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, mlir::Value buffer, mlir::Value at,
             mlir::Value mask) override;
  mlir::Value gather(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer, mlir::Type element, mlir::Value base,
                     mlir::Value offsets, mlir::Value mask) override;
  mlir::Value firstLanes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value rest, int64_t lanes) override;
  mlir::Value temporary(mlir::OpBuilder &b, mlir::Location loc, int64_t elements, mlir::Type element,
                        int64_t alignment) override;
};

} // namespace tenon::codegen

#endif // TENON_CODEGEN_BUFFERACCESS_H
