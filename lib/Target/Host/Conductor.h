// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The emitter of the host program. It is one class, because all parts of a run read
// what the others have placed; its members are in a file for each purpose, and in
// that file's order here.
#ifndef TENON_LIB_TARGET_HOST_CONDUCTOR_H
#define TENON_LIB_TARGET_HOST_CONDUCTOR_H

#include "SizeEmitter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Target/Host/HostModule.h"
#include <array>

namespace tenon::host {

/// Of what lies in the arena and in the weights.
constexpr int64_t kAlign = 64;

class Conductor : SizeEmitter {
public:
  /// `out` has the kernels and their launches.
  Conductor(mlir::ModuleOp plan, HostModule &out);

  mlir::LogicalResult run();

private:
  /// What the parts of a run share, an array of 8 bytes each: these, then what branches
  /// and conditions left. The first ones are tenon_main's arguments.
  enum FrameField {
    Api,
    Invocation,
    Inputs,
    Outputs,
    Weights,
    Arena,
    Symbols,
    Slots,
    Buffers,
    Sizes,
    Record,
    kFrameFields
  };
  /// Where the runtime's table has its functions, in bytes (tenon_host_api).
  enum Service : int32_t {
    ServiceLaunch = 8,
    ServiceFail = 16,
    ServiceRedZones = 24,
    ServiceLaunchScratch = 32,
    ServiceCopyIn = 40,
    ServiceSubmit = 48,
    ServiceCopyOut = 56,
    ServiceAwait = 64,
    ServiceDeviceZones = 72
  };
  /// Whether an assumption holds, and the two sizes that it speaks of.
  struct Tested {
    Value holds, first, second;
  };
  /// A function that places `count` slots.
  struct SlotPart {
    mlir::func::FuncOp function;
    int64_t count;
  };
  /// What the program of a region is told of sizes.
  struct RegionSizes {
    int64_t firstSymbol = 0; ///< of its table, behind those before it
    /// What it assumes and the host has not checked, where its submit is in a branch.
    std::vector<graph::Assumption> assumptions;
  };
  /// A memory space: the host's, or a device's.
  struct Space {
    plan::ArenaAttr arena; ///< null in a space of which the plan says nothing
    int64_t firstSlot = 0; ///< of its own among those of all spaces
    std::vector<SlotPart> parts;

    int64_t slots() const { return arena ? arena.getSlots().size() : 0; }
    int64_t redZone() const { return arena ? arena.getRedZone() : 0; }
    int64_t alignment() const { return arena ? arena.getAlignment() : kAlign; }
  };

  // Conductor.cpp: what happens in which order, and functions that may end early.
  mlir::LogicalResult emitMain(mlir::func::FuncOp func);
  /// A failure ends the run, so that one record is clean for every launch.
  void makeRecord();
  /// The block that returns a function's status, at its end.
  void makeExit(mlir::func::FuncOp func);
  /// Emits a part of the current function as one of its own with the same
  /// arguments, called here; a status other than 0 ends both.
  mlir::LogicalResult emitPart(llvm::StringRef name, mlir::ValueRange given,
                               llvm::function_ref<mlir::LogicalResult(mlir::func::FuncOp)> body);
  void exitUnlessZero(Value status);
  /// A block before the exit, for code that is reached by a branch.
  mlir::Block *newBlock(mlir::TypeRange arguments = {});
  /// A function of the runtime's table.
  Value service(Service which);
  /// Ends the run with a check's number and two numbers for its text where the
  /// condition does not hold, else goes on.
  void failUnless(Value condition, Value check, Value first, Value second);

