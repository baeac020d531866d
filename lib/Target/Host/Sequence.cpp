// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The plan's ops, one after the other: launches and branches. Many of them are
// emitted in functions of their own, which find in a frame in memory what they share.
#include "Conductor.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "tenon/Dialect/Num/IR/StorageType.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace tenon::host {

/// Functions of more launches than this are split: LLVM takes long over long ones.
static constexpr unsigned kMostLaunches = 64;

static unsigned launchesIn(Block &block) {
  unsigned count = 0;
  block.walk([&](Operation *op) { count += plan::writesBuffers(op); });
  return count;
}

bool Conductor::isLong(Block &block) { return launchesIn(block) > kMostLaunches; }

void Conductor::makeFrame() {
  frame = own(i64, frameFields);
  for (int32_t i = 0; i < kFrameFields; ++i)
    if (shared[i])
      LLVM::StoreOp::create(b, loc, shared[i], element(frame, i64, i));
}

LogicalResult Conductor::emitSequence(Block &block) {
  SmallVector<Operation *> group;
  unsigned launches = 0;
  bool inOne = !isLong(block);
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
    op.walk([&](Operation *nested) { own += plan::writesBuffers(nested); });
    if (launches + own > kMostLaunches && failed(flush()))
      return failure();
    group.push_back(&op);
    launches += own;
  }
  return flush();
}

LogicalResult Conductor::emitRun(ArrayRef<Operation *> ops) {
  return inFrame([&]() {
    for (Operation *op : ops)
      if (failed(emit(op)))
        return failure();
    return success();
  });
}

LogicalResult Conductor::inFrame(function_ref<LogicalResult()> body) {
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

void Conductor::inFrames(size_t count, function_ref<void(size_t)> emit) {
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

LogicalResult Conductor::emit(Operation *op) {
  // Where these are is found when something asks.
  if (isa<graph::ConstantOp, plan::ViewOp>(op))
    return success();
  if (auto kernel = dyn_cast<plan::KernelOp>(op))
    return launch(kernel);
  if (auto transfer = dyn_cast<plan::TransferOp>(op))
    return emitTransfer(transfer);
  if (auto submit = dyn_cast<plan::SubmitOp>(op))
    return emitSubmit(submit);
  if (auto await = dyn_cast<plan::AwaitOp>(op))
    return emitAwait(await), success();
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return emitExtract(extract), success();
  if (isa<arith::ConstantOp>(op))
    return success();
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return emitIf(branch);
  if (auto select = dyn_cast<arith::SelectOp>(op);
      select && isa<TensorType>(select.getType()) && scalar(select.getCondition()))
    return success();
  return op->emitError("[TN5006] has no place in a host program");
}

void Conductor::emitExtract(tensor::ExtractOp extract) {
  Value value = LLVM::LoadOp::create(b, loc, storageType(extract.getType()), lookup(extract.getTensor()));
  if (extract.getType().isInteger(1))
    value = compare(arith::CmpIPredicate::ne, value, arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(0)));
  scalars[extract.getResult()] = value;
  if (frame && extract.getType().isInteger(1)) // its buffer may be another's in a later part
    LLVM::StoreOp::create(b, loc, arith::ExtUIOp::create(b, loc, i64, value),
                          element(frame, i64, frameOf.lookup(extract)));
}

void Conductor::checkBranch(scf::IfOp branch, unsigned region) {
  for (const graph::Assumption &assumption : graph::readAssumptions(branch, graph::branchAssumptions(region))) {
    auto [holds, first, second] = check(assumption);
    failUnless(holds, constant32(numberOf(assumption)), first, second);
  }
}

LogicalResult Conductor::emitIf(scf::IfOp branch) {
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

Value Conductor::scalar(Value value) {
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

} // namespace tenon::host
