// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lane arithmetic, folds and loop nests of the row, window and recurrent strategies. RowSchedule.h has the terms.
#include "tenon/Codegen/RowSchedule.h"

using namespace mlir;

namespace tenon::codegen {

int64_t grainFor(int64_t workPerUnit) { return workPerUnit <= 0 ? 1 : std::max<int64_t>(1, 16384 / workPerUnit); }

int64_t lanesFor(const Machine &target, Type compute, int64_t extent) {
  int64_t bits = std::max(8u, compute.getIntOrFloatBitWidth());
  // Narrower types get no more lanes than 32-bit ones: booleans and bytes widen to masks of 32-bit lanes in most
  // epilogues.
  int64_t lanes = target.lanesOf(std::max<int64_t>(bits, 32));
  while (lanes > 1 && extent >= 0 && lanes > extent)
    lanes /= 2;
  return std::max<int64_t>(1, lanes);
}

IntegerType positionType(MLIRContext *context, int64_t extent) {
  return IntegerType::get(context, extent >= 0 && extent <= INT32_MAX ? 32 : 64);
}

ScheduleFacts inLanes(int64_t lanes, Type compute, StringRef how) {
  if (lanes == 1)
    return {.text = "scalar loop", .hasScalarCode = true};
  int64_t bits = compute.getIntOrFloatBitWidth();
  return {.text = llvm::formatv("{0} lanes of {1} bits{2}", lanes, bits, how), .vectorBits = lanes * bits};
}

bool canMerge(plan::KernelOp kernel, ArrayRef<AffineExpr> space, unsigned first, unsigned last) {
  for (BlockArgument argument : kernel.getBody().getArguments()) {
    Exprs shape = shapeOf(argument);
    if (shape.size() > space.size())
      continue; // read by the root alone
    // Shapes are aligned at the last dimension, as in NumPy.
    int64_t missing = int64_t(space.size()) - int64_t(shape.size());
    int seen = -1; // whether the dimensions so far are there (1) or broadcast (0)
    for (unsigned d = first; d <= last; ++d) {
      if (space[d] == 1)
        continue;
      bool own = int64_t(d) >= missing;
      int has = own && shape[d - missing] != 1;
      if ((seen >= 0 && seen != has) || (first != last && own && mayBroadcast(shape[d - missing], space[d])))
        return false;
      seen = has;
    }
  }
  return true;
}

unsigned mergedSuffix(plan::KernelOp kernel, ArrayRef<AffineExpr> space, unsigned from) {
  if (space.empty())
    return 0;
  unsigned last = space.size() - 1, first = last;
  while (first > from && canMerge(kernel, space, first - 1, last))
    --first;
  return first;
}

SmallVector<std::pair<unsigned, unsigned>> suffixGroups(unsigned rank, unsigned suffix) {
  SmallVector<std::pair<unsigned, unsigned>> groups;
  for (unsigned i = 0; i < suffix; ++i)
    groups.push_back({i, i});
  if (rank > suffix)
    groups.push_back({suffix, rank - 1});
  return groups;
}

bool yieldsRootAlone(plan::KernelOp kernel, std::string &reason) {
  Operation *yield = kernel.getBody().front().getTerminator(), *root = kernel.getRootOp();
  if (llvm::all_of(yield->getOperands(), [&](Value value) { return value.getDefiningOp() == root; }))
    return true;
  reason = "it takes no epilogue";
  return false;
}

Value yieldedBuffer(KernelContext &c, Value result) {
  Operation *yield = c.kernel.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(yield->getOperands()))
    if (value == result)
      return c.outputBuffer(i);
  return {};
}

Value loadFrom(KernelContext &c, Value tensor, Value at, int64_t lanes, Value mask) {
  Type element = elementOf(tensor), compute = computeType(element);
  auto constant = tensor.getDefiningOp<graph::ConstantOp>();
  if (!constant)
    return c.load(c.buffer(tensor), element, at, lanes, mask);
  auto dense = cast<DenseElementsAttr>(constant.getValue());
  if (isa<FloatType>(element))
    return c.constant(compute, dense.getSplatValue<APFloat>().convertToDouble(), lanes);
  APInt value = dense.getSplatValue<APInt>();
  unsigned width = compute.getIntOrFloatBitWidth();
  bool isUnsigned = element.isUnsignedInteger() || width == 1;
  TypedAttr attr = IntegerAttr::get(compute, isUnsigned ? value.zextOrTrunc(width) : value.sextOrTrunc(width));
  if (lanes > 1)
    attr = DenseElementsAttr::get(VectorType::get({lanes}, compute), Attribute(attr));
  return arith::ConstantOp::create(c.b, c.loc, attr);
}

