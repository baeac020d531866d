// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of contractions, windows, reductions, attention and recurrence.
#include "Verify.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;
using namespace tenon::graph;

/// A kernel may pack the constant operand in another form and format.
static bool mayBePacked(Operation *op) { return !isa_and_nonnull<func::FuncOp, scf::IfOp>(op->getParentOp()); }

/// Operands and result are all of floats or all of integers, and `accumulator`,
/// of constraint `next`, fits them.
static LogicalResult checkContracted(Operation *op, int number, ValueRange values, int next,
                                     std::optional<Type> accumulator) {
  for (Value value : values)
    if (!mayBePacked(op) && isFloat(value) != isFloat(values.front()))
      return violation(op, number) << "element types " << elementOf(values.front()) << " and " << elementOf(value)
                                   << " must be both floats or both integers";
  if (!accumulator)
    return success();
  if (!isFloat(values.front()))
    return violation(op, next) << "an accumulator is for floats, not " << elementOf(values.front());
  if (!accumulator->isF16() && !accumulator->isBF16() && !accumulator->isF32() && !accumulator->isF64())
    return violation(op, next) << "accumulator " << *accumulator << " must be f16, bf16, f32 or f64";
  return success();
}

LogicalResult MatMulOp::verify() {
  if (failed(checkContracted(*this, 1, {getLhs(), getRhs(), getResult()}, 3, getAccumulator())))
    return failure();
  for (Value operand : getOperands())
    if (rankOf(operand) == 0)
      return violation(*this, 2) << "operands must have rank 1 or more";
  return success();
}

/// Beyond, sums of window sizes could overflow.
static constexpr int64_t kWindowLimit = int64_t(1) << 31;

static bool isPositive(ArrayRef<int64_t> values) {
  return llvm::all_of(values, [](int64_t value) { return value > 0 && value < kWindowLimit; });
}
static bool isPadding(ArrayRef<int64_t> values) {
  return llvm::all_of(values, [](int64_t value) { return value > -kWindowLimit && value < kWindowLimit; });
}

template <typename Op>
static LogicalResult checkConvolution(Op op, int64_t grouped) {
  size_t spatial = op.getStrides().size();
  if (spatial < 1 || spatial > 3 || op.getDilations().size() != spatial || op.getPads().size() != 2 * spatial)
    return violation(op, 1) << spatial << " strides, " << op.getDilations().size() << " dilations and "
                            << op.getPads().size() << " pads must be for 1 to 3 spatial dimensions";
  if (!isPositive(op.getStrides()) || !isPositive(op.getDilations()) || !isPadding(op.getPads()))
    return violation(op, 2) << "strides and dilations must be positive and, like pads, below 2^31";
  if (mayBePacked(op))
    return success();
  for (Value operand : {op.getX(), op.getFilter()})
    if (auto rank = rankOf(operand); rank && *rank != int64_t(spatial) + 2)
      return violation(op, 3) << "operand of rank " << *rank << " must have rank " << spatial + 2;
  int64_t group = op.getGroup();
  auto channels = sizeOf(op.getFilter(), grouped);
  if (group < 1 || (channels && *channels % group != 0))
    return violation(op, 4) << "group " << group << " must be positive and divide the filter's channels";
  return success();
}

LogicalResult ConvOp::verify() {
  if (failed(checkConvolution(*this, 0)))
    return failure();
  return checkContracted(*this, 5, {getX(), getFilter(), getResult()}, 6, getAccumulator());
}

LogicalResult ConvTransposeOp::verify() {
  if (failed(checkConvolution(*this, 0)))
    return failure();
  if (!mayBePacked(*this) && isFloat(getX()) && failed(checkElements(*this, 5, {getX(), getFilter(), getResult()})))
    return failure();
  size_t spatial = getStrides().size();
  if ((!getOutputPadding().empty() && getOutputPadding().size() != spatial) ||
      (getOutputShape() && getOutputShape()->size() != spatial))
    return violation(*this, 6) << "output_padding and output_shape must have " << spatial << " entries";
  return success();
}

