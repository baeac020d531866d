// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How kernels say that their data is wrong ("an index lies outside its axis"):
// never by a call. The target's ErrorReport stores what failed where the host program
// finds it after the launch, which then ends the run (docs/Runtime/artifact.md).
#ifndef TENON_CODEGEN_KERNELCHECK_H
#define TENON_CODEGEN_KERNELCHECK_H

#include "tenon/Codegen/KernelContext.h"

namespace tenon::codegen {

/// One check over the elements that a call of the kernel sees. An element costs
/// a comparison and a minimum in a register; whether any failed is asked once,
/// behind the loops. What fails first in the order of positions is reported,
/// whatever the threads.
class DataCheck {
public:
  /// Before any loop is open. `op` is the one whose ONNX node is at fault.
  DataCheck(KernelContext &context, mlir::Operation *op, uint32_t code, llvm::StringRef text);
  /// Where `ok` is false the element fails; `position` is its place in the
  /// tensor that is checked.
  void expect(mlir::Value ok, mlir::Value position);
  /// Behind the loops: `numbers` gives, as index values, what {0} and {1} in the
  /// text stand for, for the element at a position.
  void finish(llvm::function_ref<std::pair<mlir::Value, mlir::Value>(mlir::Value)> numbers);

private:
  KernelContext &c;
  unsigned number;
  mlir::Value none, failed; ///< the position of no element; where the first failed
};

} // namespace tenon::codegen

#endif // TENON_CODEGEN_KERNELCHECK_H
