// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Data movement: transpose, slice, concat, constant padding, tile, gather. Elements move as they lie, in runs that are
// contiguous in source and result: vectors, the last one masked. Where each result element comes from:
//
//   transpose, slice   result[i0, i1, ..] = x[base + i0 * s0 + i1 * s1 + ..]                              (Movement.h)
//   concat             result[outer, j, inner] = operand number m at [outer, j - start of m, inner], along the axis
//   pad                result[i] = x[i - begin], or the value where that is outside; per dimension
//   tile               result[i] = x[i % size], per dimension
//   gather             result[outer, p.., inner] = x[outer, indices[p..], inner], along the axis
//
// Each has units that are rows of the result; within a unit:
//
//   transpose, slice   the last dimension: one run or, if it is strided in the source, element by element (only where
//                      MovementTranspose.cpp does not take the kernel)
//   concat             | operand 0 | operand 1 | .. |     a run of each operand: its part from the axis on
//   pad                | value | run of x | value |       or nothing but the value, where the row itself is outside
//   tile               | run of x | run of x | .. |       of the last dimension
//   gather             one run: all dimensions behind the axis; a unit is one index of one `outer`
#include "Movement.h"

#include "IndexCheck.h"
#include "Mover.h"
#include "mlir/IR/Matchers.h"
#include "tenon/Codegen/GenericStrategies.h"
#include "tenon/Dialect/Plan/IR/Symbols.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

/// Integers of a constant cloned into the kernel; nullopt if it is an argument.
std::optional<SmallVector<int64_t>> constantInts(Value value) {
  auto constant = value.getDefiningOp<graph::ConstantOp>();
  auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  if (!dense)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (APInt element : dense.getValues<APInt>())
    result.push_back(element.getSExtValue());
  return result;
}

/// constant + the sum of factor * symbol.
struct LinearSum {
  int64_t constant = 0;
  SmallVector<std::pair<int64_t, unsigned>> terms; ///< factor, symbol
};

/// The expression as a sum; nothing if it has quotients, remainders or products of symbols.
std::optional<LinearSum> linearSum(AffineExpr expr) {
  LinearSum sum;
  SmallVector<AffineExpr> rest{expr};
  while (!rest.empty()) {
    AffineExpr term = rest.pop_back_val();
    int64_t factor = 1;
    if (auto binary = dyn_cast<AffineBinaryOpExpr>(term)) {
      if (binary.getKind() == AffineExprKind::Add) {
        rest.append({binary.getRHS(), binary.getLHS()});
        continue;
      }
      auto known = dyn_cast<AffineConstantExpr>(binary.getRHS());
      if (binary.getKind() != AffineExprKind::Mul || !known)
        return std::nullopt;
      factor = known.getValue();
      term = binary.getLHS();
    }
    if (auto known = dyn_cast<AffineConstantExpr>(term))
      sum.constant += factor * known.getValue();
    else if (auto symbol = dyn_cast<AffineSymbolExpr>(term))
      sum.terms.push_back({factor, symbol.getPosition()});
    else
      return std::nullopt;
  }
  return sum;
}

/// Merges dimensions as `stridedCopy` says; one is left at least, unless there are none.
StridedCopy merge(const StridedCopy &copy) {
  StridedCopy merged;
  for (size_t d = 0; d < copy.dims.size(); ++d) {
    if (copy.dims[d] == 1)
      continue;
    if (!merged.dims.empty() && merged.strides.back() == copy.strides[d] * copy.dims[d]) {
      merged.dims.back() = merged.dims.back() * copy.dims[d];
      merged.strides.back() = copy.strides[d];
      continue;
    }
    merged.dims.push_back(copy.dims[d]);
    merged.strides.push_back(copy.strides[d]);
  }
  if (merged.dims.empty() && !copy.dims.empty()) {
    merged.dims.push_back(copy.dims.back());
    merged.strides.push_back(getAffineConstantExpr(1, copy.dims.back().getContext()));
  }
  return merged;
}

constexpr size_t kMostUnrolled = 16; // operands at most of a concat that has code for each

