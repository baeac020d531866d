// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packs constants for, and emits, every kernel of a planned module by its strategy.
// Structurally identical kernels become one function. What no strategy takes is told
// after all kernels have been tried, each reason once.
#include "tenon/Codegen/EmitKernels.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Analysis/NominalSizes.h"
#include "tenon/Codegen/KernelWork.h"
#include "tenon/Dialect/Plan/IR/Symbols.h"
#include "tenon/Support/Provenance.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

/// Strategy and text of a kernel without its name, its place in memory and locations, and
/// with its own numbers for symbols: equal text, equal code. Strategies may read any other
/// attribute, so that all count; values of constant operands are read by KernelPlan::pack
/// alone.
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

/// Emits kernels, and keeps what further ones of the same code need of it.
class Emission {
public:
  Emission(StringRef device, PlanKernel choose, EmitKernel emit) : device(device), choose(choose), emit(emit) {}

  /// Nothing, after a diagnostic or with a refusal, if the kernel has no code.
  std::optional<EmittedKernel> kernel(plan::KernelOp kernel);
  /// Tells why kernels have no code.
  void report() const;

private:
  std::vector<FunctionCheck> functionChecks(plan::KernelOp kernel, ArrayRef<KernelCheck> checks) const;

  StringRef device;
  PlanKernel choose;
  EmitKernel emit;
  llvm::StringMap<std::string> functions; // fingerprint -> function
  llvm::StringMap<std::vector<FunctionCheck>> checksOf;
  std::vector<Refusal> refusals;
  llvm::StringMap<llvm::SetVector<StringRef>> repeated; // function -> nodes of further kernels with that code
};

std::vector<FunctionCheck> Emission::functionChecks(plan::KernelOp kernel, ArrayRef<KernelCheck> checks) const {
  std::vector<FunctionCheck> result;
  for (const KernelCheck &check : checks) {
    size_t place = std::distance(kernel.getBody().front().begin(), check.op->getIterator());
    result.push_back({place, check.code, check.text});
  }
  return result;
}

std::optional<EmittedKernel> Emission::kernel(plan::KernelOp kernel) {
  std::string reason;
  ChosenPlan chosen = choose(kernel, reason);
  llvm::SetVector<StringRef> nodes = sourceNodes(kernel.getLoc());
  if (!chosen) {
    kernel.emitError("[TN5003] no ") << device << " kernel for " << kernel.getName() << " (ONNX nodes "
                                     << llvm::join(nodes.getArrayRef(), ", ") << "): " << reason;
    return std::nullopt;
  }
  std::string &function = functions[fingerprint(kernel, chosen.strategy)];
  bool ok = true;
  if (function.empty()) {
    function = "kernel_" + kernel.getName().str();
    std::vector<KernelCheck> checks;
    ok = emitOrExplain(kernel, function, chosen.strategy, refusals,
                       [&]() { return emit(kernel, function, *chosen.plan, checks); });
    checksOf[function] = functionChecks(kernel, checks);
  } else {
    repeated[function].insert_range(nodes);
  }
  EmittedKernel emitted{std::move(chosen), function, {}};
  for (const FunctionCheck &check : checksOf[function])
    emitted.checks.push_back(
        {check.code, nodesOf(&*std::next(kernel.getBody().front().begin(), check.place)), check.text});
  return ok ? std::optional(std::move(emitted)) : std::nullopt;
}

void Emission::report() const {
  for (const Refusal &refusal : refusals) {
    auto report = emitError(refusal.location) << refusal.text;
    if (auto others = repeated.find(refusal.function); others != repeated.end())
      report << "; the same holds for " << llvm::join(others->second.getArrayRef(), ", ");
  }
}

} // namespace

LogicalResult packConstants(ModuleOp plan, PlanKernel choose) {
  DenseMap<Attribute, int64_t> readers; // constant ops of a value
  // Programs of other devices beside this one may read the same weights.
  auto all = plan->getParentOfType<ModuleOp>();
  (all ? all : plan).walk([&](graph::ConstantOp constant) { ++readers[constant.getValue()]; });
  SmallVector<int64_t> sizes = nominalSizes(plan);
  WalkResult result = plan.walk([&](plan::KernelOp kernel) {
    recordWork(kernel, sizes);
    std::string reason;
    ChosenPlan chosen = choose(kernel, reason);
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

FailureOr<EmittedKernels> emitKernels(ModuleOp plan, StringRef device, PlanKernel choose, EmitKernel emit,
                                      const KernelProgress &progress) {
  Emission emission(device, choose, emit);
  EmittedKernels kernels;
  unsigned count = 0, done = 0;
  bool ok = true;
  plan.walk([&](plan::KernelOp) { ++count; });
  plan.walk([&](plan::KernelOp kernel) {
    if (progress)
      progress("emitting", ++done, count);
    if (std::optional<EmittedKernel> emitted = emission.kernel(kernel))
      kernels.insert({kernel, std::move(*emitted)});
    else
      ok = false;
  });
  emission.report();
  if (!ok)
    return failure();
  return kernels;
}

} // namespace tenon::codegen
