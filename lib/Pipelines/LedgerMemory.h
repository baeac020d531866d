// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the ledger tells of memory.
#ifndef TENON_LIB_PIPELINES_LEDGERMEMORY_H
#define TENON_LIB_PIPELINES_LEDGERMEMORY_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Support/Ledger.h"

namespace tenon {

/// The arenas of the programs of a planned module whose buffers have places.
std::vector<MemoryRecord> memoryOf(mlir::ModuleOp module);
/// The copies that the host's program asks for.
std::vector<TransferRecord> transfersOf(mlir::ModuleOp host);

} // namespace tenon

#endif // TENON_LIB_PIPELINES_LEDGERMEMORY_H
