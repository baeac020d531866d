// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Judges a run of compiled code by the reference evaluator, kernel by kernel.
//
// Whoever runs the code reports every launch with the kernel's buffers. Each
// kernel is judged alone: the reference evaluates the graph ops it was fused
// from on the very inputs that the compiled kernel read, so an error does not
// cascade to the kernels behind it and every wrong kernel is found by itself.
// That a kernel's inputs still are what their producers wrote is checked by
// hash, which finds faults of the memory plan and of the host program. What no
// kernel border shows (graph passes, branches) is left to the OutputVerifier.
#ifndef TENON_VERIFY_KERNELVERIFIER_H
#define TENON_VERIFY_KERNELVERIFIER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Reference/Compare.h"
#include "tenon/Reference/Evaluator.h"
#include "llvm/ADT/StringMap.h"

namespace tenon {

/// What is known of one kernel after the runs.
struct KernelCheck {
  std::string kernel;
  std::vector<std::string> nodes;   ///< ONNX nodes it covers, "Conv conv1"
  uint64_t runs = 0;                ///< launches seen
  unsigned output = 0;              ///< the output that `difference` is about
  reference::Difference difference; ///< of the worst output of all launches
  uint64_t elements = 0;            ///< compared, over all outputs and launches
  std::string overwritten;          ///< which input does not hold what its producer wrote
  std::string skipped;              ///< why it could not be compared

  bool ok() const { return difference.ok() && overwritten.empty(); }
};

class KernelVerifier {
public:
  /// Imports and plans a model as compileModel does. Null after diagnostics.
  static std::unique_ptr<KernelVerifier> create(mlir::MLIRContext &context, llvm::StringRef model,
                                                const reference::Tolerance &tolerance,
                                                const CompileOptions &options = {});

  /// One entry a kernel, in the order of the artifact's manifest.
  llvm::ArrayRef<KernelCheck> getChecks() const { return checks; }
  /// Types of the model's inputs and outputs.
  llvm::ArrayRef<mlir::Type> getInputTypes() const;
  llvm::ArrayRef<mlir::Type> getOutputTypes() const;

  /// To be called before each run. The tensors' bytes must outlive the run.
  void beginRun(llvm::ArrayRef<reference::Tensor> inputs);
  /// To be called after each launch: the kernel's inputs, then its outputs.
  void observe(unsigned kernel, llvm::ArrayRef<void *> buffers, const int64_t *symbols);
  /// The graph as imported, before any pass changed it.
  mlir::ModuleOp getGraph() const { return *graph; }

private:
  KernelVerifier(const reference::Tolerance &tolerance);
  void collectKernels(const llvm::StringMap<std::string> &operators);
  llvm::SmallVector<int64_t> dims(mlir::Type type, mlir::Attribute map) const;
  bool holdsWhatWasWritten(mlir::Value value, uint64_t hash) const;

  mlir::OwningOpRef<mlir::ModuleOp> graph, plan;
  llvm::SmallVector<plan::KernelOp> kernels;
  std::vector<KernelCheck> checks;
  reference::Tolerance tolerance;
  reference::Evaluator evaluator;
  llvm::SmallVector<mlir::AffineExpr> symbols;   // of the launch being observed
  llvm::DenseMap<mlir::Value, uint64_t> written; // hashes of this run's values
};

} // namespace tenon

#endif // TENON_VERIFY_KERNELVERIFIER_H