  // SizeProgram.cpp: sizes before and after a run.
  /// Fills in the derived symbols, in order, and those of regions behind them, then checks
  /// what must hold for the whole run: before anything is allocated for sizes that do not fit.
  mlir::LogicalResult emitDerive();
  /// Fills in the symbols of regions, one table behind the other.
  mlir::LogicalResult deriveForRegions(mlir::func::FuncOp derive);
  /// What a region assumes that is not known to hold where it is submitted.
  std::vector<graph::Assumption> uncheckedOf(mlir::ModuleOp region, llvm::ArrayRef<mlir::AffineExpr> overHost);
  /// Stores a region's table, from symbol `base` on.
  void deriveTable(mlir::func::FuncOp derive, llvm::ArrayRef<graph::Symbol> symbols,
                   llvm::ArrayRef<mlir::AffineExpr> overHost, int64_t base);
  /// Ends with a check's number where one does not hold, over symbols from `base` on.
  void emitChecks(mlir::func::FuncOp derive, llvm::ArrayRef<graph::Assumption> assumptions, int64_t base);
  /// Emits `count` things, many of them in functions of their own.
  void inParts(mlir::func::FuncOp func, size_t count,
               llvm::function_ref<void(mlir::func::FuncOp, size_t, size_t)> emit);
  Tested check(const graph::Assumption &assumption);
  /// Its number in the manifest's table of checks.
  uint32_t numberOf(const graph::Assumption &assumption);
  void emitOutputDims(mlir::func::FuncOp func);

  // MemoryProgram.cpp: memory of a run.
  /// How much the run needs for itself, in fields of 8 bytes.
  void measure(mlir::func::FuncOp func);
  /// Memory of the run itself.
  Value own(mlir::Type field, size_t fields);
  /// Emits functions that place a space's slots, whose size depends on symbols, one behind
  /// the other, each as large as the largest of its buffers. The size of what an
  /// untaken branch would make may be negative: it takes no room.
  ///
  ///   (symbols, offsets, at, bytes) -> (at, bytes)
  ///
  /// stores the offsets of those slots whose last buffer it sees, from the first
  /// element on. `at` is where the next slot begins, -1 beyond i64; `bytes` is how
  /// large that is so far.
  void emitSlots(Space &space);
  /// Stores the slots' offsets, those of each part where `place` says; returns the
  /// size of the space's arena, or -1.
  Value placeSlots(const Space &space, llvm::function_ref<Value(int64_t first)> place);
  /// The size that placeSlots returns, and no more.
  Value sizeOf(const Space &space);
  void emitArenaSize();
  /// Tells the runtime where the bytes behind buffers are, in the arena and in devices' memory.
  void announceRedZones();

  // Sequence.cpp: the plan's ops in their order.
  /// Whether it has more launches than one function takes.
  static bool isLong(mlir::Block &block);
  /// What parts share is written to memory, with room for what they leave each other.
  void makeFrame();
  /// Emits the ops of a block; of many launches as parts.
  mlir::LogicalResult emitSequence(mlir::Block &block);
  /// A part of the run, which gets all it needs through the frame.
  mlir::LogicalResult emitRun(llvm::ArrayRef<mlir::Operation *> ops);
  /// Emits a function that gets all it needs through the frame, and calls it.
  mlir::LogicalResult inFrame(llvm::function_ref<mlir::LogicalResult()> body);
  /// Emits `count` things, many of them in functions of their own.
  void inFrames(size_t count, llvm::function_ref<void(size_t)> emit);
  mlir::LogicalResult emit(mlir::Operation *op);
  /// Reads a condition that a kernel has computed.
  void emitExtract(mlir::tensor::ExtractOp extract);
  /// Returns early where sizes of a branch do not fit: its kernels would read
  /// beyond their buffers.
  void checkBranch(mlir::scf::IfOp branch, unsigned region);
  mlir::LogicalResult emitIf(mlir::scf::IfOp branch);
  /// A condition; null if the program does not know it.
  Value scalar(Value value);

