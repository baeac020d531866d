// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Collects what is wrong with a model. An import reports everything it finds,
// not the first problem; each message carries a code and names the place.
#ifndef TENON_LIB_FRONTEND_ONNX_PROBLEMS_H
#define TENON_LIB_FRONTEND_ONNX_PROBLEMS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/Twine.h"

namespace tenon::onnxfe {

enum Code : int {
  UnreadableFile = 1001,
  TextSyntax = 1002,
  UnsupportedOpset = 1003,
  MissingOpsetImport = 1004,
  UnsupportedIrVersion = 1005,
  AmbiguousOpset = 1006,
  InternalFailure = 1009,
  UnknownOperator = 1010,
  DeprecatedOperator = 1011,
  WrongArity = 1012,
  UnknownAttribute = 1013,
  WrongAttributeType = 1014,
  MissingAttribute = 1015,
  TypeMismatch = 1016,
  SparseUnsupported = 1017,
  BadConstant = 1018,
  UnknownName = 1020,
  DuplicateName = 1021,
  CyclicGraph = 1022,
  UndefinedOutput = 1023,
  UnsupportedType = 1030,
  BadDimension = 1031,
  BadPayload = 1032,
  ExternalRefused = 1040,
  ExternalMissing = 1041,
  ExternalRange = 1042,
  BadFunction = 1050,
  BadOverridable = 1080,
  DefaultDoesNotFit = 1081,
};

class Problems {
public:
  Problems(mlir::MLIRContext *context, llvm::StringRef file)
      : location(mlir::FileLineColLoc::get(context, file.empty() ? "model" : file, 0, 0)) {}
  ~Problems() { finish(); }

  void error(Code code, const llvm::Twine &message) {
    // A damaged model can have as many problems as nodes. Whoever prints them sums
    // up equal ones; this only bounds what has to be kept.
    last = code;
    if (++count <= kMostReported)
      mlir::emitError(location) << "[TN" << static_cast<int>(code) << "] " << message;
  }
  void error(Code code, const std::string &place, const llvm::Twine &message) { error(code, place + ": " + message); }
  bool any() const { return count != 0; }
  void finish() {
    if (count > kMostReported)
      mlir::emitError(location) << "[TN" << static_cast<int>(last) << "] and " << (count - kMostReported)
                                << " more problems";
    count = std::min(count, kMostReported);
  }

private:
  static constexpr unsigned kMostReported = 20000;
  mlir::Location location;
  unsigned count = 0;
  Code last = UnreadableFile;
};

/// "conv1 (Conv, opset 17)", with the domain where it is not the default one.
inline std::string describe(const onnx::NodeProto &node, int64_t opset) {
  std::string text = node.name() + " (";
  if (!node.domain().empty())
    text += node.domain() + "::";
  return text + node.op_type() + ", opset " + std::to_string(opset) + ")";
}

} // namespace tenon::onnxfe
#endif // TENON_LIB_FRONTEND_ONNX_PROBLEMS_H
