// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks functions and regions; the ops' own rules are in the family files.
#include "tenon/Reference/Evaluator.h"
#include "Families.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace tenon::reference;

Registry Registry::graphOps(Sums sums) {
  Registry registry;
  registerElementwise(registry);
  registerContraction(registry, sums);
  registerConvTranspose(registry);
  registerWindow(registry);
  registerReduction(registry);
  registerMovement(registry);
  registerIndexing(registry);
  registerCreation(registry);
  registerRecurrence(registry);
  registerAttention(registry);
  registerResize(registry);
  registerQuantize(registry);
  return registry;
}

Results Evaluator::evaluate(Operation *op, ArrayRef<Tensor> inputs) const {
  Environment values;
  return evaluateOp(op, inputs, values);
}

Results Evaluator::evaluate(func::FuncOp func, ArrayRef<Tensor> inputs) const {
  if (!func.getBody().hasOneBlock())
    return func.emitError("[TN3001] the reference evaluates functions of one block");
  if (inputs.size() != func.getNumArguments())
    return func.emitError("[TN3002] ") << inputs.size() << " inputs given, expected " << func.getNumArguments();
  for (auto [i, input, type] : llvm::enumerate(inputs, func.getArgumentTypes())) {
    auto tensor = dyn_cast<ShapedType>(type);
    bool fits = tensor && tensor.getElementType() == input.getElementType() &&
                (!tensor.hasRank() || succeeded(verifyCompatibleShape(tensor.getShape(), input.getShape())));
    if (!fits)
      return func.emitError("[TN3003] input ") << i << " is " << input.getType() << ", expected " << type;
  }
  Environment values;
  return evaluateBlock(func.getBody().front(), inputs, values);
}

Results Evaluator::evaluateBlock(Block &block, ArrayRef<Tensor> arguments, Environment &values) const {
  for (auto [argument, tensor] : llvm::zip(block.getArguments(), arguments))
    values[argument] = tensor;

  // The last op of this block that needs each value that this block defines.
  DenseMap<Value, Operation *> lastUser;
  DenseMap<Operation *, SmallVector<Value>> dies;
  for (Operation &op : block)
    op.walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (operand.getParentBlock() == &block)
          lastUser[operand] = &op;
    });
  for (auto [value, op] : lastUser)
    dies[op].push_back(value);

  for (Operation &op : block.without_terminator()) {
    SmallVector<Tensor> inputs;
    for (Value operand : op.getOperands())
      inputs.push_back(values.lookup(operand));
    Results results = evaluateOp(&op, inputs, values);
    if (failed(results))
      return failure();
    if (results->size() != op.getNumResults())
      return op.emitError("[TN3004] the reference gave ") << results->size() << " results";
    if (observer)
      observer(&op, *results);
    for (auto [value, tensor] : llvm::zip(op.getResults(), *results))
      if (!value.use_empty())
        values[value] = tensor;
    for (Value dead : dies.lookup(&op))
      values.erase(dead);
  }
  SmallVector<Tensor> results;
  for (Value operand : block.getTerminator()->getOperands())
    results.push_back(values.lookup(operand));
  return results;
}

Results Evaluator::evaluateOp(Operation *op, ArrayRef<Tensor> inputs, Environment &values) const {
  StringRef name = op->getName().getStringRef();
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    // Conditions are i1 scalars that tensor.extract took out of a tensor.
    Region &region = inputs[0].toInts()[0] ? branch.getThenRegion() : branch.getElseRegion();
    if (region.empty())
      return SmallVector<Tensor>();
    return evaluateBlock(region.front(), {}, values);
  }
  if (isa<arith::SelectOp>(op)) // what MLIR makes of an scf.if with empty branches
    return SmallVector<Tensor>{inputs[0].toInts()[0] ? inputs[1] : inputs[2]};
  if (isa<tensor::CastOp>(op)) // types may know less of a tensor than its sizes
    return SmallVector<Tensor>{inputs[0]};
  if (registry.isRegionOp(name)) {
    Block &body = op->getRegion(0).front();
    return evaluateBlock(body, inputs.take_front(body.getNumArguments()), values);
  }
  if (const Rule *rule = registry.find(name))
    return (*rule)(op, inputs);
  return op->emitError("[TN3005] the reference does not know this op");
}
