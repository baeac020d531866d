// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scaled dot-product attention without a score matrix. A unit is one head and
// a block of query rows. Keys come in blocks that are transposed once per unit
// into the stack, so that lanes run over keys for the scores and over the head
// size for the weighted sum; the softmax is kept online over the key blocks.
#include "OperandReader.h"
#include "RowStrategies.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr double kLowest = std::numeric_limits<float>::lowest();
constexpr int64_t kQueryBlock = 32, kRows = 4;

struct Plan {
  Exprs q, k, v, out;
  int64_t size, valueSize;         // head sizes
  int64_t lanes, keyVectors, keys; // keys of a block
  int64_t rows, block;             // query rows of a register tile and of a unit
};

class AttentionStrategy : public Strategy {
public:
  StringRef name() const override { return "row-attention"; }
  std::vector<StringRef> roots() const override { return {"attention"}; }

  bool matches(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) const override {
    auto op = cast<graph::AttentionOp>(kernel.getRootOp());
    Plan p = planFor(kernel, target);
    if (!llvm::all_of(op->getOperands().take_front(3),
                      [&](Value operand) { return isReadableOrSplat(operand, reason); }))
      return false;
    if (!computeOf(op.getQ()).isF32() || !computeOf(op.getK()).isF32() || !computeOf(op.getV()).isF32())
      reason = "exponentials need a floating-point type of at most 32 bits";
    else if (p.size <= 0 || p.valueSize <= 0)
      reason = "the head size must be static";
    else if (p.size > 512 || p.valueSize > 512)
      reason = "head sizes above 512 do not fit the kernel's stack block";
    else
      return true;
    return false;
  }
  std::string describe(plan::KernelOp kernel, const CpuTarget &target) const override {
    Plan p = planFor(kernel, target);
    return llvm::formatv("online softmax, {0} queries by {1} keys, register tile {2}x{1}, {3} lanes of 32 bits{4}",
                         p.block, p.keys, p.rows, p.lanes,
                         operandsText(kernel.getRootOp()->getOperands().take_front(3)))
        .str();
  }
  WorkSplit split(plan::KernelOp kernel, const CpuTarget &target) const override {
    Plan p = planFor(kernel, target);
    return {p.q[0] * p.q[1] * p.q[2].ceilDiv(p.block), 1};
  }

  static Plan planFor(plan::KernelOp kernel, const CpuTarget &target) {
    auto op = cast<graph::AttentionOp>(kernel.getRootOp());
    Plan p;
    p.q = shapeOf(op.getQ());
    p.k = shapeOf(op.getK());
    p.v = shapeOf(op.getV());
    p.out = shapeOf(op.getResult());
    p.size = constantOr(p.q[3]);
    p.valueSize = constantOr(p.v[3]);
    p.lanes = target.f32Lanes();
    p.keyVectors = target.vectorRegisters >= 32 ? 4 : 2;
    p.keys = p.lanes * p.keyVectors;
    int64_t length = constantOr(p.q[2]);
    p.rows = length >= 0 ? std::min<int64_t>(kRows, std::max<int64_t>(1, length)) : kRows;
    p.block = length >= 0 ? std::min<int64_t>(kQueryBlock, (length + p.rows - 1) / p.rows * p.rows) : kQueryBlock;
    p.block = std::max(p.block, p.rows);
    return p;
  }

  LogicalResult emit(KernelContext &c) const override;
};

/// Emits the parts of one kernel.
struct AttentionEmitter {
  KernelContext &c;
  graph::AttentionOp op;
  Plan p;
  OperandReader q, k, v;
  LaneMath m;
  Type f32;
  Value zero, lq, lk;
  Value queries, keysT, weights, sums, maxima, totals; // stack blocks

