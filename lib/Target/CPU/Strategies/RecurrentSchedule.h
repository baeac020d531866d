// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What lstm, gru and rnn kernels share: operands, packed weights, the input
// projection of several steps at a time and the recurrent product.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_RECURRENTSCHEDULE_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_RECURRENTSCHEDULE_H

#include "RowPacking.h"
#include "tenon/Dialect/Graph/IR/Recurrence.h"

namespace tenon::cpu {

/// Operands and attributes of a recurrent op, whichever it is.
struct RecurrentModel {
  mlir::Operation *op;
  mlir::Value x, w, r, b, lengths, initialH, initialC, peepholes;
  mlir::Value y, yH, yC; // results, null if the op has none
  int64_t gates, hidden, directions;
  bool reverseOnly;
  llvm::SmallVector<graph::RecurrentActivation> activations; // of all directions
  double clip = 0;                                           // 0: none
  bool inputForget = false, linearBeforeReset = false;

  unsigned functions() const { return activations.size() / directions; }
};
RecurrentModel recurrentModel(mlir::Operation *op);

struct RecurrentSchedule {
  Exprs xShape;                         // [seq, batch, in]
  int64_t lanes, padded;                // hidden size in whole vectors
  int64_t columns;                      // gates * padded
  int64_t sequences;                    // of the batch that share a pass over the weights
  int64_t steps;                        // time steps of a projection
  int64_t projectVectors, recurVectors; // register tile widths
  bool packedW, packedR;

  /// Bytes of the projection, the product and the biases.
  int64_t stackBytes() const { return (steps + 3) * sequences * columns * 4; }
};
RecurrentSchedule recurrentSchedule(plan::KernelOp kernel, const RecurrentModel &m, const CpuTarget &target);
/// The same with one sequence at a time.
RecurrentSchedule alone(RecurrentSchedule schedule);

class RecurrentEmitter {
public:
  /// The model outlives the emitter.
  RecurrentEmitter(KernelContext &c, const RecurrentModel &model, RecurrentSchedule schedule);
  /// One direction of `schedule.sequences` sequences, from `batch` on.
  void unit(unsigned direction, mlir::Value batch);

private:
  KernelContext &c;
  const RecurrentModel &r;
  RecurrentSchedule s;
  LaneMath m;
  mlir::Type f32;
  mlir::Value zero;
  mlir::Value biasW, biasR, projection, product, h, cell, reset; // stack blocks
  mlir::Value sequence;                                          // the one in work, within the unit

  mlir::Value get(mlir::Value buffer, mlir::Value at, int64_t lanes) { return c.load(buffer, f32, at, lanes); }
  void put(mlir::Value v, mlir::Value buffer, mlir::Value at) { c.store(v, buffer, f32, at); }
  mlir::Value activate(unsigned direction, unsigned function, mlir::Value x);
  mlir::Value within(double low, double high, mlir::Value x);
  mlir::Value clipped(mlir::Value x);
  void loadBiases(unsigned direction);
  void loadState(unsigned direction, mlir::Value batch);
  /// target[row][gate columns] = bias + source[row][0, n) x weights.
  void matmul(unsigned direction, int64_t rows, int64_t firstGate, int64_t lastGate, mlir::AffineExpr n,
              mlir::Value weights, bool packed, int64_t vectors, mlir::Value bias, mlir::Value target,
              llvm::function_ref<mlir::Value(int64_t row, mlir::Value k, int64_t lanes, mlir::Value mask)> source);
  void recur(unsigned direction, int64_t firstGate, int64_t lastGate, mlir::Value vector);
  /// New state from the gates, lanes at `j`.
  void lstmCell(unsigned direction, mlir::Value row, mlir::Value j);
  void gruStep(unsigned direction, mlir::Value row);
  /// Every vector of hidden elements of every sequence of the unit.
  void forHidden(llvm::function_ref<void(mlir::Value j)> body);
  void forSequences(llvm::function_ref<void()> body);
  /// Hidden element j of the sequence in work, in a block of states.
  mlir::Value own(mlir::Value j) { return c.mulAdd(sequence, c.index(s.padded), j); }
  mlir::Value projectedAt(mlir::Value row, mlir::Value at);
  mlir::Value gate(mlir::Value row, int64_t g, mlir::Value j);
  void step(unsigned direction, mlir::Value row, mlir::Value t, mlir::Value batch);
  void storeHidden(mlir::Value result, mlir::Value at, mlir::Value state);
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_RECURRENTSCHEDULE_H
