// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How many operations a kernel does, exactly or at sizes that are to be expected.
#include "tenon/Codegen/KernelWork.h"

#include "tenon/Codegen/KernelContext.h"
#include "tenon/Dialect/Graph/IR/Symbols.h"

using namespace mlir;

namespace tenon::codegen {

/// Of an open dimension that nobody gave a size to expect: neither one, at which a
/// product looks like a sum, nor what only few models take.
constexpr int64_t kExpected = 32;

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

SmallVector<int64_t> expectedSizes(ModuleOp plan) {
  SmallVector<int64_t> sizes;
  SmallVector<AffineExpr> values;
  auto nominal = plan->getAttrOfType<DictionaryAttr>("graph.nominal_sizes");
  for (const graph::Symbol &symbol : graph::readSymbols(plan)) {
    int64_t size = std::clamp(kExpected, symbol.min, std::max(symbol.min, symbol.max));
    if (auto given = nominal ? nominal.getAs<IntegerAttr>(symbol.name) : IntegerAttr()) {
      size = given.getInt();
    } else if (symbol.isDerived()) {
      SmallVector<int64_t> arguments;
      for (AffineExpr argument : symbol.arguments)
        arguments.push_back(constantOr(simplifyAffineExpr(argument.replaceSymbols(values), 0, 0), kExpected));
      size = graph::evaluate(symbol.derivation, arguments);
    } else {
      size = llvm::divideCeil(size, std::max<int64_t>(symbol.divisor, 1)) * std::max<int64_t>(symbol.divisor, 1);
    }
    sizes.push_back(size);
    values.push_back(getAffineConstantExpr(size, plan.getContext()));
  }
  return sizes;
}

uint64_t estimateWork(plan::KernelOp kernel, ArrayRef<int64_t> sizes) {
  if (std::optional<uint64_t> exact = work(kernel))
    return *exact;
  MLIRContext *context = kernel.getContext();
  SmallVector<AffineExpr> values;
  for (int64_t size : sizes)
    values.push_back(getAffineConstantExpr(size, context));
  // The same kernel with the types it has at these sizes.
  OwningOpRef<plan::KernelOp> copy(kernel.clone());
  auto fix = [&](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || type.hasStaticShape())
      return;
    SmallVector<int64_t> shape;
    for (AffineExpr expr : shapeOf(value))
      shape.push_back(std::max<int64_t>(
          0, constantOr(expr ? simplifyAffineExpr(expr.replaceSymbols(values), 0, 0) : expr, kExpected)));
    value.setType(type.clone(shape));
  };
  Block &body = copy->getBody().front();
  llvm::for_each(body.getArguments(), fix);
  for (Operation &op : body.without_terminator())
    llvm::for_each(op.getResults(), fix);
  return workOf(*copy);
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
