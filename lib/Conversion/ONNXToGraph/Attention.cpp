// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention and rotary embedding, of ONNX (opset 23) and of com.microsoft. The
// core is graph.attention; biases, head layouts, caches and masks around it are
// ordinary graph ops.
#include "AttentionCore.h"
#include "HandlerRegistry.h"
#include "tenon/tenon.h"

#include <cmath>

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

/// Appends new keys or values to a cache; length is dimension 2.
Value append(NodeContext &c, Value past, Value fresh) { return past ? c.concat({past, fresh}, 2) : fresh; }

/// Keys beyond the mask's own are hidden.
Value padMask(NodeContext &c, Value mask, Value k, double hidden) {
  int64_t rank = c.rank(mask);
  auto own = c.staticDim(mask, rank - 1), keys = c.staticDim(k, 2);
  if (!own || !keys || *own >= *keys || *own == 1)
    return mask;
  Ints pads(2 * rank, 0);
  pads.back() = *keys - *own;
  return c.create<graph::PadOp>(c.elementType(mask), graph::PadMode::constant, mask, c.shapeConstant(pads),
                                c.scalarLike(mask, hidden));
}

LogicalResult convertOnnxAttention(NodeContext &c) {
  Value q = c.input(0), k = c.input(1), v = c.input(2), mask = c.input(3), lengths = c.input(6);
  if (c.integer("left_window_size", -1) >= 0 || c.integer("right_window_size", -1) >= 0)
    return c.error(Problem::unsupported, "attributes left_window_size and right_window_size have no form");
  bool is3D = c.rank(q) == 3;
  if (is3D) {
    int64_t heads = c.integer("q_num_heads", 0), own = c.integer("kv_num_heads", 0);
    q = splitHeads(c, q, heads);
    k = splitHeads(c, k, own);
    v = splitHeads(c, v, own);
  }
  Value past = c.input(4);
  if (c.failed() || c.rank(q) != 4 || c.rank(k) != 4)
    return c.error(Problem::range, "inputs must have rank 3 or 4");
  bool sameLength = c.shapes.getShape(q)[2] == c.shapes.getShape(k)[2];
  k = append(c, past, k);
  v = append(c, c.input(5), v);
  if (mask && c.elementType(mask).isInteger(1))
    mask = maskFrom(c, mask, q, -INFINITY);
  if (mask)
    mask = padMask(c, mask, k, -INFINITY);
  AttentionParts parts{q, k, v, mask, c.real("scale", 0), c.real("softcap", 0)};
  if (lengths)
    parts.mask = addMasks(c, parts.mask, maskFrom(c, keepOfLengths(c, lengths, k), q, -INFINITY));
  if (c.integer("is_causal", 0)) {
    // ONNX aligns queries behind the keys of the cache, graph at the last key.
    parts.causal = sameLength && !lengths;
    Value offset;
    if (past)
      offset = c.shapeOf(Extent::dimOf(past, 2));
    else if (lengths)
      offset = c.sub(c.unsqueeze(c.cast(lengths, c.i64()), {1, 2, 3}), c.shapeOf(Extent::dimOf(q, 2)));
    if (!parts.causal)
      parts.mask = addMasks(c, parts.mask, maskFrom(c, causalKeep(c, q, k, offset), q, -INFINITY));
  }
  if (c.uses(3)) {
    parts.scoresMode = c.integer("qk_matmul_output_mode", 0);
    parts.wantScores = true;
  }
  Value y = emitAttention(c, parts);
  return c.set({is3D ? mergeHeads(c, y) : y, k, v, parts.scores});
}

/// The additive form of the masks of com.microsoft: lengths [batch], or ones
/// where a key is seen, [batch, keys] or [batch, queries, keys].
Value microsoftMask(NodeContext &c, Value mask, Value q, Value k, double hidden) {
  if (!mask)
    return {};
  int64_t rank = c.rank(mask);
  if (rank == 1)
    return maskFrom(c, keepOfLengths(c, mask, k), q, hidden);
  if (rank != 2 && rank != 3) {
    (void)c.error(Problem::unsupported, "a mask of rank " + Twine(rank) + " has no form, expected 1, 2 or 3");
    return {};
  }
  Value keep = c.binary(BinaryKind::gt, mask, c.scalarLike(mask, 0));
  return maskFrom(c, c.unsqueeze(keep, rank == 2 ? ArrayRef<int64_t>{1, 2} : ArrayRef<int64_t>{1}), q, hidden);
}

