// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each reduction is tried on half of the places that it applies to, then on
// quarters, and so on to single ones. What a model computes before the fault
// becomes its inputs, what it computes after it is no longer returned, and what
// lies between is passed by where types allow.
#include "tenon/Reduce/Reduce.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;

namespace tenon {
namespace {

/// The ops that reductions look at, in an order that clones of a module share: those
/// in functions and in branches; a kernel is one op.
SmallVector<Operation *> opsOf(ModuleOp module) {
  SmallVector<Operation *> ops;
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<ModuleOp, func::FuncOp>(op))
      return WalkResult::advance();
    if (!op->hasTrait<OpTrait::IsTerminator>())
      ops.push_back(op);
    return op->hasTrait<OpTrait::IsIsolatedFromAbove>() ? WalkResult::skip() : WalkResult::advance();
  });
  return ops;
}

/// The op's results become inputs of its function.
bool takeAsInputs(Operation *op) {
  auto func = op->getParentOfType<func::FuncOp>();
  if (!func || op->use_empty() || op->hasTrait<OpTrait::ConstantLike>())
    return false;
  Builder b(op->getContext());
  for (Value result : op->getResults()) {
    if (result.use_empty())
      continue;
    unsigned number = func.getNumArguments();
    SmallVector<NamedAttribute> attributes{
        b.getNamedAttr("onnx.name", b.getStringAttr("reduced_" + std::to_string(number)))};
    if (auto type = dyn_cast<RankedTensorType>(result.getType())) {
      SmallVector<Attribute> dims;
      for (int64_t d = 0; d < type.getRank(); ++d)
        dims.push_back(b.getStringAttr(
            type.isDynamicDim(d) ? "reduced_" + std::to_string(number) + "_" + std::to_string(d) : std::string()));
      attributes.push_back(b.getNamedAttr("onnx.dims", b.getArrayAttr(dims)));
    }
    if (failed(func.insertArgument(number, result.getType(), b.getDictionaryAttr(attributes), op->getLoc())))
      return false;
    result.replaceAllUsesWith(func.getArgument(number));
  }
  op->erase();
  return true;
}

/// Each result is the first operand of its type.
bool passBy(Operation *op) {
  if (op->use_empty() || op->getNumResults() == 0)
    return false;
  SmallVector<Value> sources;
  for (Value result : op->getResults()) {
    auto source = llvm::find_if(op->getOperands(), [&](Value v) { return v.getType() == result.getType(); });
    if (source == op->operand_end() || *source == result)
      return false;
    sources.push_back(*source);
  }
  op->replaceAllUsesWith(sources);
  op->erase();
  return true;
}

bool eraseUnused(Operation *op) {
  if (!op->use_empty() || !isMemoryEffectFree(op))
    return false;
  op->erase();
  return true;
}

/// A constant of many values becomes one of zeros.
bool makeSplat(Operation *op) {
  auto constant = dyn_cast<graph::ConstantOp>(op);
  if (!constant)
    return false;
  auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
  auto type = dyn_cast<RankedTensorType>(constant.getType());
  Attribute zero = type ? Builder(op->getContext()).getZeroAttr(type.getElementType()) : TypedAttr();
  if (!zero || (dense && dense.isSplat()))
    return false;
  constant.setValueAttr(DenseElementsAttr::get(type, zero));
  return true;
}

struct Reducer {
  OwningOpRef<ModuleOp> module;
  llvm::function_ref<bool(ModuleOp)> isInteresting;
  unsigned tried = 0, kept = 0;

  /// Whether a changed copy still is interesting; then it is the module.
  bool attempt(llvm::function_ref<bool(ModuleOp)> change) {
    OwningOpRef<ModuleOp> copy = module->clone();
    ScopedDiagnosticHandler quiet(copy->getContext(), [](Diagnostic &) { return success(); });
    if (!change(*copy) || failed(verify(*copy)))
      return false;
    ++tried;
    if (!isInteresting(*copy))
      return false;
    ++kept;
    module = std::move(copy);
    return true;
  }

  /// Tries `change` on ranges of `count()` places, from large to small. A place that was
  /// changed is gone, or no longer one that can be.
  bool bisect(llvm::function_ref<size_t()> count, llvm::function_ref<bool(ModuleOp, size_t, size_t)> change) {
    bool any = false;
    for (size_t size = count(); size > 0; size /= 2)
      for (size_t begin = 0; begin < count();) {
        size_t before = count();
        bool changed = attempt([&](ModuleOp copy) { return change(copy, begin, std::min(begin + size, before)); });
        any |= changed;
        if (!changed || count() == before)
          begin += size;
      }
    return any;
  }

  bool bisectOps(bool (*change)(Operation *)) {
    return bisect([&] { return opsOf(*module).size(); },
                  [&](ModuleOp copy, size_t begin, size_t end) {
                    SmallVector<Operation *> ops = opsOf(copy);
                    bool changed = false;
                    for (Operation *op : llvm::reverse(ArrayRef(ops).slice(begin, end - begin)))
                      if (!op->getParentOp()->hasTrait<OpTrait::IsTerminator>())
                        changed |= change(op);
                    return changed;
                  });
  }

  /// What is said of the module as a whole.
  bool dropAttributes() {
    auto attributes = [](ModuleOp m) { return llvm::to_vector(m->getDiscardableAttrs()); };
    return bisect([&] { return attributes(*module).size(); },
                  [&](ModuleOp copy, size_t begin, size_t end) {
                    for (NamedAttribute attribute : ArrayRef(attributes(copy)).slice(begin, end - begin))
                      copy->removeAttr(attribute.getName());
                    return true;
                  });
  }

  /// Results that no function has to return, and arguments that nothing reads.
  bool dropInterface() {
    bool any = false;
    unsigned functions = llvm::range_size(module->getOps<func::FuncOp>());
    auto function = [](ModuleOp m, unsigned n) { return *std::next(m.getOps<func::FuncOp>().begin(), n); };
    for (unsigned n = 0; n < functions; ++n) {
      any |= bisect([&] { return function(*module, n).getNumResults(); },
                    [&](ModuleOp copy, size_t begin, size_t end) {
                      func::FuncOp func = function(copy, n);
                      if (func.isDeclaration())
                        return false;
                      BitVector dropped(func.getNumResults());
                      dropped.set(begin, end);
                      func.walk([&](func::ReturnOp ret) { ret->eraseOperands(dropped); });
                      return succeeded(func.eraseResults(dropped));
                    });
      any |= bisect([&] { return function(*module, n).getNumArguments(); },
                    [&](ModuleOp copy, size_t begin, size_t end) {
                      func::FuncOp func = function(copy, n);
                      BitVector dropped(func.getNumArguments());
                      for (size_t i = begin; i < end; ++i)
                        dropped[i] = !func.isDeclaration() && func.getArgument(i).use_empty();
                      return dropped.any() && succeeded(func.eraseArguments(dropped));
                    });
    }
    return any;
  }
};

} // namespace

Reduction reduceModule(OwningOpRef<ModuleOp> module, llvm::function_ref<bool(ModuleOp)> isInteresting) {
  Reducer reducer{std::move(module), isInteresting};
  for (bool changed = true; changed;) {
    changed = reducer.dropAttributes();
    changed |= reducer.dropInterface();
    for (bool (*change)(Operation *) : {eraseUnused, takeAsInputs, passBy, makeSplat})
      changed |= reducer.bisectOps(change);
  }
  return {std::move(reducer.module), reducer.tried, reducer.kept};
}

} // namespace tenon
