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

struct Schedule {
  Exprs q, k, v, out;
  int64_t size, valueSize;         // head sizes
  int64_t lanes, keyVectors, keys; // keys of a block
  int64_t rows, block;             // query rows of a register tile and of a unit
};

Schedule scheduleOf(plan::KernelOp kernel, const CpuTarget &target) {
  auto op = cast<graph::AttentionOp>(kernel.getRootOp());
  Schedule s;
  s.q = shapeOf(op.getQ());
  s.k = shapeOf(op.getK());
  s.v = shapeOf(op.getV());
  s.out = shapeOf(op.getResult());
  s.size = constantOr(s.q[3]);
  s.valueSize = constantOr(s.v[3]);
  s.lanes = target.f32Lanes();
  s.keyVectors = target.vectorRegisters >= 32 ? 4 : 2;
  s.keys = s.lanes * s.keyVectors;
  int64_t length = constantOr(s.q[2]);
  s.rows = length >= 0 ? std::min<int64_t>(kRows, std::max<int64_t>(1, length)) : kRows;
  s.block = length >= 0 ? std::min<int64_t>(kQueryBlock, (length + s.rows - 1) / s.rows * s.rows) : kQueryBlock;
  s.block = std::max(s.block, s.rows);
  return s;
}

class AttentionPlan : public KernelPlan {
public:
  AttentionPlan(plan::KernelOp kernel, const CpuTarget &target)
      : KernelPlan(kernel, target), s(scheduleOf(kernel, target)) {}

  ScheduleFacts facts() const override {
    std::string tile = llvm::formatv("{0}x{1}", s.rows, s.keys);
    return {llvm::formatv("online softmax, {0} queries by {1} keys, register tile {2}, {3} lanes of 32 bits{4}",
                          s.block, s.keys, tile, s.lanes,
                          operandsText(kernel.getRootOp()->getOperands().take_front(3))),
            tile, s.lanes * 32};
  }
  WorkSplit split() const override { return {s.q[0] * s.q[1] * s.q[2].ceilDiv(s.block), 1}; }
  LogicalResult emit(KernelContext &c) const override;

private:
  Schedule s;
};

/// Emits the parts of one kernel.
struct AttentionEmitter {
  KernelContext &c;
  graph::AttentionOp op;
  const Schedule &s;
  OperandReader q, k, v;
  LaneMath m;
  Type f32;
  Value zero, lq, lk;
  Value valueBase;                                             // of the unit's head in V
  Value queries, keysT, weights, sums, maxima, totals, unseen; // stack blocks

  AttentionEmitter(KernelContext &c, graph::AttentionOp op, const Schedule &schedule)
      : c(c), op(op), s(schedule), q(c, op.getQ()), k(c, op.getK()), v(c, op.getV()), m{c}, f32(c.b.getF32Type()) {
    zero = c.index(int64_t(0));
    lq = c.index(s.q[2]);
    lk = c.index(s.k[2]);
    queries = scratch(c, s.block * s.size, f32);
    int64_t paddedSize = (s.size + s.lanes - 1) / s.lanes * s.lanes;
    keysT = scratch(c, paddedSize * s.keys, f32);
    weights = scratch(c, s.rows * s.keys, f32);
    sums = scratch(c, s.block * s.valueSize, f32);
    maxima = scratch(c, s.block, f32);
    totals = scratch(c, s.block, f32);
    if (op.getCausal())
      unseen = scratch(c, s.valueSize, f32);
  }

  Value loadF32(Value buffer, Value at, int64_t lanes, Value mask = {}) { return c.load(buffer, f32, at, lanes, mask); }
  void storeF32(Value value, Value buffer, Value at, Value mask = {}) { c.store(value, buffer, f32, at, mask); }

  void unit(Value number);
  void packQueries(Value base, Value first);
  void sumUnseen(Value limit);
  void packKeys(Value base, Value firstKey);
  void tile(Value row, Value first, Value firstKey, Value limit, ArrayRef<Value> head);
  Values weightless(Value from, Value to, Value d, int64_t width, Value mask = {});
  Value seesNone(ArrayRef<Value> head, Value query, Value where);
  Value applyMask(Value score, ArrayRef<Value> head, Value query, Value key, Value limit);
};