// How a gather prefetches: bytes of a cache line; how many lines of a row at most, as the processor sees by itself that
// those behind them are read in order; and how many rows ahead. Of 1 million rows of 64 bytes it takes 0.45 of the time
// without. Rows shorter than half a line are not prefetched, which took up to 1.5 of it: they are moved many at a time.
constexpr int64_t kLine = 64, kMostLines = 4, kRowsAhead = 16;

class MovementPlan : public KernelPlan {
public:
  MovementPlan(plan::KernelOp kernel, const Machine &target) : KernelPlan(kernel, target) {
    if (isa<graph::TransposeOp, graph::SliceOp>(kernel.getRootOp()))
      strided = stridedCopy(kernel);
  }

  ScheduleFacts facts() const override {
    if (!strided.strides.empty() && strided.strides.back() != 1)
      return {.text = "scalar loop over a strided source", .hasScalarCode = true};
    if (!target.hasVectors())
      return {.text = "scalar loop", .hasScalarCode = true};
    return {.text = llvm::formatv("{0}-bit runs", target.vectorBits), .vectorBits = target.vectorBits};
  }

  WorkSplit split() const override {
    MLIRContext *context = kernel.getContext();
    Operation *root = kernel.getRootOp();
    Exprs result = shapeOf(root->getResult(0));
    Exprs outer;
    AffineExpr run = getAffineConstantExpr(1, context);
    if (isa<graph::TransposeOp, graph::SliceOp>(root)) {
      const Exprs &dims = strided.dims;
      outer.assign(dims.begin(), dims.empty() ? dims.end() : dims.end() - 1);
      if (!dims.empty())
        run = dims.back();
    } else if (auto concat = dyn_cast<graph::ConcatOp>(root)) {
      outer.assign(result.begin(), result.begin() + concat.getAxis());
      run = product(ArrayRef(result).drop_front(concat.getAxis()), context);
    } else if (auto gather = dyn_cast<graph::GatherOp>(root)) {
      // A unit is an index of one coordinate before the axis. Where there are none of these, indices are still checked.
      size_t indices = shapeOf(gather.getIndices()).size();
      outer.push_back(atLeastOne(product(ArrayRef(result).take_front(gather.getAxis()), context)));
      outer.append(result.begin() + gather.getAxis(), result.begin() + gather.getAxis() + indices);
      run = product(ArrayRef(result).drop_front(gather.getAxis() + indices), context);
    } else {
      outer.assign(result.begin(), result.empty() ? result.end() : result.end() - 1);
      if (!result.empty())
        run = result.back();
    }
    return {product(outer, context), std::max<int64_t>(1, 16384 / std::max<int64_t>(1, constantOr(run, 256)))};
  }

