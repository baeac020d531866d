// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of a planned module as functions that a thread is called with, and the host
// program that launches them.
#include "KernelServices.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "tenon/Codegen/EmitKernels.h"
#include "tenon/Dialect/Plan/IR/Symbols.h"
#include "tenon/Support/Provenance.h"
#include "tenon/Target/CPU/Codegen.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

/// Bytes of scratch are for the kernel's temporaries, if they need any.
LogicalResult emitKernel(OpBuilder &b, StringRef symbol, plan::KernelOp kernel, const codegen::KernelPlan &chosen,
                         const CpuTarget &target, unsigned symbolCount, std::vector<KernelCheck> &checks,
                         int64_t &scratchBytes) {
  Location loc = b.getUnknownLoc();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto func =
      func::FuncOp::create(b, loc, symbol, b.getFunctionType({pointer, pointer, b.getI64Type(), b.getI64Type()}, {}));
  func.setPrivate();
  func.setArgAttr(0, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  Block *entry = func.addEntryBlock();
  b.setInsertionPointToStart(entry);
  auto loadPointer = [&](unsigned i) -> Value {
    Value at = LLVM::GEPOp::create(b, loc, pointer, pointer, entry->getArgument(0), ArrayRef<LLVM::GEPArg>{int32_t(i)});
    return LLVM::LoadOp::create(b, loc, pointer, at);
  };
  SmallVector<Value> symbols(symbolCount), inputs, outputs;
  for (auto [i, position] : llvm::enumerate(plan::symbolsOf(kernel))) {
    Value at =
        LLVM::GEPOp::create(b, loc, pointer, b.getI64Type(), entry->getArgument(1), ArrayRef<LLVM::GEPArg>{int32_t(i)});
    Value value = LLVM::LoadOp::create(b, loc, b.getI64Type(), at);
    symbols[position] = arith::IndexCastOp::create(b, loc, b.getIndexType(), value);
  }
  unsigned number = 0;
  for (Value input : kernel.getInputs())
    inputs.push_back(memrefOf(b, loc, loadPointer(number++), getElementTypeOrSelf(input.getType())));
  for (Value output : kernel.getResults())
    outputs.push_back(memrefOf(b, loc, loadPointer(number++), getElementTypeOrSelf(output.getType())));
  Value begin = arith::IndexCastOp::create(b, loc, b.getIndexType(), entry->getArgument(2));
  Value end = arith::IndexCastOp::create(b, loc, b.getIndexType(), entry->getArgument(3));

  CpuBufferAccess memory(begin);
  CpuErrorReport errors(entry->getArgument(0));
  CpuOperandTable operands(func);
  WorkerRange units(begin, end);
  KernelContext context(b, kernel, target, {memory, errors, &operands});
  context.loc = loc;
  context.symbols = std::move(symbols);
  context.inputs = std::move(inputs);
  context.outputs = std::move(outputs);
  if (failed(emitUnits(context, chosen, units)))
    return failure();
  b.setInsertionPointToEnd(entry);
  func::ReturnOp::create(b, loc);
  checks = std::move(context.checks);
  FailureOr<int64_t> scratch = placeTemporaries(func);
  if (succeeded(scratch))
    scratchBytes = *scratch;
  return scratch;
}

/// A function of f64 in the kernel for which there is neither an instruction nor a
/// polynomial, so that it would become a call of a C library.
std::string libraryFunction(func::FuncOp kernel) {
  std::string found;
  kernel.walk([&](Operation *op) {
    if (isa<math::MathDialect>(op->getDialect()) && getElementTypeOrSelf(op->getResult(0)).isF64() &&
        !isa<math::AbsFOp, math::SqrtOp, math::FmaOp, math::FloorOp, math::CeilOp, math::TruncOp, math::RoundOp,
             math::RoundEvenOp, math::CopySignOp>(op))
      found = op->getName().stripDialect().str();
    return found.empty() ? WalkResult::advance() : WalkResult::interrupt();
  });
  return found;
}

} // namespace

