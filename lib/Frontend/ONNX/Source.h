// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a model's bytes come from: the mapped model file, the ranges of large
// tensor payloads inside it, and the external data files of its folder.
#ifndef TENON_LIB_FRONTEND_ONNX_SOURCE_H
#define TENON_LIB_FRONTEND_ONNX_SOURCE_H

#include "onnx/onnx_pb.h"
#include "tenon/Support/Files.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <string>
#include <vector>

namespace tenon::onnxfe {
class Problems;

using SharedBuffer = std::shared_ptr<llvm::MemoryBuffer>;

/// Bytes of a tensor and who keeps them alive (null: the ModelProto does).
struct Payload {
  llvm::ArrayRef<char> bytes;
  SharedBuffer owner;
};

class Source {
public:
  SharedBuffer buffer;
  /// The model's folder; external data is refused where it is empty.
  std::string folder;
  /// Gets the files of external data; may be null.
  InputFiles *inputs = nullptr;
  /// Payloads that the wire scan took out of the model.
  std::vector<llvm::ArrayRef<char>> ranges;

  /// The payload stored as raw bytes, inside the model or outside. False after
  /// reporting a problem; an empty payload with no owner if the tensor uses
  /// typed fields instead.
  bool rawPayload(const onnx::TensorProto &tensor, const std::string &place, Problems &problems, Payload &payload,
                  bool &isRaw);

private:
  bool externalPayload(const onnx::TensorProto &tensor, const std::string &place, Problems &problems, Payload &payload);
  SharedBuffer openExternal(const std::string &location, const std::string &place, Problems &problems);
  llvm::StringMap<SharedBuffer> files;
};

/// Parses a serialized model; false where protobuf cannot. Payloads of more than a few hundred bytes stay
/// where they are and are listed in source.ranges: protobuf would copy them.
bool parseModel(Source &source, onnx::ModelProto &model);
/// Parses a serialized tensor, which protobuf copies.
bool parseTensor(const llvm::MemoryBuffer &buffer, onnx::TensorProto &tensor);

} // namespace tenon::onnxfe
#endif // TENON_LIB_FRONTEND_ONNX_SOURCE_H
