// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the layout that PackedCodes.h describes. The selected panel of stream v is number
//   p = v * perStream + panel
// of the buffer. Word `row` of its group g begins at element ((p * groups + g) * bits + row) * lanes, its
// scales and zero points of block b at element (p * blocks + b) * lanes. A word is loaded where its first code
// is asked for, and once for all codes that share it.
#include "CodePanels.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr int64_t kLine = 64; // bytes of a cache line
// How far ahead is prefetched, in bytes over all streams: with S streams 8192 / S in each. Half and one and a half
// times that are up to 4 % slower.
constexpr int64_t kFetchAhead = 8192;

CodeDecoder decoderOf(KernelContext &c, const CpuTarget &target, const PackedCodes &w, int64_t lanes) {
  if (w.isCentered()) // packing made them signed codes, whose value is less the zero point
    return {c, target, c.b.getIntegerType(w.bits()), lanes, 0};
  return {c, target, w.element, lanes, w.center};
}

/// `word`, which LLVM's scheduler takes to depend on `sum`. The assembly is empty, and its result is in the register
/// of `word`.
Value after(KernelContext &c, const CpuTarget &target, Value sum, Value word) {
  if (!target.isX86())
    return word;
  return LLVM::InlineAsmOp::create(c.b, c.loc, word.getType(), ValueRange{word, sum}, /*asm_string=*/"",
                                   /*constraints=*/"=x,0,x",
                                   /*has_side_effects=*/false, /*is_align_stack=*/false, LLVM::TailCallKind::None,
                                   LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}

} // namespace

CodePanels::CodePanels(KernelContext &context, const CpuTarget &target, const PackedCodes &codes, int64_t lanes,
                       int64_t count, AffineExpr perStream)
    : c(context), target(target), w(codes), lanes(lanes), vectors(count), perStream(perStream),
      decoder(decoderOf(context, target, codes, lanes)), quads(context, codes, lanes) {
  if (Type real = getElementTypeOrSelf(w.op.getResult().getType()); real.getIntOrFloatBitWidth() < 32)
    type16 = real;
}

//===-- where things lie -----------------------------------------------------===//

/// Number, in memory, of the selected panel of stream `vector`.
Value CodePanels::panelOf(int64_t vector) { return c.add(c.mul(c.index(perStream), c.index(vector)), panel); }

Value CodePanels::wordsAt(int64_t vector, Value group, int64_t row) {
  Value rows = c.mul(c.add(c.mul(panelOf(vector), c.index(w.groups())), group), c.index(w.bits()));
  return c.mul(c.add(rows, c.index(row)), c.index(lanes));
}

Value CodePanels::scalesAt(int64_t vector, Value block) {
  return c.mul(c.add(c.mul(panelOf(vector), c.index(w.blocks())), block), c.index(lanes));
}

//===-- codes ----------------------------------------------------------------===//

/// Words of a group, a vector for row `number` of the words of each panel. Each is loaded where it is first asked for.
class CodePanels::Words {
public:
  Words(CodePanels &panels, Value group) : p(panels), group(group), loaded(p.vectors * p.w.bits()) {}
  Value &at(int64_t number, int64_t vector) {
    Value &value = loaded[number * p.vectors + vector];
    if (!value)
      value = p.c.load(p.c.inputBuffer(p.w.codes), p.c.b.getI32Type(), p.wordsAt(vector, group, number), p.lanes);
    return value;
  }
  /// Holds a word back until fence(vector) is there, if there is a fence.
  void hold(int64_t number, int64_t vector, Fence fence) {
    if (Value first = fence ? fence(vector) : Value())
      at(number, vector) = after(p.c, p.target, first, at(number, vector));
  }

private:
  CodePanels &p;
  Value group;
  SmallVector<Value> loaded;
};

void CodePanels::eachQuad(Value group, int64_t from, int64_t to, function_ref<void(int64_t, ArrayRef<Value>)> body,
                          Fence fence) {
  Words words(*this, group);
  for (int64_t quad = from; quad < to; ++quad) {
    SmallVector<Value> bytes;
    for (int64_t v = 0; v < vectors; ++v) {
      if (quad > from)
        words.hold(quads.firstWord(quad), v, fence);
      bytes.push_back(quads.bytes(quad, [&](int64_t number) { return words.at(number, v); }));
    }
    body(quad, bytes);
  }
}