static arith::FastMathFlagsAttr contractFlag(OpBuilder &b) {
  return arith::FastMathFlagsAttr::get(b.getContext(), arith::FastMathFlags::contract);
}

Value LaneMath::add(Value x, Value y) {
  if (isFloat(x))
    return arith::AddFOp::create(c.b, c.loc, x, y, contractFlag(c.b));
  return arith::AddIOp::create(c.b, c.loc, x, y);
}
Value LaneMath::sub(Value x, Value y) {
  if (isFloat(x))
    return arith::SubFOp::create(c.b, c.loc, x, y, contractFlag(c.b));
  return arith::SubIOp::create(c.b, c.loc, x, y);
}
Value LaneMath::mul(Value x, Value y) {
  if (isFloat(x))
    return arith::MulFOp::create(c.b, c.loc, x, y, contractFlag(c.b));
  return arith::MulIOp::create(c.b, c.loc, x, y);
}
Value LaneMath::div(Value x, Value y) {
  if (isFloat(x))
    return arith::DivFOp::create(c.b, c.loc, x, y);
  if (isUnsigned)
    return arith::DivUIOp::create(c.b, c.loc, x, y);
  return arith::DivSIOp::create(c.b, c.loc, x, y);
}
Value LaneMath::greater(Value x, Value y, bool orEqual) {
  if (isFloat(x))
    return arith::CmpFOp::create(c.b, c.loc, orEqual ? arith::CmpFPredicate::OGE : arith::CmpFPredicate::OGT, x, y);
  using P = arith::CmpIPredicate;
  P predicate = isUnsigned || getElementTypeOrSelf(x.getType()).isInteger(1) ? (orEqual ? P::uge : P::ugt)
                                                                             : (orEqual ? P::sge : P::sgt);
  return arith::CmpIOp::create(c.b, c.loc, predicate, x, y);
}
Value LaneMath::equal(Value x, Value y) {
  if (isFloat(x))
    return arith::CmpFOp::create(c.b, c.loc, arith::CmpFPredicate::OEQ, x, y);
  return arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::eq, x, y);
}
Value LaneMath::select(Value p, Value x, Value y) { return arith::SelectOp::create(c.b, c.loc, p, x, y); }
Value LaneMath::abs(Value x) {
  if (isFloat(x))
    return math::AbsFOp::create(c.b, c.loc, x);
  return isUnsigned ? x : Value(math::AbsIOp::create(c.b, c.loc, x));
}
Value LaneMath::sigmoid(Value x) {
  Value one = like(x, 1);
  return div(one, add(one, exp(arith::NegFOp::create(c.b, c.loc, x))));
}
Value LaneMath::toFloat(Value x, Type scalar) {
  Type from = getElementTypeOrSelf(x.getType());
  if (from == scalar)
    return x;
  Type to = scalar;
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    to = vector.clone(scalar);
  if (isa<IntegerType>(from))
    return isUnsigned || from.isInteger(1) ? Value(arith::UIToFPOp::create(c.b, c.loc, to, x))
                                           : Value(arith::SIToFPOp::create(c.b, c.loc, to, x));
  if (from.getIntOrFloatBitWidth() < scalar.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(c.b, c.loc, to, x);
  return arith::TruncFOp::create(c.b, c.loc, to, x);
}
Value LaneMath::toF32(Value x) { return toFloat(x, c.b.getF32Type()); }
Value LaneMath::extreme(Type type, bool lowest, int64_t lanes) {
  TypedAttr attr;
  if (auto real = dyn_cast<FloatType>(type)) {
    attr = FloatAttr::get(type, APFloat::getInf(real.getFloatSemantics(), lowest));
  } else {
    unsigned width = type.getIntOrFloatBitWidth();
    bool unsignedType = isUnsigned || width == 1;
    APInt value = unsignedType ? (lowest ? APInt::getMinValue(width) : APInt::getMaxValue(width))
                               : (lowest ? APInt::getSignedMinValue(width) : APInt::getSignedMaxValue(width));
    attr = IntegerAttr::get(type, value);
  }
  if (lanes > 1)
    attr = DenseElementsAttr::get(VectorType::get({lanes}, type), Attribute(attr));
  return arith::ConstantOp::create(c.b, c.loc, attr);
}
Value LaneMath::indexToFloat(Value index, Type compute) {
  return arith::SIToFPOp::create(c.b, c.loc, compute, fromIndex(index, c.b.getI64Type()));
}
Value LaneMath::laneNumbers(Value at, int64_t lanes, Type integer) {
  Value start = fromIndex(at, integer);
  if (lanes == 1)
    return start;
  SmallVector<Attribute> numbers;
  for (int64_t i = 0; i < lanes; ++i)
    numbers.push_back(IntegerAttr::get(integer, i));
  Value steps =
      arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(VectorType::get({lanes}, integer), numbers));
  return add(c.broadcast(start, lanes), steps);
}
Value LaneMath::laneMask(Value at, Value limit, int64_t lanes) {
  if (lanes == 1)
    return arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, at, limit);
  // create_mask takes a count of more than `lanes` as all.
  return c.maskOf(c.maxS(c.sub(limit, at), c.index(int64_t(0))), lanes);
}

