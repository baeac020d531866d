// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The activation functions of lstm, gru and rnn by name, and their parameters.
#ifndef TENON_DIALECT_GRAPH_IR_RECURRENCE_H
#define TENON_DIALECT_GRAPH_IR_RECURRENCE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallVector.h"

namespace tenon::graph {

/// One of ONNX's activation functions. Those without alpha or beta ignore them.
struct RecurrentFunction {
  llvm::StringRef name; ///< as ONNX spells it
  bool hasAlpha = false, hasBeta = false;
  float alpha = 0, beta = 0; ///< the defaults
  bool hasDefaults = true;   ///< else both must be given
};
llvm::ArrayRef<RecurrentFunction> recurrentFunctions();
/// The function of that name in any case; null if there is none.
const RecurrentFunction *recurrentFunction(llvm::StringRef name);

/// A function as an op uses it.
struct RecurrentActivation {
  std::string name; ///< lower case
  float alpha, beta;
};
/// The functions of all directions, from an op's attributes; `defaults` are those
/// of one direction of an op that names none. Names that nobody knows have the
/// parameters given, or 0.
llvm::SmallVector<RecurrentActivation> recurrentActivations(mlir::ArrayAttr names, mlir::DenseF32ArrayAttr alpha,
                                                            mlir::DenseF32ArrayAttr beta,
                                                            llvm::ArrayRef<llvm::StringRef> defaults,
                                                            unsigned directions);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_RECURRENCE_H
