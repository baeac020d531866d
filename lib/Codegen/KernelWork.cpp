// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How many operations a kernel does, exactly or at sizes that are to be expected.
#include "tenon/Codegen/KernelWork.h"

#include "tenon/Analysis/NominalSizes.h"
#include "tenon/Codegen/KernelContext.h"

using namespace mlir;

namespace tenon::codegen {

static std::optional<uint64_t> work(plan::KernelOp kernel) {
  uint64_t total = 0;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    auto cost = dyn_cast<graph::CostOpInterface>(op);
    int64_t work = cost && !isa<graph::ConstantOp>(op) ? cost.getWork() : 0;
    if (work < 0)
      return std::nullopt;
    total += work;
  }
  return total;
}

uint64_t workOf(plan::KernelOp kernel) { return work(kernel).value_or(0); }

uint64_t estimateWork(plan::KernelOp kernel, ArrayRef<int64_t> sizes) {
  if (std::optional<uint64_t> exact = work(kernel))
    return *exact;
  OwningOpRef<Operation *> copy = atSizes(kernel, sizes);
  return workOf(cast<plan::KernelOp>(*copy));
}

void recordWork(plan::KernelOp kernel, ArrayRef<int64_t> sizes) {
  int64_t numbers[] = {int64_t(workOf(kernel)), int64_t(estimateWork(kernel, sizes))};
  kernel->setAttr(kWorkAttr, DenseI64ArrayAttr::get(kernel.getContext(), numbers));
}

KernelWork recordedWork(plan::KernelOp kernel) {
  auto numbers = kernel->getAttrOfType<DenseI64ArrayAttr>(kWorkAttr);
  return numbers && numbers.size() == 2 ? KernelWork{uint64_t(numbers[0]), uint64_t(numbers[1])} : KernelWork();
}

} // namespace tenon::codegen
