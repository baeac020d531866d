// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel's launch: what is tested before it, what it is given, and what its error
// record says behind it.
#include "Conductor.h"

#include "tenon/Dialect/Plan/IR/Shapes.h"
#include "tenon/Dialect/Plan/IR/Symbols.h"
#include "tenon/Support/Provenance.h"
#include "tenon/Target/Common/ManifestTypes.h"
#include "tenon/Target/Host/ErrorRecord.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace tenon::host {

LogicalResult Conductor::launch(plan::KernelOp kernel) {
  auto entry = out.launches.find(kernel);
  KernelLaunch &info = entry->second;
  size_t buffers = kernel.getInputs().size() + kernel.getNumResults();
  checkSizes(info);
  storeBuffers(kernel);
  describeBuffers(kernel, info.description);
  storeSymbols(kernel);
  if (!info.checks.empty()) // behind the buffers, and not one of them for an observer
    LLVM::StoreOp::create(b, loc, shared[Record], element(shared[Buffers], pointer, buffers));
  SmallVector<Type> taken{pointer, pointer, i64, i64};
  if (info.scratchBytes)
    taken.push_back(pointer);
  auto kernelType = b.getFunctionType(taken, {});
  Value function = func::ConstantOp::create(b, loc, kernelType, info.function);
  function = UnrealizedConversionCastOp::create(b, loc, pointer, function).getResult(0);
  SmallVector<Type> types{pointer, b.getI32Type(), pointer, pointer, b.getI32Type(), pointer, i64, i64};
  Value launcher = service(info.scratchBytes ? ServiceLaunchScratch : ServiceLaunch);
  SmallVector<Value> given{launcher,      shared[Invocation],     constant32(entry - out.launches.begin()),
                           function,      shared[Buffers],        constant32(buffers),
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

void Conductor::checkSizes(const KernelLaunch &launch) {
  for (const SizeCheck &check : launch.sizes) {
    Value least = eval(check.least), size = eval(check.size);
    Value ok = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, least, size);
    if (check.unless) {
      Value isEmpty = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, eval(check.unless), constant(0));
      ok = arith::OrIOp::create(b, loc, ok, isEmpty);
    }
    uint32_t number =
        out.addCheck(check.code, llvm::join(sourceNodes(check.op->getLoc()).getArrayRef(), ", "), check.text);
    failUnless(ok, constant32(number), least, size);
  }
}

void Conductor::storeBuffers(plan::KernelOp kernel) {
  SmallVector<Value> buffers(kernel.getInputs());
  llvm::append_range(buffers, kernel.getResults());
  inFrames(buffers.size(),
           [&](size_t i) { LLVM::StoreOp::create(b, loc, lookup(buffers[i]), element(shared[Buffers], pointer, i)); });
}

void Conductor::storeSymbols(plan::KernelOp kernel) {
  SmallVector<unsigned> read = plan::symbolsOf(kernel);
  inFrames(read.size(), [&](size_t i) {
    LLVM::StoreOp::create(b, loc, eval(getAffineSymbolExpr(read[i], b.getContext())), element(shared[Sizes], i64, i));
  });
}

void Conductor::describeBuffers(plan::KernelOp kernel, KernelDescription &description) {
  for (Value input : kernel.getInputs())
    description.buffers.push_back(describe(input, /*isOutput=*/false));
  for (auto [i, result] : llvm::enumerate(kernel.getResults())) {
    Value yielded = kernel.getBody().front().getTerminator()->getOperand(i);
    description.buffers.push_back(describe(isa<BlockArgument>(yielded) ? result : yielded, /*isOutput=*/true));
  }
}

BufferDescription Conductor::describe(Value value, bool isOutput) {
  int32_t dtype = manifestType(getElementTypeOrSelf(value.getType()));
  value = plan::source(value);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto func = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "onnx.name");
    return {name ? name.str() : "", dtype, isOutput, -1};
  }
  llvm::SetVector<StringRef> nodes = sourceNodes(value.getLoc());
  auto constantOp = value.getDefiningOp<graph::ConstantOp>();
  int64_t offset = constantOp ? out.weights[weightOf.lookup(constantOp.getValue())].offset : -1;
  std::string name = nodes.empty() ? "" : nodes.back().str();
  if (auto resource =
          constantOp ? dyn_cast<DenseResourceElementsAttr>(constantOp.getValue()) : DenseResourceElementsAttr())
    name = resource.getRawHandle().getKey().str();
  return {std::move(name), dtype, isOutput, offset};
}

void Conductor::checkRecord(const KernelLaunch &launch) {
  if (launch.checks.empty())
    return;
  auto field = [&](ErrorField field) -> Value {
    return LLVM::LoadOp::create(b, loc, i64, element(shared[Record], i64, int64_t(field)));
  };
  uint32_t first = 0;
  for (const CheckDescription &check : launch.checks)
    if (uint32_t number = out.addCheck(check.code, check.node, check.text); !first)
      first = number;
  Value failed = field(ErrorField::Check);
  Value ok = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, failed, constant(0));
  Value number = arith::TruncIOp::create(b, loc, b.getI32Type(), add(failed, constant(int64_t(first) - 1)));
  failUnless(ok, number, field(ErrorField::First), field(ErrorField::Second));
}

} // namespace tenon::host
