// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Data movement: transpose, slice, concat, constant padding, tile, gather.
// Rows of the result are the work units; contiguous runs move in vectors.
#include "Movement.h"

#include "IndexCheck.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "tenon/Target/CPU/Codegen.h"

using namespace mlir;

namespace tenon::cpu {
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

/// Moves raw elements, whatever their type.
struct Mover {
  KernelContext &c;
  Type storage;
  int64_t lanes;

  Mover(KernelContext &c, Value tensor) : c(c), storage(storageType(getElementTypeOrSelf(tensor.getType()))) {
    lanes = std::max<int64_t>(1, c.target.vectorBits / storage.getIntOrFloatBitWidth());
  }

  void element(Value from, Value source, Value to, Value target) {
    memref::StoreOp::create(c.b, c.loc, memref::LoadOp::create(c.b, c.loc, from, source), to, target);
  }

  /// Copies `length` contiguous elements.
  void run(Value from, Value source, Value to, Value target, Value length, int64_t extent) {
    int64_t width = lanes;
    while (width > 1 && extent > 0 && width > extent)
      width /= 2;
    auto type = VectorType::get({width}, storage);
    c.vectorLoop(c.index(int64_t(0)), length, width, extent, [&](Value i, Value mask) {
      Value s = c.add(source, i), t = c.add(target, i);
      if (width == 1)
        return element(from, s, to, t);
      if (!mask) {
        vector::StoreOp::create(c.b, c.loc, vector::LoadOp::create(c.b, c.loc, type, from, ValueRange{s}), to, ValueRange{t});
        return;
      }
      bool isBrain = storage.isBF16();
      auto bits = isBrain ? VectorType::get({width}, c.b.getI16Type()) : type;
      Value zero = arith::ConstantOp::create(c.b, c.loc, c.b.getZeroAttr(bits));
      Value value = vector::MaskedLoadOp::create(c.b, c.loc, bits, isBrain ? c.asInteger16(from) : from, ValueRange{s}, mask, zero);
      vector::MaskedStoreOp::create(c.b, c.loc, isBrain ? c.asInteger16(to) : to, ValueRange{t}, mask, value);
    });
  }

  void fill(Value scalar, Value to, Value target, Value length) {
    c.vectorLoop(c.index(int64_t(0)), length, lanes, -1, [&](Value i, Value mask) {
      Value value = c.broadcast(scalar, lanes), t = c.add(target, i);
      if (lanes == 1)
        memref::StoreOp::create(c.b, c.loc, scalar, to, t);
      else if (mask && storage.isBF16())
        vector::MaskedStoreOp::create(c.b, c.loc, c.asInteger16(to), ValueRange{t}, mask,
                                      arith::BitcastOp::create(c.b, c.loc, VectorType::get({lanes}, c.b.getI16Type()), value));
      else if (mask)
        vector::MaskedStoreOp::create(c.b, c.loc, to, ValueRange{t}, mask, value);
      else
        vector::StoreOp::create(c.b, c.loc, value, to, ValueRange{t});
    });
  }
};

/// Merges neighbours that are contiguous in the source as they are in the result.
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

constexpr size_t kMostUnrolled = 16; // operands of a concat with code of their own

class MovementStrategy : public Strategy {
public:
  StringRef name() const override { return "movement"; }
  std::vector<StringRef> roots() const override { return {"transpose", "slice", "concat", "pad", "tile", "gather"}; }

  bool matches(plan::KernelOp kernel, const CpuTarget &, std::string &reason) const override {
    Operation *root = kernel.getRootOp();
    if (auto pad = dyn_cast<graph::PadOp>(root)) {
      if (pad.getMode() != graph::PadMode::constant) {
        reason = "only constant padding moves in runs";
        return false;
      } else if (pad.getValue() && !isa<BlockArgument>(pad.getValue())) {
        reason = "the padding's value must be in memory";
        return false;
      }
    }
    return yieldsRootAlone(kernel, reason);
  }

