// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the graph to a problem of numbers (Placement.h), and from its solution back to the
// graph: what each device refuses and why, what the user pins, what time is predicted.
#include "tenon/Transforms/Partition/Passes.h"

#include "BlockItems.h"
#include "KernelGuess.h"
#include "tenon/Analysis/Lifetimes.h"
#include "tenon/Analysis/NominalSizes.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Support/Provenance.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Regex.h"

using namespace mlir;

namespace tenon::partition {
#define GEN_PASS_DEF_CHOOSEDEVICESPASS
#include "tenon/Transforms/Partition/Passes.h.inc"

namespace {

/// A device that an op may be asked for: the host has index 0.
struct Candidate {
  std::string name;
  std::shared_ptr<const Target> target;
};

/// REGEX=DEVICE
struct Rule {
  std::string flag; ///< as the user wrote it, for messages
  llvm::Regex pattern;
  unsigned device;
  bool isUsed = false;

  bool matches(Operation *op) {
    bool found = llvm::any_of(sourceNodes(op->getLoc()), [&](StringRef node) {
      SmallVector<StringRef> parts;
      return pattern.match(node, &parts) && parts.front() == node;
    });
    isUsed |= found;
    return found;
  }
};

/// What becomes of ops that no device beside the host takes.
struct Fallback {
  enum Mode { Note, Warn, Error } mode = Note;
  SmallVector<StringRef> allowed; ///< ONNX operators that are no errors

  /// "", "warn", "error", or "allow:Softmax;Resize"; false for anything else.
  bool parse(StringRef text) {
    mode = text == "warn" ? Warn : text.empty() ? Note : Error;
    if (text.consume_front("allow:"))
      llvm::SplitString(text, allowed, ";,");
    else
      return text.empty() || text == "warn" || text == "error";
    return !allowed.empty();
  }
};

std::string shapeText(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// Why a device's memory has no room for what an op reads and writes.
std::optional<Refusal> refusalOfSize(Operation *op, const hw::Device &chip) {
  const hw::Memory *memory = chip.bufferMemory();
  if (!memory || memory->bytes == 0)
    return std::nullopt;
  llvm::SetVector<Value> values(op->operand_begin(), op->operand_end());
  values.insert(op->result_begin(), op->result_end());
  int64_t bytes = 0;
  for (Value value : values)
    if (auto size = dyn_cast<AffineConstantExpr>(plan::bytesOf(value)))
      bytes += size.getValue();
  if (bytes <= memory->bytes)
    return std::nullopt;
  return Refusal{"TN4228", "the device's memory has room for what an operator reads and writes",
                 std::to_string(bytes) + " bytes", std::to_string(memory->bytes) + " in '" + memory->name + "'", ""};
}

/// What keeps a device beside the host from an op, whatever its target takes.
std::optional<Refusal> generalRefusalOf(Operation *op, const Target &target) {
  const FusionRules &rules = target.fusionRules();
  for (ValueRange values : {ValueRange(op->getOperands()), ValueRange(op->getResults())})
    for (Value value : values) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      bool isKnown = type && (type.hasStaticShape() || (target.takesOpenSizes() && graph::recordedShape(value)));
      if (!isKnown)
        return Refusal{"TN4221", "all sizes are known when the model is compiled", shapeText(value.getType()),
                       "numbers in place of ?", "give the open dimensions sizes by --sizes"};
    }
  bool readsShape = isa<graph::ReshapeOp, graph::ExpandOp>(op);
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if ((rules.isParameter(op, i) || (readsShape && i == 1)) && !isEverywhere(operand.getDefiningOp()))
      return Refusal{"TN4222", "what an operator reads when code is made is a constant",
                     "operand " + std::to_string(i) + " is computed", "a constant", ""};
  return refusalOfSize(op, target.chip());
}

class Chooser {
public:
  Chooser(func::FuncOp func, ArrayRef<Candidate> candidates, std::vector<Rule> &pins, std::vector<Rule> &forbids,
          const Fallback &fallback, int64_t mostRegions)
      : func(func), candidates(candidates), pins(pins), forbids(forbids), fallback(fallback), blocks(itemsOf(func)) {
    for (BlockItems &block : blocks) {
      Problem &problem = block.problem.problem;
      if (mostRegions >= 0)
        problem.mostRegions = unsigned(std::min<int64_t>(mostRegions, UINT32_MAX));
      for (const Candidate &candidate : candidates)
        problem.devices.push_back(costsOf(candidate.target->chip()));
    }
  }

