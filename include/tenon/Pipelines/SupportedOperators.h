// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler takes, read from the tables that it works by: ONNX's
// schemas, the conversion's handlers, and a target's strategies.
#ifndef TENON_PIPELINES_SUPPORTEDOPERATORS_H
#define TENON_PIPELINES_SUPPORTEDOPERATORS_H

#include "mlir/IR/MLIRContext.h"
#include "tenon/Interfaces/Target.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace tenon {

enum class OperatorSupport {
  Handled,  ///< the conversion knows it
  Expanded, ///< replaced by its standard function body
  No        ///< refused, TN2101
};
llvm::StringRef supportName(OperatorSupport support);

/// A run of opsets in which an operator is supported in one way.
struct OperatorRange {
  std::string domain, name;
  int64_t first, last; ///< opsets; last 0: to the newest
  OperatorSupport support;
};
/// From the oldest opset that models may have; sorted by domain and name.
std::vector<OperatorRange> supportedOperators();

/// How a target runs an op of the graph dialect.
struct GraphOpSupport {
  std::string op;                      ///< "conv"
  std::vector<std::string> strategies; ///< kernels that take it; empty: none
};
std::vector<GraphOpSupport> graphOps(mlir::MLIRContext &context, const Target &target);

} // namespace tenon

#endif // TENON_PIPELINES_SUPPORTEDOPERATORS_H
