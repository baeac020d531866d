// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// If. A condition that shape analysis knows selects the branch now, as does one
// that compares dimensions where the branches' ranks differ; else it is an
// scf.if whose branches use outer values directly.
#include "HandlerRegistry.h"
#include "NodeContext.h"
#include "tenon/Support/Provenance.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

/// The two sides of the comparison that `condition` is, if it is an equality of
/// shape values.
std::optional<std::pair<AffineExpr, AffineExpr>> comparedDims(NodeContext &c, Value condition) {
  Operation *producer = condition.getDefiningOp();
  while (isa_and_nonnull<graph::ReshapeOp, graph::SqueezeOp, graph::UnsqueezeOp>(producer))
    producer = producer->getOperand(0).getDefiningOp();
  auto compare = dyn_cast_or_null<graph::BinaryOp>(producer);
  if (!compare || compare.getKind() != BinaryKind::eq)
    return std::nullopt;
  auto lhs = c.shapes.getContents(compare.getLhs()), rhs = c.shapes.getContents(compare.getRhs());
  if (!lhs || !rhs || lhs->size() != 1 || rhs->size() != 1 || !lhs->front() || !rhs->front())
    return std::nullopt;
  return std::make_pair(lhs->front(), rhs->front());
}

/// Whether ONNX's inference sees results of different ranks in the branches.
bool ranksDiffer(Block &a, Block &b) {
  for (auto [x, y] : llvm::zip(a.getTerminator()->getOperands(), b.getTerminator()->getOperands())) {
    auto s = dyn_cast<RankedTensorType>(x.getType()), t = dyn_cast<RankedTensorType>(y.getType());
    if (s && t && s.getRank() != t.getRank())
      return true;
  }
  return false;
}

LogicalResult takeBranch(NodeContext &c, Block &taken) {
  if (failed(c.convertBlock(taken)))
    return failure();
  return c.set(taken.getTerminator()->getOperands());
}

/// Empties a branch that breaks rules of shapes at the model's sizes. The model may
/// still run through the other one, so only a run that takes this one fails.
void refuseBranch(NodeContext &c, scf::IfOp op, unsigned region, const Diagnostic &broken) {
  StringRef name = region == 0 ? "then_branch" : "else_branch";
  std::string node = llvm::join(tenon::sourceNodes(broken.getLocation()).getArrayRef(), ", ");
  std::string rule = broken.str();
  emitWarning(c.loc) << "[TN2108] " << c.node.getName() << " (If): " << name
                     << " can never run at these sizes, since node '" << node << "' in it has " << rule
                     << "; a run that takes it fails";
  // The code goes: the runtime's own precedes the text.
  if (size_t end = rule.find("] "); StringRef(rule).starts_with("[TN") && end != std::string::npos)
    rule.erase(0, end + 2);
  c.shapes.refuseBranch(op, region, node,
                        ("the condition takes " + name + ", which cannot run at these sizes: " + rule).str());
  Block &block = op->getRegion(region).front();
  for (Operation &nested : llvm::make_early_inc_range(llvm::reverse(block))) {
    nested.dropAllUses();
    nested.erase();
  }
}

/// Yields in a refused branch: nothing reads them, but they have the other's types.
void yieldPlaceholders(NodeContext &c, Block &refused, Block &other) {
  OpBuilder::InsertionGuard guard(c.builder);
  c.builder.setInsertionPointToEnd(&refused);
  SmallVector<Value> yields;
  for (Value value : other.getTerminator()->getOperands()) {
    auto like = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> sizes(like.getShape());
    for (int64_t &size : sizes)
      size = ShapedType::isDynamic(size) ? 1 : size;
    auto type = RankedTensorType::get(sizes, like.getElementType());
    yields.push_back(c.constant(DenseElementsAttr::get(type, c.builder.getZeroAttr(type.getElementType()))));
  }
  scf::YieldOp::create(c.builder, c.loc, yields);
}

/// Converts both branches; those that no run may take are refused if the other is sound.
LogicalResult convertBranches(NodeContext &c, scf::IfOp op, ArrayRef<Region *> sources) {
  SmallVector<Diagnostic> broken[2];
  bool hasFailed = false;
  for (auto [i, target] : llvm::enumerate(op->getRegions())) {
    OpBuilder::InsertionGuard guard(c.builder);
    Block &source = sources[i]->front(), &block = target.front();
    if (!block.empty())
      block.back().erase();
    c.builder.setInsertionPointToEnd(&block);
    if (succeeded(c.convertBranch(source, broken[i])))
      scf::YieldOp::create(c.builder, c.loc, source.getTerminator()->getOperands());
    else
      hasFailed |= broken[i].empty();
  }
  if (hasFailed || (!broken[0].empty() && !broken[1].empty())) {
    for (auto &reports : broken)
      for (Diagnostic &report : reports)
        c.builder.getContext()->getDiagEngine().emit(std::move(report));
    return failure();
  }
  for (unsigned i : {0, 1})
    if (!broken[i].empty()) {
      refuseBranch(c, op, i, broken[i].front());
      yieldPlaceholders(c, op->getRegion(i).front(), op->getRegion(1 - i).front());
    }
  return success();
}

LogicalResult convertIf(NodeContext &c) {
  Region *branches[] = {c.node.getSubgraph("then_branch"), c.node.getSubgraph("else_branch")};
  if (!branches[0] || !branches[1])
    return c.error(Problem::range, "needs the subgraphs then_branch and else_branch");
  Value condition = c.input(0);
  if (auto known = c.tryInts(condition); known && known->size() == 1)
    return takeBranch(c, branches[known->front() ? 0 : 1]->front());
  // PyTorch writes squeeze(dim) as "if the dimension is 1, Squeeze, else not":
  // no rank fits both. The model was traced with the dimension 1, so that is
  // assumed; the runtime checks assumptions.
  if (ranksDiffer(branches[0]->front(), branches[1]->front()))
    if (auto dims = comparedDims(c, condition)) {
      auto [lhs, rhs] = *dims;
      bool equal = bool(c.shapes.unify(lhs, rhs));
      return takeBranch(c, branches[equal ? 0 : 1]->front());
    }
  Value flag = tensor::ExtractOp::create(
      c.builder, c.loc, c.rank(condition) ? c.reshape(condition, ArrayRef<Extent>()) : condition, ValueRange());
  // Types follow from the branches.
  SmallVector<Type> types(c.node.getNumResults(), c.unranked(c.f32()));
  auto op = scf::IfOp::create(c.builder, c.loc, types, flag, /*withElseRegion=*/true);
  if (failed(convertBranches(c, op, branches)))
    return failure();
  if (op.thenYield().getNumOperands() != types.size() || op.elseYield().getNumOperands() != types.size())
    return c.error(Problem::range, "the branches do not make " + Twine(types.size()) + " outputs");
  for (auto [i, result, x, y] :
       llvm::enumerate(op.getResults(), op.thenYield().getOperands(), op.elseYield().getOperands())) {
    if (c.elementType(x) != c.elementType(y))
      return c.error(Problem::type, "the branches make different types of output " + Twine(i));
    result.setType(c.unranked(c.elementType(x)));
  }
  c.visit(op);
  return c.set(op.getResults());
}

} // namespace

void tenon::onnxtograph::addControlFlow(HandlerRegistry &registry) { registry.add(kOnnx, "If", 1, 1, convertIf); }