  AttentionEmitter(KernelContext &c, graph::AttentionOp op, Plan plan)
      : c(c), op(op), p(plan), q(c, op.getQ()), k(c, op.getK()), v(c, op.getV()), m{c}, f32(c.b.getF32Type()) {
    zero = c.index(int64_t(0));
    lq = c.index(p.q[2]);
    lk = c.index(p.k[2]);
    queries = scratch(c, p.block * p.size, f32);
    int64_t paddedSize = (p.size + p.lanes - 1) / p.lanes * p.lanes;
    keysT = scratch(c, paddedSize * p.keys, f32);
    weights = scratch(c, p.rows * p.keys, f32);
    sums = scratch(c, p.block * p.valueSize, f32);
    maxima = scratch(c, p.block, f32);
    totals = scratch(c, p.block, f32);
  }

  Value loadF32(Value buffer, Value at, int64_t lanes, Value mask = {}) { return c.load(buffer, f32, at, lanes, mask); }
  void storeF32(Value value, Value buffer, Value at, Value mask = {}) { c.store(value, buffer, f32, at, mask); }

  void unit(Value number);
  void packQueries(Value base, Value first);
  void packKeys(Value base, Value firstKey);
  void tile(Value row, Value first, Value firstKey, Value limit, Value valueBase, ArrayRef<Value> head);
  Value seesNone(ArrayRef<Value> head, Value query, Value where);
  Value applyMask(Value score, ArrayRef<Value> head, Value query, Value key, Value limit);
};

/// Rows beyond the last query repeat it; they are not stored.
void AttentionEmitter::packQueries(Value base, Value first) {
  Value scale = c.constant(f32, op.getScale().convertToDouble(), p.lanes);
  Value last = c.sub(lq, c.index(1));
  c.loop(zero, c.index(p.block), 1, [&](Value row) {
    Value source = c.mulAdd(c.minS(c.add(first, row), last), c.index(p.size), base);
    Value target = c.mul(row, c.index(p.size));
    c.vectorLoop(zero, c.index(p.size), p.lanes, p.size, [&](Value d, Value mask) {
      storeF32(m.mul(q.load(c.add(source, d), p.lanes, mask), scale), queries, c.add(target, d), mask);
    });
    c.vectorLoop(zero, c.index(p.valueSize), p.lanes, p.valueSize, [&](Value d, Value mask) {
      storeF32(c.constant(f32, 0, p.lanes), sums, c.mulAdd(row, c.index(p.valueSize), d), mask);
    });
    storeF32(c.constant(f32, kLowest, 1), maxima, row);
    storeF32(c.constant(f32, 0, 1), totals, row);
  });
}

/// keysT[d][key]: lanes x lanes tiles through registers. Keys beyond the last
/// repeat it; their weights are set to zero later.
void AttentionEmitter::packKeys(Value base, Value firstKey) {
  Value last = c.sub(lk, c.index(1));
  for (int64_t vector = 0; vector < p.keyVectors; ++vector)
    c.vectorLoop(zero, c.index(p.size), p.lanes, p.size, [&](Value d, Value mask) {
      Values rows;
      for (int64_t i = 0; i < p.lanes; ++i) {
        Value key = c.minS(c.add(firstKey, c.index(vector * p.lanes + i)), last);
        Value at = c.add(c.mulAdd(key, c.index(p.size), base), d);
        rows.push_back(k.load(at, p.lanes, mask));
      }
      transposeLanes(c, rows);
      for (int64_t i = 0; i < p.lanes; ++i) {
        Value at = c.mul(c.add(d, c.index(i)), c.index(p.keys));
        storeF32(rows[i], keysT, c.add(at, c.index(vector * p.lanes)));
      }
    });
}

