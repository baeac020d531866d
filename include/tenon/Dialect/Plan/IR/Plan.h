// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The plan dialect: kernels, their devices and buffers.
#ifndef TENON_DIALECT_PLAN_IR_PLAN_H
#define TENON_DIALECT_PLAN_IR_PLAN_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tenon/Dialect/Hw/IR/Hw.h"

namespace tenon::plan {
/// Of every place in an arena at least, in bytes: a cache line, and an AVX-512 vector.
inline constexpr int64_t kLeastAlignment = 64;
} // namespace tenon::plan

#include "tenon/Dialect/Plan/IR/PlanDialect.h.inc"
#include "tenon/Dialect/Plan/IR/PlanEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "tenon/Dialect/Plan/IR/PlanAttrs.h.inc"
#define GET_OP_CLASSES
#include "tenon/Dialect/Plan/IR/PlanOps.h.inc"

namespace tenon::plan {

/// The memory that model inputs and outputs are in.
inline constexpr llvm::StringLiteral kHostSpace = "host";
/// The module's attribute with its arenas.
inline constexpr llvm::StringLiteral kArenasAttr = "plan.arenas";
/// The attribute of a graph's module, and of the host's program, with the host: a #plan.device.
inline constexpr llvm::StringLiteral kHostAttr = "plan.host";
/// Null where the module does not say.
DeviceAttr hostOf(mlir::ModuleOp module);
/// The attribute beside it with the devices beside the host: an array of #plan.device.
inline constexpr llvm::StringLiteral kDevicesAttr = "plan.devices";
llvm::SmallVector<DeviceAttr> devicesOf(mlir::ModuleOp module);
/// The device that runs a program: the host, or that of a region. Null where nothing says.
DeviceAttr deviceOf(mlir::ModuleOp program);
/// The device whose memory a space of a program is. Null where nothing says.
DeviceAttr deviceOf(mlir::ModuleOp program, llvm::StringRef space);

/// The programs of a planned module: the host's, which for one device is the module
/// itself, and the regions' of other devices.
///
///   module {
///     module @host { func.func @main ... plan.submit @toy_0 on "toy" ... }
///     module @toy_0 attributes {plan.device = "toy"} { func.func @main ... }
///   }
struct Programs {
  mlir::ModuleOp host;
  llvm::SmallVector<mlir::ModuleOp> regions;
};
Programs programsOf(mlir::ModuleOp module);
inline constexpr llvm::StringLiteral kHostProgram = "host";
/// A region's module has the name of its device, and so has an op for which one was chosen.
inline constexpr llvm::StringLiteral kDeviceAttr = "plan.device";

/// Of the host's program: predicted times of a run by the plan that was chosen and by
/// others, an array of {plan = "greedy", seconds = 0.01}.
inline constexpr llvm::StringLiteral kPredictionsAttr = "plan.predictions";

/// The index of a region's device in plan.devices of the host's module beside it.
unsigned deviceIndexOf(mlir::ModuleOp region);

/// Whether the op's results have buffers of their own: a kernel, submit or transfer.
bool writesBuffers(mlir::Operation *op);
/// The memory space that such an op's results are in.
llvm::StringRef spaceOf(mlir::Operation *op);
/// The place of one of its results; null where none has been assigned.
PlaceAttr placeOf(mlir::OpResult result);
/// Gives its results their places.
void setPlaces(mlir::Operation *op, llvm::ArrayRef<mlir::Attribute> places);
/// "kernel conv_1", "submit toy_0", "transfer": what messages call it.
std::string nameOf(mlir::Operation *op);

/// The arena of a space; null where none has been assigned.
ArenaAttr arenaOf(mlir::ModuleOp module, llvm::StringRef space);

} // namespace tenon::plan

#endif // TENON_DIALECT_PLAN_IR_PLAN_H
