// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LSTM, GRU and RNN. layout = 1 (batch first) is transposed to layout 0.
#include "tenon/Dialect/Graph/IR/Recurrence.h"
#include "HandlerRegistry.h"
#include "NodeContext.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

struct Recurrence {
  Value x, w, r, bias, lengths, initialH, initialC, peephole;
  graph::RnnDirection direction = graph::RnnDirection::forward;
  ArrayAttr activations;
  DenseF32ArrayAttr alpha, beta; ///< of each activation
  FloatAttr clip;
  uint64_t hiddenSize = 0;
  bool batchFirst = false;

  Value stateIn(NodeContext &c, Value state) { return state && batchFirst ? c.transpose(state, {1, 0, 2}) : state; }
  Value stateOut(NodeContext &c, Value state) { return batchFirst ? c.transpose(state, {1, 0, 2}) : state; }
  /// [seq, directions, batch, hidden] to [batch, seq, directions, hidden].
  Value sequenceOut(NodeContext &c, Value y) { return batchFirst ? c.transpose(y, {2, 0, 1, 3}) : y; }

  /// Functions and parameters, null where they are the defaults. ONNX lists the
  /// parameters of those functions alone that have some, in their order.
  LogicalResult readActivations(NodeContext &c, ArrayRef<StringRef> defaults) {
    auto names = c.node.getStrings("activations");
    size_t expected = defaults.size() * (direction == graph::RnnDirection::bidirectional ? 2 : 1);
    if (!names.empty() && names.size() != expected)
      return c.error(Problem::range,
                     "attribute activations has " + Twine(names.size()) + " values, expected " + Twine(expected));
    SmallVector<float> alphas, betas;
    bool isDefault = true, hasOwnParameters = false;
    ArrayRef<float> givenAlphas = c.node.getFloats("activation_alpha").value_or(ArrayRef<float>());
    ArrayRef<float> givenBetas = c.node.getFloats("activation_beta").value_or(ArrayRef<float>());
    for (auto [i, name] : llvm::enumerate(names)) {
      const graph::RecurrentFunction *function = graph::recurrentFunction(name);
      if (!function) {
        auto known = llvm::map_range(graph::recurrentFunctions(), [](auto &one) { return one.name; });
        return c.error(Problem::unsupported,
                       "attribute activations has the value " + name + ", expected one of " + llvm::join(known, ", "));
      }
      auto take = [](ArrayRef<float> &given, bool has, float otherwise) {
        if (!has || given.empty())
          return otherwise;
        float value = given.front();
        given = given.drop_front();
        return value;
      };
      if (!function->hasDefaults && (givenAlphas.empty() || givenBetas.empty()))
        return c.error(Problem::unsupported, "activation " + name +
                                                 " has no default parameters; expected values for it in the " +
                                                 "attributes activation_alpha and activation_beta");
      alphas.push_back(take(givenAlphas, function->hasAlpha, function->alpha));
      betas.push_back(take(givenBetas, function->hasBeta, function->beta));
      isDefault &= name.equals_insensitive(defaults[i % defaults.size()]);
      hasOwnParameters |= alphas.back() != function->alpha || betas.back() != function->beta;
    }
    if (!isDefault)
      activations = dyn_cast<ArrayAttr>(c.node.getAttribute("activations"));
    if (hasOwnParameters) {
      alpha = c.builder.getDenseF32ArrayAttr(alphas);
      beta = c.builder.getDenseF32ArrayAttr(betas);
    }
    return success();
  }

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
    if (failed(result.readActivations(c, defaults)))
      return std::nullopt;
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
                                  r->initialH, r->initialC, r->peephole, r->hiddenSize, r->direction, r->activations,
                                  r->alpha, r->beta, r->clip, bool(c.integer("input_forget", 0)));
  c.visit(op);
  return c.set({r->sequenceOut(c, op.getY()), r->stateOut(c, op.getYH()), r->stateOut(c, op.getYC())});
}

LogicalResult convertGru(NodeContext &c) {
  auto r = Recurrence::read(c, {"Sigmoid", "Tanh"});
  if (!r)
    return failure();
  Type type = c.unranked(c.elementType(r->x));
  auto op = graph::GruOp::create(c.builder, c.loc, type, type, r->x, r->w, r->r, r->bias, r->lengths, r->initialH,
                                 r->hiddenSize, r->direction, r->activations, r->alpha, r->beta, r->clip,
                                 bool(c.integer("linear_before_reset", 0)));
  c.visit(op);
  return c.set({r->sequenceOut(c, op.getY()), r->stateOut(c, op.getYH())});
}

LogicalResult convertRnn(NodeContext &c) {
  auto r = Recurrence::read(c, {"Tanh"});
  if (!r)
    return failure();
  Type type = c.unranked(c.elementType(r->x));
  auto op = graph::RnnOp::create(c.builder, c.loc, type, type, r->x, r->w, r->r, r->bias, r->lengths, r->initialH,
                                 r->hiddenSize, r->direction, r->activations, r->alpha, r->beta, r->clip);
  c.visit(op);
  return c.set({r->sequenceOut(c, op.getY()), r->stateOut(c, op.getYH())});
}

} // namespace

void tenon::onnxtograph::addRecurrence(HandlerRegistry &registry) {
  registry.add(kOnnx, "LSTM", 1, 3, convertLstm);
  registry.add(kOnnx, "GRU", 1, 3, convertGru);
  registry.add(kOnnx, "RNN", 1, 3, convertRnn);
}