Value AttentionEmitter::applyMask(Value score, ArrayRef<Value> head, Value query, Value key, Value limit) {
  Value mask = op.getMask();
  Exprs shape = c.shape(mask), strides = stridesOf(shape);
  int64_t missing = 4 - int64_t(shape.size());
  Value coordinates[3] = {head[0], head[1], c.minS(query, c.sub(lq, c.index(1)))};
  Value at = zero;
  for (int64_t d = missing; d < 3; ++d)
    if (shape[d - missing] != 1)
      at = c.mulAdd(coordinates[d], c.index(broadcastStride(shape[d - missing], p.q[d], strides[d - missing])), at);
  Value value;
  Type element = elementOf(mask);
  if (shape.empty() || shape.back() == 1) {
    value = c.broadcast(loadFrom(c, mask, at, 1), p.lanes);
  } else if (mayBroadcast(shape.back(), p.k[2])) {
    Value isOne = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::eq, c.index(shape.back()), c.index(1));
    Value all = c.broadcast(loadFrom(c, mask, at, 1), p.lanes), own = m.select(isOne, zero, limit);
    value = m.select(isOne, all, loadFrom(c, mask, c.add(at, key), p.lanes, m.laneMask(key, own, p.lanes)));
  } else {
    value = loadFrom(c, mask, c.add(at, key), p.lanes, m.laneMask(key, limit, p.lanes));
  }
  // A row masked by minus infinity alone has weights of zero: the running
  // maximum starts above it.
  if (element.isInteger(1))
    return m.select(value, score, m.like(score, -std::numeric_limits<double>::infinity()));
  return m.add(score, m.toF32(value));
}

/// Whether the mask, or the diagonal, hides all keys from a query; asked `where` that matters.
Value AttentionEmitter::seesNone(ArrayRef<Value> head, Value query, Value where) {
  Value seen = lk;
  if (op.getCausal())
    seen = c.minS(lk, c.add(c.add(query, c.index(1)), c.sub(lk, lq)));
  Value mask = op.getMask();
  if (!mask)
    return arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sle, seen, zero);
  Exprs shape = c.shape(mask), strides = stridesOf(shape), full{p.q[0], p.q[1], p.q[2], p.k[2]};
  int64_t missing = 4 - int64_t(shape.size());
  Value isHidden = arith::ConstantIntOp::create(c.b, c.loc, 1, 1);
  return c.loop(zero, m.select(where, seen, zero), 1, isHidden, [&](Value key, ValueRange hidden) {
    Value coordinates[4] = {head[0], head[1], query, key}, at = zero;
    for (int64_t d = missing; d < 4; ++d)
      at = c.mulAdd(coordinates[d], c.index(broadcastStride(shape[d - missing], full[d], strides[d - missing])), at);
    Value value = loadFrom(c, mask, at, 1);
    Value here = elementOf(mask).isInteger(1)
                     ? m.select(value, arith::ConstantIntOp::create(c.b, c.loc, 0, 1), isHidden)
                     : m.equal(m.toF32(value), c.constant(f32, -std::numeric_limits<double>::infinity(), 1));
    return Values{arith::AndIOp::create(c.b, c.loc, hidden[0], here)};
  })[0];
}