LogicalResult PoolOp::verify() {
  size_t spatial = getKernel().size();
  if (spatial < 1 || spatial > 3 || getStrides().size() != spatial || getDilations().size() != spatial ||
      getPads().size() != 2 * spatial)
    return violation(*this, 1) << spatial << " kernel sizes, " << getStrides().size() << " strides, "
                               << getDilations().size() << " dilations and " << getPads().size()
                               << " pads must be for 1 to 3 spatial dimensions";
  if (!isPositive(getKernel()) || !isPositive(getStrides()) || !isPositive(getDilations()) || !isPadding(getPads()))
    return violation(*this, 2) << "kernel, strides and dilations must be positive and, like pads, below 2^31";
  if (auto rank = rankOf(getX()); rank && *rank != int64_t(spatial) + 2)
    return violation(*this, 3) << "x of rank " << *rank << " must have rank " << spatial + 2;
  if (failed(checkElements(*this, 4, {getX(), getResult()})))
    return failure();
  if (int64_t(getP()) < 1)
    return violation(*this, 5) << "p " << int64_t(getP()) << " must be positive";
  return success();
}

LogicalResult ReduceOp::verify() {
  if (failed(checkAxes(*this, 1, getAxes(), rankOf(getX()))))
    return failure();
  return checkElements(*this, 2, {getX(), getResult()});
}

LogicalResult ArgReduceOp::verify() {
  if (failed(checkAxis(*this, 1, getAxis(), rankOf(getX()))))
    return failure();
  if (!elementOf(getResult()).isInteger(64))
    return violation(*this, 2) << "result of " << elementOf(getResult()) << " must be i64";
  return success();
}

static LogicalResult checkFloats(Operation *op, int number, ValueRange values) {
  if (!isFloat(values.front()))
    return violation(op, number) << "element type " << elementOf(values.front()) << " must be a float";
  return checkElements(op, number, values);
}

LogicalResult SoftmaxOp::verify() {
  if (failed(checkAxis(*this, 1, getAxis(), rankOf(getX()))))
    return failure();
  return checkFloats(*this, 2, {getX(), getResult()});
}

LogicalResult NormOp::verify() {
  if (failed(checkAxis(*this, 1, getAxis(), rankOf(getX()))) || failed(checkFloats(*this, 2, {getX(), getResult()})))
    return failure();
  if (getEpsilon().isNegative())
    return violation(*this, 3) << "epsilon must not be negative";
  return success();
}

LogicalResult AttentionOp::verify() {
  for (Value operand : {getQ(), getK(), getV()})
    if (auto rank = rankOf(operand); rank && *rank != 4)
      return violation(*this, 1) << "operand of rank " << *rank << " must have rank 4";
  for (Value value : {getQ(), getK(), getV(), Value(getResult())})
    if (!isFloat(value))
      return violation(*this, 2) << "element type " << elementOf(value) << " must be a float";
  auto heads = sizeOf(getQ(), 1);
  for (Value operand : {getK(), getV()})
    if (auto shared = sizeOf(operand, 1); heads && shared && (*shared == 0 || *heads % *shared))
      return violation(*this, 3) << *shared << " heads of k or v must divide the " << *heads << " of q";
  return success();
}

template <typename Op>
static LogicalResult checkRecurrence(Op op, size_t activations) {
  if (auto rank = rankOf(op.getX()); rank && *rank != 3)
    return violation(op, 1) << "x of rank " << *rank << " must have rank 3";
  if (int64_t(op.getHiddenSize()) < 1)
    return violation(op, 2) << "hidden_size " << int64_t(op.getHiddenSize()) << " must be positive";
  if (op.getDirection() == RnnDirection::bidirectional)
    activations *= 2;
  if (auto given = op.getActivations(); given && given->size() != activations)
    return violation(op, 3) << given->size() << " activations must be " << activations;
  for (auto values : {op.getActivationAlphaAttr(), op.getActivationBetaAttr()})
    if (values && (!op.getActivations() || size_t(values.size()) != activations))
      return violation(op, 5) << values.size() << " parameters of activations must be "
                              << (op.getActivations() ? activations : 0);
  return checkFloats(op, 4, {op.getX(), op.getW(), op.getR()});
}

LogicalResult LstmOp::verify() { return checkRecurrence(*this, 3); }
LogicalResult GruOp::verify() { return checkRecurrence(*this, 2); }
LogicalResult RnnOp::verify() { return checkRecurrence(*this, 1); }