void CodePanels::eachStep(Value group, int64_t from, int64_t to, function_ref<void(int64_t, ArrayRef<Value>)> body,
                          Fence fence) {
  if (w.areQuads()) // the steps of a quad one after the other
    return eachQuad(
        group, from / 4, llvm::divideCeil(to, 4),
        [&](int64_t quad, ArrayRef<Value> bytes) {
          for (int64_t step = std::max(from, 4 * quad); step < std::min(to, 4 * quad + 4); ++step)
            body(step, llvm::map_to_vector(bytes, [&](Value codes) { return quads.decode(codes, step % 4); }));
        },
        fence);
  auto type = VectorType::get({lanes}, c.b.getI32Type());
  auto shift = [&](int64_t by) {
    return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(type, c.b.getI32IntegerAttr(by)));
  };
  // Bit strings: the code of a step begins at bit `low` of word `number`.
  Words words(*this, group);
  for (int64_t step = from; step < to; ++step) {
    SmallVector<Value> values;
    for (int64_t v = 0; v < vectors; ++v) {
      int64_t at = step * w.bits(), number = at / 32, low = at % 32;
      if (step % 2 == 0 && step > from)
        words.hold(number, v, fence);
      Value codes = words.at(number, v);
      if (low)
        codes = arith::ShRUIOp::create(c.b, c.loc, codes, shift(low));
      if (low + w.bits() > 32) // the rest lies in the next word
        codes = arith::OrIOp::create(c.b, c.loc, codes,
                                     arith::ShLIOp::create(c.b, c.loc, words.at(number + 1, v), shift(32 - low)));
      values.push_back(decoder.decode(codes));
    }
    body(step, values);
  }
}

//===-- scales and zero points -----------------------------------------------===//

SmallVector<Value> CodePanels::scales(Value block) {
  SmallVector<Value> values;
  Type type = getElementTypeOrSelf(w.op.getScale().getType());
  for (int64_t v = 0; v < vectors; ++v)
    values.push_back(c.load(c.inputBuffer(w.scales), type, scalesAt(v, block), lanes));
  return values;
}

SmallVector<Value> CodePanels::zeros(Value block) {
  SmallVector<Value> values;
  if (!w.zeros)
    return values;
  Type type = getElementTypeOrSelf(w.op.getZeroPoint().getType());
  for (int64_t v = 0; v < vectors; ++v) {
    Value zero = c.load(c.inputBuffer(*w.zeros), type, scalesAt(v, block), lanes);
    if (type.isInteger()) { // a byte, of which the codes' type has the low bits
      zero = arith::ExtUIOp::create(c.b, c.loc, VectorType::get({lanes}, c.b.getI32Type()), zero);
      zero = wrapToWidth(c.b, c.loc, zero, cast<IntegerType>(w.element));
      zero = arith::SIToFPOp::create(c.b, c.loc, VectorType::get({lanes}, c.b.getF32Type()), zero);
    }
    values.push_back(zero);
  }
  return values;
}

Value CodePanels::weightOf(Value code, Value scale, Value zero) {
  if (zero)
    code = arith::SubFOp::create(c.b, c.loc, code, zero);
  if (unit() != 1)
    code = arith::MulFOp::create(c.b, c.loc, code, c.constant(c.b.getF32Type(), unit(), lanes));
  Value value = arith::MulFOp::create(c.b, c.loc, code, scale);
  if (!type16)
    return value;
  return arith::ExtFOp::create(c.b, c.loc, value.getType(),
                               Value(arith::TruncFOp::create(c.b, c.loc, VectorType::get({lanes}, type16), value)));
}

//===-- ahead ----------------------------------------------------------------===//

/// Prefetches, in each stream, as many lines as `elements` values take, kFetchAhead / S bytes behind at(stream).
void CodePanels::fetchAhead(Value buffer, int64_t elements, function_ref<Value(int64_t)> at) {
  int64_t size = cast<MemRefType>(buffer.getType()).getElementTypeBitWidth() / 8;
  for (int64_t v = 0; v < vectors; ++v)
    for (int64_t line = 0; line < elements * size; line += kLine)
      memref::PrefetchOp::create(c.b, c.loc, buffer,
                                 ValueRange{c.add(at(v), c.index((kFetchAhead / vectors + line) / size))},
                                 /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}
void CodePanels::fetchCodes(Value group) {
  fetchAhead(c.inputBuffer(w.codes), w.bits() * lanes, [&](int64_t v) { return wordsAt(v, group, 0); });
}
void CodePanels::fetchScales(Value block) {
  fetchAhead(c.inputBuffer(w.scales), lanes, [&](int64_t v) { return scalesAt(v, block); });
}

} // namespace tenon::cpu