  LogicalResult run() {
    // Costs are those of the ops at the sizes to expect.
    IRMapping copies;
    OwningOpRef<Operation *> nominal = atSizes(func, nominalSizes(func->getParentOfType<ModuleOp>()), &copies);
    for (auto [block, atNominal] : llvm::zip_equal(blocks, itemsOf(cast<func::FuncOp>(*nominal)))) {
      block.problem.problem.values = atNominal.problem.problem.values;
      price(block, copies);
      for (auto [op, item] : llvm::zip_equal(block.ops, block.problem.problem.items))
        judge(op, item);
    }
    nameSizes();
    for (std::vector<Rule> *rules : {&pins, &forbids})
      for (const Rule &rule : *rules)
        if (!rule.isUsed)
          fail(UnknownLoc::get(func.getContext()))
              << "[TN8048] " << rule.flag << " matches no node; expected a regular expression that matches "
              << "whole names of ONNX nodes which are in the graph after constants are folded";
    if (!ok)
      return failure();
    std::vector<BlockProblem> problems;
    for (const BlockItems &block : blocks)
      problems.push_back(block.problem);
    BlockSolution solution = solve(problems);
    if (std::isinf(solution.seconds))
      return fail(UnknownLoc::get(func.getContext()))
             << "[TN8048] --max-regions=" << problems.front().problem.mostRegions
             << ": what is pinned needs more regions; allow more, or pin less";
    write(solution);
    report(solution, problems);
    return success();
  }

private:
  static DeviceCosts costsOf(const hw::Device &chip) {
    // Where a chip states no link with the host, its own memory is the limit, and a copy
    // waits for the queue's thread, or the host for it. A model that was all on a second CPU
    // (one copy in, one out) took 28 us longer than on the host (`tenon bench`, least times).
    constexpr double kWakeUp = 14e-6;
    DeviceCosts costs;
    costs.latency = kWakeUp;
    int64_t mbPerS = chip.bufferMemory() ? chip.bufferMemory()->mbPerS : 0;
    for (const hw::Link &link : chip.links)
      if (link.from == plan::kHostSpace || link.to == plan::kHostSpace) {
        mbPerS = link.mbPerS;
        costs.latency = double(link.latencyNs) * 1e-9;
      }
    costs.secondsPerByte = mbPerS > 0 ? 1e-6 / double(mbPerS) : 0;
    costs.launch = double(chip.regionLaunchNs) * 1e-9;
    return costs;
  }

  /// Gives a block's items their seconds on each device: those of copies of the ops.
  void price(BlockItems &block, const IRMapping &copies) {
    std::deque<KernelGuess> kernels; // of this block: none has ops of two
    for (const Candidate &candidate : candidates)
      kernels.emplace_back(*candidate.target);
    for (auto [op, item] : llvm::zip_equal(block.ops, block.problem.problem.items)) {
      bool isGraph = isa<graph::GraphDialect>(op->getDialect()) && op->getNumRegions() == 0;
      for (KernelGuess &guess : kernels)
        item.seconds.push_back(isGraph ? guess.add(copies.lookup(op)) : 0);
    }
  }

  /// Nodes that compute sizes have no device of their own: each program that reads a size
  /// has it. Rules may name them, as a plan's file does.
  void nameSizes() {
    func.walk([&](Operation *op) {
      if (isa<graph::ShapeOp, graph::SqueezeOp>(op) && isEverywhere(op))
        for (std::vector<Rule> *rules : {&pins, &forbids})
          for (Rule &rule : *rules)
            (void)rule.matches(op);
    });
  }

  InFlightDiagnostic fail(Location location) {
    ok = false;
    return emitError(location);
  }

  /// Where an op may run.
  void judge(Operation *op, Item &item) {
    SmallVector<std::string> reasons;
    for (size_t device = 0; device < candidates.size(); ++device) {
      bool isGraph = isa<graph::GraphDialect>(op->getDialect()) && op->getNumRegions() == 0;
      std::optional<Refusal> refusal;
      if (device > 0 && !isGraph)
        refusal = Refusal{"TN4223", "control flow is the host's", op->getName().getStringRef().str(), "tensors", ""};
      if (device > 0 && !refusal)
        refusal = generalRefusalOf(op, *candidates[device].target);
      if (device > 0 && !refusal)
        refusal = candidates[device].target->refusalOf(op);
      if (refusal)
        item.seconds[device] = Item::kIllegal;
      reasons.push_back(refusal ? "[" + refusal->code.str() + "] " + refusal->text() : "");
      if (refusal)
        refusals.push_back({op, unsigned(device), std::move(*refusal)});
    }
    if (isa<graph::GraphDialect>(op->getDialect()) &&
        llvm::none_of(ArrayRef(reasons).drop_front(), [](const std::string &reason) { return reason.empty(); }))
      fallBack(op, reasons);
    apply(op, item, reasons);
  }

