// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cuts the graph at the borders between devices. Regions follow from the devices of ops
// alone, by the rule that the search counts them with (regionsOf): a level counts the borders on the longest path to an
// op, so that of two ops of one device and level none can depend on the other through another device. The blocks of
// branches are divided like the function's: a region is submitted where its branch is taken.
#include "tenon/Transforms/Partition/Passes.h"

#include "BlockItems.h"
#include "InsertTransfers.h"
#include "SymbolSubset.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/IR/IRMapping.h"
#include "tenon/Dialect/Graph/IR/BranchAssumptions.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;

namespace tenon::partition {
#define GEN_PASS_DEF_OUTLINEREGIONSPASS
#include "tenon/Transforms/Partition/Passes.h.inc"

namespace {

struct Region {
  StringRef device;
  SmallVector<Operation *> ops; // in the order of the text
};

class Outliner {
public:
  Outliner(ModuleOp program, func::FuncOp func)
      : program(program), func(func), symbols(graph::readSymbols(program).size()) {}

  /// Moves regions into modules behind `program`, those of branches behind those of the
  /// block around them.
  void run() {
    std::deque<BlockItems> blocks = itemsOf(func);
    unsigned number = 0;
    for (const BlockItems &items : blocks)
      for (Region &region : groupOps(items))
        outline(region, nameOf(region.device, number++));
    insertTransfers(func, symbols);
    for (const BlockItems &items : blocks)
      sortTopologically(&items.block);
  }

private:
  /// "toy_0", "cpu_1": by the family of the chip, and a number for all regions.
  static std::string nameOf(StringRef device, unsigned number) {
    std::string name = (device.split(':').first + "_" + Twine(number)).str();
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !llvm::isAlnum(c) && c != '-' && c != '_' && c != '.'; }, '_');
    return name;
  }

  static StringRef deviceOf(Operation *op) {
    auto device = op->getAttrOfType<StringAttr>(plan::kDeviceAttr);
    return device && device.getValue() != plan::kHostSpace ? device.getValue() : StringRef();
  }

  /// The regions of one block, which no region leaves.
  static std::vector<Region> groupOps(const BlockItems &items) {
    std::vector<Region> regions;
    Assignment assignment;
    llvm::StringMap<unsigned> numbers;
    for (Operation *op : items.ops) {
      StringRef device = deviceOf(op);
      assignment.push_back(device.empty() ? 0 : numbers.try_emplace(device, numbers.size() + 1).first->second);
    }
    for (auto [op, number] : llvm::zip_equal(items.ops, regionsOf(items.problem.problem, assignment))) {
      if (number < 0)
        continue;
      if (size_t(number) >= regions.size())
        regions.resize(number + 1);
      regions[number].device = deviceOf(op);
      regions[number].ops.push_back(op);
    }
    return regions;
  }

  /// Clones what every program has, and what it is made from.
  static void cloneEverywhere(OpBuilder &b, Operation *op, IRMapping &mapping) {
    for (Value operand : op->getOperands())
      if (!mapping.contains(operand))
        cloneEverywhere(b, operand.getDefiningOp(), mapping);
    b.clone(*op, mapping);
  }

  void outline(Region &region, const std::string &name) {
    DenseSet<Operation *> members(region.ops.begin(), region.ops.end());
    llvm::SetVector<Value> inputs;
    SmallVector<Value> outputs;
    for (Operation *op : region.ops) {
      for (Value operand : op->getOperands())
        if (!isEverywhere(operand.getDefiningOp()) && !members.contains(operand.getDefiningOp()))
          inputs.insert(operand);
      for (Value result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !members.contains(user); }))
          outputs.push_back(result);
    }
    if (outputs.empty()) { // nobody reads it
      for (Operation *op : llvm::reverse(region.ops))
        op->erase();
      return;
    }
    build(region, name, inputs.getArrayRef(), outputs);
    // In place of the last member; sorted in the end.
    OpBuilder b(region.ops.back());
    Location loc = b.getFusedLoc(llvm::map_to_vector(region.ops, [](Operation *op) { return op->getLoc(); }));
    auto submit = plan::SubmitOp::create(b, loc, TypeRange(ValueRange(outputs)), name, region.device,
                                         inputs.getArrayRef(), ArrayAttr());
    recordShapes(submit, outputs, symbols);
    for (auto [output, result] : llvm::zip_equal(outputs, submit.getResults()))
      output.replaceAllUsesWith(result);
    for (Operation *op : llvm::reverse(region.ops)) {
      op->dropAllUses();
      op->erase();
    }
  }

  /// The region's program.
  void build(const Region &region, StringRef name, ArrayRef<Value> inputs, ArrayRef<Value> outputs) {
    OpBuilder b(program->getContext());
    b.setInsertionPointAfter(last ? last : program.getOperation());
    Location loc = program.getLoc();
    auto module = ModuleOp::create(b, loc, name);
    module->setAttr(plan::kDeviceAttr, b.getStringAttr(region.device));
    last = module;
    b.setInsertionPointToEnd(module.getBody());
    auto type = b.getFunctionType(TypeRange(ValueRange(inputs)), TypeRange(ValueRange(outputs)));
    auto func = func::FuncOp::create(b, loc, "main", type);
    Block *body = func.addEntryBlock();
    b.setInsertionPointToStart(body);
    IRMapping mapping;
    mapping.map(inputs, body->getArguments());
    for (Operation *op : region.ops) {
      for (Value operand : op->getOperands())
        if (isEverywhere(operand.getDefiningOp()) && !mapping.contains(operand))
          cloneEverywhere(b, operand.getDefiningOp(), mapping);
      b.clone(*op, mapping)->removeAttr(plan::kDeviceAttr);
    }
    func::ReturnOp::create(b, loc, llvm::map_to_vector(outputs, [&](Value v) { return mapping.lookup(v); }));
    for (auto [i, input] : llvm::enumerate(inputs))
      if (AffineMapAttr shape = graph::recordedShape(input))
        func.setArgAttr(i, "graph.shape", shape);
    if (symbols)
      SymbolSubset(program, module).write(graph::assumptionsOfBranches(region.ops.front()));
  }

  ModuleOp program;
  func::FuncOp func;
  size_t symbols;            // of the program
  Operation *last = nullptr; // the module that was made last
};

class OutlineRegions : public impl::OutlineRegionsPassBase<OutlineRegions> {
public:
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (plan::devicesOf(module).empty())
      return;
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    // The host's program: all that the module has, in a module of its own.
    OpBuilder b(&getContext());
    auto host = ModuleOp::create(b, module.getLoc(), plan::kHostProgram);
    host.getBodyRegion().takeBody(module.getBodyRegion());
    for (NamedAttribute attr : llvm::to_vector(module->getDiscardableAttrs())) {
      host->setAttr(attr.getName(), attr.getValue());
      module->removeAttr(attr.getName());
    }
    module.getBodyRegion().emplaceBlock().push_back(host);
    Outliner(host, main).run();
    main.walk([](Operation *op) { op->removeAttr(plan::kDeviceAttr); });
  }
};

} // namespace
} // namespace tenon::partition
