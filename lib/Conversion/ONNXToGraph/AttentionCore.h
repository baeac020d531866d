// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parts of which the attention operators of all domains are made.
#ifndef TENON_LIB_CONVERSION_ONNXTOGRAPH_ATTENTIONCORE_H
#define TENON_LIB_CONVERSION_ONNXTOGRAPH_ATTENTIONCORE_H

#include "NodeContext.h"

namespace tenon::onnxtograph {

/// [batch, length, heads * size] to [batch, heads, length, size].
Value splitHeads(NodeContext &c, Value x, int64_t heads);
/// [batch, heads, length, size] to [batch, length, heads * size].
Value mergeHeads(NodeContext &c, Value x);

/// 0, 1, ... below dimension `index` of x.
Value positions(NodeContext &c, Value x, int64_t index);

/// An additive mask of x's element type: `hidden` where `keep` (i1) is false.
Value maskFrom(NodeContext &c, Value keep, Value like, double hidden);
/// Sum of two masks, either of which may be null.
Value addMasks(NodeContext &c, Value a, Value b);
/// keep[i, j] = j <= i + offset, for q rows and kv columns.
Value causalKeep(NodeContext &c, Value q, Value k, Value offset);
/// keep[b, 1, 1, j] = j < lengths[b], for the keys of k.
Value keepOfLengths(NodeContext &c, Value lengths, Value k);

struct AttentionParts {
  Value q, k, v;   // [batch, heads, length, size]
  Value mask;      // additive, may be null
  float scale = 0; // 0: 1 / sqrt(size)
  float softcap = 0;
  bool causal = false; // aligned at the last key
  /// Whether `scores` is wanted, and at which step: 0 the scaled products, 1
  /// with the cap, 2 with the mask too, 3 after softmax.
  bool wantScores = false;
  int64_t scoresMode = 0;
  Value scores = {};
};
Value emitAttention(NodeContext &c, AttentionParts &parts);

/// How rotary embedding is applied; x is [batch, heads, length, size], cos and
/// sin are [batch or 1, length, rotated / 2].
Value rotate(NodeContext &c, Value x, Value cos, Value sin, int64_t rotated, bool interleaved);

} // namespace tenon::onnxtograph

#endif // TENON_LIB_CONVERSION_ONNXTOGRAPH_ATTENTIONCORE_H
