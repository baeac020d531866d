// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// lstm, gru and rnn: choice of the schedule and packing of the weights. Recurrent.h has the formulas.
//
// Weights are a matrix [K, columns] for each direction, K being the inputs (w) or the hidden elements (r), and column
// g * padded + j being element j of gate g; columns of padding are zero. Constant ones are packed in panels, over whose
// columns the lanes run:
//
//   [direction][panel][K][columns of the panel]
//
//     panel 0                                 panel 1
//     k = 0: columns 0 .. W-1, k = 1: ..      k = 0: columns W .. 2W-1, k = 1: ..      W columns a panel
//
// A panel has the width of a register tile (projectVectors or recurVectors vectors), the last one what is left. gru's
// recurrent weights are two such ranges of panels, of gates z and r and of gate h, since the product of gate h may wait
// for the reset gate. Element (k, column) of a panel of `width` columns that begins at column `panel` lies at
//
//   (direction * columns + panel) * K + k * width + column - panel
//
// Other weights are read as they are, with lanes along the sum over k.
#include "Recurrent.h"

#include "tenon/Codegen/GenericStrategies.h"

using namespace mlir;

namespace tenon::codegen {

constexpr StringLiteral kPacked = "direction,panel,in,gates";
constexpr int64_t kMaxStack = 256 * 1024;  // bytes of one unit's buffers
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

RecurrentSchedule recurrentSchedule(plan::KernelOp kernel, const RecurrentModel &r, const Machine &target) {
  RecurrentSchedule s;
  s.xShape = shapeOf(r.x);
  s.lanes = lanesFor(target, Float32Type::get(kernel.getContext()), r.hidden);
  s.padded = (r.hidden + s.lanes - 1) / s.lanes * s.lanes;
  s.columns = r.gates * s.padded;
  bool many = target.vectorRegisters >= 32;
  s.packedW = isPackedAs(kernel, r.w, kPacked);
  s.packedR = isPackedAs(kernel, r.r, kPacked);
  // Two sequences share each pass over the recurrent weights where those exceed the first-level cache, since each time
  // step reads all of them (measured, with the panels: docs/Rationale/cpu-schedule.md). Registers and the stack must
  // hold both; different lengths would part them.
  bool streams = r.hidden * s.columns * 4 > kFirstLevel;
  s.sequences = 2;
  s.steps = 1;
  if (!streams || !many || r.lengths || constantOr(s.xShape[1], 2) < 2 || s.stackBytes() > kMaxStack)
    s.sequences = 1;
  // Four rows of the input projection at a time while they take 64 KiB at most.
  s.steps = 4 * s.columns * 4 <= 64 * 1024 ? 4 / s.sequences : 1;
  if (int64_t sequence = constantOr(s.xShape[0]); sequence > 0)
    s.steps = std::min(s.steps, sequence);
  s.projectVectors = s.steps > 1 ? (many ? 4 : 2) : (many ? 8 : 4);
  s.recurVectors = many ? 8 : 6;
  return s;
}

namespace {

class RecurrentPlan : public KernelPlan {
public:
  RecurrentPlan(plan::KernelOp kernel, const Machine &target, RecurrentModel model, RecurrentSchedule schedule)
      : KernelPlan(kernel, target), r(std::move(model)), s(std::move(schedule)) {}

  ScheduleFacts facts() const override {
    auto tile = [&](int64_t rows, int64_t vectors) { return llvm::formatv("{0}x{1}", rows, vectors * s.lanes).str(); };
    std::string projection = s.packedW ? tile(s.steps * s.sequences, s.projectVectors) : "";
    std::string recurrence = s.packedR ? tile(s.sequences, s.recurVectors) : "";
    auto product = [](const std::string &tile) { return tile.empty() ? "dot products" : "tile " + tile; };
    ScheduleFacts facts = inLanes(s.lanes, Float32Type::get(kernel.getContext()));
    facts.text = "projection " + product(projection) + ", recurrence " + product(recurrence) + ", " + facts.text;
    facts.tile = s.packedW ? projection : recurrence;
    return facts;
  }

