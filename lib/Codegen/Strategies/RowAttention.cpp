// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scaled dot-product attention without a score matrix. For each batch entry and head, query i and key j:
//
//   s[i, j] = scale * sum over d of q[i, d] * k[j, d] + mask[i, j]         a boolean mask: -inf where it is false
//   y[i, d] = sum over j of exp(s[i, j]) * v[j, d]  /  sum over j of exp(s[i, j])
//
// causal: query i of Lq sees the keys j <= i + Lk - Lq. Several heads of q may share one of k and v.
//
// The softmax is online: keys come in blocks, and each query keeps the maximum M of the scores so far, the total T of
// exponentials and the weighted sums S, both relative to M. A block of keys J changes them to
//
//   M' = max(M, max of s[j]),   w[j] = exp(s[j] - M'),   r = exp(M - M')   (the correction)
//   T' = T * r + sum of w[j],   S'[d] = S[d] * r + sum of w[j] * v[j, d]
//
// and in the end y[d] = S[d] / T. So no score outlives its block.
//
// A unit is one head and a block of queries. Its loops, with a register tile of `rows` queries (four, or all of fewer)
// times `keys` keys, which are `keyVectors` vectors:
//
//   for each block of keys
//     keysT[d][key] = the block, transposed             once for all queries of the unit
//     for each tile of rows
//       scores     acc[row, vector of keys]   loop over d, which carries the tile:
//
//                       keysT[d]:    | vector 0 | vector 1 |
//                    q[row 0][d]     |  acc 0   |  acc 1   |    lanes run over keys: each step broadcasts an element
//                    q[row 1][d]     |  acc 2   |  acc 3   |    of each query and loads a row of keysT, so that no
//                        ..          |    ..    |    ..    |    score needs a horizontal sum
//
//       softmax    M, T and the correction of each row; the weights go to memory [row][key]
//       sums       S[row, vector of d]        loop over the keys of the block, which carries the tile: lanes run over
//                                             the head size, each step broadcasts a weight of each row and loads v
//
// Queries beyond the last repeat it and are not stored; keys beyond the last repeat it and get a weight of zero; the
// head size ends in a masked vector. Buffers on the stack, of f32:
//
//   queries [block][size]    scaled       keysT   [size][keys]       size in whole vectors
//   sums    [block][value]   S            weights [rows][keys]       w of the tile in work
//   maxima, totals [block]   M and T      unseen  [value]            causal: see sumUnseen
//
// Keys that a query does not see have a weight of zero, as in the softmax of -inf. Zero times an infinite v is NaN
// there, so also the keys that a whole block of queries does not see must enter the sums (sumUnseen, weightless).
#include "RowStrategies.h"
#include "tenon/Codegen/OperandReader.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

// Where maxima begin: finite, so that a query whose scores are all -inf has weights of zero and not NaN.
constexpr double kLowest = std::numeric_limits<float>::lowest();
constexpr int64_t kQueryBlock = 32, kRows = 4; // queries of a unit and of a register tile at most

struct Schedule {
  Exprs q, k, v, out;              // [batch, heads, length, head size]
  int64_t size, valueSize;         // head sizes: of q and k, of v and the result
  int64_t lanes, keyVectors, keys; // keys of a block are keyVectors vectors
  int64_t rows, block;             // queries of a register tile and of a unit
};