/// One register tile: scores, online softmax and weighted sum of p.rows queries
/// over one block of keys.
void AttentionEmitter::tile(Value row, Value first, Value firstKey, Value limit, Value valueBase,
                            ArrayRef<Value> head) {
  int64_t rows = p.rows, vectors = p.keyVectors, lanes = p.lanes;
  Values init(rows * vectors, c.constant(f32, 0, lanes));
  Values scores = c.loop(zero, c.index(p.size), 1, init, [&](Value d, ValueRange acc) {
    Values keys, next;
    Value at = c.mul(d, c.index(p.keys));
    for (int64_t j = 0; j < vectors; ++j)
      keys.push_back(loadF32(keysT, c.add(at, c.index(j * lanes)), lanes));
    for (int64_t r = 0; r < rows; ++r) {
      Value q = loadF32(queries, c.mulAdd(c.add(row, c.index(r)), c.index(p.size), d), 1);
      for (int64_t j = 0; j < vectors; ++j)
        next.push_back(m.madd(c.broadcast(q, lanes), keys[j], acc[r * vectors + j]));
    }
    return next;
  });
  Values corrections;
  auto maxOf = [&](ValueRange a, ValueRange z) { return Values{m.max(a[0], z[0])}; };
  auto sumOf = [&](ValueRange a, ValueRange z) { return Values{m.add(a[0], z[0])}; };
  for (int64_t r = 0; r < rows; ++r) {
    Value local = c.add(row, c.index(r)), query = c.add(first, local);
    // The keys this row sees: up to limit, and with causal to its diagonal.
    Value seen = limit;
    if (op.getCausal())
      seen = c.minS(limit, c.add(c.add(query, c.index(1)), c.sub(lk, lq)));
    Values masks;
    Value top;
    for (int64_t j = 0; j < vectors; ++j) {
      Value key = c.add(firstKey, c.index(j * lanes)), &score = scores[r * vectors + j];
      if (op.getMask())
        score = applyMask(score, head, query, key, limit);
      masks.push_back(m.laneMask(key, seen, lanes));
      score = m.select(masks.back(), score, m.like(score, kLowest));
      top = top ? m.max(score, top) : score;
    }
    Value old = loadF32(maxima, local, 1);
    Value max = m.max(horizontal(c, {top}, lanes, maxOf)[0], old);
    Value correction = m.exp(m.sub(old, max));
    Value sum;
    for (int64_t j = 0; j < vectors; ++j) {
      Value weight = m.exp(m.sub(scores[r * vectors + j], c.broadcast(max, lanes)));
      weight = m.select(masks[j], weight, m.like(weight, 0));
      storeF32(weight, weights, c.index(r * p.keys + j * lanes));
      sum = sum ? m.add(sum, weight) : weight;
    }
    sum = horizontal(c, {sum}, lanes, sumOf)[0];
    storeF32(max, maxima, local);
    storeF32(m.madd(loadF32(totals, local, 1), correction, sum), totals, local);
    corrections.push_back(correction);
  }
  // Weighted sum, up to four vectors of the head size at a time.
  Value keyCount = c.minS(c.index(p.keys), c.sub(limit, firstKey));
  int64_t step = vectors * lanes;
  auto columns = [&](Value d, int64_t width, Value mask) {
    Values acc;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < width; ++j) {
        Value at = c.add(c.mulAdd(c.add(row, c.index(r)), c.index(p.valueSize), d), c.index(j * lanes));
        acc.push_back(m.mul(loadF32(sums, at, lanes, mask), c.broadcast(corrections[r], lanes)));
      }
    acc = c.loop(zero, keyCount, 1, acc, [&](Value key, ValueRange args) {
      Value at = c.add(c.mulAdd(c.add(firstKey, key), c.index(p.valueSize), valueBase), d);
      Values values, next;
      for (int64_t j = 0; j < width; ++j)
        values.push_back(v.load(c.add(at, c.index(j * lanes)), lanes, mask));
      for (int64_t r = 0; r < rows; ++r) {
        Value w = c.broadcast(loadF32(weights, c.add(c.index(r * p.keys), key), 1), lanes);
        for (int64_t j = 0; j < width; ++j)
          next.push_back(m.madd(w, values[j], args[r * width + j]));
      }
      return next;
    });
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < width; ++j) {
        Value at = c.add(c.mulAdd(c.add(row, c.index(r)), c.index(p.valueSize), d), c.index(j * lanes));
        storeF32(acc[r * width + j], sums, at, mask);
      }
  };
  int64_t full = p.valueSize / step * step;
  if (full > 0)
    c.loop(zero, c.index(full), step, [&](Value d) { columns(d, vectors, {}); });
  if (full < p.valueSize)
    c.vectorLoop(c.index(full), c.index(p.valueSize), lanes, p.valueSize - full,
                 [&](Value d, Value mask) { columns(d, 1, mask); });
}

