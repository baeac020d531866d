// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LSTM, GRU and RNN. layout = 1 (batch first) is transposed to layout 0.
#include "HandlerRegistry.h"
#include "NodeContext.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

/// ONNX's activation functions, but ScaledTanh: it has no default parameters.
constexpr StringRef kActivations[] = {"Affine",   "Elu",     "HardSigmoid", "LeakyRelu", "Relu",
                                      "Sigmoid",  "Softplus", "Softsign",    "Tanh",      "ThresholdedRelu"};

struct Recurrence {
  Value x, w, r, bias, lengths, initialH, initialC, peephole;
  graph::RnnDirection direction = graph::RnnDirection::forward;
  ArrayAttr activations;
  FloatAttr clip;
  uint64_t hiddenSize = 0;
  bool batchFirst = false;

  Value stateIn(NodeContext &c, Value state) {
    return state && batchFirst ? c.transpose(state, {1, 0, 2}) : state;
  }
  Value stateOut(NodeContext &c, Value state) { return batchFirst ? c.transpose(state, {1, 0, 2}) : state; }
  /// [seq, directions, batch, hidden] to [batch, seq, directions, hidden].
  Value sequenceOut(NodeContext &c, Value y) { return batchFirst ? c.transpose(y, {2, 0, 1, 3}) : y; }

  static std::optional<Recurrence> read(NodeContext &c, ArrayRef<StringRef> defaults) {
    Recurrence result;
    result.batchFirst = c.integer("layout", 0);
    result.x = result.batchFirst ? c.transpose(c.input(0), {1, 0, 2}) : c.input(0);
    result.w = c.input(1);
    result.r = c.input(2);
    result.bias = c.input(3);
    result.lengths = c.input(4);
    result.initialH = result.stateIn(c, c.input(5));
    auto direction = graph::symbolizeRnnDirection(c.text("direction", "forward"));
    if (!direction) {
      (void)c.error(Problem::unsupported, "attribute direction = " + c.text("direction", ""));
      return std::nullopt;
    }
    result.direction = *direction;
    if (c.has("activation_alpha") || c.has("activation_beta")) {
      (void)c.error(Problem::unsupported, "attributes activation_alpha and activation_beta have no form");
      return std::nullopt;
    }
    auto given = c.node.getStrings("activations");
    size_t expected = defaults.size() * (result.direction == graph::RnnDirection::bidirectional ? 2 : 1);
    if (!given.empty() && given.size() != expected) {
      (void)c.error(Problem::range, "attribute activations has " + Twine(given.size()) + " values, expected " + Twine(expected));
      return std::nullopt;
    }
    for (StringRef name : given)
      if (llvm::none_of(kActivations, [&](StringRef known) { return known.equals_insensitive(name); })) {
        (void)c.error(Problem::unsupported, "attribute activations has the value " + name + ", expected one of " +
                                                llvm::join(ArrayRef(kActivations), ", "));
        return std::nullopt;
      }
    for (auto [i, name] : llvm::enumerate(given))
      if (!name.equals_insensitive(defaults[i % defaults.size()]))
        result.activations = dyn_cast<ArrayAttr>(c.node.getAttribute("activations"));
    if (c.has("clip"))
      result.clip = c.builder.getF32FloatAttr(c.real("clip", 0));
    result.hiddenSize = c.integer("hidden_size", c.requireDim(result.r, 2, "the hidden size"));
    return result;
  }
};

LogicalResult convertLstm(NodeContext &c) {
  auto r = Recurrence::read(c, {"Sigmoid", "Tanh", "Tanh"});
  if (!r)
    return failure();
  r->initialC = r->stateIn(c, c.input(6));
  r->peephole = c.input(7);
  Type type = c.unranked(c.elementType(r->x));
  auto op = graph::LstmOp::create(c.builder, c.loc, type, type, type, r->x, r->w, r->r, r->bias, r->lengths,
                                  r->initialH, r->initialC, r->peephole, r->hiddenSize, r->direction,
                                  r->activations, r->clip, bool(c.integer("input_forget", 0)));
  c.visit(op);
  return c.set({r->sequenceOut(c, op.getY()), r->stateOut(c, op.getYH()), r->stateOut(c, op.getYC())});
}

LogicalResult convertGru(NodeContext &c) {
  auto r = Recurrence::read(c, {"Sigmoid", "Tanh"});
  if (!r)
    return failure();
  Type type = c.unranked(c.elementType(r->x));
  auto op = graph::GruOp::create(c.builder, c.loc, type, type, r->x, r->w, r->r, r->bias, r->lengths,
                                 r->initialH, r->hiddenSize, r->direction, r->activations, r->clip,
                                 bool(c.integer("linear_before_reset", 0)));
  c.visit(op);
  return c.set({r->sequenceOut(c, op.getY()), r->stateOut(c, op.getYH())});
}

LogicalResult convertRnn(NodeContext &c) {
  auto r = Recurrence::read(c, {"Tanh"});
  if (!r)
    return failure();
  Type type = c.unranked(c.elementType(r->x));
  auto op = graph::RnnOp::create(c.builder, c.loc, type, type, r->x, r->w, r->r, r->bias, r->lengths,
                                 r->initialH, r->hiddenSize, r->direction, r->activations, r->clip);
  c.visit(op);
  return c.set({r->sequenceOut(c, op.getY()), r->stateOut(c, op.getYH())});
}

} // namespace

void tenon::onnxtograph::addRecurrence(HandlerRegistry &registry) {
  registry.add(kOnnx, "LSTM", 1, 3, convertLstm);
  registry.add(kOnnx, "GRU", 1, 3, convertGru);
  registry.add(kOnnx, "RNN", 1, 3, convertRnn);
}