  std::string describe(plan::KernelOp kernel, const CpuTarget &target) const override {
    if (isa<graph::TransposeOp, graph::SliceOp>(kernel.getRootOp())) {
      StridedCopy copy = stridedCopy(kernel);
      if (!copy.strides.empty() && copy.strides.back() != 1)
        return "scalar loop over a strided source";
    }
    return llvm::formatv("{0}-bit runs", target.vectorBits).str();
  }

  WorkSplit split(plan::KernelOp kernel, const CpuTarget &) const override {
    MLIRContext *context = kernel.getContext();
    Operation *root = kernel.getRootOp();
    Exprs result = shapeOf(kernel, root->getResult(0));
    Exprs outer;
    AffineExpr run = getAffineConstantExpr(1, context);
    if (isa<graph::TransposeOp, graph::SliceOp>(root)) {
      StridedCopy copy = stridedCopy(kernel);
      outer.assign(copy.dims.begin(), copy.dims.empty() ? copy.dims.end() : copy.dims.end() - 1);
      if (!copy.dims.empty())
        run = copy.dims.back();
    } else if (auto concat = dyn_cast<graph::ConcatOp>(root)) {
      outer.assign(result.begin(), result.begin() + concat.getAxis());
      run = product(ArrayRef(result).drop_front(concat.getAxis()), context);
    } else if (auto gather = dyn_cast<graph::GatherOp>(root)) {
      // Indices into an empty tensor are looked at, too.
      size_t indices = shapeOf(kernel, gather.getIndices()).size();
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
    Operation *root = c.kernel.getRootOp();
    if (auto op = dyn_cast<graph::ConcatOp>(root))
      return emitConcat(c, op);
    if (auto op = dyn_cast<graph::GatherOp>(root)) {
      emitGather(c, op);
      return success();
    }
    if (c.shape(root->getResult(0)).empty()) { // a scalar stays what it is
      Value zero = c.index(int64_t(0));
      c.loop(c.begin, c.end, 1,
             [&](Value) { Mover(c, root->getResult(0)).element(c.buffer(root->getOperand(0)), zero, c.outputBuffer(0), zero); });
      return success();
    }
    if (isa<graph::TransposeOp, graph::SliceOp>(root))
      return emitStrided(c);
    if (auto op = dyn_cast<graph::PadOp>(root))
      return emitPad(c, op);
    return emitTile(c, cast<graph::TileOp>(root));
  }

private:
  /// Where the slice begins in the source, clamped as ONNX says.
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

  static LogicalResult emitStrided(KernelContext &c) {
    Operation *root = c.kernel.getRootOp();
    StridedCopy copy = stridedCopy(c.kernel);
    Mover mover(c, root->getResult(0));
    Value from = c.buffer(root->getOperand(0)), to = c.outputBuffer(0);
    Value base = isa<graph::SliceOp>(root) ? sliceBase(c, cast<graph::SliceOp>(root)) : c.index(int64_t(0));
    Exprs outer(copy.dims.begin(), copy.dims.end() - 1);
    AffineExpr inner = copy.dims.back(), stride = copy.strides.back();
    Value length = c.index(inner);
    c.loop(c.begin, c.end, 1, [&](Value row) {
      Value source = c.add(base, c.offset(c.delinearize(row, outer), ArrayRef(copy.strides).drop_back()));
      Value target = c.mul(row, length);
      if (stride == 1)
        return mover.run(from, source, to, target, length, constantOr(inner));
      c.loop(c.index(int64_t(0)), length, 1, [&](Value i) {
        mover.element(from, c.add(source, c.mul(i, c.index(stride))), to, c.add(target, i));
      });
    });
    return success();
  }

  /// Many operands in one loop over them: code for each would take LLVM minutes.
  /// Their lengths and the numbers of their buffers (one may come again) lie in a
  /// table on the stack, kTable of them at a time.
  static void emitLongConcat(KernelContext &c, graph::ConcatOp op) {
    constexpr size_t kTable = 128;
    MLIRContext *context = op.getContext();
    Mover mover(c, op.getResult());
    Type element = getElementTypeOrSelf(op.getType()), i64 = c.b.getI64Type();
    auto pointer = LLVM::LLVMPointerType::get(context);
    Value addresses = cast<func::FuncOp>(c.b.getInsertionBlock()->getParentOp()).getArgument(0);
    Value total = c.index(product(ArrayRef(c.shape(op.getResult())).drop_front(op.getAxis()), context));
    Value count = arith::ConstantOp::create(c.b, c.loc, c.b.getI64IntegerAttr(2 * std::min(kTable, op.getInputs().size())));
    Value table = LLVM::AllocaOp::create(c.b, c.loc, pointer, i64, count, 8);
    auto at = [&](Value base, Type type, Value i) -> Value {
      return LLVM::GEPOp::create(c.b, c.loc, pointer, type, base, ValueRange{arith::IndexCastOp::create(c.b, c.loc, i64, i)});
    };
    Value begin = c.index(int64_t(0));
    for (size_t from = 0; from < op.getInputs().size(); from += kTable) {
      size_t to = std::min(from + kTable, op.getInputs().size());
      Value width = c.index(int64_t(0));
      for (size_t i = from; i < to; ++i) {
        Value length = c.index(product(ArrayRef(c.shape(op.getInputs()[i])).drop_front(op.getAxis()), context));
        Value number = c.index(int64_t(cast<BlockArgument>(op.getInputs()[i]).getArgNumber()));
        for (auto [field, value] : {std::pair(0, length), std::pair(1, number)})
          LLVM::StoreOp::create(c.b, c.loc, arith::IndexCastOp::create(c.b, c.loc, i64, value),
                                at(table, i64, c.index(int64_t(2 * (i - from) + field))));
        width = c.add(width, length);
      }
      c.loop(c.begin, c.end, 1, [&](Value row) {
        Value first = c.add(c.mul(row, total), begin);
        c.loop(c.index(int64_t(0)), c.index(int64_t(to - from)), 1, first, [&](Value i, ValueRange target) -> SmallVector<Value> {
          auto field = [&](int64_t number) -> Value {
            Value value = LLVM::LoadOp::create(c.b, c.loc, i64, at(table, i64, c.add(c.mul(i, c.index(2)), c.index(number))));
            return arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), value);
          };
          Value length = field(0), address = LLVM::LoadOp::create(c.b, c.loc, pointer, at(addresses, pointer, field(1)));
          mover.run(memrefOf(c.b, c.loc, address, element), c.mul(row, length), c.outputBuffer(0), target[0], length, -1);
          return {c.add(target[0], length)};
        });
      });
      begin = c.add(begin, width);
    }
  }

