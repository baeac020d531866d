// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A packed filter has the shape of its layout; the kernel keeps the one that the model
// gave it, for whoever reads the convolution's extents (analyzeConv).
#include "ConvPacking.h"

using namespace mlir;

namespace tenon::cpu {

bool hasPackableFilter(plan::KernelOp kernel, const ConvShape &p, std::string &reason) {
  if (!kernel.getInputs()[p.filter].getDefiningOp<graph::ConstantOp>())
    reason = "the filter is not a constant";
  else if (!kernel.getBody().getArgument(p.filter).hasOneUse())
    reason = "the kernel reads its filter elsewhere too";
  else
    return true;
  return false;
}

FailureOr<std::vector<float>> filterValues(plan::KernelOp kernel, const ConvShape &p) {
  std::vector<float> values = floatValues(kernel.getInputs()[p.filter].getDefiningOp<graph::ConstantOp>().getValue());
  if (int64_t(values.size()) != p.outputs * p.groupChannels() * p.kh * p.kw)
    return kernel.emitError("[TN5030] the filter's data has ") << values.size() << " elements";
  return values;
}

void packFilter(plan::KernelOp kernel, const ConvShape &p, ArrayRef<int64_t> shape, std::vector<float> packed,
                StringRef layout) {
  auto type = cast<RankedTensorType>(kernel.getInputs()[p.filter].getType());
  kernel->setAttr("conv.filter_shape", DenseI64ArrayAttr::get(kernel.getContext(), type.getShape()));
  replaceByPacked(kernel, p.filter, shape, std::move(packed), layout);
}

} // namespace tenon::cpu
