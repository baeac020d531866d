// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What code generation has chosen for a kernel, as the ledger and the
// manifest tell it.
#include "tenon/Codegen/EmitKernels.h"
#include "tenon/Codegen/KernelWork.h"
#include "tenon/Support/Provenance.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

std::string precisionOf(plan::KernelOp kernel) {
  Operation *root = kernel.getRootOp();
  Type stored = getElementTypeOrSelf(root ? root->getResult(0).getType() : kernel.getResult(0).getType());
  Type computed = computeType(stored);
  return num::isReal(stored) && stored != computed ? num::nameOf(stored) + " in " + num::nameOf(computed)
                                                   : num::nameOf(stored);
}

/// Ops whose results are some of their operands' values, or rounded by themselves.
bool needsNoRounding(Operation &op) {
  if (auto unary = dyn_cast<graph::UnaryOp>(op))
    return llvm::is_contained({graph::UnaryKind::relu, graph::UnaryKind::abs, graph::UnaryKind::neg}, unary.getKind());
  if (auto binary = dyn_cast<graph::BinaryOp>(op))
    return llvm::is_contained({graph::BinaryKind::max, graph::BinaryKind::min}, binary.getKind());
  return isa<graph::ConstantOp, graph::CastOp, graph::QuantizeOp, graph::DequantizeOp, graph::SelectOp, graph::ExpandOp,
             graph::TransposeOp, graph::SliceOp, graph::ConcatOp>(op);
}

/// The type that ONNX rounds a value inside the kernel to and the kernel does
/// not; null if there is none.
Type unroundedType(plan::KernelOp kernel) {
  for (Operation &op : kernel.getBody().front().without_terminator())
    for (Value result : op.getResults()) {
      Type element = getElementTypeOrSelf(result.getType());
      bool isInner = llvm::any_of(result.getUsers(), [](Operation *user) { return !isa<plan::YieldOp>(user); });
      if (isa<FloatType>(element) && computeType(element) != element && isInner && !needsNoRounding(op))
        return element;
    }
  return {};
}

} // namespace

KernelDescription describeKernel(plan::KernelOp kernel, const ChosenPlan &chosen) {
  KernelDescription description;
  description.name = kernel.getName().str();
  description.device = kernel.getDevice().str();
  description.strategy = chosen.strategy.str();
  description.schedule = chosen->facts();
  description.precision = precisionOf(kernel);
  KernelWork work = recordedWork(kernel);
  description.work = work.exact;
  description.estimate = work.estimate;
  for (StringRef node : sourceNodes(kernel.getLoc()))
    description.nodes.push_back(node.str());
  if (description.schedule.hasScalarCode)
    description.notes.push_back({"TN5101", "scalar code: " + description.strategyAndSchedule()});
  if (Type narrow = unroundedType(kernel))
    description.notes.push_back({"TN5102", num::nameOf(narrow) + " values between fused operators stay " +
                                               num::nameOf(computeType(narrow)) + ", where ONNX rounds each"});
  return description;
}

} // namespace tenon::codegen
