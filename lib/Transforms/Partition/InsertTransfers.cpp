// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// There is no way between two devices but through the host. So what is in a device's memory
// and read elsewhere is brought to the host first, then all that devices read to them.
//
// A copy stands in the outermost block between its value and its reader in which it is needed
// whichever branches are taken: in a block that reads it, or both branches of an scf.if of
// which do. One copy outside thus serves both branches, and one that a single branch needs is
// made only when that branch is taken.
#include "InsertTransfers.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace tenon::partition {
namespace {

/// Of one value in one space: who reads it there, from the host or in other spaces through it.
struct Readers {
  SmallVector<OpOperand *> uses;
  llvm::SmallDenseSet<Block *> needing; ///< blocks in which it is read, whatever branches are taken

  /// Adds blocks for both branches of which there is a reader.
  void completeNeeding(Block *home) {
    SmallVector<Block *> work(needing.begin(), needing.end());
    while (!work.empty()) {
      Block *block = work.pop_back_val();
      auto branch = dyn_cast<scf::IfOp>(block->getParentOp());
      if (block == home || !branch || !branch.elseBlock() || !needing.contains(branch.thenBlock()) ||
          !needing.contains(branch.elseBlock()))
        continue;
      if (needing.insert(branch->getBlock()).second)
        work.push_back(branch->getBlock());
    }
  }

  /// The outermost block around a reader in which the value is needed.
  Block *blockFor(OpOperand *use, Block *home) const {
    Block *outermost = nullptr;
    for (Block *block = use->getOwner()->getBlock();; block = block->getParentOp()->getBlock()) {
      if (needing.contains(block))
        outermost = block;
      if (block == home)
        return outermost;
    }
  }
};

class TransferInserter {
public:
  TransferInserter(func::FuncOp func, size_t symbols)
      : func(func), symbols(symbols), host(StringAttr::get(func.getContext(), plan::kHostSpace)) {}

  void run() {
    copyTo([&](StringAttr home, StringAttr) { return home == host ? StringAttr() : host; });
    copyTo([&](StringAttr, StringAttr space) { return space; });
  }

private:
  StringAttr homeOf(Value value) const {
    auto submit = value.getDefiningOp<plan::SubmitOp>();
    return submit ? submit.getDeviceAttr() : host;
  }

  /// Copies each value that is read in another space than it is in to the space, if any, that
  /// `choose` names for the two.
  void copyTo(function_ref<StringAttr(StringAttr home, StringAttr space)> choose) {
    llvm::MapVector<std::pair<Value, StringAttr>, Readers> readers;
    func.walk([&](Operation *op) {
      if (isa<plan::TransferOp>(op)) // reads what is in another space
        return;
      auto submit = dyn_cast<plan::SubmitOp>(op);
      StringAttr space = submit ? submit.getDeviceAttr() : host;
      for (OpOperand &operand : op->getOpOperands()) {
        StringAttr home = homeOf(operand.get());
        StringAttr chosen = home == space ? StringAttr() : choose(home, space);
        if (!chosen)
          continue;
        Readers &entry = readers[{operand.get(), chosen}];
        entry.uses.push_back(&operand);
        entry.needing.insert(op->getBlock());
      }
    });
    for (auto &[key, entry] : readers)
      copy(key.first, key.second, entry);
  }

  void copy(Value value, StringAttr space, Readers &readers) {
    Block *home = value.getParentBlock();
    readers.completeNeeding(home);
    llvm::SmallDenseMap<Block *, Value> copies;
    for (OpOperand *use : readers.uses) {
      Block *block = readers.blockFor(use, home);
      Value &copy = copies[block];
      if (!copy) {
        OpBuilder b(func.getContext());
        if (block == home)
          b.setInsertionPointAfterValue(value);
        else
          b.setInsertionPointToStart(block);
        copy = transfer(b, value, space);
      }
      use->set(copy);
    }
  }

  Value transfer(OpBuilder &b, Value value, StringAttr space) {
    Operation *last =
        plan::TransferOp::create(b, value.getLoc(), value.getType(), value, homeOf(value), space, ArrayAttr());
    recordShapes(last, value, symbols);
    if (space == host) {
      last = plan::AwaitOp::create(b, value.getLoc(), value.getType(), last->getResult(0));
      recordShapes(last, value, symbols);
    }
    return last->getResult(0);
  }

  func::FuncOp func;
  size_t symbols;
  StringAttr host;
};

} // namespace

void recordShapes(Operation *op, ValueRange values, size_t symbols) {
  SmallVector<Attribute> maps;
  bool isOpen = false;
  for (Value value : values) {
    isOpen |= !cast<RankedTensorType>(value.getType()).hasStaticShape();
    plan::Exprs sizes = plan::shapeOf(value);
    if (llvm::is_contained(sizes, AffineExpr())) // nobody knows; the stage's contract says so
      return;
    maps.push_back(AffineMapAttr::get(AffineMap::get(0, symbols, sizes, op->getContext())));
  }
  if (isOpen && maps.size() == 1)
    op->setAttr("graph.shape", maps.front());
  else if (isOpen)
    op->setAttr("graph.shapes", ArrayAttr::get(op->getContext(), maps));
}

void insertTransfers(func::FuncOp func, size_t symbols) { TransferInserter(func, symbols).run(); }

} // namespace tenon::partition
