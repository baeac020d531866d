// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LSTM, GRU and RNN by ONNX's formulas. The state stays in double from step to
// step; results are rounded once.
#include "Families.h"

#include "tenon/Dialect/Graph/IR/Recurrence.h"
#include <cmath>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// ONNX's activation functions; nothing if unknown.
std::optional<double> activated(const graph::RecurrentActivation &f, double x) {
  double alpha = f.alpha, beta = f.beta;
  if (f.name == "sigmoid")
    return 1 / (1 + std::exp(-x));
  if (f.name == "tanh")
    return std::tanh(x);
  if (f.name == "relu")
    return std::max(x, 0.0);
  if (f.name == "affine")
    return alpha * x + beta;
  if (f.name == "leakyrelu")
    return x < 0 ? alpha * x : x;
  if (f.name == "thresholdedrelu")
    return x > alpha ? x : 0.0;
  if (f.name == "scaledtanh")
    return alpha * std::tanh(beta * x);
  if (f.name == "hardsigmoid")
    return std::min(std::max(alpha * x + beta, 0.0), 1.0);
  if (f.name == "elu")
    return x < 0 ? alpha * std::expm1(x) : x;
  if (f.name == "softsign")
    return x / (1 + std::fabs(x));
  if (f.name == "softplus")
    return std::log1p(std::exp(x));
  return std::nullopt;
}

/// What the three ops share: shapes, weights, and the walk over steps.
struct Cell {
  int64_t steps, batch, inputSize, hidden, directions, gates;
  std::vector<double> x, w, r, b, h, lens;
  SmallVector<graph::RecurrentActivation> activations; // of all directions
  double clip = 0;                                     // 0: none

  double apply(int64_t direction, unsigned which, double value) const {
    return *activated(activations[direction * (activations.size() / directions) + which], value);
  }
  /// f(clipped x)
  double activate(int64_t direction, unsigned which, double value) const {
    if (clip > 0)
      value = std::min(std::max(value, -clip), clip);
    return apply(direction, which, value);
  }
  /// Row `gate * hidden + j` of W times the input at (step, item), plus its bias.
  double fromInput(int64_t direction, int64_t step, int64_t item, int64_t gate, int64_t j) const {
    const double *row = &w[((direction * gates + gate) * hidden + j) * inputSize];
    const double *in = &x[(step * batch + item) * inputSize];
    double sum = 0;
    for (int64_t i = 0; i < inputSize; ++i)
      sum += row[i] * in[i];
    return sum + (b.empty() ? 0 : b[(direction * 2 * gates + gate) * hidden + j]);
  }
  /// Row of R times a state, plus its bias.
  double fromState(int64_t direction, const double *state, int64_t gate, int64_t j) const {
    const double *row = &r[((direction * gates + gate) * hidden + j) * hidden];
    double sum = 0;
    for (int64_t i = 0; i < hidden; ++i)
      sum += row[i] * state[i];
    return sum + (b.empty() ? 0 : b[((direction * 2 + 1) * gates + gate) * hidden + j]);
  }

  /// Calls step(direction, time, item, state h) in the order of time; the new h
  /// is also y's element at that time.
  template <typename Step>
  std::vector<double> run(graph::RnnDirection kind, Step step) {
    std::vector<double> y(steps * directions * batch * hidden);
    for (int64_t d = 0; d < directions; ++d)
      for (int64_t item = 0; item < batch; ++item) {
        bool reverse = kind == graph::RnnDirection::reverse || d == 1;
        int64_t length = lens.empty() ? steps : std::min<int64_t>(steps, int64_t(lens[item]));
        double *state = &h[(d * batch + item) * hidden];
        for (int64_t s = 0; s < length; ++s) {
          int64_t time = reverse ? length - 1 - s : s;
          step(d, time, item, state);
          std::copy(state, state + hidden, &y[((time * directions + d) * batch + item) * hidden]);
        }
      }
    return y;
  }
};

template <typename OpTy>
FailureOr<Cell> cellOf(OpTy op, ArrayRef<Tensor> inputs, int64_t gates, ArrayRef<StringRef> defaults) {
  const Tensor &x = inputs[0], &w = inputs[1], &r = inputs[2];
  const Tensor *b = operand(op, inputs, 3), *lens = operand(op, inputs, 4), *h = operand(op, inputs, 5);
  Cell cell;
  cell.hidden = op.getHiddenSize();
  cell.directions = op.getDirection() == graph::RnnDirection::bidirectional ? 2 : 1;
  cell.gates = gates;
  bool fits = x.getRank() == 3 && w.getRank() == 3 && r.getRank() == 3;
  if (fits) {
    cell.steps = x.getShape()[0], cell.batch = x.getShape()[1], cell.inputSize = x.getShape()[2];
    Shape wShape{cell.directions, gates * cell.hidden, cell.inputSize},
        rShape{cell.directions, gates * cell.hidden, cell.hidden};
    fits = w.getShape() == ArrayRef(wShape) && r.getShape() == ArrayRef(rShape) &&
           (!b || b->getNumElements() == cell.directions * 2 * gates * cell.hidden) &&
           (!lens || lens->getNumElements() == cell.batch) &&
           (!h || h->getNumElements() == cell.directions * cell.batch * cell.hidden);
  }
  if (!fits)
    return op.emitError("[TN3110] operand shapes do not fit hidden_size ") << cell.hidden;
  cell.x = x.toDoubles(), cell.w = w.toDoubles(), cell.r = r.toDoubles();
  if (b)
    cell.b = b->toDoubles();
  if (lens)
    cell.lens = lens->toDoubles();
  cell.h = h ? h->toDoubles() : std::vector<double>(cell.directions * cell.batch * cell.hidden);
  if (op.getClip())
    cell.clip = op.getClip()->convertToFloat();
  cell.activations = graph::recurrentActivations(op.getActivationsAttr(), op.getActivationAlphaAttr(),
                                                 op.getActivationBetaAttr(), defaults, cell.directions);
  for (const graph::RecurrentActivation &function : cell.activations)
    if (!activated(function, 0))
      return op.emitError("[TN3111] activation '") << function.name << "' is not known";
  return cell;
}