  // Launch.cpp: a kernel's launch.
  mlir::LogicalResult launch(plan::KernelOp kernel);
  /// Ends the run where sizes are not as the kernel's ops need them.
  void checkSizes(const KernelLaunch &launch);
  /// Puts the addresses of a kernel's buffers where it finds them.
  void storeBuffers(plan::KernelOp kernel);
  /// Puts the values of the symbols that a kernel reads where it finds them.
  void storeSymbols(plan::KernelOp kernel);
  /// What is told of a kernel's buffers, whose weights have their places.
  void describeBuffers(plan::KernelOp kernel, KernelDescription &description);
  BufferDescription describe(Value value, bool isOutput);
  /// Ends the run with what a kernel has left in the error record.
  void checkRecord(const KernelLaunch &launch);

  // Devices.cpp: what other devices are given to do.
  /// Numbers devices and regions as the manifest does; an error for commands that name none.
  mlir::LogicalResult nameDevices();
  /// How many numbers of commands a run keeps: of each device, how many it has been given,
  /// then of each transfer to the host, in whose device's queue it has one.
  size_t commandNumbers() const { return deviceNumbers.size() + commandFields.size(); }
  /// Sets the numbers of commands that devices have been given to 0.
  void beginCommands();
  /// Counts a command; returns the number that it has in its device's queue.
  Value countCommand(llvm::StringRef device);
  /// Where the number of a transfer to the host is kept for who waits for it.
  Value keptNumberOf(plan::TransferOp transfer);
  /// Emits tenon_space_sizes, if there are other devices.
  void emitSpaceSizes();
  /// A tensor's place in its device's memory.
  mlir::FailureOr<Value> deviceOffset(Value value);
  /// Calls a service with what it takes behind the invocation; a status other than 0 ends the run.
  void command(Service which, llvm::ArrayRef<Value> given);
  mlir::LogicalResult emitTransfer(plan::TransferOp transfer);
  mlir::LogicalResult emitSubmit(plan::SubmitOp submit);
  /// Ends the run where sizes are not as the region in a branch needs them.
  void checkRegion(plan::SubmitOp submit);
  void emitAwait(plan::AwaitOp await);

  // Addresses.cpp: where tensors are.
  /// The address of a tensor in the host's memory.
  Value lookup(Value value);
  /// The offset of a constant in the weights, where it gets its place on first use.
  int64_t weight(graph::ConstantOp op);
  /// The address of the result of a kernel or of a transfer to the host.
  Value place(mlir::OpResult result);
  /// The index of a space in `spaces`.
  unsigned indexOf(llvm::StringRef space) const;
  /// Where a place that is no output begins in its space.
  Value offsetOf(plan::PlaceAttr place);

  mlir::ModuleOp plan;
  std::vector<Space> spaces; ///< the host's, then those of devices in their order
  std::vector<graph::Symbol> table;
  HostModule &out;
  mlir::Block *exit = nullptr; ///< returns its argument
  std::array<Value, kFrameFields> shared;
  Value frame; ///< null where the run is in one piece
  llvm::DenseMap<Value, unsigned> frameOf;
  size_t mostBuffers = 1, mostSizes = 1; ///< of a launch; the error record is a buffer
  size_t frameFields = 0;                ///< 0: the run is in one piece
  size_t slots = 0;
  uint64_t ownInArena = 0; ///< bytes of the run's own memory, 0 if it is on the stack
  Value ownMemory;
  size_t ownUsed = 0;
  unsigned parts = 0;
  llvm::DenseMap<Value, Value> pointers, scalars;
  llvm::DenseMap<mlir::Attribute, size_t> weightOf;
  llvm::StringMap<unsigned> deviceNumbers, regionNumbers;
  llvm::StringMap<plan::SubmitOp> submitOf;                ///< by region
  llvm::StringMap<RegionSizes> regionSizes;                ///< by region
  llvm::DenseMap<mlir::Operation *, size_t> commandFields; ///< of transfers to the host, behind the slots
};

} // namespace tenon::host

#endif // TENON_LIB_TARGET_HOST_CONDUCTOR_H