  LogicalResult pack() override {
    int64_t width = constantOr(s.xShape[2]);
    // Panels over ranges of gates, so that a product streams through memory: the inverse of the formula above, from
    // an element's place in the packed form to its place in [direction, gate * hidden + j, k].
    auto packWeights = [&](Value weights, int64_t n, int64_t vectors, ArrayRef<std::pair<int64_t, int64_t>> ranges) {
      if (n <= 0 || !canPack(kernel, r.op, weights))
        return;
      int64_t wide = vectors * s.lanes;
      packConstant(kernel, weights, kPacked, {r.directions, n, s.columns}, [&](int64_t i) -> int64_t {
        int64_t direction = i / (s.columns * n), at = i % (s.columns * n), column = 0, k = 0;
        for (auto [firstGate, lastGate] : ranges) {
          int64_t first = firstGate * s.padded, last = lastGate * s.padded;
          if (at / n < first || at / n >= last)
            continue;
          int64_t inRange = at - first * n, full = (last - first) / wide * wide;
          int64_t panel = inRange < full * n ? inRange / (wide * n) * wide : full;
          int64_t width = panel < full ? wide : last - first - full, inPanel = inRange - panel * n;
          k = inPanel / width;
          column = first + panel + inPanel % width;
        }
        int64_t gate = column / s.padded, j = column % s.padded;
        return j < r.hidden ? ((direction * r.gates + gate) * r.hidden + j) * n + k : -1;
      });
    };
    packWeights(r.w, width, s.projectVectors, {{0, r.gates}});
    if (r.gates == 3) // gate h is a range of its own
      packWeights(r.r, r.hidden, s.recurVectors, {{0, 2}, {2, 3}});
    else
      packWeights(r.r, r.hidden, s.recurVectors, {{0, r.gates}});
    return success();
  }

  /// A unit is one direction of `sequences` sequences; those of a direction follow each other.
  WorkSplit split() const override { return {s.xShape[1].ceilDiv(s.sequences) * r.directions, 1}; }

  LogicalResult emit(KernelContext &c) const override {
    // Code for a pair of sequences and, where the batch may be odd, for the one that is left.
    RecurrentEmitter together(c, r, s);
    std::optional<RecurrentEmitter> single;
    if (int64_t batches = constantOr(s.xShape[1]); s.sequences > 1 && (batches < 0 || batches % s.sequences))
      single.emplace(together.forOne());
    Value batches = c.index(s.xShape[1]), units = c.index(s.xShape[1].ceilDiv(s.sequences));
    auto unit = [&](unsigned direction, Value number) {
      Value first = c.mul(number, c.index(s.sequences)), rest = c.sub(batches, first);
      if (!single)
        return together.unit(direction, first);
      Value enough = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sge, rest, c.index(s.sequences));
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
    c.eachUnit([&](Value number) {
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

private:
  RecurrentModel r;
  RecurrentSchedule s;
};

/// Whether the cells of a model can be computed; else `reason` says why not.
bool isSupported(const RecurrentModel &r, std::string &reason) {
  for (const graph::RecurrentActivation &function : r.activations)
    if (!graph::recurrentFunction(function.name)) {
      reason = "activation " + function.name + " has no kernel";
      return false;
    }
  if (r.activations.size() != size_t(r.directions * (r.gates == 4 ? 3 : r.gates == 3 ? 2 : 1)))
    reason = "the number of activations does not fit the directions";
  else if (!computeOf(r.x).isF32())
    reason = "the element type must be floating point of at most 32 bits";
  else
    return true;
  return false;
}

std::unique_ptr<KernelPlan> planRecurrent(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  RecurrentModel r = recurrentModel(kernel.getRootOp());
  if (!isSupported(r, reason))
    return nullptr;
  RecurrentSchedule s = recurrentSchedule(kernel, r, target);
  if (s.stackBytes() > kMaxStack)
    reason = "the hidden size does not fit the kernel's stack block";
  else if (yieldsRootAlone(kernel, reason))
    return std::make_unique<RecurrentPlan>(kernel, target, std::move(r), std::move(s));
  return nullptr;
}

} // namespace

void registerRecurrentStrategies(StrategyRegistry &registry) {
  registry.add({"recurrent", {"lstm", "gru", "rnn"}, planRecurrent});
}

} // namespace tenon::codegen
