// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host program: computes offsets from symbol values and launches the
// kernels in order through the runtime's table (runtime/include/tenon/abi.h).
#include "HostSizes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "tenon/Support/Provenance.h"
#include "tenon/Target/CPU/Codegen.h"
#include "tenon/Target/CPU/KernelCheck.h"
#include "tenon/Target/Common/ManifestTypes.h"
#include "tenon/tenon.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SaveAndRestore.h"
#include <array>

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr int64_t kAlign = 64;
/// Functions of more launches than this are split: LLVM takes long over long ones.
constexpr unsigned kMostLaunches = 64;
/// Fields of 8 bytes that a run keeps on the stack; more go to the arena.
constexpr size_t kMostOwnOnStack = 1024;

/// What the parts of a run share, an array of 8 bytes each: these, then what branches
/// and conditions left.
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

class HostEmitter : SizeEmitter {
public:
  HostEmitter(ModuleOp plan, Program &program)
      : SizeEmitter(*program.module), plan(plan), arena(plan::arenaOf(plan, plan::kHostSpace)),
        table(graph::readSymbols(plan)), program(program) {}

  LogicalResult run() {
    auto func = plan.lookupSymbol<func::FuncOp>("main");
    if (!func)
      return plan.emitError("[TN5005] has no function @main");
    for (const graph::Symbol &symbol : table)
      if (!symbol.after.empty())
        return plan.emitError("[TN5006] a size is known only after kernel '")
               << symbol.after << "', which this target cannot wait for";
    measure(func);
    emitDerive();
    emitSlots();
    emitArenaSize();
    emitOutputDims(func);
    return emitMain(func);
  }

private:
  /// The block that returns a function's status, at its end.
  void makeExit(func::FuncOp func) {
    OpBuilder::InsertionGuard guard(b);
    exit = b.createBlock(&func.getBody(), {}, b.getI32Type(), loc);
    func::ReturnOp::create(b, loc, exit->getArgument(0));
  }

  /// Emits a part of the current function as one of its own with the same
  /// arguments, called here; a status other than 0 ends both.
  LogicalResult emitPart(StringRef name, ValueRange given, function_ref<LogicalResult(func::FuncOp)> body) {
    SmallVector<Value> arguments(given); // the body changes what they are taken from
    std::string unique = (name + "_" + Twine(parts++)).str();
    func::FuncOp part;
    {
      OpBuilder::InsertionGuard guard(b);
      llvm::SaveAndRestore<Value> keepSymbols(symbols);
      llvm::SaveAndRestore<Block *> keepExit(exit);
      part = beginFunction(unique, llvm::to_vector(ValueRange(arguments).getTypes()), {b.getI32Type()}, 0);
      part.setPrivate();
      part->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
      makeExit(part);
      if (failed(body(part)))
        return failure();
      cf::BranchOp::create(b, loc, exit, constant32(0));
    }
    exitUnlessZero(func::CallOp::create(b, loc, part, arguments).getResult(0));
    return success();
  }

  void exitUnlessZero(Value status) {
    Value failed = compare(arith::CmpIPredicate::ne, status, constant32(0));
    Block *next = newBlock();
    cf::CondBranchOp::create(b, loc, failed, exit, status, next, ValueRange{});
    b.setInsertionPointToStart(next);
  }