  static LogicalResult emitConcat(KernelContext &c, graph::ConcatOp op) {
    MLIRContext *context = op.getContext();
    if (op.getInputs().size() > kMostUnrolled && llvm::all_of(op.getInputs(), llvm::IsaPred<BlockArgument>)) {
      emitLongConcat(c, op);
      return success();
    }
    Mover mover(c, op.getResult());
    Exprs result = c.shape(op.getResult());
    Value total = c.index(product(ArrayRef(result).drop_front(op.getAxis()), context));
    c.loop(c.begin, c.end, 1, [&](Value row) {
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

  static void emitGather(KernelContext &c, graph::GatherOp op) {
    MLIRContext *context = op.getContext();
    Mover mover(c, op.getResult());
    Exprs x = c.shape(op.getX());
    AffineExpr size = x[op.getAxis()], run = product(ArrayRef(x).drop_front(op.getAxis() + 1), context);
    bool isFlat = product(ArrayRef(x).take_front(op.getAxis()), context) == 1; // a unit is an index
    Value count = c.index(product(c.shape(op.getIndices()), context)), length = c.index(run);
    IndexCheck check(c, op, op.getIndices(), size);
    // Calls body(position among the indices, dimensions before the axis as one, unit);
    // one loop inside the other, as an index must not cost divisions.
    auto units = [&](function_ref<void(Value, Value, Value)> body) {
      Value zero = c.index(int64_t(0)), one = c.index(1);
      if (isFlat)
        return c.loop(c.begin, c.end, 1, [&](Value unit) { body(unit, zero, unit); });
      Value some = c.maxS(count, one); // there are no units where there is no index
      c.loop(c.divU(c.begin, some), c.divU(c.add(c.end, c.sub(some, one)), some), 1, [&](Value outer) {
        Value first = c.mul(outer, count), lo = c.maxS(c.sub(c.begin, first), zero), hi = c.minS(c.sub(c.end, first), count);
        c.loop(lo, hi, 1, [&](Value position) { body(position, outer, c.add(first, position)); });
      });
    };
    auto copy = [&](Value position, Value outer, Value unit) {
      Value row = c.mulAdd(outer, c.index(size), check.load(position));
      mover.run(c.buffer(op.getX()), c.mul(row, length), c.outputBuffer(0), c.mul(unit, length), length, constantOr(run));
    };
    // Nothing can be copied out of nothing; indices are looked at all the same.
    ifNotEmpty(c, x, [&]() { units(copy); }, [&]() { units([&](Value position, Value, Value) { check.load(position); }); });
    check.finish();
  }

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
    Value scalar = op.getValue() ? memref::LoadOp::create(c.b, c.loc, c.buffer(op.getValue()), zero).getResult()
                                 : arith::ConstantOp::create(c.b, c.loc, c.b.getZeroAttr(mover.storage)).getResult();

    Exprs outer(result.begin(), result.end() - 1), strides = stridesOf(x);
    Value width = c.index(result.back()), own = c.index(x.back());
    SmallVector<Value> begins;
    for (size_t d = 0; d < rank; ++d)
      begins.push_back(amount(d));
    c.loop(c.begin, c.end, 1, [&](Value row) {
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
      // Amounts below 0 cut off: the padding before may be all that is left of a row.
      Value left = c.minS(c.maxS(zero, begins.back()), width), skip = c.maxS(zero, c.sub(zero, begins.back()));
      Value length = c.maxS(zero, c.minS(c.sub(own, skip), c.sub(width, left)));
      mover.fill(scalar, to, target, left);
      mover.run(from, c.add(source, skip), to, c.add(target, left), length, -1);
      Value done = c.add(left, length);
      mover.fill(scalar, to, c.add(target, done), c.sub(width, done));
      c.b.setInsertionPointToStart(choice.elseBlock());
      mover.fill(scalar, to, target, width);
    });
    return success();
  }

  static LogicalResult emitTile(KernelContext &c, graph::TileOp op) {
    Exprs x = c.shape(op.getX()), result = c.shape(op.getResult()), strides = stridesOf(x);
    Mover mover(c, op.getResult());
    Exprs outer(result.begin(), result.end() - 1);
    Value width = c.index(result.back()), own = c.index(x.back());
    Value copies = c.divU(width, c.maxS(own, c.index(int64_t(1)))); // none of a row without elements
    c.loop(c.begin, c.end, 1, [&](Value row) {
      SmallVector<Value> at = c.delinearize(row, outer);
      Value source = c.index(int64_t(0));
      for (size_t d = 0; d < outer.size(); ++d)
        source = c.add(source, c.mul(c.remU(at[d], c.index(x[d])), c.index(strides[d])));
      c.loop(c.index(int64_t(0)), copies, 1, [&](Value copy) {
        mover.run(c.buffer(op.getX()), source, c.outputBuffer(0), c.mulAdd(row, width, c.mul(copy, own)), own, constantOr(x.back(), -1));
      });
    });
    return success();
  }
};

} // namespace

StridedCopy stridedCopy(plan::KernelOp kernel) {
  Operation *root = kernel.getRootOp();
  StridedCopy copy;
  copy.dims = shapeOf(kernel, root->getResult(0));
  Exprs source = stridesOf(shapeOf(kernel, root->getOperand(0)));
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
  registry.add(std::make_unique<MovementStrategy>());
  registerTransposeStrategy(registry);
}

} // namespace tenon::cpu