Tensor sequence(Operation *op, const Cell &cell, ArrayRef<double> y) {
  return Tensor::fromDoubles(resultElement(op), {cell.steps, cell.directions, cell.batch, cell.hidden}, y);
}
Tensor state(Operation *op, const Cell &cell, ArrayRef<double> values) {
  return Tensor::fromDoubles(resultElement(op), {cell.directions, cell.batch, cell.hidden}, values);
}

Results evaluateLstm(graph::LstmOp op, ArrayRef<Tensor> inputs) {
  auto cell = cellOf(op, inputs, 4, {"sigmoid", "tanh", "tanh"});
  if (failed(cell))
    return failure();
  const Tensor *initial = operand(op, inputs, 6), *peepholes = operand(op, inputs, 7);
  int64_t hidden = cell->hidden;
  std::vector<double> c = initial ? initial->toDoubles() : std::vector<double>(cell->h.size());
  std::vector<double> p = peepholes ? peepholes->toDoubles() : std::vector<double>(cell->directions * 3 * hidden);
  if (c.size() != cell->h.size() || int64_t(p.size()) != cell->directions * 3 * hidden)
    return op.emitError("[TN3110] operand shapes do not fit hidden_size ") << hidden;
  std::vector<double> next(hidden);
  auto step = [&](int64_t d, int64_t time, int64_t item, double *h) {
    double *cs = &c[(d * cell->batch + item) * hidden];
    const double *ps = &p[d * 3 * hidden];
    for (int64_t j = 0; j < hidden; ++j) {
      auto gate = [&](int64_t g) { return cell->fromInput(d, time, item, g, j) + cell->fromState(d, h, g, j); };
      double in = cell->activate(d, 0, gate(0) + ps[j] * cs[j]);
      double forget = op.getInputForget() ? 1 - in : cell->activate(d, 0, gate(2) + ps[2 * hidden + j] * cs[j]);
      cs[j] = forget * cs[j] + in * cell->activate(d, 1, gate(3));
      double out = cell->activate(d, 0, gate(1) + ps[hidden + j] * cs[j]);
      next[j] = out * cell->apply(d, 2, cs[j]);
    }
    std::copy(next.begin(), next.end(), h);
  };
  std::vector<double> y = cell->run(op.getDirection(), step);
  return SmallVector<Tensor>{sequence(op, *cell, y), state(op, *cell, cell->h), state(op, *cell, c)};
}

Results evaluateGru(graph::GruOp op, ArrayRef<Tensor> inputs) {
  auto cell = cellOf(op, inputs, 3, {"sigmoid", "tanh"});
  if (failed(cell))
    return failure();
  int64_t hidden = cell->hidden;
  std::vector<double> next(hidden), reset(hidden), scaled(hidden);
  auto step = [&](int64_t d, int64_t time, int64_t item, double *h) {
    auto input = [&](int64_t g, int64_t j) { return cell->fromInput(d, time, item, g, j); };
    for (int64_t j = 0; j < hidden; ++j) {
      reset[j] = cell->activate(d, 0, input(1, j) + cell->fromState(d, h, 1, j));
      scaled[j] = reset[j] * h[j];
    }
    for (int64_t j = 0; j < hidden; ++j) {
      double update = cell->activate(d, 0, input(0, j) + cell->fromState(d, h, 0, j));
      double recurrent =
          op.getLinearBeforeReset() ? reset[j] * cell->fromState(d, h, 2, j) : cell->fromState(d, scaled.data(), 2, j);
      next[j] = (1 - update) * cell->activate(d, 1, input(2, j) + recurrent) + update * h[j];
    }
    std::copy(next.begin(), next.end(), h);
  };
  std::vector<double> y = cell->run(op.getDirection(), step);
  return SmallVector<Tensor>{sequence(op, *cell, y), state(op, *cell, cell->h)};
}

Results evaluateRnn(graph::RnnOp op, ArrayRef<Tensor> inputs) {
  auto cell = cellOf(op, inputs, 1, {"tanh"});
  if (failed(cell))
    return failure();
  std::vector<double> next(cell->hidden);
  auto step = [&](int64_t d, int64_t time, int64_t item, double *h) {
    for (int64_t j = 0; j < cell->hidden; ++j)
      next[j] = cell->activate(d, 0, cell->fromInput(d, time, item, 0, j) + cell->fromState(d, h, 0, j));
    std::copy(next.begin(), next.end(), h);
  };
  std::vector<double> y = cell->run(op.getDirection(), step);
  return SmallVector<Tensor>{sequence(op, *cell, y), state(op, *cell, cell->h)};
}

} // namespace

void tenon::reference::registerRecurrence(Registry &registry) {
  registry.add<graph::LstmOp>(evaluateLstm);
  registry.add<graph::GruOp>(evaluateGru);
  registry.add<graph::RnnOp>(evaluateRnn);
}