  /// An op that no device beside the host takes.
  void fallBack(Operation *op, ArrayRef<std::string> reasons) {
    bool isError = fallback.mode == Fallback::Error && !llvm::any_of(sourceNodes(op->getLoc()), [&](StringRef node) {
                     return llvm::is_contained(fallback.allowed, operatorOf(node));
                   });
    if (!isError && fallback.mode != Fallback::Warn)
      return;
    InFlightDiagnostic message = isError ? fail(op->getLoc()) : emitWarning(op->getLoc());
    message << "[TN4227] no device beside the host takes it";
    for (auto [candidate, reason] : llvm::zip_equal(candidates.drop_front(), reasons.drop_front()))
      message << "; not " << candidate.name << ": " << reason;
  }

  /// The ONNX operator of a node, "Conv".
  StringRef operatorOf(StringRef node) {
    if (operators.empty())
      if (auto nodes = func->getParentOfType<ModuleOp>()->getAttrOfType<ArrayAttr>("onnx.nodes"))
        for (auto entry : nodes.getAsRange<DictionaryAttr>())
          operators[entry.getAs<StringAttr>("name")] = entry.getAs<StringAttr>("op");
    return operators.lookup(node);
  }

  /// What the user says of an op's nodes.
  void apply(Operation *op, Item &item, ArrayRef<std::string> reasons) {
    for (Rule &rule : forbids)
      if (rule.matches(op)) {
        item.seconds[rule.device] = Item::kIllegal;
        ruleOf[op] = &rule;
      }
    for (Rule &rule : pins) {
      if (!rule.matches(op))
        continue;
      if (item.seconds[rule.device] == Item::kIllegal) {
        fail(op->getLoc()) << "[TN8048] " << rule.flag << ": "
                           << (reasons[rule.device].empty() ? "another flag forbids it" : reasons[rule.device]);
        return;
      }
      for (unsigned device = 0; device < item.seconds.size(); ++device)
        if (device != rule.device)
          item.seconds[device] = Item::kIllegal;
      ruleOf[op] = &rule;
    }
    if (llvm::all_of(item.seconds, [](double seconds) { return seconds == Item::kIllegal; })) {
      InFlightDiagnostic error = fail(op->getLoc());
      error << "[TN8048] --forbid leaves no device that takes it";
      for (auto [candidate, reason] : llvm::zip_equal(candidates, reasons))
        if (!reason.empty())
          error << "; not " << candidate.name << ": " << reason;
    }
  }

  void write(const BlockSolution &solution) {
    Builder b(func.getContext());
    DenseMap<Operation *, unsigned> chosen; // of graph ops
    for (const auto &[block, assignment] : llvm::zip_equal(blocks, solution.assignments))
      for (auto [op, device] : llvm::zip_equal(block.ops, assignment)) {
        if (!isa<graph::GraphDialect>(op->getDialect()))
          continue;
        op->setAttr(plan::kDeviceAttr,
                    b.getStringAttr(device == 0 ? StringRef(plan::kHostSpace) : StringRef(candidates[device].name)));
        chosen[op] = device;
      }
    // Why an op is not where else it could be: refused there, or no faster.
    DenseMap<Operation *, SmallVector<bool>> refusedBy;
    for (const auto &[op, device, refusal] : refusals) {
      refusedBy[op].resize(candidates.size());
      refusedBy[op][device] = true;
      if (auto it = chosen.find(op); it != chosen.end() && it->second == 0)
        op->setLoc(withNote(op->getLoc(), refusal.code, "not on " + candidates[device].name + ": " + refusal.text()));
    }
    for (const BlockItems &block : blocks)
      for (Operation *op : block.ops)
        for (unsigned device = 1; device < candidates.size(); ++device)
          if (auto it = chosen.find(op);
              it != chosen.end() && it->second == 0 && (!refusedBy.contains(op) || !refusedBy[op][device]))
            op->setLoc(withNote(op->getLoc(), "TN4220", "not on " + candidates[device].name + ": " + reasonOf(op)));
  }

  /// Why an op is on the host that another device would take, too.
  std::string reasonOf(Operation *op) const {
    if (const Rule *rule = ruleOf.lookup(op))
      return rule->flag + " asks for it";
    return "no plan was found that is faster with it there, with copies and launches, by the chips' numbers";
  }

  /// The predicted times of the plan that was chosen, and of others, for the ledger.
  void report(const BlockSolution &solution, const std::vector<BlockProblem> &problems) {
    Builder b(func.getContext());
    SmallVector<Attribute> plans;
    auto add = [&](StringRef name, double seconds) {
      if (std::isinf(seconds)) // it has more regions than are allowed
        return;
      plans.push_back(b.getDictionaryAttr(
          {b.getNamedAttr("plan", b.getStringAttr(name)), b.getNamedAttr("seconds", b.getF64FloatAttr(seconds))}));
    };
    add(solution.isExact ? "chosen (exact)" : "chosen", solution.seconds);
    add("greedy", costOf(problems, greedyOf(problems)));
    for (unsigned device = 0; device < candidates.size(); ++device)
      add((device ? "all that it takes on " : "all on ") + candidates[device].name,
          costOf(problems, onDevice(problems, device)));
    func->getParentOfType<ModuleOp>()->setAttr(plan::kPredictionsAttr, b.getArrayAttr(plans));
  }

