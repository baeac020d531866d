// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// lstm, gru and rnn. Constant weights are packed to panels [direction][panel]
// [in][columns] of the gates' padded hidden elements, over which lanes run; others are read as
// they are, with lanes along the sum.
#include "RecurrentSchedule.h"

using namespace mlir;

namespace tenon::cpu {

constexpr StringLiteral kPacked = "direction,panel,in,gates";
constexpr int64_t kMaxStack = 256 * 1024;  // bytes of one kernel's blocks
constexpr int64_t kFirstLevel = 32 * 1024; // bytes of weights that stay in a first-level cache

RecurrentModel recurrentModel(Operation *op) {
  RecurrentModel r;
  r.op = op;
  auto fill = [&](auto typed, ArrayRef<StringRef> defaults) {
    r.x = typed.getX();
    r.w = typed.getW();
    r.r = typed.getR();
    r.b = typed.getB();
    r.lengths = typed.getSequenceLens();
    r.initialH = typed.getInitialH();
    r.y = typed.getY();
    r.yH = typed.getYH();
    r.hidden = typed.getHiddenSize();
    r.directions = typed.getDirection() == graph::RnnDirection::bidirectional ? 2 : 1;
    r.reverseOnly = typed.getDirection() == graph::RnnDirection::reverse;
    if (auto clip = typed.getClip())
      r.clip = clip->convertToDouble();
    r.activations = graph::recurrentActivations(typed.getActivationsAttr(), typed.getActivationAlphaAttr(),
                                                typed.getActivationBetaAttr(), defaults, r.directions);
  };
  if (auto lstm = dyn_cast<graph::LstmOp>(op)) {
    fill(lstm, {"sigmoid", "tanh", "tanh"});
    r.gates = 4;
    r.initialC = lstm.getInitialC();
    r.peepholes = lstm.getP();
    r.yC = lstm.getYC();
    r.inputForget = lstm.getInputForget();
  } else if (auto gru = dyn_cast<graph::GruOp>(op)) {
    fill(gru, {"sigmoid", "tanh"});
    r.gates = 3;
    r.linearBeforeReset = gru.getLinearBeforeReset();
  } else {
    fill(cast<graph::RnnOp>(op), {"tanh"});
    r.gates = 1;
  }
  return r;
}

RecurrentPlan recurrentPlan(plan::KernelOp kernel, const RecurrentModel &r, const CpuTarget &target) {
  RecurrentPlan p;
  p.xShape = shapeOf(r.x);
  p.lanes = lanesFor(target, Float32Type::get(kernel.getContext()), r.hidden);
  p.padded = (r.hidden + p.lanes - 1) / p.lanes * p.lanes;
  p.columns = r.gates * p.padded;
  bool many = target.vectorRegisters >= 32;
  p.packedW = isPackedAs(kernel, r.w, kPacked);
  p.packedR = isPackedAs(kernel, r.r, kPacked);
  // Two sequences share the recurrent weights where those exceed the first-level
  // cache and registers and the stack hold both; different lengths would part them.
  bool streams = r.hidden * p.columns * 4 > kFirstLevel;
  p.sequences = 2;
  p.steps = 1;
  if (!streams || !many || r.lengths || constantOr(p.xShape[1], 2) < 2 || p.stackBytes() > kMaxStack)
    p.sequences = 1;
  // Four rows of the input projection at a time, while they fit the stack block.
  p.steps = 4 * p.columns * 4 <= 64 * 1024 ? 4 / p.sequences : 1;
  if (int64_t sequence = constantOr(p.xShape[0]); sequence > 0)
    p.steps = std::min(p.steps, sequence);
  p.projectVectors = p.steps > 1 ? (many ? 4 : 2) : (many ? 8 : 4);
  p.recurVectors = many ? 8 : 6;
  return p;
}

RecurrentPlan alone(RecurrentPlan p) {
  p.steps *= p.sequences;
  p.sequences = 1;
  return p;
}

namespace {

class RecurrentStrategy : public Strategy {
public:
  StringRef name() const override { return "recurrent"; }
  std::vector<StringRef> roots() const override { return {"lstm", "gru", "rnn"}; }

