// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// If. A condition that shape analysis knows selects the branch now; else it is
// an scf.if whose branches use outer values directly.
#include "HandlerRegistry.h"
#include "NodeContext.h"

using namespace mlir;
using namespace tenon::onnxtograph;

namespace {

LogicalResult convertIf(NodeContext &c) {
  Region *branches[] = {c.node.getSubgraph("then_branch"), c.node.getSubgraph("else_branch")};
  if (!branches[0] || !branches[1])
    return c.error(Problem::range, "needs the subgraphs then_branch and else_branch");
  Value condition = c.input(0);
  if (auto known = c.tryInts(condition); known && known->size() == 1) {
    Block &taken = branches[known->front() ? 0 : 1]->front();
    if (failed(c.convertBlock(taken)))
      return failure();
    return c.set(taken.getTerminator()->getOperands());
  }
  Value flag = tensor::ExtractOp::create(
      c.builder, c.loc, c.rank(condition) ? c.reshape(condition, ArrayRef<Extent>()) : condition, ValueRange());
  SmallVector<Type> types;
  for (Value output : c.node.getResults())
    types.push_back(c.unranked(c.elementType(output)));
  auto op = scf::IfOp::create(c.builder, c.loc, types, flag, /*withElseRegion=*/true);
  for (auto [i, target] : llvm::enumerate(op->getRegions())) {
    OpBuilder::InsertionGuard guard(c.builder);
    Block &source = branches[i]->front(), &block = target.front();
    if (!block.empty())
      block.back().erase();
    c.builder.setInsertionPointToEnd(&block);
    if (failed(c.convertBlock(source)))
      return failure();
    scf::YieldOp::create(c.builder, c.loc, source.getTerminator()->getOperands());
  }
  c.visit(op);
  return c.set(op.getResults());
}

} // namespace

void tenon::onnxtograph::addControlFlow(HandlerRegistry &registry) { registry.add(kOnnx, "If", 1, 1, convertIf); }
