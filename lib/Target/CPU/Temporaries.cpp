// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a kernel's temporaries lie. A caller's stack may be small, so that only
// small ones stay there; the others lie in scratch that each thread has.
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "tenon/Target/CPU/Codegen.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

/// Of a kernel's temporaries; what registers spill comes on top.
constexpr int64_t kMostOnStack = 16 * 1024;
constexpr int64_t kAlign = 64;

struct Temporary {
  Operation *op;
  int64_t bytes; ///< a multiple of kAlign
  size_t number; ///< in the order of the code
};

/// Bytes of a temporary; -1 if they are known only at run time.
int64_t bytesOf(Operation *op) {
  DataLayout layout = DataLayout::closest(op);
  if (auto alloca = dyn_cast<memref::AllocaOp>(op)) {
    MemRefType type = alloca.getType();
    if (!type.hasStaticShape())
      return -1;
    return type.getNumElements() * int64_t(layout.getTypeSize(type.getElementType()));
  }
  auto alloca = cast<LLVM::AllocaOp>(op);
  APInt count;
  if (!matchPattern(alloca.getArraySize(), m_ConstantInt(&count)))
    return -1;
  return count.getSExtValue() * int64_t(layout.getTypeSize(alloca.getElemType()));
}

/// Puts a temporary at the kernel's start: in a loop it would take new stack at
/// every turn. Its order among the others stays.
void hoist(Operation *op, Block &entry, Block::iterator at) {
  if (auto alloca = dyn_cast<LLVM::AllocaOp>(op)) {
    Operation *count = alloca.getArraySize().getDefiningOp()->clone();
    entry.getOperations().insert(at, count);
    alloca.getArraySizeMutable().assign(count->getResult(0));
  }
  op->moveBefore(&entry, at);
}

/// Those of a kernel, in the order of the code; failure if the size of one is known only
/// at run time.
FailureOr<SmallVector<Temporary>> temporariesOf(func::FuncOp kernel) {
  SmallVector<Temporary> temporaries;
  bool isStatic = true;
  kernel.walk([&](Operation *op) {
    if (!isa<memref::AllocaOp, LLVM::AllocaOp>(op))
      return;
    int64_t bytes = bytesOf(op);
    isStatic &= bytes >= 0;
    temporaries.push_back({op, int64_t(llvm::alignTo(std::max<int64_t>(bytes, 1), kAlign)), temporaries.size()});
  });
  if (!isStatic)
    return failure();
  return temporaries;
}

/// Hoists those that are not at the kernel's start. The code's own first operation stays
/// behind all of them.
void hoistAll(ArrayRef<Temporary> temporaries, Block &entry) {
  auto first = entry.begin();
  while (first != entry.end() && llvm::any_of(temporaries, [&](const Temporary &t) { return t.op == &*first; }))
    ++first;
  for (const Temporary &temporary : temporaries)
    if (temporary.op->getBlock() != &entry || (first != entry.end() && !temporary.op->isBeforeInBlock(&*first)))
      hoist(temporary.op, entry, first);
}

/// Those that leave the stack: the smallest stay.
ArrayRef<Temporary> chooseMoved(SmallVector<Temporary> &temporaries) {
  llvm::sort(temporaries, [](const Temporary &a, const Temporary &b) {
    return std::tie(a.bytes, a.number) < std::tie(b.bytes, b.number);
  });
  int64_t onStack = 0;
  size_t kept = 0;
  while (kept < temporaries.size() && onStack + temporaries[kept].bytes <= kMostOnStack)
    onStack += temporaries[kept++].bytes;
  return ArrayRef(temporaries).drop_front(kept);
}

/// Makes each an argument of its own, of which LLVM knows as much as of an alloca: that
/// nothing else is there.
LogicalResult makeArguments(func::FuncOp kernel, ArrayRef<Temporary> moved) {
  MLIRContext *context = kernel.getContext();
  Location loc = kernel.getLoc();
  OpBuilder b(context);
  LLVMTypeConverter converter(context);
  for (const Temporary &temporary : moved) {
    DictionaryAttr attributes =
        b.getDictionaryAttr({b.getNamedAttr(LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr()),
                             b.getNamedAttr(LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(kAlign))});
    unsigned number = kernel.getNumArguments();
    if (failed(kernel.insertArgument(number, LLVM::LLVMPointerType::get(context), attributes, loc)))
      return failure();
    Value address = kernel.getArgument(number);
    b.setInsertionPoint(temporary.op);
    if (auto alloca = dyn_cast<memref::AllocaOp>(temporary.op)) {
      Value descriptor = MemRefDescriptor::fromStaticShape(b, loc, converter, alloca.getType(), address);
      address = UnrealizedConversionCastOp::create(b, loc, alloca.getType(), descriptor).getResult(0);
    }
    temporary.op->getResult(0).replaceAllUsesWith(address);
    temporary.op->erase();
  }
  kernel->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  return success();
}

/// Creates what is launched: a function with the kernel's `own` arguments and the address
/// of scratch, in which it gives each of the moved ones its place. Returns the bytes.
int64_t createLaunched(func::FuncOp kernel, unsigned own, ArrayRef<Temporary> moved) {
  Location loc = kernel.getLoc();
  OpBuilder b(kernel.getContext());
  b.setInsertionPointAfter(kernel);
  auto pointer = LLVM::LLVMPointerType::get(kernel.getContext());
  SmallVector<Type> types(kernel.getArgumentTypes().take_front(own));
  types.push_back(pointer);
  auto launched = func::FuncOp::create(b, loc, ("scratch_" + kernel.getName()).str(), b.getFunctionType(types, {}));
  launched.setPrivate();
  Block *body = launched.addEntryBlock();
  b.setInsertionPointToStart(body);
  SmallVector<Value> arguments(body->getArguments().take_front(own));
  int64_t at = 0;
  for (const Temporary &temporary : moved) {
    arguments.push_back(LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), body->getArgument(own),
                                            ArrayRef<LLVM::GEPArg>{int32_t(at)}));
    at += temporary.bytes;
  }
  func::CallOp::create(b, loc, kernel, arguments);
  func::ReturnOp::create(b, loc);
  return at;
}

} // namespace

FailureOr<int64_t> placeTemporaries(func::FuncOp kernel) {
  FailureOr<SmallVector<Temporary>> temporaries = temporariesOf(kernel);
  if (failed(temporaries))
    return failure();
  hoistAll(*temporaries, kernel.getBody().front());
  ArrayRef<Temporary> moved = chooseMoved(*temporaries);
  if (moved.empty())
    return 0;
  unsigned own = kernel.getNumArguments();
  if (failed(makeArguments(kernel, moved)))
    return failure();
  return createLaunched(kernel, own, moved);
}

} // namespace tenon::cpu