// Its LLVM descriptor, cast back.
Value memrefOf(OpBuilder &b, Location loc, Value pointer, Type element) {
  MLIRContext *context = b.getContext();
  auto pointerType = LLVM::LLVMPointerType::get(context);
  auto array = LLVM::LLVMArrayType::get(b.getI64Type(), 1);
  auto type = LLVM::LLVMStructType::getLiteral(context, {pointerType, pointerType, b.getI64Type(), array, array});
  Value zero = LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(0));
  Value one = LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(1));
  Value extent =
      LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(std::numeric_limits<int64_t>::max()));
  Value descriptor = LLVM::PoisonOp::create(b, loc, type);
  auto set = [&](Value value, ArrayRef<int64_t> at) {
    descriptor = LLVM::InsertValueOp::create(b, loc, descriptor, value, at);
  };
  set(pointer, {0});
  set(pointer, {1});
  set(zero, {2});
  set(extent, {3, 0});
  set(one, {4, 0});
  auto memref = MemRefType::get({ShapedType::kDynamic}, storageType(element));
  return UnrealizedConversionCastOp::create(b, loc, memref, descriptor).getResult(0);
}

LogicalResult packConstants(ModuleOp plan, const CpuTarget &target, const StrategyRegistry &registry) {
  return codegen::packConstants(
      plan, [&](plan::KernelOp kernel, std::string &reason) { return registry.plan(kernel, target, reason); });
}

FailureOr<host::HostModule> emitKernels(ModuleOp plan, const CpuTarget &target, const StrategyRegistry &registry,
                                        const KernelProgress &progress) {
  host::HostModule program;
  program.module = ModuleOp::create(plan.getLoc());
  OpBuilder b(plan.getContext());
  b.setInsertionPointToEnd(program.module->getBody());
  unsigned symbols = 0;
  if (auto attr = plan->getAttrOfType<ArrayAttr>("graph.symbols"))
    symbols = attr.size();

  llvm::StringMap<int64_t> scratchOf;
  auto choose = [&](plan::KernelOp kernel, std::string &reason) { return registry.plan(kernel, target, reason); };
  auto emit = [&](plan::KernelOp kernel, StringRef symbol, const codegen::KernelPlan &chosen,
                  std::vector<KernelCheck> &checks) -> LogicalResult {
    if (failed(emitKernel(b, symbol, kernel, chosen, target, symbols, checks, scratchOf[symbol])))
      return failure();
    std::string name = libraryFunction(program.module->lookupSymbol<func::FuncOp>(symbol));
    if (name.empty())
      return success();
    return kernel.emitError("[TN5003] no CPU kernel for ")
           << kernel.getName() << " (ONNX nodes " << llvm::join(sourceNodes(kernel.getLoc()).getArrayRef(), ", ")
           << "): there is no " << name << " of f64; cast the value to f32";
  };
  FailureOr<EmittedKernels> kernels = codegen::emitKernels(plan, "CPU", choose, emit, progress);
  if (failed(kernels))
    return failure();
  for (auto &[kernel, emitted] : *kernels) {
    int64_t scratch = scratchOf[emitted.function];
    host::KernelLaunch launch{describeKernel(kernel, emitted.plan),
                              scratch ? "scratch_" + emitted.function : emitted.function,
                              emitted.plan->split(),
                              std::move(emitted.checks),
                              {},
                              scratch};
    emitted.plan->checkSizes(launch.sizes);
    program.launches.insert({kernel, std::move(launch)});
  }
  return program;
}

FailureOr<host::HostModule> buildProgram(ModuleOp plan, const CpuTarget &target, const StrategyRegistry &registry,
                                         const KernelProgress &progress) {
  FailureOr<host::HostModule> program = emitKernels(plan, target, registry, progress);
  if (failed(program) || failed(host::emitHostProgram(plan, *program)))
    return failure();
  return program;
}

} // namespace tenon::cpu
