// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits every kernel of a planned module by its strategy; structurally
// identical kernels become one function.
#include "KernelServices.h"
#include "KernelWork.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Dialect/Plan/IR/Symbols.h"
#include "tenon/Support/Provenance.h"
#include "tenon/Target/CPU/Codegen.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

/// Strategy and text of a kernel without its name, its place in memory and
/// locations, and with its own numbers for symbols: equal text, equal code. Strategies may read any other attribute, so
/// that all count; values of constant operands are read by KernelPlan::pack alone.
std::string fingerprint(plan::KernelOp kernel, StringRef strategy) {
  OwningOpRef<plan::KernelOp> copy(kernel.clone());
  copy->setName("");
  copy->removePlacesAttr();
  (*copy)->removeAttr(kWorkAttr);
  SmallVector<unsigned> symbols = plan::symbolsOf(kernel);
  AttrTypeReplacer rename;
  rename.addReplacement([&](AffineMapAttr attribute) {
    SmallVector<AffineExpr> names(attribute.getValue().getNumSymbols());
    for (auto [i, position] : llvm::enumerate(symbols))
      if (position < names.size())
        names[position] = getAffineSymbolExpr(i, kernel.getContext());
    SmallVector<AffineExpr> results;
    for (AffineExpr result : attribute.getValue().getResults())
      results.push_back(result.replaceSymbols(names));
    return AffineMapAttr::get(AffineMap::get(0, symbols.size(), results, kernel.getContext()));
  });
  rename.recursivelyReplaceElementsIn(*copy, /*replaceAttrs=*/true);
  // Where a slice ends shows in its result's size.
  copy->walk([](graph::SliceOp slice) {
    if (auto ends = slice.getEnds().getDefiningOp<graph::ConstantOp>(); ends && ends->hasOneUse())
      slice.getEndsMutable().assign(slice.getStarts()), ends.erase();
  });
  std::string text = strategy.str();
  llvm::raw_string_ostream os(text);
  (*copy)->print(os, OpPrintingFlags().printGenericOpForm().useLocalScope());
  return text;
}

/// A check of a function, by the place of its op in the body of every kernel
/// that has that function.
struct FunctionCheck {
  size_t place;
  uint32_t code;
  std::string text;
};

/// ONNX nodes of an op, as messages name them.
std::string nodesOf(Operation *op) { return llvm::join(sourceNodes(op->getLoc()).getArrayRef(), ", "); }

