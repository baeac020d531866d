// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Transpositions whose innermost dimension is strided in the source. Two of the merged dimensions (Movement.h) matter:
// u, which is contiguous in the source (`unit`), and i, the last one, which is contiguous in the result:
//
//   result[.., u * U + i] = source[.., u + i * I]        I the source's stride of i, U the result's stride of u
//
// Square blocks of L x L elements are loaded along u, transposed in registers (transposeLanes), and stored along i:
//
//     source    u ->                        result    i ->
//     i   | row 0: L elements |             u   | row 0 |
//     |   | row 1             |   ----->    |   | row 1 |        a unit is L elements of u and a coordinate of the
//     v   |  ..               |             v   |  ..   |        other dimensions; its loop runs over the blocks of i
//
// Where i has two to four elements and u is the dimension before it (U = 2 to 4), a row would be shorter than a vector:
// channels of an image, for example. Then as many vectors along u are interleaved, here with three:
//
//     r0 r1 r2 r3 ..
//     g0 g1 g2 g3 ..     ----->     r0 g0 b0 r1  g1 b1 r2 g2  b2 r3 g3 b3  ..
//     b0 b1 b2 b3 ..
//
// The last block of a dimension moves up to end with it, so it copies some elements again instead of masking. If sizes
// that turn out at run time are below a vector, elements move one by one. Moved so, a transposition takes a third of
// the time or less that it takes by elements (docs/Rationale/cpu-schedule.md).
#include "Movement.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr int64_t kMostInterleaved = 4; // vectors

struct Schedule {
  StridedCopy copy;
  size_t unit;          // the number of dimension u
  int64_t lanes, inner; // inner: elements of dimension i if they are interleaved, else -1
  bool interleaves() const { return inner > 0; }
};

std::optional<Schedule> scheduleOf(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  auto op = cast<graph::TransposeOp>(kernel.getRootOp());
  auto fail = [&](const char *why) {
    reason = why;
    return std::nullopt;
  };
  if (!yieldsRootAlone(kernel, reason))
    return std::nullopt;
  Schedule s{stridedCopy(kernel), 0, 1, -1};
  size_t rank = s.copy.dims.size();
  if (rank < 2 || s.copy.strides.back() == 1)
    return fail("rows are contiguous in source and result");
  while (s.unit < rank && s.copy.strides[s.unit] != 1)
    ++s.unit;
  if (s.unit == rank)
    return fail("no dimension is contiguous in the source");
  int64_t bits = storageType(elementOf(op.getX())).getIntOrFloatBitWidth();
  int64_t width = constantOr(s.copy.dims[s.unit]), inner = constantOr(s.copy.dims.back(), -1);
  s.lanes = std::min<int64_t>(16, target.lanesOf(bits));
  // An extent that is not known is taken to fill a vector; the kernel checks that.
  auto fits = [&](int64_t extent) { return extent < 0 || extent >= s.lanes; };
  if (inner > 1 && inner <= kMostInterleaved && s.unit + 2 == rank) {
    while (s.lanes > 1 && !fits(width))
      s.lanes /= 2;
    s.inner = inner;
  } else {
    while (s.lanes > 1 && !(fits(width) && fits(inner)))
      s.lanes /= 2;
  }
  if (s.lanes < 4)
    return fail("a dimension is shorter than a vector");
  return s;
}

struct Emitter {
  KernelContext &c;
  const Schedule &s;
  Value from = c.inputBuffer(0), to = c.outputBuffer(0);
  Type type = storageType(elementOf(c.kernel.getRootOp()->getResult(0)));
  Exprs strides = stridesOf(s.copy.dims);

  Value load(Value at) { return c.loadStored(from, type, at, s.lanes); }
  void store(Value value, Value at) { c.storeStored(value, to, at); }

  /// Loads a vector along u for each of the `inner` elements of i, and stores as many vectors whose element
  /// v * L + l is part (v * L + l) % inner, element (v * L + l) / inner. Each takes one shuffle a part: its own lanes
  /// come from the part, the others stay.
  void interleave(Value source, Value target) {
    Value stride = c.index(s.copy.strides.back());
    SmallVector<Value> parts;
    for (int64_t i = 0; i < s.inner; ++i)
      parts.push_back(load(c.add(source, c.mul(c.index(i), stride))));
    for (int64_t v = 0; v < s.inner; ++v) {
      Value mixed = parts[0];
      for (int64_t part = 0; part < s.inner; ++part) {
        SmallVector<int64_t> order;
        for (int64_t l = 0; l < s.lanes; ++l) {
          int64_t position = v * s.lanes + l;
          bool mine = position % s.inner == part;
          order.push_back(mine ? s.lanes + position / s.inner : part == 0 ? 0 : l);
        }
        mixed = vector::ShuffleOp::create(c.b, c.loc, mixed, parts[part], order);
      }
      store(mixed, c.add(target, c.index(v * s.lanes)));
    }
  }