void AttentionEmitter::unit(Value number) {
  Exprs units{p.q[0], p.q[1], p.q[2].ceilDiv(p.block)};
  Values at = c.delinearize(number, units);
  Value first = c.mul(at[2], c.index(p.block));
  // Several query heads share one key-value head.
  Value heads = c.index(p.q[1]), kvHeads = c.index(p.k[1]);
  Value kvHead = p.q[1] == p.k[1] ? at[1] : c.divU(at[1], c.divU(heads, kvHeads));
  Value qBase = c.mul(c.mulAdd(at[0], heads, at[1]), c.mul(lq, c.index(p.size)));
  Value kvIndex = c.mulAdd(at[0], kvHeads, kvHead);
  Value kBase = c.mul(kvIndex, c.mul(lk, c.index(p.size)));
  Value vBase = c.mul(kvIndex, c.mul(lk, c.index(p.valueSize)));
  packQueries(qBase, first);
  Value rowsHere = c.minS(c.index(p.block), c.sub(lq, first));
  Value limit = lk;
  if (op.getCausal())
    limit = c.maxS(zero, c.minS(lk, c.add(c.add(first, rowsHere), c.sub(lk, lq))));
  c.loop(zero, limit, p.keys, [&](Value firstKey) {
    packKeys(kBase, firstKey);
    c.loop(zero, rowsHere, p.rows, [&](Value row) { tile(row, first, firstKey, limit, vBase, at); });
  });
}

LogicalResult AttentionStrategy::emit(KernelContext &c) const {
  auto op = cast<graph::AttentionOp>(c.kernel.getRootOp());
  Plan p = planFor(c.kernel, c.target);
  AttentionEmitter e(c, op, p);
  ElementEmitter emitter(c, p.out);
  LogicalResult status = success();
  c.loop(c.begin, c.end, 1, [&](Value number) {
    e.unit(number);
    Exprs units{p.q[0], p.q[1], p.q[2].ceilDiv(p.block)};
    Values at = c.delinearize(number, units);
    Value first = c.mul(at[2], c.index(p.block));
    c.loop(e.zero, c.minS(c.index(p.block), c.sub(e.lq, first)), 1, [&](Value row) {
      Value total = e.loadF32(e.totals, row, 1), none = c.constant(e.f32, 0, 1), one = c.constant(e.f32, 1, 1);
      // A row that sees no key at all is zero, whatever its scores are. One whose scores
      // are minus infinity by themselves has weights of zero, too, but is NaN, as their
      // softmax is.
      Value hasNone = arith::CmpFOp::create(c.b, c.loc, arith::CmpFPredicate::ULE, total, none);
      Value isBlind = arith::AndIOp::create(c.b, c.loc, hasNone, e.seesNone(at, c.add(first, row), hasNone));
      Value inverse = c.broadcast(e.m.div(one, total), p.lanes);
      c.vectorLoop(e.zero, c.index(p.valueSize), p.lanes, p.valueSize, [&](Value d, Value mask) {
        Value v = e.loadF32(e.sums, c.mulAdd(row, c.index(p.valueSize), d), p.lanes, mask);
        emitter.setPoint({at[0], at[1], c.add(first, row), d}, p.lanes, mask);
        emitter.define(op.getResult(), e.m.select(isBlind, c.constant(e.f32, 0, p.lanes), e.m.mul(v, inverse)));
        if (failed(emitter.storeYields()))
          status = failure();
      });
    });
  });
  return status;
}

} // namespace

std::unique_ptr<Strategy> makeAttentionStrategy() { return std::make_unique<AttentionStrategy>(); }

void registerRowStrategies(StrategyRegistry &registry) {
  registry.add(makeReduceStrategy());
  registry.add(makeArgReduceStrategy());
  registry.add(makeCumSumStrategy());
  registry.add(makeTopKStrategy());
  registry.add(makeSoftmaxStrategy());
  registry.add(makeNormStrategy());
  registry.add(makeAttentionStrategy());
}

} // namespace tenon::cpu
