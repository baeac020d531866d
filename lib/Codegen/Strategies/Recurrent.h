// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What lstm, gru and rnn kernels share. At each time step t of a sequence, with the state h of the step before, each
// gate g of each hidden element j has the sum
//
//   s[g, j] = sum over k of x[t, k] * w[g, j, k]  +  sum over k of h[k] * r[g, j, k]  +  biases
//             `projection`: the input's part         `product`: the state's part
//
// from which the cell makes the new state. With f, u, v the activations of a direction (sigmoid, tanh, tanh unless the
// model says otherwise; of rnn tanh) and * by elements:
//
//   lstm, gates i o f c       c' = f(s[f]) * c + f(s[i]) * u(s[c]),   h' = f(s[o]) * v(c')
//                             peepholes add p[i] * c, p[f] * c and p[o] * c' to s; with input_forget f(s[f]) is
//                             replaced by 1 - f(s[i])
//   gru, gates z r h          h' = (1 - f(s[z])) * u(s[h]) + f(s[z]) * h
//                             in s[h] the reset gate f(s[r]) scales h before the product or, with
//                             linear_before_reset, the product and its bias
//   rnn, one gate             h' = f(s)
//
// Each s is first limited to [-clip, clip], if the model has a clip.
//
// The projection does not depend on the state, so several steps are computed together, which read w once:
//
//     time             t      t + 1  t + 2  t + 3    t + 4 ..
//     projection     |<- one product, x times w ->|  |<- the next
//     product, cell    h ---> h ---> h ---> h ------> h         step by step: each needs the state of the one before
//
// Both are matrix products with few rows. RecurrentEmitter.cpp has the loops, Recurrent.cpp the layout of
// the weights and the choice of the schedule.
#ifndef TENON_LIB_CODEGEN_STRATEGIES_RECURRENT_H
#define TENON_LIB_CODEGEN_STRATEGIES_RECURRENT_H

#include "tenon/Codegen/ConstantPacking.h"
#include "tenon/Dialect/Graph/IR/Recurrence.h"

namespace tenon::codegen {

/// Operands and attributes of a recurrent op, whichever it is.
struct RecurrentModel {
  mlir::Operation *op;
  /// Operands, null if the op has none: x [seq, batch, in], w [directions, gates * hidden, in], r [directions, gates *
  /// hidden, hidden], b [directions, 2 * gates * hidden] (those of w, then those of r), lengths [batch], the states
  /// [directions, batch, hidden], peepholes [directions, 3 * hidden].
  mlir::Value x, w, r, b, lengths, initialH, initialC, peepholes;
  /// Results, null if the op has none: y [seq, directions, batch, hidden], the last states [directions, batch, hidden].
  mlir::Value y, yH, yC;
  int64_t gates, hidden, directions;
  bool reverseOnly;
  llvm::SmallVector<graph::RecurrentActivation> activations; // of all directions
  double clip = 0;                                           // 0: none
  bool inputForget = false, linearBeforeReset = false;

  /// Activations of a direction.
  unsigned functions() const { return activations.size() / directions; }
};
RecurrentModel recurrentModel(mlir::Operation *op);

struct RecurrentSchedule {
  Exprs xShape;                         // [seq, batch, in]
  int64_t lanes, padded;                // of a vector; the hidden size in whole vectors
  int64_t columns;                      // gates * padded: column g * padded + j is element j of gate g
  int64_t sequences;                    // of the batch, 1 or 2, that share a pass over the weights: those of a unit
  int64_t steps;                        // time steps of a projection
  int64_t projectVectors, recurVectors; // vectors of a register tile, whose rows are (step, sequence) and sequences
  bool packedW, packedR;

  /// Bytes of the projection, the product and the biases, these taken as one set a sequence. States are not counted.
  int64_t stackBytes() const { return (steps + 3) * sequences * columns * 4; }
};
RecurrentSchedule recurrentSchedule(plan::KernelOp kernel, const RecurrentModel &m, const Machine &target);

/// Emits the code of a unit.
class RecurrentEmitter {
public:
  /// The model outlives the emitter.
  RecurrentEmitter(KernelContext &c, const RecurrentModel &model, RecurrentSchedule schedule);
  /// The same for one sequence at a time, with twice the steps of two, so that the projection's tile keeps its rows. It
  /// has no buffers of its own: a unit uses these or those, and these hold as much.
  RecurrentEmitter forOne() const;
  /// One direction of `schedule.sequences` sequences, from number `batch` of the batch on.
  void unit(unsigned direction, mlir::Value batch);

private:
  KernelContext &c;
  const RecurrentModel &r;
  RecurrentSchedule s;
  LaneMath m;
  mlir::Type f32;
  mlir::Value zero;
  /// Buffers: biases [columns], projection [steps][sequences][columns], product [sequences][columns], and the states h,
  /// cell and reset (the state that gru's reset gate has scaled) [sequences][padded].
  mlir::Value biasW, biasR, projection, product, h, cell, reset;
  mlir::Value sequence; // the one in work, within the unit

  mlir::Value get(mlir::Value buffer, mlir::Value at, int64_t lanes) { return c.load(buffer, f32, at, lanes); }
  void put(mlir::Value v, mlir::Value buffer, mlir::Value at) { c.store(v, buffer, f32, at); }
  mlir::Value activate(unsigned direction, unsigned function, mlir::Value x);
  mlir::Value within(double low, double high, mlir::Value x);
  mlir::Value clipped(mlir::Value x);
  void loadBiases(unsigned direction);
  void loadState(unsigned direction, mlir::Value batch);
  /// Of the columns of gates [firstGate, lastGate):
  ///
  ///   target[row * columns + column] = bias[column] + sum over k in [0, n) of source(row, k) * weights[column, k]
  ///
  /// `packed` tells how the weights lie (Recurrent.cpp), `vectors` the width of the register tile. source
  /// gives `lanes` elements from k on.
  void matmul(unsigned direction, int64_t rows, int64_t firstGate, int64_t lastGate, mlir::AffineExpr n,
              mlir::Value weights, bool packed, int64_t vectors, mlir::Value bias, mlir::Value target,
              llvm::function_ref<mlir::Value(int64_t row, mlir::Value k, int64_t lanes, mlir::Value mask)> source);
  /// The product of `vector`, a block of states, with the recurrent weights of gates [firstGate, lastGate).
  void recur(unsigned direction, int64_t firstGate, int64_t lastGate, mlir::Value vector);
  /// The new state, of the lanes at `j` of the sequence in work, from the gates. `row` is the time step within the
  /// projection.
  void lstmCell(unsigned direction, mlir::Value row, mlir::Value j);
  /// Products and new state of all sequences of the unit.
  void gruStep(unsigned direction, mlir::Value row);
  /// Every vector of hidden elements of every sequence of the unit.
  void forHidden(llvm::function_ref<void(mlir::Value j)> body);
  void forSequences(llvm::function_ref<void()> body);
  /// Hidden element j of the sequence in work, in a block of states.
  mlir::Value own(mlir::Value j) { return c.mulAdd(sequence, c.index(s.padded), j); }
  mlir::Value projectedAt(mlir::Value row, mlir::Value at);
  mlir::Value gate(mlir::Value row, int64_t g, mlir::Value j);
  /// Time step t, which is `row` of the projection.
  void step(unsigned direction, mlir::Value row, mlir::Value t, mlir::Value batch);
  /// Stores a state of the sequence in work, zeros if null, from offset `at` of a result on, if the kernel yields that.
  void storeHidden(mlir::Value result, mlir::Value at, mlir::Value state);
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_STRATEGIES_RECURRENT_H