/// Bytes of scratch are for the kernel's temporaries, if they need any.
LogicalResult emitKernel(OpBuilder &b, StringRef symbol, plan::KernelOp kernel, const codegen::KernelPlan &chosen,
                         const CpuTarget &target, unsigned symbolCount, std::vector<FunctionCheck> &checks,
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
  for (KernelCheck &check : context.checks) {
    size_t place = std::distance(kernel.getBody().front().begin(), check.op->getIterator());
    checks.push_back({place, check.code, std::move(check.text)});
  }
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

/// Why a kernel, and all that are like it, have no code.
struct Refusal {
  std::string function;
  Location location;
  std::string text;
};

/// Emits a kernel; on failure collects what its ops said, each once: they are
/// emitted for whole vectors and again for what is left over.
bool emitOrExplain(plan::KernelOp kernel, StringRef function, StringRef strategy, std::vector<Refusal> &refusals,
                   function_ref<LogicalResult()> emit) {
  std::vector<std::pair<Location, std::string>> errors;
  {
    ScopedDiagnosticHandler handler(kernel.getContext(), [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
        return failure();
      std::pair<Location, std::string> error{diagnostic.getLocation(), diagnostic.str()};
      if (!llvm::is_contained(errors, error))
        errors.push_back(std::move(error));
      return success();
    });
    if (succeeded(emit()))
      return true;
  }
  for (auto &[location, text] : errors)
    refusals.push_back({function.str(), location, text});
  if (errors.empty())
    refusals.push_back(
        {function.str(), kernel.getLoc(),
         ("[TN5004] kernel " + kernel.getName() + " could not be emitted by strategy " + strategy).str()});
  return false;
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
  DenseMap<Attribute, int64_t> readers; // constant ops of a value
  // Programs of other devices beside this one may read the same weights.
  auto all = plan->getParentOfType<ModuleOp>();
  (all ? all : plan).walk([&](graph::ConstantOp constant) { ++readers[constant.getValue()]; });
  SmallVector<int64_t> sizes = expectedSizes(plan);
  WalkResult result = plan.walk([&](plan::KernelOp kernel) {
    recordWork(kernel, sizes);
    std::string reason;
    ChosenPlan chosen = registry.plan(kernel, target, reason);
    SmallVector<Value> before(kernel.getInputs());
    if (chosen && failed(chosen->pack()))
      return WalkResult::interrupt();
    // What was packed is read in no other layout, unless another kernel does.
    // MLIR keeps resources until the context ends: their bytes are freed here,
    // or all weights would be in memory twice.
    for (Value value : llvm::SetVector<Value>(before.begin(), before.end())) {
      auto constant = value.getDefiningOp<graph::ConstantOp>();
      if (!constant || !constant->use_empty())
        continue;
      ElementsAttr data = constant.getValue();
      constant->erase();
      auto resource = dyn_cast<DenseResourceElementsAttr>(data);
      if (resource && --readers[data] == 0)
        resource.getRawHandle().getResource()->setBlob(AsmResourceBlob());
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

FailureOr<host::HostModule> emitKernels(ModuleOp plan, const CpuTarget &target, const StrategyRegistry &registry,
                                        const KernelProgress &progress) {
  MLIRContext *context = plan.getContext();
  host::HostModule program;
  program.module = ModuleOp::create(plan.getLoc());
  OpBuilder b(context);
  b.setInsertionPointToEnd(program.module->getBody());
  unsigned symbols = 0;
  if (auto attr = plan->getAttrOfType<ArrayAttr>("graph.symbols"))
    symbols = attr.size();

  llvm::StringMap<std::string> functions; // fingerprint -> function
  llvm::StringMap<std::vector<FunctionCheck>> checksOf;
  llvm::StringMap<int64_t> scratchOf;
  std::vector<Refusal> refusals;
  llvm::StringMap<llvm::SetVector<StringRef>> repeated; // function -> nodes of further kernels with that code
  bool ok = true;
  unsigned count = 0, done = 0;
  plan.walk([&](plan::KernelOp) { ++count; });
  plan.walk([&](plan::KernelOp kernel) {
    if (progress)
      progress("emitting", ++done, count);
    std::string reason;
    ChosenPlan chosen = registry.plan(kernel, target, reason);
    llvm::SetVector<StringRef> nodes = sourceNodes(kernel.getLoc());
    if (!chosen) {
      kernel.emitError("[TN5003] no CPU kernel for ")
          << kernel.getName() << " (ONNX nodes " << llvm::join(nodes.getArrayRef(), ", ") << "): " << reason;
      ok = false;
      return;
    }
    std::string &function = functions[fingerprint(kernel, chosen.strategy)];
    if (function.empty()) {
      function = "kernel_" + kernel.getName().str();
      if (!emitOrExplain(kernel, function, chosen.strategy, refusals, [&]() {
            return emitKernel(b, function, kernel, *chosen.plan, target, symbols, checksOf[function],
                              scratchOf[function]);
          })) {
        ok = false;
      } else if (std::string name = libraryFunction(program.module->lookupSymbol<func::FuncOp>(function));
                 !name.empty()) {
        refusals.push_back(
            {function, kernel.getLoc(),
             ("[TN5003] no CPU kernel for " + kernel.getName() + " (ONNX nodes " +
              llvm::join(nodes.getArrayRef(), ", ") + "): there is no " + name + " of f64; cast the value to f32")
                 .str()});
        ok = false;
      }
    } else {
      repeated[function].insert_range(nodes);
    }
    host::KernelLaunch launch{describeKernel(kernel, chosen),
                              scratchOf[function] ? "scratch_" + function : function,
                              chosen->split(),
                              {},
                              {},
                              scratchOf[function]};
    for (const FunctionCheck &check : checksOf[function])
      launch.checks.push_back(
          {check.code, nodesOf(&*std::next(kernel.getBody().front().begin(), check.place)), check.text});
    chosen->checkSizes(launch.sizes);
    program.launches.insert({kernel, std::move(launch)});
  });
  for (const Refusal &refusal : refusals) {
    auto report = emitError(refusal.location) << refusal.text;
    if (auto others = repeated.find(refusal.function); others != repeated.end())
      report << "; the same holds for " << llvm::join(others->second.getArrayRef(), ", ");
  }
  if (!ok)
    return failure();
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