/// com.microsoft Attention: one projection to q, k and v, optional cache.
LogicalResult convertMicrosoftAttention(NodeContext &c) {
  int64_t heads = c.integer("num_heads", 0);
  c.ignore({"rotary_embedding_dim"}); // for do_rotary = 1
  if (c.integer("do_rotary", 0))
    return c.error(Problem::unsupported, "attribute do_rotary = 1 has no form");
  if (c.integer("past_present_share_buffer", 0))
    return c.error(Problem::unsupported, "attribute past_present_share_buffer = 1 has no form");
  if (c.input(6))
    return c.error(Problem::unsupported, "input past_sequence_length (a cache shared with the output) has no form");
  Value all = c.matmul(c.input(0), c.input(1));
  if (c.input(2))
    all = c.add(all, c.input(2));
  int64_t width = c.requireDim(all, 2, "the projection's size");
  Ints sizes = c.ints("qkv_hidden_sizes").value_or(Ints(3, width / 3));
  if (sizes.size() != 3 || c.failed())
    return c.error(Problem::range, "attribute qkv_hidden_sizes needs 3 values");
  Value part[3];
  int64_t begin = 0;
  for (int i = 0; i < 3; ++i) {
    part[i] = splitHeads(c, c.slice(all, 2, begin, begin + sizes[i]), heads);
    begin += sizes[i];
  }
  Value k = part[1], v = part[2], present;
  if (Value past = c.input(4)) { // [2, batch, heads, past, size]
    k = append(c, c.squeeze(c.slice(past, 0, 0, 1), {0}), k);
    v = append(c, c.squeeze(c.slice(past, 0, 1, 2), {0}), v);
  }
  if (c.uses(1))
    present = c.concat({c.unsqueeze(k, {0}), c.unsqueeze(v, {0})}, 0);
  if (c.failed())
    return failure();
  Value mask = microsoftMask(c, c.input(3), part[0], k, c.real("mask_filter_value", -10000));
  AttentionParts parts{part[0], k, v, addMasks(c, mask, c.input(5)), c.real("scale", 0)};
  parts.causal = c.integer("unidirectional", 0);
  return c.set({mergeHeads(c, emitAttention(c, parts)), present});
}

LogicalResult convertMultiHeadAttention(NodeContext &c) {
  int64_t heads = c.integer("num_heads", 0);
  Value q = c.input(0), k = c.input(1), v = c.input(2), bias = c.input(3);
  if (c.rank(q) != 3 || !k || !v || c.rank(k) != c.rank(v))
    return c.error(Problem::unsupported, "packed query, key and value have no form");
  if (c.input(8) || c.input(9))
    return c.error(Problem::unsupported, "inputs past_sequence_length and cache_indirection have no form");
  if (bias) {
    int64_t size = c.requireDim(q, 2, "the hidden size");
    q = c.add(q, c.slice(bias, 0, 0, size));
    if (c.rank(k) == 3) {
      int64_t vSize = c.requireDim(v, 2, "the value's size");
      k = c.add(k, c.slice(bias, 0, size, 2 * size));
      v = c.add(v, c.slice(bias, 0, 2 * size, 2 * size + vSize));
    }
  }
  q = splitHeads(c, q, heads);
  if (c.rank(k) == 3) { // else keys of a cross attention, [batch, heads, length, size] already
    k = splitHeads(c, k, heads);
    v = splitHeads(c, v, heads);
  }
  k = append(c, c.input(6), k);
  v = append(c, c.input(7), v);
  if (c.failed())
    return failure();
  Value mask = microsoftMask(c, c.input(4), q, k, c.real("mask_filter_value", -10000));
  AttentionParts parts{q, k, v, addMasks(c, mask, c.input(5)), c.real("scale", 0)};
  parts.causal = c.integer("unidirectional", 0);
  return c.set({mergeHeads(c, emitAttention(c, parts)), k, v});
}

/// Rows offset, offset + 1, ... of the cosine or sine table, as many as dimension
/// 2 of x. Gathered, since a slice at a value would have no size at compile time.
Value tableRows(NodeContext &c, Value table, Value offset, Value x) {
  Value length = c.squeeze(c.shapeOf(Extent::dimOf(x, 2)), {0});
  Value steps = c.create<graph::RangeOp>(c.i64(), c.scalar(c.i64(), 0), length, c.scalar(c.i64(), 1));
  return c.unsqueeze(c.gather(table, c.add(steps, offset), 0), {0});
}