  LogicalResult emit(KernelContext &c) const override {
    Operation *root = kernel.getRootOp();
    if (auto op = dyn_cast<graph::ConcatOp>(root))
      return emitConcat(c, op);
    if (auto op = dyn_cast<graph::GatherOp>(root)) {
      emitGather(c, op);
      return success();
    }
    if (c.shape(root->getResult(0)).empty()) { // a scalar is copied
      Value zero = c.index(int64_t(0));
      c.eachUnit([&](Value) {
        Mover(c, root->getResult(0)).element(c.buffer(root->getOperand(0)), zero, c.outputBuffer(0), zero);
      });
      return success();
    }
    if (isa<graph::TransposeOp, graph::SliceOp>(root))
      return emitStrided(c);
    if (auto op = dyn_cast<graph::PadOp>(root))
      return emitPad(c, op);
    return emitTile(c, cast<graph::TileOp>(root));
  }

private:
  /// Where a slice begins in the source. A negative start counts from the end of its axis of `size` elements. Then it
  /// is limited to [0, size], with a negative step to [0, size - 1], as ONNX says.
  static Value sliceBase(KernelContext &c, graph::SliceOp slice) {
    Exprs shape = c.shape(slice.getX()), strides = stridesOf(shape);
    auto known = constantInts(slice.getStarts());
    Value base = c.index(int64_t(0));
    for (auto [i, axis] : llvm::enumerate(slice.getAxes())) {
      Value size = c.index(shape[axis]), start;
      if (known) {
        start = c.index((*known)[i]);
        if ((*known)[i] < 0)
          start = c.add(start, size);
      } else {
        Value raw = c.load(c.buffer(slice.getStarts()), c.b.getI64Type(), c.index(int64_t(i)), 1);
        start = arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), raw);
        Value negative = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, start, c.index(int64_t(0)));
        start = arith::SelectOp::create(c.b, c.loc, negative, c.add(start, size), start);
      }
      Value most = slice.getSteps()[i] > 0 ? size : c.sub(size, c.index(int64_t(1)));
      start = c.maxS(c.index(int64_t(0)), c.minS(start, most));
      base = c.add(base, c.mul(start, c.index(strides[axis])));
    }
    return base;
  }

  /// A row is the last merged dimension.
  LogicalResult emitStrided(KernelContext &c) const {
    Operation *root = kernel.getRootOp();
    Mover mover(c, root->getResult(0));
    Value from = c.buffer(root->getOperand(0)), to = c.outputBuffer(0);
    Value base = isa<graph::SliceOp>(root) ? sliceBase(c, cast<graph::SliceOp>(root)) : c.index(int64_t(0));
    Exprs outer(strided.dims.begin(), strided.dims.end() - 1);
    AffineExpr inner = strided.dims.back(), stride = strided.strides.back();
    Value length = c.index(inner);
    c.eachUnit([&](Value row) {
      Value source = c.add(base, c.offset(c.delinearize(row, outer), ArrayRef(strided.strides).drop_back()));
      Value target = c.mul(row, length);
      if (stride == 1)
        return mover.run(from, source, to, target, length, constantOr(inner));
      c.loop(c.index(int64_t(0)), length, 1,
             [&](Value i) { mover.element(from, c.add(source, c.mul(i, c.index(stride))), to, c.add(target, i)); });
    });
    return success();
  }

  /// Many operands in one loop over them. Code for each would take LLVM too long: with 2,000 inputs a compilation took
  /// 43 s, and takes 1 s this way. The loop reads a table of constants, which has three fields for each operand,
  ///
  ///   n   the number of its buffer; one may come again
  ///   c   what is constant of its size along the axis
  ///   t   the place in the table where the other terms of that begin: pairs of a factor f and the number s of a
  ///       symbol, up to the next operand's t
  ///
  /// and behind them a last t, and the terms:
  ///
  ///   n0, c0, t0,  n1, c1, t1,  ..., 0, 0, tn,  f, s,  f, s, ...          size = c + sum of f * symbol s
  ///
  /// A row of the result holds a run of each operand; its place is the loop-carried sum of the runs before. False where
  /// a size is no such sum, an operand no buffer, or the target has no such tables.
  static bool emitLongConcat(KernelContext &c, graph::ConcatOp op) {
    if (!c.services.operands || !llvm::all_of(op.getInputs(), llvm::IsaPred<BlockArgument>))
      return false;
    int64_t axis = op.getAxis(), count = op.getInputs().size();
    SmallVector<unsigned> read = plan::symbolsOf(c.kernel);
    SmallVector<int64_t> fields, terms;
    for (Value input : op.getInputs()) {
      std::optional<LinearSum> size = linearSum(c.shape(input)[axis]);
      if (!size)
        return false;
      fields.append(
          {cast<BlockArgument>(input).getArgNumber(), size->constant, 3 * (count + 1) + int64_t(terms.size())});
      for (auto [factor, symbol] : size->terms)
        terms.append({factor, llvm::find(read, symbol) - read.begin()});
    }
    fields.append({0, 0, 3 * (count + 1) + int64_t(terms.size())});
    fields.append(terms);

    MLIRContext *context = op.getContext();
    Type element = getElementTypeOrSelf(op.getType());
    OperandTable &operands = *c.services.operands;
    Value table = operands.table(c, fields);
    auto load = [&](Value i) { return operands.entry(c, table, i); };
    Value zero = c.index(int64_t(0)),
          inner = c.index(product(ArrayRef(c.shape(op.getResult())).drop_front(axis + 1), context));
    auto lengthOf = [&](Value row) -> Value {
      Value size = load(c.add(row, c.index(1)));
      if (!terms.empty())
        size = c.loop(load(c.add(row, c.index(2))), load(c.add(row, c.index(5))), 2, size,
                      [&](Value term, ValueRange sum) -> SmallVector<Value> {
                        Value factor = load(term), symbol = operands.symbol(c, load(c.add(term, c.index(1))));
                        return {c.add(sum[0], c.mul(factor, symbol))};
                      })[0];
      return c.mul(size, inner);
    };
    Value end = c.index(3 * count);
    Value total = c.loop(zero, end, 3, zero, [&](Value operand, ValueRange sum) -> SmallVector<Value> {
      return {c.add(sum[0], lengthOf(operand))};
    })[0];
    Mover mover(c, op.getResult());
    c.eachUnit([&](Value row) {
      c.loop(zero, end, 3, c.mul(row, total), [&](Value operand, ValueRange target) -> SmallVector<Value> {
        Value length = lengthOf(operand), from = operands.buffer(c, load(operand), element);
        mover.run(from, c.mul(row, length), c.outputBuffer(0), target[0], length, -1);
        return {c.add(target[0], length)};
      });
    });
    return true;
  }

  /// A row is everything from the axis on.
  static LogicalResult emitConcat(KernelContext &c, graph::ConcatOp op) {
    MLIRContext *context = op.getContext();
    if (op.getInputs().size() > kMostUnrolled && emitLongConcat(c, op))
      return success();
    Mover mover(c, op.getResult());
    Exprs result = c.shape(op.getResult());
    Value total = c.index(product(ArrayRef(result).drop_front(op.getAxis()), context));
    c.eachUnit([&](Value row) {
      Value target = c.mul(row, total);
      for (Value input : op.getInputs()) {
        AffineExpr run = product(ArrayRef(c.shape(input)).drop_front(op.getAxis()), context);
        Value length = c.index(run);
        if (constantOr(run) == 0)
          continue;
        mover.run(c.buffer(input), c.mul(row, length), c.outputBuffer(0), target, length, constantOr(run));
        target = c.add(target, length);
      }
    });
    return success();
  }

  /// Unit u is index u % count for coordinate u / count of the dimensions before the axis. With R elements behind the
  /// axis:
  ///
  ///   result[u * R ..] = x[((u / count) * size + index) * R ..]
  ///
  /// Rows of a table that the second-level cache does not hold come from far away in no order, so they are prefetched.
  static void emitGather(KernelContext &c, graph::GatherOp op) {
    MLIRContext *context = op.getContext();
    Mover mover(c, op.getResult());
    Exprs x = c.shape(op.getX());
    AffineExpr size = x[op.getAxis()], run = product(ArrayRef(x).drop_front(op.getAxis() + 1), context);
    bool isFlat = product(ArrayRef(x).take_front(op.getAxis()), context) == 1; // unit u is index u
    Value count = c.index(product(c.shape(op.getIndices()), context)), length = c.index(run);
    IndexCheck check(c, op, op.getIndices(), size);
    // Calls body(u % count, u / count, u) for each unit u of [begin, end). Two loops, one inside the other, divide
    // nothing for a unit: a division takes longer than the check of an index.
    Value last; // the largest position of the innermost loop that is open
    auto units = [&](function_ref<void(Value, Value, Value)> body) {
      Value zero = c.index(int64_t(0)), one = c.index(1);
      if (isFlat) {
        last = c.sub(c.end, one);
        return c.eachUnit([&](Value unit) { body(unit, zero, unit); });
      }
      Value some = c.maxS(count, one); // there are no units where there is no index
      c.loop(c.divU(c.begin, some), c.divU(c.add(c.end, c.sub(some, one)), some), 1, [&](Value outer) {
        Value first = c.mul(outer, count), lo = c.maxS(c.sub(c.begin, first), zero),
              hi = c.minS(c.sub(c.end, first), count);
        last = c.sub(hi, one);
        c.loop(lo, hi, 1, [&](Value position) { body(position, outer, c.add(first, position)); });
      });
    };
    int64_t elementBytes = mover.storage.getIntOrFloatBitWidth() / 8, rowBytes = constantOr(run) * elementBytes;
    bool isFar = rowBytes >= kLine / 2 && constantOr(product(x, context)) * elementBytes > c.target.l2Bytes;
    auto copy = [&](Value position, Value outer, Value unit) {
      if (isFar) {
        Value ahead = check.loadUnchecked(c.minS(c.add(position, c.index(kRowsAhead)), last));
        Value first = c.mul(c.mulAdd(outer, c.index(size), ahead), length);
        for (int64_t at = 0; at < std::min(rowBytes, kMostLines * kLine); at += kLine)
          memref::PrefetchOp::create(c.b, c.loc, c.buffer(op.getX()), c.add(first, c.index(at / elementBytes)),
                                     /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
      }
      Value row = c.mulAdd(outer, c.index(size), check.loadQuickly(position));
      mover.run(c.buffer(op.getX()), c.mul(row, length), c.outputBuffer(0), c.mul(unit, length), length,
                constantOr(run));
    };
    // Where x has no elements there is nothing to copy, but every index is wrong, which is reported.
    auto look = [&]() { units([&](Value position, Value, Value) { check.load(position); }); };
    ifNotEmpty(c, x, [&]() { units(copy); }, look);
    check.finish(look);
  }

  /// A row is the last dimension:
  ///
  ///     |  value, `left`  |  x[skip ..], `length` elements  |  value  |
  ///
  /// A negative amount at the beginning cuts off: skip = -begin elements of x are left out. One at the end needs
  /// nothing but the row's width. A row of which another coordinate lies outside x has the value throughout.
  static LogicalResult emitPad(KernelContext &c, graph::PadOp op) {
    Exprs x = c.shape(op.getX()), result = c.shape(op.getResult());
    auto known = constantInts(op.getPads());
    auto amount = [&](size_t i) -> Value {
      if (known)
        return c.index((*known)[i]);
      Value raw = c.load(c.buffer(op.getPads()), c.b.getI64Type(), c.index(int64_t(i)), 1);
      return arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), raw);
    };
    size_t rank = x.size();
    Mover mover(c, op.getResult());
    Value from = c.buffer(op.getX()), to = c.outputBuffer(0), zero = c.index(int64_t(0));
    Value scalar = op.getValue() ? c.loadStored(c.buffer(op.getValue()), mover.storage, zero)
                                 : arith::ConstantOp::create(c.b, c.loc, c.b.getZeroAttr(mover.storage)).getResult();

    Exprs outer(result.begin(), result.end() - 1), strides = stridesOf(x);
    Value width = c.index(result.back()), own = c.index(x.back());
    SmallVector<Value> begins;
    for (size_t d = 0; d < rank; ++d)
      begins.push_back(amount(d));
    c.eachUnit([&](Value row) {
      SmallVector<Value> at = c.delinearize(row, outer);
      Value inside = arith::ConstantOp::create(c.b, c.loc, c.b.getBoolAttr(true));
      Value source = zero;
      for (size_t d = 0; d + 1 < rank; ++d) {
        if (known && (*known)[d] == 0 && (*known)[d + rank] == 0) {
          source = c.add(source, c.mul(at[d], c.index(strides[d])));
          continue;
        }
        Value coordinate = c.sub(at[d], begins[d]);
        Value ok = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult, coordinate, c.index(x[d]));
        inside = arith::AndIOp::create(c.b, c.loc, inside, ok);
        source = c.add(source, c.mul(coordinate, c.index(strides[d])));
      }
      Value target = c.mul(row, width);
      auto choice = scf::IfOp::create(c.b, c.loc, inside, true);
      OpBuilder::InsertionGuard guard(c.b);
      c.b.setInsertionPointToStart(choice.thenBlock());
      // Where the end cuts off, the row may end within the padding before x.
      Value left = c.minS(c.maxS(zero, begins.back()), width), skip = c.maxS(zero, c.sub(zero, begins.back()));
      Value length = c.maxS(zero, c.minS(c.sub(own, skip), c.sub(width, left)));
      // The same lengths as numbers, where they are known, so that short runs get narrow vectors.
      int64_t wide = constantOr(result.back()), before = -1, copied = -1, after = -1;
      if (known && wide >= 0 && constantOr(x.back()) >= 0) {
        int64_t begin = (*known)[rank - 1];
        before = std::clamp<int64_t>(begin, 0, wide);
        copied = std::clamp<int64_t>(constantOr(x.back()) - std::max<int64_t>(0, -begin), 0, wide - before);
        after = wide - before - copied;
      }
      mover.fill(scalar, to, target, left, before);
      mover.run(from, c.add(source, skip), to, c.add(target, left), length, copied);
      Value done = c.add(left, length);
      mover.fill(scalar, to, c.add(target, done), c.sub(width, done), after);
      c.b.setInsertionPointToStart(choice.elseBlock());
      mover.fill(scalar, to, target, width, wide);
    });
    return success();
  }

  /// A row is the last dimension: whole copies of a row of x.
  static LogicalResult emitTile(KernelContext &c, graph::TileOp op) {
    Exprs x = c.shape(op.getX()), result = c.shape(op.getResult()), strides = stridesOf(x);
    Mover mover(c, op.getResult());
    Exprs outer(result.begin(), result.end() - 1);
    Value width = c.index(result.back()), own = c.index(x.back());
    Value copies = c.divU(width, c.maxS(own, c.index(int64_t(1)))); // 0 if the row has no elements
    c.eachUnit([&](Value row) {
      SmallVector<Value> at = c.delinearize(row, outer);
      Value source = c.index(int64_t(0));
      for (size_t d = 0; d < outer.size(); ++d)
        source = c.add(source, c.mul(c.remU(at[d], c.index(x[d])), c.index(strides[d])));
      c.loop(c.index(int64_t(0)), copies, 1, [&](Value copy) {
        mover.run(c.buffer(op.getX()), source, c.outputBuffer(0), c.mulAdd(row, width, c.mul(copy, own)), own,
                  constantOr(x.back(), -1));
      });
    });
    return success();
  }

  StridedCopy strided; // of a transposition or slice
};