  /// Fills in the derived symbols, in order, then checks what must hold for the
  /// whole run: before anything is allocated for sizes that do not fit.
  void emitDerive() {
    auto derive = beginFunction("tenon_derive", {pointer, pointer}, {b.getI32Type()}, 0);
    makeExit(derive);
    std::vector<graph::Assumption> assumptions = graph::readAssumptions(plan, "graph.assumptions");
    inParts(derive, table.size(), [&](func::FuncOp, size_t from, size_t to) {
      for (size_t i = from; i < to; ++i)
        if (table[i].isDerived())
          LLVM::StoreOp::create(b, loc, this->derive(table[i]), element(symbols, i64, i));
    });
    inParts(derive, assumptions.size(), [&](func::FuncOp func, size_t from, size_t to) {
      // Without branches, from the last one on: what the first that fails says is left.
      Value status = constant32(0), one = constant(0), other = constant(0);
      for (size_t i = to; i-- > from;) {
        auto [holds, first, second] = check(assumptions[i]);
        status = arith::SelectOp::create(b, loc, holds, status, constant32(numberOf(assumptions[i])));
        one = arith::SelectOp::create(b, loc, holds, one, first);
        other = arith::SelectOp::create(b, loc, holds, other, second);
      }
      LLVM::StoreOp::create(b, loc, one, func.getArgument(1));
      LLVM::StoreOp::create(b, loc, other, element(func.getArgument(1), i64, 1));
      exitUnlessZero(status);
    });
    cf::BranchOp::create(b, loc, exit, constant32(0));
  }

  /// Emits `count` things, many of them in functions of their own.
  void inParts(func::FuncOp func, size_t count, function_ref<void(func::FuncOp, size_t, size_t)> emit) {
    if (count <= kMostSizes)
      return count ? emit(func, 0, count) : void();
    for (size_t from = 0; from < count; from += kMostSizes)
      (void)emitPart(func.getName(), func.getArguments(), [&](func::FuncOp part) {
        emit(part, from, std::min(count, from + kMostSizes));
        return success();
      });
  }

  /// Whether an assumption holds, and its two sizes.
  std::tuple<Value, Value, Value> check(const graph::Assumption &assumption) {
    Value a = eval(assumption.a), c = eval(assumption.b);
    Value holds = compare(
        assumption.kind == graph::Assumption::atMost ? arith::CmpIPredicate::sle : arith::CmpIPredicate::eq, a, c);
    if (assumption.kind == graph::Assumption::broadcasts)
      holds = arith::OrIOp::create(b, loc, holds, compare(arith::CmpIPredicate::eq, a, constant(1)));
    return {holds, a, c};
  }

  /// Its number in the manifest's table of checks.
  uint32_t numberOf(const graph::Assumption &assumption) {
    StringRef text = "the inputs' dimensions do not fit together: sizes {0} and {1} must be equal";
    if (assumption.kind == graph::Assumption::broadcasts)
      text = "the inputs' dimensions do not fit together: a size of {0} does not broadcast to {1}";
    else if (assumption.kind == graph::Assumption::atMost)
      text = assumption.a == 0 ? "the inputs' dimensions do not fit together: a size would be {1}, expected 0 or more"
                               : "the inputs' dimensions do not fit together: a size of {0} must be at most {1}";
    return program.addCheck(TENON_RUN, assumption.node, text);
  }

  /// Emits functions that place the slots whose size depends on symbols, one behind
  /// the other, each as large as the largest of its buffers. The size of what an
  /// untaken branch would make may be negative: it takes no room.
  ///
  ///   (symbols, offsets, at, bytes) -> (at, bytes)
  ///
  /// stores the offsets of those slots whose last buffer it sees, from the first
  /// element on. `at` is where the next slot begins, -1 beyond i64; `bytes` is how
  /// large that is so far.
  void emitSlots() {
    struct Term {
      AffineExpr bytes;
      bool isLast; ///< of its slot
    };
    std::vector<Term> terms;
    for (Attribute attr : arena.getSlots()) {
      for (AffineExpr expr : cast<AffineMapAttr>(attr).getValue().getResults())
        terms.push_back({expr, false});
      terms.back().isLast = true;
    }
    for (size_t from = 0; from < terms.size(); from += kMostSizes) {
      auto part = beginFunction(("tenon_slots_" + Twine(parts++)).str(), {pointer, pointer, i64, i64}, {i64, i64}, 0);
      part.setPrivate();
      Value bytes = part.getArgument(3);
      int64_t stored = 0;
      Value isLost = compare(arith::CmpIPredicate::slt, part.getArgument(2), constant(0));
      Value end = size([&]() {
        Value at = part.getArgument(2);
        for (const Term &term : ArrayRef(terms).slice(from, std::min(kMostSizes, terms.size() - from))) {
          bytes = arith::MaxSIOp::create(b, loc, bytes, eval(term.bytes));
          if (!term.isLast)
            continue;
          LLVM::StoreOp::create(b, loc, at, element(part.getArgument(1), i64, stored++));
          at = add(at, arith::AndIOp::create(b, loc, add(bytes, constant(kAlign - 1 + redZone())), constant(-kAlign)));
          bytes = constant(0);
        }
        return at;
      });
      end = arith::SelectOp::create(b, loc, isLost, constant(-1), end);
      func::ReturnOp::create(b, loc, ValueRange{end, bytes});
      slotParts.push_back({part, stored});
    }
  }