static Values blend(KernelContext &c, Value mask, const Values &next, ValueRange acc) {
  Values result;
  for (auto [n, a] : llvm::zip(next, acc))
    result.push_back(arith::SelectOp::create(c.b, c.loc, mask, n, a));
  return result;
}

Values accumulate(KernelContext &c, Value n, int64_t extent, int64_t lanes, Values acc, const Values &neutral,
                  StepFn step, CombineFn combine) {
  Value position = c.index(int64_t(0));
  constexpr int64_t kCopies = 4;
  size_t width = acc.size();
  if (extent < 0 || extent >= kCopies * lanes) {
    Values init(acc);
    for (int64_t i = 1; i < kCopies; ++i)
      init.append(neutral.begin(), neutral.end());
    Value end = c.sub(n, c.remU(n, c.index(kCopies * lanes)));
    Values copies = c.loop(position, end, kCopies * lanes, init, [&](Value i, ValueRange args) {
      Values next;
      for (int64_t k = 0; k < kCopies; ++k) {
        Values values = step(c.add(i, c.index(k * lanes)), {}, args.slice(k * width, width));
        next.append(values.begin(), values.end());
      }
      return next;
    });
    auto part = [&](int64_t k) { return ValueRange(copies).slice(k * width, width); };
    Values low = combine(part(0), part(1)), high = combine(part(2), part(3));
    acc = combine(low, high);
    position = end;
  }
  Value full = c.sub(n, c.remU(n, c.index(lanes))); // where whole vectors end
  if (extent < 0 || (extent % (kCopies * lanes)) >= lanes)
    acc = c.loop(position, full, lanes, acc, [&](Value i, ValueRange args) { return step(i, {}, args); });
  if (lanes == 1 || (extent >= 0 && extent % lanes == 0))
    return acc;
  auto tail = [&]() {
    Value mask = c.maskOf(c.sub(n, full), lanes);
    return blend(c, mask, step(full, mask, acc), acc);
  };
  if (extent >= 0)
    return tail();
  Value some = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, full, n);
  return ifElse(c, some, TypeRange(ValueRange(acc)), tail, [&]() { return acc; });
}

Values horizontal(KernelContext &c, Values acc, int64_t lanes, CombineFn combine) {
  for (int64_t half = lanes / 2; half >= 1; half /= 2) {
    SmallVector<int64_t> lowMask, highMask;
    for (int64_t i = 0; i < half; ++i) {
      lowMask.push_back(i);
      highMask.push_back(half + i);
    }
    Values low, high;
    for (Value v : acc) {
      if (half == 1) {
        low.push_back(vector::ExtractOp::create(c.b, c.loc, v, int64_t(0)));
        high.push_back(vector::ExtractOp::create(c.b, c.loc, v, int64_t(1)));
      } else {
        low.push_back(vector::ShuffleOp::create(c.b, c.loc, v, v, lowMask));
        high.push_back(vector::ShuffleOp::create(c.b, c.loc, v, v, highMask));
      }
    }
    acc = combine(low, high);
  }
  return acc;
}

