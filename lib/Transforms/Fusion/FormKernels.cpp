// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gathers graph ops into kernels. Groups are built greedily in program order;
// an elementwise op joins the latest group among its operands' producers whose
// iteration space it shares. Block order is restored by a stable topological
// sort of the groups.
#include "tenon/Transforms/Fusion/Passes.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"

using namespace mlir;

namespace tenon::fusion {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "tenon/Transforms/Fusion/Passes.h.inc"

template <typename... Ops>
static bool isOneOf(OperationName name) {
  return ((name.getStringRef() == Ops::getOperationName()) || ...);
}

bool isView(OperationName name) {
  return isOneOf<graph::ReshapeOp, graph::SqueezeOp, graph::UnsqueezeOp, graph::FlattenOp, tensor::CastOp>(name);
}

bool isElementwise(OperationName name) {
  return isOneOf<graph::UnaryOp, graph::BinaryOp, graph::SelectOp, graph::CastOp, graph::ExpandOp>(name);
}

namespace {

bool isView(Operation *op) { return fusion::isView(op->getName()); }
bool isElementwise(Operation *op) {
  if (auto quantize = dyn_cast<graph::QuantizeOp>(op))
    return quantize.isElementwise();
  if (auto dequantize = dyn_cast<graph::DequantizeOp>(op))
    return dequantize.isElementwise();
  return fusion::isElementwise(op->getName());
}

bool isSplat(graph::ConstantOp constant) {
  auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
  return dense && dense.isSplat();
}

/// The shape of a value over symbols as a map; static dimensions from its type.
AffineMapAttr shapeMap(Value value) {
  if (AffineMapAttr map = graph::recordedShape(value))
    return map;
  return AffineMapAttr::get(AffineMap::get(0, 0, plan::shapeOf(value), value.getContext()));
}

ArrayAttr shapeMaps(Builder &b, ValueRange values) {
  SmallVector<Attribute> maps;
  for (Value value : values)
    maps.push_back(shapeMap(value));
  return b.getArrayAttr(maps);
}

bool sameShape(Value a, Value b) { return shapeMap(a).getValue().getResults() == shapeMap(b).getValue().getResults(); }

struct Group {
  SmallVector<Operation *> ops;
  Operation *root = nullptr; // null: elementwise
  Value space;               // a value of the iteration space's shape
};

/// Names of kernels, one for each of a module's programs.
struct KernelNames {
  std::string prefix; ///< of a region's kernels: "toy_0."
  unsigned count = 0;
  std::string next(StringRef root) { return (prefix + root + "_" + Twine(count++)).str(); }
};

class BlockFormer {
public:
  BlockFormer(Block &block, KernelNames &names, const Target &target)
      : block(block), names(names), target(target), rules(target.fusionRules()) {}

  void run() {
    separateDecodes();
    for (auto [position, op] : llvm::enumerate(block))
      order[&op] = position;
    for (Operation &op : block)
      place(&op);
    for (auto &group : groups)
      materialize(*group);
    sortTopologically(&block);
  }

private:
  /// Gives each op that decodes an operand in its own kernel a decode of its own.
  void separateDecodes() {
    SmallVector<OpOperand *> uses;
    for (Operation &op : block)
      for (OpOperand &operand : op.getOpOperands())
        if (isDecodedByUser(operand) && !operand.get().hasOneUse())
          uses.push_back(&operand);
    for (OpOperand *use : uses)
      if (!use->get().hasOneUse()) {
        OpBuilder b(use->getOwner());
        use->set(b.clone(*use->get().getDefiningOp())->getResult(0));
      }
  }

  /// Whether the kernel of an operand's user decodes it from what it is stored as.
  bool isDecodedByUser(OpOperand &use) const {
    Operation *op = use.get().getDefiningOp();
    return op && op->getBlock() == use.getOwner()->getBlock() && isa<graph::CastOp, graph::DequantizeOp>(op) &&
           rules.takesDecode(use);
  }

  /// Whether an op joins the kernel of its only user.
  bool joinsUser(Operation *op) const {
    return op->getNumResults() == 1 && op->getResult(0).hasOneUse() && isDecodedByUser(*op->getResult(0).use_begin());
  }