  func::FuncOp func;
  ArrayRef<Candidate> candidates;
  std::vector<Rule> &pins, &forbids;
  const Fallback &fallback;
  llvm::StringMap<StringRef> operators; // of ONNX nodes, when it is asked for
  std::deque<BlockItems> blocks;
  std::vector<std::tuple<Operation *, unsigned, Refusal>> refusals;
  DenseMap<Operation *, const Rule *> ruleOf; // the user's, where there is one
  bool ok = true;
};

class ChooseDevices : public impl::ChooseDevicesPassBase<ChooseDevices> {
public:
  using ChooseDevicesPassBase::ChooseDevicesPassBase;
  ChooseDevices(TargetProvider provider, ChooseDevicesPassOptions options)
      : ChooseDevicesPassBase(std::move(options)), provider(std::move(provider)) {}
  ChooseDevices(const ChooseDevices &other) = default;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (plan::devicesOf(module).empty() || !main || main.isExternal())
      return;
    std::vector<Candidate> candidates;
    std::vector<std::string> names;
    if (failed(findCandidates(candidates)))
      return signalPassFailure();
    for (const Candidate &candidate : candidates)
      names.push_back(candidate.name);
    Fallback onHost;
    if (!onHost.parse(fallback)) {
      module.emitError("[TN8048] --fallback=")
          << fallback << ": expected error, warn, or allow: and names of ONNX operators";
      return signalPassFailure();
    }
    std::vector<Rule> pinRules, forbidRules;
    if (failed(parse("--pin", pins, names, pinRules)) || failed(parse("--forbid", forbids, names, forbidRules)))
      return signalPassFailure();
    if (failed(Chooser(main, candidates, pinRules, forbidRules, onHost, mostRegions).run()))
      return signalPassFailure();
    // A device that gets nothing is not asked for when the model is loaded.
    bool isUsed =
        main.walk([](Operation *op) {
              auto device = op->getAttrOfType<StringAttr>(plan::kDeviceAttr);
              return device && device.getValue() != plan::kHostSpace ? WalkResult::interrupt() : WalkResult::advance();
            })
            .wasInterrupted();
    if (!isUsed) {
      module->removeAttr(plan::kDevicesAttr);
      main.walk([](Operation *op) { op->removeAttr(plan::kDeviceAttr); });
    }
  }

private:
  /// The module's devices, the host first.
  LogicalResult findCandidates(std::vector<Candidate> &candidates) {
    plan::DeviceAttr host = plan::hostOf(getOperation());
    if (!host)
      return getOperation().emitError("[TN4005] plan.devices are declared, but no plan.host, which is the device that "
                                      "runs what they do not");
    SmallVector<plan::DeviceAttr> devices{host};
    llvm::append_range(devices, plan::devicesOf(getOperation()));
    for (plan::DeviceAttr device : devices) {
      std::string error = "[TN8010] this tool knows no targets";
      std::shared_ptr<const Target> target = provider ? provider(device, error) : nullptr;
      if (!target)
        return getOperation().emitError(error);
      candidates.push_back({device.getName().str(), target});
    }
    return success();
  }

  LogicalResult parse(StringRef flag, ArrayRef<std::string> texts, ArrayRef<std::string> names,
                      std::vector<Rule> &rules) {
    bool ok = true;
    for (StringRef text : texts) {
      auto [pattern, device] = text.rsplit('=');
      const auto *it = llvm::find(names, device);
      llvm::Regex regex(pattern);
      std::string problem;
      if (!regex.isValid(problem))
        problem = "'" + pattern.str() + "' is no regular expression: " + problem;
      else if (it == names.end() || pattern.empty())
        problem = "expected REGEX=DEVICE with one of " + llvm::join(names, ", ");
      if (!problem.empty()) {
        getOperation().emitError("[TN8048] ") << flag << "=" << text << ": " << problem;
        ok = false;
        continue;
      }
      rules.push_back({(flag + "=" + text).str(), std::move(regex), unsigned(it - names.begin())});
    }
    return success(ok);
  }

  TargetProvider provider;
};

} // namespace

std::unique_ptr<Pass> createChooseDevicesPass(TargetProvider provider, ChooseDevicesPassOptions options) {
  return std::make_unique<ChooseDevices>(std::move(provider), std::move(options));
}

} // namespace tenon::partition