LogicalResult convertRotary(NodeContext &c, Value positions, Value cos, Value sin) {
  Value x = c.input(0);
  int64_t isPacked = c.integer("is_packed_batching", 0);
  if (c.real("scale", 1) != 1 || isPacked)
    return c.error(Problem::unsupported, "attributes is_packed_batching and scale have no form");
  bool is3D = c.rank(x) == 3;
  int64_t rotated = c.integer("rotary_embedding_dim", 0), heads = c.integer("num_heads", 0);
  if (is3D) {
    if (heads == 0) {
      int64_t size = 2 * c.requireDim(cos, c.rank(cos) - 1, "the table's width");
      heads = c.requireDim(x, 2, "the hidden size") / std::max<int64_t>(size, 1);
    }
    x = splitHeads(c, x, heads);
  }
  if (rotated == 0)
    rotated = c.requireDim(x, 3, "the size of a head");
  if (c.failed())
    return failure();
  if (positions && c.rank(positions) <= 1) { // the position of the first token
    Value offset = c.asShape(positions);
    cos = tableRows(c, cos, offset, x);
    sin = tableRows(c, sin, offset, x);
  } else if (positions) {
    cos = c.gather(cos, positions, 0);
    sin = c.gather(sin, positions, 0);
  }
  Value y = rotate(c, x, cos, sin, rotated, c.integer("interleaved", 0));
  return c.set(is3D ? mergeHeads(c, y) : y);
}

/// The new tokens of com.microsoft GroupQueryAttention's sequences follow as many
/// tokens of the cache as seqlens_k says, which can be fewer than it has room for.
struct Cache {
  Value lengths; ///< [batch]; null: the cache is full

  static Cache read(NodeContext &c, Value past, Value q) {
    Value last = c.input(5); // the number of tokens, old and new, minus 1
    if (!past)
      return {};
    // onnxruntime-genai's model builder gives it as a column.
    if (last && c.rank(last) == 2 && c.staticDim(last, 1) == 1)
      last = c.squeeze(last, {1});
    if (!last || c.rank(last) != 1) {
      (void)c.error(Problem::range,
                    "input seqlens_k has " + (last ? "rank " + std::to_string(c.rank(last)) : std::string("no value")) +
                        ", expected one element for each sequence, [batch] or [batch, 1], where past_key is given");
      return {};
    }
    auto old = c.staticDim(past, 2), fresh = c.staticDim(q, 2);
    if (auto known = c.tryInts(last);
        known && old && fresh && llvm::all_of(*known, [&](int64_t at) { return at + 1 == *old + *fresh; }))
      return {};
    // Below 0 for a first prompt that is padded: nothing comes before it.
    Value lengths = c.add(c.sub(c.cast(last, c.i64()), c.shapeOf(Extent::dimOf(q, 2))), c.shapeConstant({1}));
    return {c.binary(BinaryKind::max, lengths, c.shapeConstant({0}))};
  }

  /// The cache's tokens, then the new ones without a gap; what is left at the end
  /// repeats the last one. A sequence of more tokens than there are is taken from
  /// where its last would lie, which is outside and an error at run time.
  Value append(NodeContext &c, Value past, Value fresh) const {
    Value all = ::append(c, past, fresh);
    if (!lengths)
      return all;
    Value place = positions(c, all, 2), old = c.unsqueeze(lengths, {1});
    Value moved = c.add(c.sub(place, old), c.shapeOf(Extent::dimOf(past, 2)));
    Value end = c.sub(c.shapeOf(Extent::dimOf(all, 2)), c.shapeConstant({1}));
    Value from = c.select(c.binary(BinaryKind::lt, place, old), place, c.binary(BinaryKind::min, moved, end));
    Value last = c.add(old, c.sub(c.shapeOf(Extent::dimOf(fresh, 2)), c.shapeConstant({1})));
    from = c.select(c.binary(BinaryKind::gt, old, c.shapeOf(Extent::dimOf(past, 2))), last, from);
    SmallVector<Extent> shape = c.extentsOf(all);
    shape.back() = 1;
    Value tokens =
        c.create<graph::GatherNDOp>(c.elementType(all), all, c.expand(c.unsqueeze(from, {1, 3}), shape), uint64_t(2));
    NamedAttribute code = c.builder.getNamedAttr("code", c.builder.getI64IntegerAttr(TENON_CACHE));
    NamedAttribute text = c.builder.getNamedAttr(
        "text", c.builder.getStringAttr("seqlens_k is {0}, beyond the {1} tokens of past and new keys"));
    tokens.getDefiningOp()->setAttr("graph.index_error", c.builder.getDictionaryAttr({code, text}));
    return tokens;
  }
};