  void place(Operation *op) {
    if (op->getDialect() != op->getContext()->getLoadedDialect<graph::GraphDialect>() || isView(op) ||
        isa<graph::ConstantOp>(op))
      return;
    if (joinsUser(op))
      return;
    if (isElementwise(op))
      if (Group *group = chooseGroup(op)) {
        group->ops.push_back(op);
        groupOf[op] = group;
        return;
      }
    auto group = std::make_unique<Group>();
    for (Value operand : op->getOperands())
      if (Operation *decode = operand.getDefiningOp(); decode && joinsUser(decode)) {
        group->ops.push_back(decode);
        groupOf[decode] = group.get();
      }
    group->ops.push_back(op);
    group->root = isElementwise(op) ? nullptr : op;
    group->space = op->getResult(0);
    groupOf[op] = group.get();
    groups.push_back(std::move(group));
  }

  Group *chooseGroup(Operation *op) {
    Group *best = nullptr;
    for (Value operand : op->getOperands()) {
      Group *group = operand.getDefiningOp() ? groupOf.lookup(operand.getDefiningOp()) : nullptr;
      if (!group || group == best || (group->root && !rules.takesEpilogue(group->root)))
        continue;
      // Kernels with many buffers gain nothing from further fusion.
      if (group->ops.size() >= 48 || !sameShape(group->space, op->getResult(0)) || !sameShape(operand, group->space))
        continue;
      if (reachesOutside(*group, op))
        continue;
      bool better = !best || (group->root && !best->root) ||
                    (bool(group->root) == bool(best->root) && order[group->ops.front()] > order[best->ops.front()]);
      if (better)
        best = group;
    }
    return best;
  }

  /// Whether some operand of `op` depends on the group by a path that leaves it.
  bool reachesOutside(Group &group, Operation *op) {
    unsigned first = order[group.ops.front()];
    DenseSet<Operation *> visited;
    SmallVector<Operation *> work;
    auto producer = [&](Value operand) {
      Operation *def = operand.getDefiningOp();
      return def ? block.findAncestorOpInBlock(*def) : nullptr;
    };
    // Members of one group run together: a path may pass between them.
    auto push = [&](Operation *def) {
      Group *other = groupOf.lookup(def);
      for (Operation *member : other ? ArrayRef<Operation *>(other->ops) : ArrayRef<Operation *>(def))
        if (visited.insert(member).second)
          work.push_back(member);
    };
    for (Value operand : op->getOperands())
      if (Operation *def = producer(operand); def && groupOf.lookup(def) != &group)
        push(def);
    while (!work.empty()) {
      Operation *current = work.pop_back_val();
      if (groupOf.lookup(current) == &group)
        return true;
      current->walk([&](Operation *nested) {
        for (Value operand : nested->getOperands())
          if (Operation *def = producer(operand); def && order[def] >= first)
            push(def);
      });
    }
    return false;
  }

  /// What passes between a kernel and the code around it.
  struct Boundary {
    SmallVector<Value> inputs, outputs;
    SetVector<Operation *> immediates; ///< constants that the kernel contains
  };