void transposeLanes(KernelContext &c, Values &rows) {
  int64_t lanes = rows.size();
  // In log2(lanes) rounds, blocks off the diagonal change places, halves first, with two shuffles for each pair of
  // rows s apart:
  //
  //     a0 a1 a2 a3              a0 a1 c0 c1              a0 b0 c0 d0
  //     b0 b1 b2 b3    s = 2     b0 b1 d0 d1    s = 1     a1 b1 c1 d1
  //     c0 c1 c2 c3    ---->     a2 a3 c2 c3    ---->     a2 b2 c2 d2
  //     d0 d1 d2 d3              b2 b3 d2 d3              a3 b3 c3 d3
  for (int64_t s = lanes / 2; s >= 1; s /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t l = 0; l < lanes; ++l) {
      low.push_back((l & s) == 0 ? l : lanes + l - s);
      high.push_back((l & s) == 0 ? l + s : lanes + l);
    }
    for (int64_t i = 0; i < lanes; ++i) {
      if (i & s)
        continue;
      Value a = rows[i], z = rows[i + s];
      rows[i] = vector::ShuffleOp::create(c.b, c.loc, a, z, low);
      rows[i + s] = vector::ShuffleOp::create(c.b, c.loc, a, z, high);
    }
  }
}

Values ifElse(KernelContext &c, Value condition, TypeRange types, function_ref<Values()> yes,
              function_ref<Values()> no) {
  auto op = scf::IfOp::create(c.b, c.loc, types, condition, /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(c.b);
  c.b.setInsertionPointToStart(op.thenBlock());
  scf::YieldOp::create(c.b, c.loc, yes());
  c.b.setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(c.b, c.loc, no());
  return llvm::to_vector_of<Value>(op.getResults());
}

void ifThen(KernelContext &c, Value condition, function_ref<void()> yes) {
  auto op = scf::IfOp::create(c.b, c.loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(c.b);
  c.b.setInsertionPointToStart(op.thenBlock());
  yes();
}

void ifNotEmpty(KernelContext &c, ArrayRef<AffineExpr> shape, function_ref<void()> body,
                function_ref<void()> otherwise) {
  AffineExpr elements = product(shape, c.kernel.getContext());
  if (constantOr(elements) >= 0)
    return constantOr(elements) ? body() : otherwise();
  Value some = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sgt, c.index(elements), c.index(int64_t(0)));
  auto op = scf::IfOp::create(c.b, c.loc, some, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(c.b);
  c.b.setInsertionPointToStart(op.thenBlock());
  body();
  c.b.setInsertionPointToStart(op.elseBlock());
  otherwise();
}

void nest(KernelContext &c, ArrayRef<AffineExpr> extents, function_ref<void(ArrayRef<Value>)> body) {
  nest(c, extents, {}, [&](ArrayRef<Value> at, ValueRange) {
    body(at);
    return Values();
  });
}

static Values nestFrom(KernelContext &c, ArrayRef<AffineExpr> extents, Values &at, Values init,
                       function_ref<Values(ArrayRef<Value>, ValueRange)> body) {
  if (at.size() == extents.size())
    return body(at, init);
  AffineExpr extent = extents[at.size()];
  Value zero = c.index(int64_t(0));
  if (extent == 1) {
    at.push_back(zero);
    Values result = nestFrom(c, extents, at, init, body);
    at.pop_back();
    return result;
  }
  auto step = [&](Value i, ValueRange args) {
    at.push_back(i);
    Values result = nestFrom(c, extents, at, llvm::to_vector_of<Value>(args), body);
    at.pop_back();
    return result;
  };
  if (!init.empty())
    return c.loop(zero, c.index(extent), 1, init, step);
  c.loop(zero, c.index(extent), 1, [&](Value i) { step(i, {}); });
  return {};
}

Values nest(KernelContext &c, ArrayRef<AffineExpr> extents, Values init,
            function_ref<Values(ArrayRef<Value>, ValueRange)> body) {
  Values at;
  return nestFrom(c, extents, at, std::move(init), body);
}

Value scratch(KernelContext &c, int64_t elements, Type type) { return c.temporary(elements, type); }

} // namespace tenon::codegen