  bool matches(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) const override {
    RecurrentModel r = recurrentModel(kernel.getRootOp());
    RecurrentPlan p = recurrentPlan(kernel, r, target);
    for (const graph::RecurrentActivation &function : r.activations)
      if (!graph::recurrentFunction(function.name)) {
        reason = "activation " + function.name + " has no kernel";
        return false;
      }
    if (r.activations.size() != size_t(r.directions * (r.gates == 4 ? 3 : r.gates == 3 ? 2 : 1)))
      reason = "the number of activations does not fit the directions";
    else if (!computeOf(r.x).isF32())
      reason = "the element type must be floating point of at most 32 bits";
    else if (p.stackBytes() > kMaxStack)
      reason = "the hidden size does not fit the kernel's stack block";
    else
      return yieldsRootAlone(kernel, reason);
    return false;
  }
  std::string describe(plan::KernelOp kernel, const CpuTarget &target) const override {
    RecurrentModel r = recurrentModel(kernel.getRootOp());
    RecurrentPlan p = recurrentPlan(kernel, r, target);
    auto side = [&](bool packed, int64_t rows, int64_t vectors) {
      return packed ? llvm::formatv("tile {0}x{1}", rows, vectors * p.lanes).str() : std::string("dot products");
    };
    return "projection " + side(p.packedW, p.steps * p.sequences, p.projectVectors) + ", recurrence " +
           side(p.packedR, p.sequences, p.recurVectors) + ", " +
           lanesText(p.lanes, Float32Type::get(kernel.getContext()));
  }
  LogicalResult packConstants(plan::KernelOp kernel, const CpuTarget &target) const override {
    RecurrentModel r = recurrentModel(kernel.getRootOp());
    RecurrentPlan p = recurrentPlan(kernel, r, target);
    int64_t width = constantOr(p.xShape[2]);
    // Panels of one register tile's width over ranges of gates, so that a
    // product streams through memory: see RecurrentEmitter::matmul.
    auto pack = [&](Value weights, int64_t n, int64_t vectors, ArrayRef<std::pair<int64_t, int64_t>> ranges) {
      if (n <= 0 || !canPack(kernel, r.op, weights))
        return;
      int64_t wide = vectors * p.lanes;
      packConstant(kernel, weights, kPacked, {r.directions, n, p.columns}, [&](int64_t i) -> int64_t {
        int64_t direction = i / (p.columns * n), at = i % (p.columns * n), column = 0, k = 0;
        for (auto [firstGate, lastGate] : ranges) {
          int64_t first = firstGate * p.padded, last = lastGate * p.padded;
          if (at / n < first || at / n >= last)
            continue;
          int64_t inRange = at - first * n, full = (last - first) / wide * wide;
          int64_t panel = inRange < full * n ? inRange / (wide * n) * wide : full;
          int64_t width = panel < full ? wide : last - first - full, inPanel = inRange - panel * n;
          k = inPanel / width;
          column = first + panel + inPanel % width;
        }
        int64_t gate = column / p.padded, j = column % p.padded;
        return j < r.hidden ? ((direction * r.gates + gate) * r.hidden + j) * n + k : -1;
      });
    };
    pack(r.w, width, p.projectVectors, {{0, r.gates}});
    if (r.gates == 3) // the candidate's product waits for the reset gate
      pack(r.r, r.hidden, p.recurVectors, {{0, 2}, {2, 3}});
    else
      pack(r.r, r.hidden, p.recurVectors, {{0, r.gates}});
    return success();
  }
  WorkSplit split(plan::KernelOp kernel, const CpuTarget &target) const override {
    RecurrentModel r = recurrentModel(kernel.getRootOp());
    RecurrentPlan p = recurrentPlan(kernel, r, target);
    return {p.xShape[1].ceilDiv(p.sequences) * r.directions, 1};
  }
  LogicalResult emit(KernelContext &c) const override {
    RecurrentModel r = recurrentModel(c.kernel.getRootOp());
    RecurrentPlan p = recurrentPlan(c.kernel, r, c.target);
    RecurrentEmitter together(c, r, p);
    std::optional<RecurrentEmitter> single;
    if (int64_t batches = constantOr(p.xShape[1]); p.sequences > 1 && (batches < 0 || batches % p.sequences))
      single.emplace(c, r, alone(p));
    Value batches = c.index(p.xShape[1]), units = c.index(p.xShape[1].ceilDiv(p.sequences));
    auto unit = [&](unsigned direction, Value number) {
      Value first = c.mul(number, c.index(p.sequences)), rest = c.sub(batches, first);
      if (!single)
        return together.unit(direction, first);
      Value enough = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sge, rest, c.index(p.sequences));
      ifElse(
          c, enough, {},
          [&]() {
            together.unit(direction, first);
            return Values();
          },
          [&]() {
            c.loop(first, batches, 1, [&](Value batch) { single->unit(direction, batch); });
            return Values();
          });
    };
    c.loop(c.begin, c.end, 1, [&](Value number) {
      if (r.directions == 1)
        return unit(0, number);
      Value which = c.divU(number, units), batch = c.remU(number, units);
      for (unsigned direction = 0; direction < r.directions; ++direction) {
        Value mine = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::eq, which, c.index(direction));
        ifThen(c, mine, [&]() { unit(direction, batch); });
      }
    });
    return success();
  }
};

} // namespace

void registerRecurrentStrategies(StrategyRegistry &registry) { registry.add(std::make_unique<RecurrentStrategy>()); }

} // namespace tenon::cpu