  Boundary boundaryOf(const Group &group) const {
    Boundary boundary;
    SetVector<Value> seen;
    DenseSet<Operation *> members(group.ops.begin(), group.ops.end());
    for (Operation *op : group.ops) {
      for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
        Operation *def = operand.getDefiningOp();
        if (members.contains(def) || isResolvedShape(op, i))
          continue;
        if (isImmediate(op, i))
          boundary.immediates.insert(def);
        else if (seen.insert(operand))
          boundary.inputs.push_back(operand);
      }
      for (Value result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !members.contains(user); }))
          boundary.outputs.push_back(result);
    }
    if (boundary.outputs.empty()) // dead, but keep the IR valid until cleanup
      boundary.outputs.push_back(group.ops.back()->getResult(0));
    return boundary;
  }

  void materialize(Group &group) {
    Boundary boundary = boundaryOf(group);
    OpBuilder b(group.ops.back());
    plan::KernelOp kernel = createKernel(b, group, boundary);
    fillKernel(b, kernel, group, boundary);
    for (auto [output, result] : llvm::zip(boundary.outputs, kernel.getResults()))
      output.replaceAllUsesWith(result);
    for (Operation *op : llvm::reverse(group.ops)) {
      op->dropAllUses();
      op->erase();
    }
  }

  /// The group's kernel, with an empty body at whose end the builder then stands.
  plan::KernelOp createKernel(OpBuilder &b, const Group &group, const Boundary &boundary) {
    SmallVector<Location> locs;
    for (Operation *op : group.ops)
      locs.push_back(op->getLoc());
    Location loc = b.getFusedLoc(locs);
    StringRef root = group.root ? group.root->getName().stripDialect() : "elementwise";
    ValueRange inputs = boundary.inputs, outputs = boundary.outputs;
    auto kernel = plan::KernelOp::create(b, loc, TypeRange(outputs), b.getStringAttr(names.next(root)),
                                         b.getStringAttr(target.device()), b.getStringAttr(root), inputs,
                                         shapeMaps(b, inputs), ArrayAttr(), ArrayAttr());
    kernel->setAttr("graph.shapes", shapeMaps(b, outputs));
    b.createBlock(&kernel.getBody(), {}, TypeRange(inputs), SmallVector<Location>(inputs.size(), loc));
    return kernel;
  }

  /// Copies the group's ops into the kernel, which reads its arguments and its own constants.
  void fillKernel(OpBuilder &b, plan::KernelOp kernel, const Group &group, const Boundary &boundary) {
    Location loc = kernel.getLoc();
    IRMapping mapping, constants;
    mapping.map(boundary.inputs, kernel.getBody().getArguments());
    for (Operation *constant : boundary.immediates)
      b.clone(*constant, constants);
    for (Operation *op : group.ops) {
      for (auto [i, operand] : llvm::enumerate(op->getOperands()))
        if (isResolvedShape(op, i) && !mapping.contains(operand)) {
          auto type = RankedTensorType::get({0}, b.getI64Type());
          mapping.map(operand,
                      graph::ConstantOp::create(b, loc, type, DenseElementsAttr::get(type, ArrayRef<int64_t>())));
        }
      Operation *copy = b.clone(*op, mapping);
      // One constant may be an immediate of this op and lie in memory for another.
      for (OpOperand &operand : op->getOpOperands())
        if (isImmediate(op, operand.getOperandNumber()))
          copy->setOperand(operand.getOperandNumber(), constants.lookup(operand.get()));
      mapping.map(op->getResults(), copy->getResults());
    }
    SmallVector<Value> yields;
    for (Value output : boundary.outputs)
      yields.push_back(mapping.lookup(output));
    plan::YieldOp::create(b, loc, yields);
  }

  /// Shape operands whose effect the result type and graph.shape already tell.
  static bool isResolvedShape(Operation *op, unsigned operand) {
    return (isa<graph::ExpandOp>(op) && operand == 1) || (isa<graph::FillOp>(op) && operand == 0);
  }
  /// Whether an operand is a constant that the kernel's code contains.
  bool isImmediate(Operation *op, unsigned operand) const {
    auto constant = op->getOperand(operand).getDefiningOp<graph::ConstantOp>();
    return constant && !isResolvedShape(op, operand) &&
           ((isSplat(constant) && !rules.readsMemory(op)) || rules.isParameter(op, operand));
  }

  Block &block;
  KernelNames &names;
  const Target &target;
  const FusionRules &rules;
  DenseMap<Operation *, unsigned> order;
  DenseMap<Operation *, Group *> groupOf;
  std::vector<std::unique_ptr<Group>> groups;
};

class FormKernels : public impl::FormKernelsPassBase<FormKernels> {
public:
  using FormKernelsPassBase::FormKernelsPassBase;
  FormKernels(TargetProvider provider, FormKernelsPassOptions options)
      : FormKernelsPassBase(std::move(options)), provider(std::move(provider)) {}