Schedule scheduleOf(plan::KernelOp kernel, const Machine &target) {
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
  AttentionPlan(plan::KernelOp kernel, const Machine &target)
      : KernelPlan(kernel, target), s(scheduleOf(kernel, target)) {}

  ScheduleFacts facts() const override {
    std::string tile = llvm::formatv("{0}x{1}", s.rows, s.keys);
    return {llvm::formatv("online softmax, {0} queries by {1} keys, register tile {2}, {3} lanes of 32 bits{4}",
                          s.block, s.keys, tile, s.lanes,
                          operandsText(kernel.getRootOp()->getOperands().take_front(3), target)),
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
  Value zero, lq, lk;                                          // lq, lk: how many queries and keys there are
  Value valueBase;                                             // of the unit's head in V
  Value queries, keysT, weights, sums, maxima, totals, unseen; // stack buffers

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

  /// s.rows queries and one block of keys.
  struct Tile {
    Value row, first;     // the first query within the unit, whose own first is query `first`
    Value firstKey;       // of the block
    Value limit;          // keys from here on are seen by none of the unit's queries
    ArrayRef<Value> head; // batch entry and head
  };

  void unit(Value number);
  void packQueries(Value base, Value first);
  void sumUnseen(Value limit);
  void packKeys(Value base, Value firstKey);
  void emitTile(const Tile &t);
  Values scoresOf(const Tile &t);
  Value softmaxOf(const Tile &t, int64_t r, Values scores);
  void addColumns(const Tile &t, ArrayRef<Value> corrections, Value keyCount, Value d, int64_t width, Value mask);
  Values weightless(Value from, Value to, Value d, int64_t width, Value mask = {});
  Value seesNone(ArrayRef<Value> head, Value query, Value where);
  Value applyMask(Value score, ArrayRef<Value> head, Value query, Value key, Value limit);
};

/// Copies the unit's queries, from `first` on, times the scale, and sets the state of each row: M the lowest number, T
/// zero, S what unseen keys give. `base` is where the head's queries begin. Rows beyond the last query repeat it.
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

/// keysT[d][key] = k[firstKey + key][d], by squares of lanes x lanes that are transposed in registers. Keys beyond the
/// last repeat it. Where d ends within a vector, the rest of the square goes to rows of keysT that are not read.
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

/// The scores of a vector of keys from `key` on with the mask's part. `limit` bounds the keys that are read in the
/// mask, which may broadcast along any dimension, that of keys at run time, too.
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
  // A row with scores of -inf alone has weights of zero, as its maximum begins at the lowest number.
  if (element.isInteger(1))
    return m.select(value, score, m.like(score, -std::numeric_limits<double>::infinity()));
  return m.add(score, m.toF32(value));
}

/// Whether the mask, or the diagonal, hides all keys from a query. The loop over the keys runs only `where` that
/// matters; elsewhere the answer is not used.
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

/// The sums of 0 * v[key, ..] over the keys [from, to), for `width` vectors of columns from d on: zero, but NaN where
/// an element is no finite number.
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

/// unseen[d] = what the keys from `limit` on, which no query of the unit sees, have in its sums.
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

/// The scores of a tile, [row][vector of keys], without the mask's part.
Values AttentionEmitter::scoresOf(const Tile &t) {
  int64_t lanes = s.lanes, vectors = s.keyVectors;
  Values init(s.rows * vectors, c.constant(f32, 0, lanes));
  return c.loop(zero, c.index(s.size), 1, init, [&](Value d, ValueRange acc) {
    Values keys, next;
    Value at = c.mul(d, c.index(s.keys));
    for (int64_t j = 0; j < vectors; ++j)
      keys.push_back(loadF32(keysT, c.add(at, c.index(j * lanes)), lanes));
    for (int64_t r = 0; r < s.rows; ++r) {
      Value q = loadF32(queries, c.mulAdd(c.add(t.row, c.index(r)), c.index(s.size), d), 1);
      for (int64_t j = 0; j < vectors; ++j)
        next.push_back(m.madd(c.broadcast(q, lanes), keys[j], acc[r * vectors + j]));
    }
    return next;
  });
}

/// The softmax step of row r of a tile, given its scores: updates M and T of the row, stores its weights, and returns
/// the correction.
Value AttentionEmitter::softmaxOf(const Tile &t, int64_t r, Values scores) {
  int64_t lanes = s.lanes;
  auto maxOf = [&](ValueRange a, ValueRange z) { return Values{m.max(a[0], z[0])}; };
  auto sumOf = [&](ValueRange a, ValueRange z) { return Values{m.add(a[0], z[0])}; };
  Value local = c.add(t.row, c.index(r)), query = c.add(t.first, local);
  // This query sees the keys before `seen`: to the diagonal, if causal.
  Value seen = t.limit;
  if (op.getCausal())
    seen = c.minS(t.limit, c.add(c.add(query, c.index(1)), c.sub(lk, lq)));
  Values masks;
  Value top;
  for (auto [j, score] : llvm::enumerate(scores)) {
    Value key = c.add(t.firstKey, c.index(j * lanes));
    if (op.getMask())
      score = applyMask(score, t.head, query, key, t.limit);
    masks.push_back(m.laneMask(key, seen, lanes));
    score = m.select(masks.back(), score, m.like(score, kLowest));
    top = top ? m.max(score, top) : score;
  }
  Value old = loadF32(maxima, local, 1);
  Value max = m.max(horizontal(c, {top}, lanes, maxOf)[0], old);
  Value correction = m.exp(m.sub(old, max));
  Value sum;
  for (auto [j, score] : llvm::enumerate(scores)) {
    Value weight = m.exp(m.sub(score, c.broadcast(max, lanes)));
    weight = m.select(masks[j], weight, m.like(weight, 0));
    storeF32(weight, weights, c.index(r * s.keys + j * lanes));
    sum = sum ? m.add(sum, weight) : weight;
  }
  sum = horizontal(c, {sum}, lanes, sumOf)[0];
  storeF32(max, maxima, local);
  storeF32(m.madd(loadF32(totals, local, 1), correction, sum), totals, local);
  return correction;
}

/// Adds `keyCount` weighted keys to the sums of a tile's rows, in `width` vectors of columns from d on.
void AttentionEmitter::addColumns(const Tile &t, ArrayRef<Value> corrections, Value keyCount, Value d, int64_t width,
                                  Value mask) {
  int64_t lanes = s.lanes;
  auto sumAt = [&](int64_t r, int64_t j) {
    return c.add(c.mulAdd(c.add(t.row, c.index(r)), c.index(s.valueSize), d), c.index(j * lanes));
  };
  Values acc;
  for (int64_t r = 0; r < s.rows; ++r)
    for (int64_t j = 0; j < width; ++j) {
      Value at = sumAt(r, j);
      acc.push_back(m.mul(loadF32(sums, at, lanes, mask), c.broadcast(corrections[r], lanes)));
    }
  acc = c.loop(zero, keyCount, 1, acc, [&](Value key, ValueRange args) {
    Value at = c.add(c.mulAdd(c.add(t.firstKey, key), c.index(s.valueSize), valueBase), d);
    Values values, next;
    for (int64_t j = 0; j < width; ++j)
      values.push_back(v.load(c.add(at, c.index(j * lanes)), lanes, mask));
    for (int64_t r = 0; r < s.rows; ++r) {
      Value w = c.broadcast(loadF32(weights, c.add(c.index(r * s.keys), key), 1), lanes);
      for (int64_t j = 0; j < width; ++j)
        next.push_back(m.madd(w, values[j], args[r * width + j]));
    }
    return next;
  });
  for (int64_t r = 0; r < s.rows; ++r)
    for (int64_t j = 0; j < width; ++j)
      storeF32(acc[r * width + j], sums, sumAt(r, j), mask);
}

/// Scores, softmax and weighted sums of a tile: see the head of this file.
void AttentionEmitter::emitTile(const Tile &t) {
  int64_t vectors = s.keyVectors, lanes = s.lanes;
  Values scores = scoresOf(t), corrections;
  for (int64_t r = 0; r < s.rows; ++r)
    corrections.push_back(softmaxOf(t, r, Values(ArrayRef(scores).slice(r * vectors, vectors))));
  // At most as many accumulators as the scores take.
  Value keyCount = c.minS(c.index(s.keys), c.sub(t.limit, t.firstKey));
  int64_t step = vectors * lanes, full = s.valueSize / step * step;
  if (full > 0)
    c.loop(zero, c.index(full), step, [&](Value d) { addColumns(t, corrections, keyCount, d, vectors, {}); });
  if (full < s.valueSize)
    c.vectorLoop(c.index(full), c.index(s.valueSize), lanes, s.valueSize - full,
                 [&](Value d, Value mask) { addColumns(t, corrections, keyCount, d, 1, mask); });
}

void AttentionEmitter::unit(Value number) {
  Exprs units{s.q[0], s.q[1], s.q[2].ceilDiv(s.block)};
  Values at = c.delinearize(number, units);
  Value first = c.mul(at[2], c.index(s.block));
  // Query head h reads head h / (heads / kvHeads) of k and v.
  Value heads = c.index(s.q[1]), kvHeads = c.index(s.k[1]);
  Value kvHead = s.q[1] == s.k[1] ? at[1] : c.divU(at[1], c.divU(heads, kvHeads));
  Value qBase = c.mul(c.mulAdd(at[0], heads, at[1]), c.mul(lq, c.index(s.size)));
  Value kvIndex = c.mulAdd(at[0], kvHeads, kvHead);
  Value kBase = c.mul(kvIndex, c.mul(lk, c.index(s.size)));
  valueBase = c.mul(kvIndex, c.mul(lk, c.index(s.valueSize)));
  Value rowsHere = c.minS(c.index(s.block), c.sub(lq, first));
  // Keys from `limit` on are hidden from the last query of the unit, and so from all.
  Value limit = lk;
  if (op.getCausal())
    limit = c.maxS(zero, c.minS(lk, c.add(c.add(first, rowsHere), c.sub(lk, lq))));
  if (op.getCausal())
    sumUnseen(limit);
  packQueries(qBase, first);
  c.loop(zero, limit, s.keys, [&](Value firstKey) {
    packKeys(kBase, firstKey);
    c.loop(zero, rowsHere, s.rows, [&](Value row) { emitTile({row, first, firstKey, limit, at}); });
  });
}

LogicalResult AttentionPlan::emit(KernelContext &c) const {
  auto op = cast<graph::AttentionOp>(kernel.getRootOp());
  AttentionEmitter e(c, op, s);
  ElementEmitter emitter(c, s.out);
  LogicalResult status = success();
  c.eachUnit([&](Value number) {
    e.unit(number);
    Exprs units{s.q[0], s.q[1], s.q[2].ceilDiv(s.block)};
    Values at = c.delinearize(number, units);
    Value first = c.mul(at[2], c.index(s.block));
    c.loop(e.zero, c.minS(c.index(s.block), c.sub(e.lq, first)), 1, [&](Value row) {
      Value total = e.loadF32(e.totals, row, 1), none = c.constant(e.f32, 0, 1), one = c.constant(e.f32, 1, 1);
      // The total is zero in two cases. A query that sees no key at all (isBlind) has weights of zero, whatever its
      // scores are, and so the sum of 0 * v. One whose scores are -inf by themselves has NaN, as their softmax is:
      // zero times 1 / 0.
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

} // namespace

std::unique_ptr<KernelPlan> planAttention(plan::KernelOp kernel, const Machine &target, std::string &reason) {
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

} // namespace tenon::codegen