/// Refuses what GroupQueryAttention may ask for and has no form.
LogicalResult checkGroupQuery(NodeContext &c) {
  int64_t window = c.integer("local_window_size", -1), isSmooth = c.integer("smooth_softmax", 0);
  if (window > 0 || isSmooth > 0 || c.integer("num_heads", 0) < 1 || c.integer("kv_num_heads", 0) < 1)
    return c.error(Problem::unsupported, "local windows and smooth softmax have no form; heads must be positive");
  StringRef kType = c.text("k_quant_type", "NONE"), vType = c.text("v_quant_type", "NONE");
  if (kType != "NONE" || vType != "NONE")
    return c.error(Problem::unsupported, "a quantized cache (k_quant_type, v_quant_type) has no form");
  c.ignore({"kv_cache_bit_width", "qk_output"});                     // of such a cache, and of output 3
  c.ignore({"qk_norm_epsilon", "q_norm_epsilon", "k_norm_epsilon"}); // of the inputs q_norm_weight and k_norm_weight
  if (int64_t sliding = c.integer("sliding_window_cache", 0))
    return c.error(Problem::unsupported, "attribute sliding_window_cache = " + Twine(sliding) + ", expected 0");
  if (int64_t causal = c.integer("causal", 1); causal != 1)
    return c.error(Problem::unsupported, "attribute causal = " + Twine(causal) + ", expected 1");
  for (auto [index, name] :
       {std::pair(11u, "head_sink"), {14u, "q_norm_weight"}, {15u, "k_norm_weight"}, {16u, "query_seqlens"}})
    if (c.input(index))
      return c.error(Problem::unsupported, Twine("input ") + name + " has no form");
  if (!c.input(1) != !c.input(2) || !c.input(3) != !c.input(4))
    return c.error(Problem::range, "of inputs key and value, or of past_key and past_value, only one is given");
  return success();
}

/// Rotates the new queries and keys, where they are to be, by their places in the sequence.
LogicalResult rotateGroupQuery(NodeContext &c, const Cache &cache, Value &q, Value &k) {
  bool interleaved = c.integer("rotary_interleaved", 0);
  if (!c.integer("do_rotary", 0))
    return success();
  Value past = c.input(3), cos = c.input(7), sin = c.input(8), places = c.input(9);
  if (!cos || !sin)
    return c.error(Problem::range, "inputs cos_cache and sin_cache are required where do_rotary = 1");
  int64_t rotated = 2 * c.requireDim(cos, 1, "the table's width");
  if (!places && cache.lengths)
    places = c.add(c.unsqueeze(cache.lengths, {1}), positions(c, q, 2));
  if (places) {
    cos = c.gather(cos, places, 0);
    sin = c.gather(sin, places, 0);
  } else {
    Value offset = past ? c.shapeOf(Extent::dimOf(past, 2)) : c.shapeConstant({0});
    cos = tableRows(c, cos, offset, q);
    sin = tableRows(c, sin, offset, q);
  }
  q = rotate(c, q, cos, sin, rotated, interleaved);
  k = rotate(c, k, cos, sin, rotated, interleaved);
  return success();
}

LogicalResult convertGroupQueryAttention(NodeContext &c) {
  if (failed(checkGroupQuery(c)))
    return failure();
  int64_t heads = c.integer("num_heads", 0), own = c.integer("kv_num_heads", 0);
  Value q = c.input(0), k = c.input(1), v = c.input(2), past = c.input(3);
  if (!k) { // packed
    int64_t size = c.requireDim(q, 2, "the hidden size") / (heads + 2 * own);
    k = c.slice(q, 2, heads * size, (heads + own) * size);
    v = c.slice(q, 2, (heads + own) * size, (heads + 2 * own) * size);
    q = c.slice(q, 2, 0, heads * size);
  }
  q = splitHeads(c, q, heads);
  k = splitHeads(c, k, own);
  v = splitHeads(c, v, own);
  if (c.failed())
    return failure();
  Cache cache = Cache::read(c, past, q);
  if (failed(rotateGroupQuery(c, cache, q, k)))
    return failure();
  k = cache.append(c, past, k);
  v = cache.append(c, c.input(4), v);
  AttentionParts parts{q, k, v, c.input(10), c.real("scale", 0), c.real("softcap", 0)};
  // Padding behind the new tokens is behind the last query that counts, too.
  parts.causal = !cache.lengths;
  if (cache.lengths)
    parts.mask =
        addMasks(c, parts.mask, maskFrom(c, causalKeep(c, q, k, c.unsqueeze(cache.lengths, {1, 2, 3})), q, -INFINITY));
  return c.set({mergeHeads(c, emitAttention(c, parts)), k, v});
}

} // namespace

void tenon::onnxtograph::addAttention(HandlerRegistry &registry) {
  registry.add(kOnnx, "Attention", 23, 3, convertOnnxAttention);
  registry.add(kOnnx, "RotaryEmbedding", 23, 3,
               [](NodeContext &c) { return convertRotary(c, c.input(3), c.input(1), c.input(2)); });
  registry.add(kMicrosoft, "Attention", 1, 2, convertMicrosoftAttention);
  registry.add(kMicrosoft, "MultiHeadAttention", 1, 1, convertMultiHeadAttention);
  registry.add(kMicrosoft, "GroupQueryAttention", 1, 1, convertGroupQueryAttention);
  registry.add(kMicrosoft, "RotaryEmbedding", 1, 4,
               [](NodeContext &c) { return convertRotary(c, c.input(1), c.input(2), c.input(3)); });
}