  void runOnOperation() override {
    std::string error;
    plan::DeviceAttr device = plan::deviceOf(getOperation());
    if (!device)
      device = plan::DeviceAttr::get(&getContext(), plan::kHostSpace, spec, hw::DeviceAttr());
    target = provider ? provider(device, error) : nullptr;
    if (!target) {
      getOperation().emitError(provider ? error : "[TN8010] this tool knows no targets");
      return signalPassFailure();
    }
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      if (!hasShapes(func))
        return signalPassFailure();
      bool isRegion = getOperation()->hasAttr(plan::kDeviceAttr);
      KernelNames names{isRegion ? getOperation().getSymName()->str() + "." : "", 0};
      replaceViews(func);
      SmallVector<Block *> blocks;
      func.walk([&](Block *block) { blocks.push_back(block); });
      for (Block *block : blocks)
        BlockFormer(*block, names, *target).run();
      for (Block *block : blocks)
        copyReturned(*block, names);
    }
  }

private:
  /// Whether every tensor's rank and sizes are known: a kernel's buffers have shapes.
  bool hasShapes(func::FuncOp func) {
    WalkResult result = func.walk([](Operation *op) {
      auto problemOf = [&](Value value) -> StringRef {
        if (isa<UnrankedTensorType>(value.getType()))
          return " without rank";
        auto tensor = dyn_cast<RankedTensorType>(value.getType());
        bool isOpen = tensor && !tensor.hasStaticShape() && isa<graph::GraphDialect>(op->getDialect());
        return isOpen && !graph::recordedShape(value) ? " of open sizes without graph.shape" : "";
      };
      for (auto [values, what] : {std::pair(ValueRange(op->getOperands()), "an operand"),
                                  std::pair(ValueRange(op->getResults()), "a result")})
        for (Value value : values)
          if (StringRef problem = problemOf(value); !problem.empty()) {
            op->emitOpError("[TN2071] has ") << what << problem << "; run graph-infer-shapes";
            return WalkResult::interrupt();
          }
      return WalkResult::advance();
    });
    return !result.wasInterrupted();
  }

  void replaceViews(func::FuncOp func) {
    SmallVector<Operation *> views;
    func.walk([&](Operation *op) {
      if (isView(op))
        views.push_back(op);
    });
    for (Operation *op : views) {
      OpBuilder b(op);
      auto view = plan::ViewOp::create(b, op->getLoc(), op->getResult(0).getType(), op->getOperand(0));
      if (Attribute shape = op->getAttr("graph.shape"))
        view->setAttr("graph.shape", shape);
      op->getResult(0).replaceAllUsesWith(view);
      op->erase();
    }
  }

  /// A kernel or transfer writes straight into the buffer of the output it produces; any
  /// other returned value (input, constant, second use) needs a copy.
  void copyReturned(Block &block, KernelNames &names) {
    auto ret = dyn_cast<func::ReturnOp>(block.getTerminator());
    if (!ret)
      return;
    DenseSet<Value> taken;
    for (OpOperand &operand : ret->getOpOperands()) {
      Value from = plan::source(operand.get());
      if (isa_and_nonnull<plan::KernelOp, plan::TransferOp>(from.getDefiningOp()) && taken.insert(from).second)
        continue;
      OpBuilder b(ret);
      Value value = operand.get();
      Location loc = value.getLoc();
      auto kernel = plan::KernelOp::create(b, loc, value.getType(), b.getStringAttr(names.next("copy")),
                                           b.getStringAttr(target->device()), b.getStringAttr("elementwise"), value,
                                           shapeMaps(b, value), ArrayAttr(), ArrayAttr());
      kernel->setAttr("graph.shapes", shapeMaps(b, value));
      Block *body = b.createBlock(&kernel.getBody(), {}, value.getType(), loc);
      plan::YieldOp::create(b, loc, body->getArguments());
      operand.set(kernel.getResult(0));
    }
  }

  TargetProvider provider;
  std::shared_ptr<const Target> target;
};

} // namespace

std::unique_ptr<Pass> createFormKernelsPass(TargetProvider provider, FormKernelsPassOptions options) {
  return std::make_unique<FormKernels>(std::move(provider), std::move(options));
}

} // namespace tenon::fusion