std::unique_ptr<KernelPlan> planMovement(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  if (auto pad = dyn_cast<graph::PadOp>(kernel.getRootOp())) {
    if (pad.getMode() != graph::PadMode::constant) {
      reason = "only constant padding moves in runs";
      return nullptr;
    }
    if (pad.getValue() && !isa<BlockArgument>(pad.getValue())) {
      reason = "the padding's value must be in memory";
      return nullptr;
    }
  }
  if (!yieldsRootAlone(kernel, reason))
    return nullptr;
  return std::make_unique<MovementPlan>(kernel, target);
}

} // namespace

StridedCopy stridedCopy(plan::KernelOp kernel) {
  Operation *root = kernel.getRootOp();
  StridedCopy copy;
  copy.dims = shapeOf(root->getResult(0));
  Exprs source = stridesOf(shapeOf(root->getOperand(0)));
  if (auto transpose = dyn_cast<graph::TransposeOp>(root)) {
    for (int64_t p : transpose.getPerm())
      copy.strides.push_back(source[p]);
    return merge(copy);
  }
  auto slice = cast<graph::SliceOp>(root);
  copy.strides = source;
  for (auto [axis, step] : llvm::zip(slice.getAxes(), slice.getSteps()))
    copy.strides[axis] = copy.strides[axis] * step;
  return merge(copy);
}

void registerMovementStrategies(StrategyRegistry &registry) {
  registry.add({"movement", {"transpose", "slice", "concat", "pad", "tile", "gather"}, planMovement});
  registry.add({"transpose", {"transpose"}, planTranspose});
}

} // namespace tenon::codegen
