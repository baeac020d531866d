// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the protobuf wire format just far enough to find the raw_data of every
// TensorProto. What is left, a model without its large payloads, is handed to
// protobuf's parser; each payload leaves a marker with its number in the
// tensor's doc_string, which no importer needs.
#include "Source.h"
#include "llvm/ADT/StringExtras.h"
#include <cstdint>

using namespace tenon::onnxfe;

namespace {
constexpr size_t kLeaveInPlace = 256; // bytes: below that a copy is cheaper than a range
constexpr unsigned kDeepest = 90;     // protobuf's parser refuses 100 levels
constexpr llvm::StringLiteral kMarker = "tenon.range:";

enum class Message { Model, Graph, Node, Attribute, Tensor, SparseTensor, Function, Other };

/// The message type of a length-delimited field, by onnx.proto's field numbers.
Message childOf(Message parent, uint64_t field) {
  switch (parent) {
  case Message::Model:
    return field == 7 ? Message::Graph : field == 25 ? Message::Function : Message::Other;
  case Message::Graph:
    return field == 1    ? Message::Node
           : field == 5  ? Message::Tensor
           : field == 15 ? Message::SparseTensor
                         : Message::Other;
  case Message::Function:
    return field == 7 ? Message::Node : field == 11 ? Message::Attribute : Message::Other;
  case Message::Node:
    return field == 5 ? Message::Attribute : Message::Other;
  case Message::Attribute:
    if (field == 5 || field == 10)
      return Message::Tensor;
    if (field == 6 || field == 11)
      return Message::Graph;
    return field == 22 || field == 23 ? Message::SparseTensor : Message::Other;
  case Message::SparseTensor:
    return field == 1 || field == 2 ? Message::Tensor : Message::Other;
  case Message::Tensor:
  case Message::Other:
    return Message::Other;
  }
  return Message::Other;
}

void appendVarint(std::string &out, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void appendString(std::string &out, uint64_t field, llvm::StringRef text) {
  appendVarint(out, field << 3 | 2);
  appendVarint(out, text.size());
  out.append(text.data(), text.size());
}

class Scanner {
public:
  explicit Scanner(std::vector<llvm::ArrayRef<char>> &ranges) : ranges(ranges) {}

  /// Appends bytes to out without the large payloads. Malformed input is
  /// appended as it is from the fault on, for protobuf to refuse.
  void strip(Message message, llvm::StringRef bytes, unsigned depth, std::string &out) {
    size_t pos = 0;
    std::string marker;
    while (pos < bytes.size()) {
      size_t start = pos;
      uint64_t tag = 0, length = 0;
      if (!readVarint(bytes, pos, tag))
        return fault(bytes, start, out);
      switch (tag & 7) {
      case 0:
        if (!readVarint(bytes, pos, length))
          return fault(bytes, start, out);
        break;
      case 1:
      case 5: {
        size_t size = (tag & 7) == 1 ? 8 : 4;
        if (bytes.size() - pos < size)
          return fault(bytes, start, out);
        pos += size;
        break;
      }
      case 2: {
        if (!readVarint(bytes, pos, length) || length > bytes.size() - pos)
          return fault(bytes, start, out);
        llvm::StringRef body = bytes.substr(pos, length);
        pos += length;
        uint64_t field = tag >> 3;
        if (message == Message::Tensor && field == 12)
          continue; // doc_string: its place is the marker's
        if (message == Message::Tensor && field == 9) {
          marker.clear();
          if (body.size() >= kLeaveInPlace) {
            marker = (kMarker + llvm::utostr(ranges.size())).str();
            ranges.emplace_back(body.data(), body.size());
            continue;
          }
          break;
        }
        Message child = childOf(message, field);
        if (child == Message::Other || depth >= kDeepest)
          break;
        std::string inner;
        strip(child, body, depth + 1, inner);
        appendString(out, field, inner);
        continue;
      }
      default:
        return fault(bytes, start, out);
      }
      out.append(bytes.data() + start, pos - start);
    }
    if (!marker.empty())
      appendString(out, 12, marker);
  }

private:
  static bool readVarint(llvm::StringRef bytes, size_t &pos, uint64_t &value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && pos < bytes.size(); shift += 7) {
      uint8_t byte = bytes[pos++];
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80)
        return true;
    }
    return false;
  }

  static void fault(llvm::StringRef bytes, size_t start, std::string &out) {
    // Bounded: a fault in front of a large payload must not copy the payload.
    out.append(bytes.data() + start, std::min<size_t>(bytes.size() - start, 4096));
  }

  std::vector<llvm::ArrayRef<char>> &ranges;
};

} // namespace

bool tenon::onnxfe::parseModel(Source &source, onnx::ModelProto &model) {
  std::string skeleton;
  Scanner(source.ranges).strip(Message::Model, source.buffer->getBuffer(), 0, skeleton);
  if (skeleton.size() > INT32_MAX)
    return false;
  return model.ParseFromArray(skeleton.data(), static_cast<int>(skeleton.size()));
}

bool Source::rawPayload(const onnx::TensorProto &tensor, const std::string &place, Problems &problems,
                        Payload &payload, bool &isRaw) {
  isRaw = true;
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL)
    return externalPayload(tensor, place, problems, payload);
  llvm::StringRef mark = tensor.doc_string();
  unsigned index = 0;
  if (mark.consume_front(kMarker) && !mark.getAsInteger(10, index) && index < ranges.size()) {
    payload = {ranges[index], buffer};
    return true;
  }
  if (tensor.has_raw_data()) {
    payload = {llvm::ArrayRef<char>(tensor.raw_data().data(), tensor.raw_data().size()), nullptr};
    return true;
  }
  isRaw = false;
  return true;
}
