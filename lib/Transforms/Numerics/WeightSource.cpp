// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The axes of weights are those of ONNX's operators. Nodes that only reorder or reshape a constant are
// followed to its values. Values of a float32 initializer in a resource that nothing reorders stay where they
// lie; all others are copied, as float32.
#include "WeightSource.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Reference/Tensor.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using tenon::reference::Tensor;

namespace tenon::numerics {

SmallVector<WeightOperand> weightOperands(onnxir::NodeOp node) {
  auto rankOf = [&](unsigned input) -> int64_t {
    auto type = node.hasInput(input) ? dyn_cast<RankedTensorType>(node.getInput(input).getType()) : RankedTensorType();
    return type ? type.getRank() : 0;
  };
  std::string op = node.getQualifiedType();
  if (op == "MatMul" || op == "com.microsoft::FusedMatMul") {
    // FusedMatMul transposes the last two dimensions.
    bool a = node.getInt("transA", 0), b = node.getInt("transB", 0);
    int64_t lhs = rankOf(0), rhs = rankOf(1);
    SmallVector<WeightOperand> operands;
    if (rhs >= 2)
      operands.push_back({1, b ? rhs - 2 : rhs - 1, b ? rhs - 1 : rhs - 2});
    if (lhs >= 2 && !findWeight(node.getInput(1)))
      operands.push_back({0, a ? lhs - 1 : lhs - 2, a ? lhs - 2 : lhs - 1});
    return operands;
  }
  if (op == "Gemm") {
    bool b = node.getInt("transB", 0);
    return {{1, b ? 0 : 1, b ? 1 : 0}};
  }
  if (op == "Conv")
    return {{1, 0, 1, /*sumsTrailing=*/true}};
  if (op == "ConvTranspose")
    return {{1, 1, 0}};
  if (op == "LSTM" || op == "GRU" || op == "RNN")
    return {{1, 1, 2}, {2, 1, 2}};
  return {};
}

std::optional<std::string> reasonToKeep(onnxir::NodeOp node, unsigned input) {
  // What only moves a weight is seen through: its consumer speaks for it. Scales are no weights.
  if (llvm::is_contained(
          {"Reshape", "Transpose", "Identity", "Squeeze", "Unsqueeze", "Flatten", "QuantizeLinear", "DequantizeLinear"},
          node.getQualifiedType()))
    return std::nullopt;
  auto type = node.hasInput(input) ? dyn_cast<RankedTensorType>(node.getInput(input).getType()) : RankedTensorType();
  if (!type || !type.hasStaticShape() || llvm::count_if(type.getShape(), [](int64_t size) { return size > 1; }) < 2)
    return std::nullopt;
  if (llvm::is_contained({"Gather", "GatherND", "GatherElements"}, node.getQualifiedType()))
    return "a table that is looked up, not multiplied";
  return node.getQualifiedType() + " is no product, convolution or recurrence that is known";
}

namespace {

/// Values as they lie in memory, or nothing.
std::optional<Tensor> tensorOf(Value value, std::string &name, uint64_t &bytes) {
  if (auto constant = value.getDefiningOp<onnxir::ConstantOp>()) {
    Type element = getElementTypeOrSelf(constant.getType());
    if (!isa<Float32Type, Float16Type, BFloat16Type, Float64Type>(element))
      return std::nullopt;
    std::optional<Tensor> tensor = Tensor::fromAttribute(constant.getValue());
    name = constant.getName().str();
    bytes = tensor ? tensor->getBytes().size() : 0;
    return tensor;
  }
  auto node = value.getDefiningOp<onnxir::NodeOp>();
  if (!node || !node.getDomain().empty())
    return std::nullopt;
  bool transposes = node.getOpType() == "Transpose";
  bool sameOrder = llvm::is_contained({"Reshape", "Identity", "Squeeze", "Unsqueeze", "Flatten"}, node.getOpType());
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if ((!transposes && !sameOrder) || !type || !type.hasStaticShape())
    return std::nullopt;
  std::optional<Tensor> tensor = tensorOf(node.getInput(0), name, bytes);
  if (!tensor || tensor->getNumElements() != type.getNumElements())
    return std::nullopt;
  if (!transposes)
    return tensor->reshaped(type.getShape());
  SmallVector<int64_t> strides;
  reference::Shape own = reference::stridesOf(tensor->getShape());
  std::optional<ArrayRef<int64_t>> perm = node.getInts("perm");
  for (int64_t d = 0; d < type.getRank(); ++d)
    strides.push_back(own[perm ? (*perm)[d] : type.getRank() - 1 - d]);
  return tensor->strided(type.getShape(), strides);
}

} // namespace

SmallVector<unsigned> activationInputs(onnxir::NodeOp node) {
  SmallVector<unsigned> inputs;
  for (unsigned input : {0u, 1u})
    if (node.hasInput(input) && !findWeight(node.getInput(input), /*withValues=*/false))
      inputs.push_back(input);
  return inputs;
}

std::string nameOfValue(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    auto name = func ? func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "onnx.name") : StringAttr();
    return name ? name.str() : "argument " + std::to_string(argument.getArgNumber());
  }
  auto node = value.getDefiningOp<onnxir::NodeOp>();
  return node ? "output of " + node.getName().str() : "a constant";
}

std::optional<WeightSource> findWeight(Value value, bool withValues) {
  if (!value)
    return std::nullopt;
  WeightSource source;
  std::optional<Tensor> tensor = tensorOf(value, source.name, source.bytes);
  if (!tensor || tensor->getNumElements() == 0)
    return std::nullopt;
  source.shape.assign(tensor->getShape().begin(), tensor->getShape().end());
  if (!withValues)
    return source;
  bool isMapped = tensor->getElementType().isF32() && value.getDefiningOp<onnxir::ConstantOp>() &&
                  isa<DenseResourceElementsAttr>(value.getDefiningOp<onnxir::ConstantOp>().getValue());
  if (isMapped) {
    source.mapped = {reinterpret_cast<const float *>(tensor->getBytes().data()), size_t(tensor->getNumElements())};
  } else if (tensor->getElementType().isF32()) {
    const auto *data = reinterpret_cast<const float *>(tensor->getBytes().data());
    source.copied.assign(data, data + tensor->getNumElements());
  } else {
    std::vector<double> wide = tensor->toDoubles();
    source.copied.assign(wide.begin(), wide.end());
  }
  return source;
}

} // namespace tenon::numerics
