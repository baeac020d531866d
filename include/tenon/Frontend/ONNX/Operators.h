// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's operators, as its own schema library lists them.
#ifndef TENON_FRONTEND_ONNX_OPERATORS_H
#define TENON_FRONTEND_ONNX_OPERATORS_H

#include <cstdint>
#include <string>
#include <vector>

namespace tenon {

/// One version of an operator: it holds from opset `since` to the next version.
struct OnnxOperator {
  std::string domain, name;
  int64_t since = 1;
  bool isDeprecated = false;
  bool hasBody = false; ///< defined by other operators
  /// The operators of the body: domain, name and the opset they are meant in.
  /// Empty if the body depends on the node's types.
  struct Call {
    std::string domain, name;
    int64_t opset;
  };
  std::vector<Call> body;
};

/// All versions of all operators, sorted by domain, name and version.
std::vector<OnnxOperator> onnxOperators();
/// Opsets of the default domain that models may import, to the newest.
inline constexpr int64_t kOldestOpset = 7;
int64_t newestOpset();

} // namespace tenon

#endif // TENON_FRONTEND_ONNX_OPERATORS_H