  /// Stores the slots' offsets, those of each part where `place` says; returns the
  /// arena's size, or -1.
  Value placeSlots(function_ref<Value(int64_t first)> place) {
    Value at = constant(arena.getBytes()), bytes = constant(0);
    int64_t first = 0;
    for (auto [part, count] : slotParts) {
      auto call = func::CallOp::create(b, loc, part, ValueRange{symbols, place(first), at, bytes});
      at = call.getResult(0);
      bytes = call.getResult(1);
      first += count;
    }
    return at;
  }

  /// Bytes between the arena's buffers, of code that is checked for writes there.
  int64_t redZone() { return arena.getRedZone(); }

  /// Tells the runtime where the bytes behind the arena's buffers are.
  void announceRedZones() {
    SmallVector<Value> begins;
    plan.walk([&](plan::KernelOp kernel) {
      for (auto [i, attr] : llvm::enumerate(*kernel.getPlaces()))
        if (auto bytes = cast<plan::PlaceAttr>(attr).getBytes()) {
          Value size = arith::MaxSIOp::create(b, loc, eval(bytes.getValue().getResult(0)), constant(0));
          begins.push_back(LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), place(kernel, i), ValueRange{size}));
        }
    });
    if (begins.empty())
      return;
    Value list = LLVM::AllocaOp::create(b, loc, pointer, pointer, constant(begins.size()), 8);
    for (auto [i, begin] : llvm::enumerate(begins))
      LLVM::StoreOp::create(b, loc, begin, element(list, pointer, i));
    Value announce = LLVM::LoadOp::create(b, loc, pointer, element(shared[Api], b.getI8Type(), 24));
    auto type = LLVM::LLVMFunctionType::get(b.getI32Type(), {pointer, pointer, b.getI32Type()});
    auto call =
        LLVM::CallOp::create(b, loc, type, ValueRange{announce, shared[Invocation], list, constant32(begins.size())});
    exitUnlessZero(call.getResult());
  }

  void emitArenaSize() {
    beginFunction("tenon_arena_size", {pointer}, {i64}, 0);
    Value unused = LLVM::AllocaOp::create(b, loc, pointer, i64, constant(kMostSizes), 8);
    Value bytes = placeSlots([&](int64_t) { return unused; });
    Value isLost = compare(arith::CmpIPredicate::slt, bytes, constant(0));
    bytes = size([&]() { return add(bytes, constant(ownInArena)); });
    func::ReturnOp::create(b, loc, arith::SelectOp::create(b, loc, isLost, constant(-1), bytes).getResult());
  }

  void emitOutputDims(func::FuncOp func) {
    SmallVector<AffineExpr> sizes;
    for (Value value : cast<func::ReturnOp>(func.getBody().back().getTerminator()).getOperands())
      llvm::append_range(sizes, plan::shapeOf(value));
    std::vector<func::FuncOp> dimsParts;
    for (size_t from = 0; from < sizes.size(); from += kMostSizes) {
      auto part = beginFunction(("tenon_output_dims_" + Twine(from)).str(), {pointer, pointer}, {}, 0);
      part.setPrivate();
      part->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
      for (size_t i = from; i < std::min(sizes.size(), from + kMostSizes); ++i)
        LLVM::StoreOp::create(b, loc, size([&]() { return eval(sizes[i]); }), element(part.getArgument(1), i64, i));
      func::ReturnOp::create(b, loc);
      dimsParts.push_back(part);
    }
    auto dims = beginFunction("tenon_output_dims", {pointer, pointer}, {}, 0);
    for (func::FuncOp part : dimsParts)
      func::CallOp::create(b, loc, part, dims.getArguments());
    func::ReturnOp::create(b, loc);
  }

  LogicalResult emitMain(func::FuncOp func) {
    auto host = beginFunction("tenon_main", {pointer, pointer, pointer, pointer, pointer, pointer, pointer},
                              {b.getI32Type()}, 6);
    makeExit(host);
    for (int32_t i = Api; i <= Symbols; ++i)
      shared[i] = host.getArgument(i);
    // The run's own memory is on the stack, or at the arena's start.
    if (ownInArena)
      shared[Arena] = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), host.getArgument(Arena),
                                          ArrayRef<LLVM::GEPArg>{int32_t(ownInArena)});
    ownMemory = host.getArgument(Arena);
    shared[Slots] = own(i64, slots);
    placeSlots([&](int64_t first) { return element(shared[Slots], i64, first); });
    shared[Buffers] = own(pointer, mostBuffers);
    shared[Sizes] = own(i64, mostSizes);
    if (llvm::any_of(program.launches, [](const auto &entry) { return !entry.second.checks.empty(); })) {
      // A failure ends the run, so that one record is clean for every launch.
      shared[Record] = LLVM::AllocaOp::create(b, loc, pointer, i64, constant(kErrorFields), 8);
      for (int32_t i = 0; i < kErrorFields; ++i)
        LLVM::StoreOp::create(b, loc, constant(ErrorField(i) == ErrorField::Position ? kNoPosition : 0),
                              element(shared[Record], i64, i));
    }
    if (redZone())
      announceRedZones();
    Block &block = func.getBody().front();
    if (frameFields)
      makeFrame();
    if (failed(emitSequence(block)))
      return failure();
    cf::BranchOp::create(b, loc, exit, constant32(0));
    return success();
  }

  /// How much the run needs for itself, in fields of 8 bytes.
  void measure(func::FuncOp func) {
    plan.walk([&](plan::KernelOp kernel) {
      mostBuffers = std::max<size_t>(mostBuffers, kernel->getNumOperands() + kernel->getNumResults() + 1);
      mostSizes = std::max(mostSizes, symbolsOf(kernel).size());
    });
    if (launchesIn(func.getBody().front()) > kMostLaunches || std::max(mostBuffers, mostSizes) > kMostSizes) {
      frameFields = kFrameFields;
      func.walk([&](Operation *op) {
        if (isa<scf::IfOp, tensor::ExtractOp>(op))
          for (Value result : op->getResults())
            frameOf[result] = frameFields++;
      });
    }
    slots = arena.getSlots().size();
    size_t fields = slots + mostBuffers + mostSizes + frameFields;
    ownInArena = fields > kMostOwnOnStack ? llvm::alignTo(8 * fields, kAlign) : 0;
  }

  /// Memory of the run itself.
  Value own(Type field, size_t fields) {
    if (!ownInArena)
      return LLVM::AllocaOp::create(b, loc, pointer, field, constant(fields), 8);
    ownUsed += fields;
    return element(ownMemory, i64, ownUsed - fields);
  }

  /// What parts share is written to memory, with room for what they leave each other.
  void makeFrame() {
    frame = own(i64, frameFields);
    for (int32_t i = 0; i < kFrameFields; ++i)
      if (shared[i])
        LLVM::StoreOp::create(b, loc, shared[i], element(frame, i64, i));
  }

  static unsigned launchesIn(Block &block) {
    unsigned count = 0;
    block.walk([&](plan::KernelOp) { ++count; });
    return count;
  }

  /// Emits the ops of a block; of many launches as parts.
  LogicalResult emitSequence(Block &block) {
    SmallVector<Operation *> group;
    unsigned launches = 0;
    bool inOne = launchesIn(block) <= kMostLaunches;
    auto flush = [&]() {
      LogicalResult result = group.empty() ? success() : emitRun(group);
      group.clear();
      launches = 0;
      return result;
    };
    for (Operation &op : block.without_terminator()) {
      if (inOne) {
        if (failed(emit(&op)))
          return failure();
        continue;
      }
      unsigned own = 0;
      op.walk([&](plan::KernelOp) { ++own; });
      if (launches + own > kMostLaunches && failed(flush()))
        return failure();
      group.push_back(&op);
      launches += own;
    }
    return flush();
  }

  /// A part of the run, which gets all it needs through the frame.
  LogicalResult emitRun(ArrayRef<Operation *> ops) {
    return inFrame([&]() {
      for (Operation *op : ops)
        if (failed(emit(op)))
          return failure();
      return success();
    });
  }

  /// Emits a function that gets all it needs through the frame, and calls it.
  LogicalResult inFrame(function_ref<LogicalResult()> body) {
    llvm::SaveAndRestore keepShared(shared);
    llvm::SaveAndRestore keepPointers(pointers);
    llvm::SaveAndRestore keepScalars(scalars);
    llvm::SaveAndRestore<Value> keepFrame(frame);
    return emitPart("tenon_main", frame, [&](func::FuncOp part) {
      frame = part.getArgument(0);
      pointers.clear();
      scalars.clear();
      for (int32_t i = 0; i < kFrameFields; ++i)
        shared[i] = LLVM::LoadOp::create(b, loc, pointer, element(frame, i64, i));
      symbols = shared[Symbols];
      return body();
    });
  }

  /// Emits `count` things, many of them in functions of their own.
  void inFrames(size_t count, function_ref<void(size_t)> emit) {
    auto some = [&](size_t from, size_t to) {
      for (size_t i = from; i < to; ++i)
        emit(i);
      return success();
    };
    if (count <= kMostSizes)
      return void(some(0, count));
    for (size_t from = 0; from < count; from += kMostSizes)
      (void)inFrame([&]() { return some(from, std::min(count, from + kMostSizes)); });
  }

  /// A block before the exit, for code that is reached by a branch.
  Block *newBlock(TypeRange arguments = {}) {
    OpBuilder::InsertionGuard guard(b);
    return b.createBlock(exit, arguments, SmallVector<Location>(arguments.size(), loc));
  }

  /// Returns early where sizes of a branch do not fit: its kernels would read
  /// beyond their buffers.
  void checkBranch(scf::IfOp branch, unsigned region) {
    for (const graph::Assumption &assumption : graph::readAssumptions(branch, graph::branchAssumptions(region))) {
      auto [holds, first, second] = check(assumption);
      failUnless(holds, constant32(numberOf(assumption)), first, second);
    }
  }

  /// Ends the run with a check's number and two numbers for its text where the
  /// condition does not hold, else goes on.
  void failUnless(Value condition, Value check, Value first, Value second) {
    Block *failed = newBlock(), *rest = newBlock();
    cf::CondBranchOp::create(b, loc, condition, rest, failed);
    b.setInsertionPointToStart(failed);
    Value fail = LLVM::LoadOp::create(b, loc, pointer, element(shared[Api], b.getI8Type(), 16));
    auto type = LLVM::LLVMFunctionType::get(b.getI32Type(), {pointer, b.getI32Type(), i64, i64});
    auto call = LLVM::CallOp::create(b, loc, type, ValueRange{fail, shared[Invocation], check, first, second});
    cf::BranchOp::create(b, loc, exit, call.getResults());
    b.setInsertionPointToStart(rest);
  }

  LogicalResult emit(Operation *op) {
    // Where these are is found when something asks.
    if (isa<graph::ConstantOp, plan::ViewOp>(op))
      return success();
    if (auto kernel = dyn_cast<plan::KernelOp>(op))
      return launch(kernel);
    if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      Value value = LLVM::LoadOp::create(b, loc, storageType(extract.getType()), lookup(extract.getTensor()));
      if (extract.getType().isInteger(1))
        value = compare(arith::CmpIPredicate::ne, value, arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(0)));
      scalars[extract.getResult()] = value;
      if (frame && extract.getType().isInteger(1)) // its buffer may be another's in a later part
        LLVM::StoreOp::create(b, loc, arith::ExtUIOp::create(b, loc, i64, value),
                              element(frame, i64, frameOf.lookup(extract)));
      return success();
    }
    if (isa<arith::ConstantOp>(op))
      return success();
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return emitIf(branch);
    if (auto select = dyn_cast<arith::SelectOp>(op);
        select && isa<TensorType>(select.getType()) && scalar(select.getCondition()))
      return success();
    return op->emitError("[TN5006] has no place in a host program");
  }

  LogicalResult emitIf(scf::IfOp branch) {
    Value condition = scalar(branch.getCondition());
    if (!condition)
      return branch.emitError("[TN5006] has a condition that the host program does not know");
    Block *join = newBlock(SmallVector<Type>(branch.getNumResults(), pointer));
    // A branch without code may have checks.
    Block *then = newBlock(), *otherwise = branch.elseBlock() ? newBlock() : join;
    cf::CondBranchOp::create(b, loc, condition, then, otherwise);
    for (auto [source, target] : {std::pair(branch.thenBlock(), then), std::pair(branch.elseBlock(), otherwise)}) {
      if (!source)
        continue;
      // What a branch computes is not there behind it.
      llvm::SaveAndRestore keepPointers(pointers);
      llvm::SaveAndRestore keepScalars(scalars);
      b.setInsertionPointToStart(target);
      checkBranch(branch, source->getParent()->getRegionNumber());
      if (failed(emitSequence(*source)))
        return failure();
      SmallVector<Value> yields;
      for (Value value : source->getTerminator()->getOperands())
        yields.push_back(lookup(value));
      cf::BranchOp::create(b, loc, join, yields);
    }
    b.setInsertionPointToStart(join);
    for (auto [from, to] : llvm::zip(branch.getResults(), join->getArguments())) {
      pointers[from] = to;
      if (frame)
        LLVM::StoreOp::create(b, loc, to, element(frame, i64, frameOf.lookup(from)));
    }
    return success();
  }

  /// A condition; null if the program does not know it.
  Value scalar(Value value) {
    if (Value known = scalars.lookup(value))
      return known;
    Value found;
    if (auto constantOp = value.getDefiningOp<arith::ConstantOp>())
      found = arith::ConstantOp::create(b, loc, constantOp.getValue());
    else if (auto kept = frameOf.find(value); kept != frameOf.end() && value.getType().isInteger(1))
      found = compare(arith::CmpIPredicate::ne, LLVM::LoadOp::create(b, loc, i64, element(frame, i64, kept->second)),
                      constant(0));
    return found ? scalars[value] = found : Value();
  }

  /// The address of a tensor.
  Value lookup(Value value) {
    if (Value known = pointers.lookup(value))
      return known;
    Value found;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      found = LLVM::LoadOp::create(b, loc, pointer, element(shared[Inputs], pointer, argument.getArgNumber()));
    } else if (auto constantOp = value.getDefiningOp<graph::ConstantOp>()) {
      found = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), shared[Weights],
                                  ValueRange{constant(weight(constantOp))});
    } else if (auto view = value.getDefiningOp<plan::ViewOp>()) {
      found = lookup(view.getX());
    } else if (auto kernel = value.getDefiningOp<plan::KernelOp>()) {
      found = place(kernel, cast<OpResult>(value).getResultNumber());
    } else if (auto select = value.getDefiningOp<arith::SelectOp>()) {
      found = arith::SelectOp::create(b, loc, scalar(select.getCondition()), lookup(select.getTrueValue()),
                                      lookup(select.getFalseValue()));
    } else {
      assert(frameOf.contains(value) && "used before it was emitted");
      found = LLVM::LoadOp::create(b, loc, pointer, element(frame, i64, frameOf.lookup(value)));
    }
    return pointers[value] = found;
  }

  /// The offset of a constant in the weights, where it gets its place on first use.
  int64_t weight(graph::ConstantOp op) {
    auto [it, isNew] = weightOf.try_emplace(op.getValue(), program.weights.size());
    if (isNew) {
      auto type = cast<ShapedType>(op.getType());
      uint64_t bytes = type.getNumElements() * storageType(type.getElementType()).getIntOrFloatBitWidth() / 8;
      program.weights.push_back({op.getValue(), program.weightBytes, bytes});
      program.weightBytes += (bytes + kAlign - 1) / kAlign * kAlign;
    }
    return program.weights[it->second].offset;
  }

  Value place(plan::KernelOp kernel, unsigned result) {
    auto where = cast<plan::PlaceAttr>((*kernel.getPlaces())[result]);
    if (where.getKind() == plan::PlaceKind::output)
      return LLVM::LoadOp::create(b, loc, pointer, element(shared[Outputs], pointer, where.getNumber()));
    Value offset = where.getKind() == plan::PlaceKind::offset
                       ? constant(where.getNumber())
                       : LLVM::LoadOp::create(b, loc, i64, element(shared[Slots], i64, where.getNumber()));
    return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), shared[Arena], ValueRange{offset});
  }

  BufferDescription describe(Value value, bool isOutput) {
    int32_t dtype = manifestType(getElementTypeOrSelf(value.getType()));
    value = plan::source(value);
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto func = cast<func::FuncOp>(argument.getOwner()->getParentOp());
      auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "onnx.name");
      return {name ? name.str() : "", dtype, isOutput, -1};
    }
    llvm::SetVector<StringRef> nodes = sourceNodes(value.getLoc());
    auto constantOp = value.getDefiningOp<graph::ConstantOp>();
    int64_t offset = constantOp ? program.weights[weightOf.lookup(constantOp.getValue())].offset : -1;
    std::string name = nodes.empty() ? "" : nodes.back().str();
    if (auto resource =
            constantOp ? dyn_cast<DenseResourceElementsAttr>(constantOp.getValue()) : DenseResourceElementsAttr())
      name = resource.getRawHandle().getKey().str();
    return {std::move(name), dtype, isOutput, offset};
  }

  /// Ends the run where sizes are not as the kernel's ops need them.
  void checkSizes(const KernelLaunch &launch) {
    for (const SizeCheck &check : launch.sizes) {
      Value least = eval(check.least), size = eval(check.size);
      Value ok = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, least, size);
      if (check.unless) {
        Value isEmpty = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, eval(check.unless), constant(0));
        ok = arith::OrIOp::create(b, loc, ok, isEmpty);
      }
      uint32_t number =
          program.addCheck(check.code, llvm::join(sourceNodes(check.op->getLoc()).getArrayRef(), ", "), check.text);
      failUnless(ok, constant32(number), least, size);
    }
  }

  /// Ends the run with what a kernel has left in the error record.
  void checkRecord(const KernelLaunch &launch) {
    if (launch.checks.empty())
      return;
    auto field = [&](ErrorField field) -> Value {
      return LLVM::LoadOp::create(b, loc, i64, element(shared[Record], i64, int64_t(field)));
    };
    uint32_t first = 0;
    for (const CheckDescription &check : launch.checks)
      if (uint32_t number = program.addCheck(check.code, check.node, check.text); !first)
        first = number;
    Value failed = field(ErrorField::Check);
    Value ok = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, failed, constant(0));
    Value number = arith::TruncIOp::create(b, loc, b.getI32Type(), add(failed, constant(int64_t(first) - 1)));
    failUnless(ok, number, field(ErrorField::First), field(ErrorField::Second));
  }

  LogicalResult launch(plan::KernelOp kernel) {
    auto entry = program.launches.find(kernel);
    KernelLaunch &info = entry->second;
    checkSizes(info);
    SmallVector<Value> arguments(kernel.getInputs());
    llvm::append_range(arguments, kernel.getResults());
    inFrames(arguments.size(), [&](size_t i) {
      LLVM::StoreOp::create(b, loc, lookup(arguments[i]), element(shared[Buffers], pointer, i));
    });
    for (Value input : kernel.getInputs())
      info.description.buffers.push_back(describe(input, /*isOutput=*/false));
    for (auto [i, result] : llvm::enumerate(kernel.getResults())) {
      Value yielded = kernel.getBody().front().getTerminator()->getOperand(i);
      info.description.buffers.push_back(describe(isa<BlockArgument>(yielded) ? result : yielded, /*isOutput=*/true));
    }
    SmallVector<unsigned> sizes = symbolsOf(kernel);
    inFrames(sizes.size(), [&](size_t i) {
      LLVM::StoreOp::create(b, loc, eval(getAffineSymbolExpr(sizes[i], b.getContext())),
                            element(shared[Sizes], i64, i));
    });
    if (!info.checks.empty()) // behind the buffers, and not one of them for an observer
      LLVM::StoreOp::create(b, loc, shared[Record], element(shared[Buffers], pointer, arguments.size()));
    SmallVector<Type> taken{pointer, pointer, i64, i64};
    if (info.scratchBytes)
      taken.push_back(pointer);
    auto kernelType = b.getFunctionType(taken, {});
    Value function = func::ConstantOp::create(b, loc, kernelType, info.function);
    function = UnrealizedConversionCastOp::create(b, loc, pointer, function).getResult(0);
    SmallVector<Type> types{pointer, b.getI32Type(), pointer, pointer, b.getI32Type(), pointer, i64, i64};
    Value service =
        LLVM::LoadOp::create(b, loc, pointer, element(shared[Api], b.getI8Type(), info.scratchBytes ? 32 : 8));
    SmallVector<Value> given{service,       shared[Invocation],     constant32(entry - program.launches.begin()),
                             function,      shared[Buffers],        constant32(arguments.size()),
                             shared[Sizes], eval(info.split.total), constant(info.split.grain)};
    if (info.scratchBytes) {
      types.push_back(i64);
      given.push_back(constant(info.scratchBytes));
    }
    auto call = LLVM::CallOp::create(b, loc, LLVM::LLVMFunctionType::get(b.getI32Type(), types), given);
    // A launch that fails ends the run with what it returned.
    exitUnlessZero(call.getResult());
    checkRecord(info);
    return success();
  }

  ModuleOp plan;
  plan::ArenaAttr arena;
  std::vector<graph::Symbol> table;
  Program &program;
  SmallVector<std::pair<func::FuncOp, int64_t>> slotParts; ///< and how many slots each places
  Block *exit = nullptr;                                   ///< returns its argument
  std::array<Value, kFrameFields> shared;
  Value frame; ///< null where the run is in one piece
  DenseMap<Value, unsigned> frameOf;
  size_t mostBuffers = 1, mostSizes = 1; ///< of a launch; the error record is a buffer
  size_t frameFields = 0;                ///< 0: the run is in one piece
  size_t slots = 0;
  uint64_t ownInArena = 0; ///< bytes of the run's own memory, 0 if it is on the stack
  Value ownMemory;
  size_t ownUsed = 0;
  unsigned parts = 0;
  DenseMap<Value, Value> pointers, scalars;
  DenseMap<Attribute, size_t> weightOf;
};

} // namespace

LogicalResult emitHostProgram(ModuleOp plan, Program &program) { return HostEmitter(plan, program).run(); }

} // namespace tenon::cpu