/// Rows beyond the last query repeat it; they are not stored.
void AttentionEmitter::packQueries(Value base, Value first) {
  Value scale = c.constant(f32, op.getScale().convertToDouble(), s.lanes);
  Value last = c.sub(lq, c.index(1));
  c.loop(zero, c.index(s.block), 1, [&](Value row) {
    Value source = c.mulAdd(c.minS(c.add(first, row), last), c.index(s.size), base);
    Value target = c.mul(row, c.index(s.size));
    c.vectorLoop(zero, c.index(s.size), s.lanes, s.size, [&](Value d, Value mask) {
      storeF32(m.mul(q.load(c.add(source, d), s.lanes, mask), scale), queries, c.add(target, d), mask);
    });
    c.vectorLoop(zero, c.index(s.valueSize), s.lanes, s.valueSize, [&](Value d, Value mask) {
      Value sum = op.getCausal() ? loadF32(unseen, d, s.lanes, mask) : c.constant(f32, 0, s.lanes);
      storeF32(sum, sums, c.mulAdd(row, c.index(s.valueSize), d), mask);
    });
    storeF32(c.constant(f32, kLowest, 1), maxima, row);
    storeF32(c.constant(f32, 0, 1), totals, row);
  });
}

/// keysT[d][key]: lanes x lanes tiles through registers. Keys beyond the last
/// repeat it; their weights are set to zero later.
void AttentionEmitter::packKeys(Value base, Value firstKey) {
  Value last = c.sub(lk, c.index(1));
  for (int64_t vector = 0; vector < s.keyVectors; ++vector)
    c.vectorLoop(zero, c.index(s.size), s.lanes, s.size, [&](Value d, Value mask) {
      Values rows;
      for (int64_t i = 0; i < s.lanes; ++i) {
        Value key = c.minS(c.add(firstKey, c.index(vector * s.lanes + i)), last);
        Value at = c.add(c.mulAdd(key, c.index(s.size), base), d);
        rows.push_back(k.load(at, s.lanes, mask));
      }
      transposeLanes(c, rows);
      for (int64_t i = 0; i < s.lanes; ++i) {
        Value at = c.mul(c.add(d, c.index(i)), c.index(s.keys));
        storeF32(rows[i], keysT, c.add(at, c.index(vector * s.lanes)));
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
      at = c.mulAdd(coordinates[d], c.index(broadcastStride(shape[d - missing], s.q[d], strides[d - missing])), at);
  Value value;
  Type element = elementOf(mask);
  if (shape.empty() || shape.back() == 1) {
    value = c.broadcast(loadFrom(c, mask, at, 1), s.lanes);
  } else if (mayBroadcast(shape.back(), s.k[2])) {
    Value isOne = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::eq, c.index(shape.back()), c.index(1));
    Value all = c.broadcast(loadFrom(c, mask, at, 1), s.lanes), own = m.select(isOne, zero, limit);
    value = m.select(isOne, all, loadFrom(c, mask, c.add(at, key), s.lanes, m.laneMask(key, own, s.lanes)));
  } else {
    value = loadFrom(c, mask, c.add(at, key), s.lanes, m.laneMask(key, limit, s.lanes));
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
  Exprs shape = c.shape(mask), strides = stridesOf(shape), full{s.q[0], s.q[1], s.q[2], s.k[2]};
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

/// The sums of 0 * V over the keys [from, to), `width` vectors of them from column d on:
/// zero, but NaN where V is no finite number.
Values AttentionEmitter::weightless(Value from, Value to, Value d, int64_t width, Value mask) {
  Value none = c.constant(f32, 0, s.lanes);
  return c.loop(from, to, 1, Values(width, none), [&](Value key, ValueRange sums) {
    Value at = c.add(c.mulAdd(key, c.index(s.valueSize), valueBase), d);
    Values next;
    for (auto [j, sum] : llvm::enumerate(sums))
      next.push_back(m.madd(none, v.load(c.add(at, c.index(j * s.lanes)), s.lanes, mask), sum));
    return next;
  });
}

/// What the keys from `limit` on, which no row of the unit sees, have in the sums.
void AttentionEmitter::sumUnseen(Value limit) {
  constexpr int64_t kWidth = 4; // additions that do not wait for each other
  int64_t step = kWidth * s.lanes, full = s.valueSize / step * step;
  c.loop(zero, c.index(full), step, [&](Value d) {
    for (auto [j, sum] : llvm::enumerate(weightless(limit, lk, d, kWidth)))
      storeF32(sum, unseen, c.add(d, c.index(j * s.lanes)));
  });
  if (full < s.valueSize)
    c.vectorLoop(c.index(full), c.index(s.valueSize), s.lanes, s.valueSize - full,
                 [&](Value d, Value mask) { storeF32(weightless(limit, lk, d, 1, mask)[0], unseen, d, mask); });
}

/// One register tile: scores, online softmax and weighted sum of s.rows queries
/// over one block of keys.
void AttentionEmitter::tile(Value row, Value first, Value firstKey, Value limit, ArrayRef<Value> head) {
  int64_t rows = s.rows, vectors = s.keyVectors, lanes = s.lanes;
  Values init(rows * vectors, c.constant(f32, 0, lanes));
  Values scores = c.loop(zero, c.index(s.size), 1, init, [&](Value d, ValueRange acc) {
    Values keys, next;
    Value at = c.mul(d, c.index(s.keys));
    for (int64_t j = 0; j < vectors; ++j)
      keys.push_back(loadF32(keysT, c.add(at, c.index(j * lanes)), lanes));
    for (int64_t r = 0; r < rows; ++r) {
      Value q = loadF32(queries, c.mulAdd(c.add(row, c.index(r)), c.index(s.size), d), 1);
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
      storeF32(weight, weights, c.index(r * s.keys + j * lanes));
      sum = sum ? m.add(sum, weight) : weight;
    }
    sum = horizontal(c, {sum}, lanes, sumOf)[0];
    storeF32(max, maxima, local);
    storeF32(m.madd(loadF32(totals, local, 1), correction, sum), totals, local);
    corrections.push_back(correction);
  }
  // Weighted sum, up to four vectors of the head size at a time.
  Value keyCount = c.minS(c.index(s.keys), c.sub(limit, firstKey));
  int64_t step = vectors * lanes;
  auto columns = [&](Value d, int64_t width, Value mask) {
    Values acc;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < width; ++j) {
        Value at = c.add(c.mulAdd(c.add(row, c.index(r)), c.index(s.valueSize), d), c.index(j * lanes));
        acc.push_back(m.mul(loadF32(sums, at, lanes, mask), c.broadcast(corrections[r], lanes)));
      }
    acc = c.loop(zero, keyCount, 1, acc, [&](Value key, ValueRange args) {
      Value at = c.add(c.mulAdd(c.add(firstKey, key), c.index(s.valueSize), valueBase), d);
      Values values, next;
      for (int64_t j = 0; j < width; ++j)
        values.push_back(v.load(c.add(at, c.index(j * lanes)), lanes, mask));
      for (int64_t r = 0; r < rows; ++r) {
        Value w = c.broadcast(loadF32(weights, c.add(c.index(r * s.keys), key), 1), lanes);
        for (int64_t j = 0; j < width; ++j)
          next.push_back(m.madd(w, values[j], args[r * width + j]));
      }
      return next;
    });
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < width; ++j) {
        Value at = c.add(c.mulAdd(c.add(row, c.index(r)), c.index(s.valueSize), d), c.index(j * lanes));
        storeF32(acc[r * width + j], sums, at, mask);
      }
  };
  int64_t full = s.valueSize / step * step;
  if (full > 0)
    c.loop(zero, c.index(full), step, [&](Value d) { columns(d, vectors, {}); });
  if (full < s.valueSize)
    c.vectorLoop(c.index(full), c.index(s.valueSize), lanes, s.valueSize - full,
                 [&](Value d, Value mask) { columns(d, 1, mask); });
}

void AttentionEmitter::unit(Value number) {
  Exprs units{s.q[0], s.q[1], s.q[2].ceilDiv(s.block)};
  Values at = c.delinearize(number, units);
  Value first = c.mul(at[2], c.index(s.block));
  // Several query heads share one key-value head.
  Value heads = c.index(s.q[1]), kvHeads = c.index(s.k[1]);
  Value kvHead = s.q[1] == s.k[1] ? at[1] : c.divU(at[1], c.divU(heads, kvHeads));
  Value qBase = c.mul(c.mulAdd(at[0], heads, at[1]), c.mul(lq, c.index(s.size)));
  Value kvIndex = c.mulAdd(at[0], kvHeads, kvHead);
  Value kBase = c.mul(kvIndex, c.mul(lk, c.index(s.size)));
  valueBase = c.mul(kvIndex, c.mul(lk, c.index(s.valueSize)));
  Value rowsHere = c.minS(c.index(s.block), c.sub(lq, first));
  Value limit = lk;
  if (op.getCausal())
    limit = c.maxS(zero, c.minS(lk, c.add(c.add(first, rowsHere), c.sub(lk, lq))));
  if (op.getCausal())
    sumUnseen(limit);
  packQueries(qBase, first);
  c.loop(zero, limit, s.keys, [&](Value firstKey) {
    packKeys(kBase, firstKey);
    c.loop(zero, rowsHere, s.rows, [&](Value row) { tile(row, first, firstKey, limit, at); });
  });
}

LogicalResult AttentionPlan::emit(KernelContext &c) const {
  auto op = cast<graph::AttentionOp>(kernel.getRootOp());
  AttentionEmitter e(c, op, s);
  ElementEmitter emitter(c, s.out);
  LogicalResult status = success();
  c.loop(c.begin, c.end, 1, [&](Value number) {
    e.unit(number);
    Exprs units{s.q[0], s.q[1], s.q[2].ceilDiv(s.block)};
    Values at = c.delinearize(number, units);
    Value first = c.mul(at[2], c.index(s.block));
    c.loop(e.zero, c.minS(c.index(s.block), c.sub(e.lq, first)), 1, [&](Value row) {
      Value total = e.loadF32(e.totals, row, 1), none = c.constant(e.f32, 0, 1), one = c.constant(e.f32, 1, 1);
      // A row that sees no key at all has weights of zero, whatever its scores are. So has
      // one whose scores are minus infinity by themselves, but that is NaN, as their
      // softmax is.
      Value hasNone = arith::CmpFOp::create(c.b, c.loc, arith::CmpFPredicate::ULE, total, none);
      Value isBlind = arith::AndIOp::create(c.b, c.loc, hasNone, e.seesNone(at, c.add(first, row), hasNone));
      Value inverse = c.broadcast(e.m.div(one, total), s.lanes);
      c.vectorLoop(e.zero, c.index(s.valueSize), s.lanes, s.valueSize, [&](Value d, Value mask) {
        Value v = e.loadF32(e.sums, c.mulAdd(row, c.index(s.valueSize), d), s.lanes, mask);
        emitter.setPoint({at[0], at[1], c.add(first, row), d}, s.lanes, mask);
        emitter.define(op.getResult(),
                       e.m.select(isBlind, e.weightless(e.zero, e.m.select(isBlind, e.lk, e.zero), d, 1, mask)[0],
                                  e.m.mul(v, inverse)));
        if (failed(emitter.storeYields()))
          status = failure();
      });
    });
  });
  return status;
}

std::unique_ptr<KernelPlan> planAttention(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) {
  auto op = cast<graph::AttentionOp>(kernel.getRootOp());
  for (Value operand : op->getOperands().take_front(3))
    if (!isReadableOrSplat(operand, reason))
      return nullptr;
  int64_t size = constantOr(shapeOf(op.getQ())[3]), valueSize = constantOr(shapeOf(op.getV())[3]);
  if (!computeOf(op.getQ()).isF32() || !computeOf(op.getK()).isF32() || !computeOf(op.getV()).isF32())
    reason = "exponentials need a floating-point type of at most 32 bits";
  else if (size <= 0 || valueSize <= 0)
    reason = "the head size must be static";
  else if (size > 512 || valueSize > 512)
    reason = "head sizes above 512 do not fit the kernel's stack block";
  else
    return std::make_unique<AttentionPlan>(kernel, target);
  return nullptr;
}

} // namespace

void registerRowStrategies(StrategyRegistry &registry) {
  registry.add({"row-reduce", {"reduce"}, planReduce});
  registry.add({"row-arg-reduce", {"arg_reduce"}, planArgReduce});
  registry.add({"row-cumsum", {"cumsum"}, planCumSum});
  registry.add({"row-top-k", {"top_k"}, planTopK});
  registry.add({"row-softmax", {"softmax"}, planSoftmax});
  registry.add({"row-norm", {"norm"}, planNorm});
  registry.add({"row-attention", {"attention"}, planAttention});
}

} // namespace tenon::cpu