  /// A square block, from offset `source` to offset `target`.
  void block(Value source, Value target) {
    Value sourceStep = c.index(s.copy.strides.back()), targetStep = c.index(strides[s.unit]);
    Values rows;
    for (int64_t i = 0; i < s.lanes; ++i)
      rows.push_back(load(c.add(source, c.mul(c.index(i), sourceStep))));
    transposeLanes(c, rows);
    for (int64_t i = 0; i < s.lanes; ++i)
      store(rows[i], c.add(target, c.mul(c.index(i), targetStep)));
  }

  /// Elements [first, limit) of u one by one, with all of i.
  void elements(Value source, Value target, Value first, Value limit) {
    c.loop(first, limit, 1, [&](Value u) {
      c.loop(c.index(int64_t(0)), c.index(s.copy.dims.back()), 1, [&](Value i) {
        Value value = c.loadStored(from, type, c.add(source, c.mulAdd(i, c.index(s.copy.strides.back()), u)));
        store(value, c.add(target, c.mulAdd(u, c.index(strides[s.unit]), i)));
      });
    });
  }

  /// Units are coordinates of the other dimensions times vectors of u, the latter fastest.
  void run() {
    size_t rank = s.copy.dims.size();
    Exprs outer, sources, targets;
    for (size_t d = 0; d + 1 < rank; ++d)
      if (d != s.unit) {
        outer.push_back(s.copy.dims[d]);
        sources.push_back(s.copy.strides[d]);
        targets.push_back(strides[d]);
      }
    outer.push_back(s.copy.dims[s.unit].ceilDiv(s.lanes));
    Value width = c.index(s.copy.dims[s.unit]), inner = c.index(s.copy.dims.back()), lanes = c.index(s.lanes);
    c.eachUnit([&](Value number) {
      Values at = c.delinearize(number, outer);
      Value first = c.mul(at.pop_back_val(), lanes);
      Value source = c.offset(at, sources), target = c.offset(at, targets);
      auto vectors = [&]() {
        Value u = c.minS(first, c.sub(width, lanes));
        Value start = c.add(source, u), end = c.add(target, c.mul(u, c.index(strides[s.unit])));
        if (s.interleaves())
          return interleave(start, end);
        c.loop(c.index(int64_t(0)), inner, s.lanes, [&](Value i) {
          Value column = c.minS(i, c.sub(inner, lanes));
          block(c.add(start, c.mul(column, c.index(s.copy.strides.back()))), c.add(end, column));
        });
      };
      bool known = constantOr(s.copy.dims[s.unit]) >= 0 && constantOr(s.copy.dims.back(), -1) >= 0;
      if (known)
        return vectors();
      Value enough = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sge,
                                           s.interleaves() ? width : c.minS(width, inner), lanes);
      ifElse(
          c, enough, {},
          [&]() {
            vectors();
            return Values();
          },
          [&]() {
            elements(source, target, first, c.minS(width, c.add(first, lanes)));
            return Values();
          });
    });
  }
};

class TransposePlan : public KernelPlan {
public:
  TransposePlan(plan::KernelOp kernel, const Machine &target, Schedule schedule)
      : KernelPlan(kernel, target), s(std::move(schedule)) {}
  ScheduleFacts facts() const override {
    return {.text = s.interleaves() ? llvm::formatv("{0} vectors of {1} interleaved", s.inner, s.lanes).str()
                                    : llvm::formatv("blocks of {0} x {0} in registers", s.lanes).str()};
  }
  WorkSplit split() const override {
    AffineExpr units = s.copy.dims[s.unit].ceilDiv(s.lanes);
    for (size_t d = 0; d + 1 < s.copy.dims.size(); ++d)
      if (d != s.unit)
        units = units * s.copy.dims[d];
    return {units, std::max<int64_t>(1, 16384 / (s.lanes * std::max<int64_t>(1, constantOr(s.copy.dims.back(), 64))))};
  }
  LogicalResult emit(KernelContext &c) const override {
    Emitter{c, s}.run();
    return success();
  }

private:
  Schedule s;
};

} // namespace

std::unique_ptr<KernelPlan> planTranspose(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  std::optional<Schedule> schedule = scheduleOf(kernel, target, reason);
  return schedule ? std::make_unique<TransposePlan>(kernel, target, std::move(*schedule)) : nullptr;
}

} // namespace tenon::codegen
