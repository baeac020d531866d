// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the protobuf wire format just far enough to find the raw_data of every
// TensorProto. What is left, a model without its large payloads, is handed to
// protobuf's parser; each payload leaves a marker with its number in the
// tensor's doc_string, which no importer needs.
//
// Groups, an old form of nested message that ONNX does not use, are skipped, as
// protobuf skips fields that it does not know.
#include "Source.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include <cstdint>

using namespace tenon::onnxfe;

namespace {
constexpr size_t kLeaveInPlace = 256; // bytes: below that a copy is cheaper than a range
constexpr unsigned kDeepest = 90;     // protobuf's parser refuses 100 levels
constexpr size_t kDeepestGroup = 100; // and groups within groups
constexpr llvm::StringLiteral kMarker = "tenon.range:";

enum class Message { Model, Graph, Node, Attribute, Tensor, SparseTensor, Function, Other };

/// The message type of a length-delimited field, by onnx.proto's field numbers.
Message childOf(Message parent, uint64_t field) {
  switch (parent) {
  case Message::Model: return field == 7 ? Message::Graph : field == 25 ? Message::Function : Message::Other;
  case Message::Graph:
    return field == 1    ? Message::Node
           : field == 5  ? Message::Tensor
           : field == 15 ? Message::SparseTensor
                         : Message::Other;
  case Message::Function: return field == 7 ? Message::Node : field == 11 ? Message::Attribute : Message::Other;
  case Message::Node: return field == 5 ? Message::Attribute : Message::Other;
  case Message::Attribute:
    if (field == 5 || field == 10)
      return Message::Tensor;
    if (field == 6 || field == 11)
      return Message::Graph;
    return field == 22 || field == 23 ? Message::SparseTensor : Message::Other;
  case Message::SparseTensor: return field == 1 || field == 2 ? Message::Tensor : Message::Other;
  case Message::Tensor:
  case Message::Other: return Message::Other;
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

  /// Appends bytes to out without the large payloads and without groups. False
  /// where protobuf would not parse the bytes, which then has to be said: what
  /// lies behind the fault is not looked at.
  bool strip(Message message, llvm::StringRef bytes, unsigned depth, std::string &out) {
    std::string marker;
    for (size_t pos = 0; pos < bytes.size();) {
      size_t start = pos;
      Field field;
      if (!readField(bytes, pos, field))
        return false;
      if (field.wire == kGroup) {
        if (!skipGroup(bytes, pos, field.number))
          return false;
        continue;
      }
      if (field.wire == kGroupEnd)
        return false; // of no group
      if (field.wire == kBytes && message == Message::Tensor && field.number == 12)
        continue; // doc_string: its place is the marker's
      if (field.wire == kBytes && message == Message::Tensor && field.number == 9) {
        marker.clear();
        if (field.body.size() >= kLeaveInPlace) {
          marker = (kMarker + llvm::utostr(ranges.size())).str();
          ranges.emplace_back(field.body.data(), field.body.size());
          continue;
        }
      }
      Message child = field.wire == kBytes ? childOf(message, field.number) : Message::Other;
      if (child == Message::Other || depth >= kDeepest) {
        out.append(bytes.data() + start, pos - start);
        continue;
      }
      std::string inner;
      if (!strip(child, field.body, depth + 1, inner))
        return false;
      appendString(out, field.number, inner);
    }
    if (!marker.empty())
      appendString(out, 12, marker);
    return true;
  }

private:
  enum Wire : unsigned { kVarint = 0, kEight = 1, kBytes = 2, kGroup = 3, kGroupEnd = 4, kFour = 5 };
  struct Field {
    uint64_t number;
    unsigned wire;
    llvm::StringRef body; ///< of kBytes
  };

  /// Reads a field, of a group its begin or end.
  static bool readField(llvm::StringRef bytes, size_t &pos, Field &field) {
    constexpr size_t kLongestTag = 5; // bytes
    uint64_t tag = 0, value = 0;
    size_t start = pos;
    if (!readVarint(bytes, pos, tag) || pos - start > kLongestTag || tag > UINT32_MAX ||
        tag < 8) // no field has the number 0
      return false;
    field = {tag >> 3, unsigned(tag & 7), {}};
    uint64_t size = 0;
    switch (field.wire) {
    case kVarint: return readVarint(bytes, pos, value);
    case kEight:
    case kFour: size = field.wire == kEight ? 8 : 4; break;
    case kBytes:
      if (!readVarint(bytes, pos, size))
        return false;
      break;
    case kGroup:
    case kGroupEnd: return true;
    default: return false;
    }
    if (size > bytes.size() - pos)
      return false;
    field.body = bytes.substr(pos, size);
    pos += size;
    return true;
  }

  /// Goes behind the end of the group that `number` has begun.
  static bool skipGroup(llvm::StringRef bytes, size_t &pos, uint64_t number) {
    llvm::SmallVector<uint64_t> open{number};
    while (!open.empty()) {
      Field field;
      if (pos == bytes.size() || !readField(bytes, pos, field))
        return false;
      if (field.wire == kGroup)
        open.push_back(field.number);
      else if (field.wire == kGroupEnd && open.pop_back_val() != field.number)
        return false;
      if (open.size() > kDeepestGroup)
        return false;
    }
    return true;
  }

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

  std::vector<llvm::ArrayRef<char>> &ranges;
};

} // namespace

bool tenon::onnxfe::parseModel(Source &source, onnx::ModelProto &model) {
  std::string skeleton;
  if (!Scanner(source.ranges).strip(Message::Model, source.buffer->getBuffer(), 0, skeleton))
    return false;
  if (skeleton.size() > INT32_MAX)
    return false;
  return model.ParseFromArray(skeleton.data(), static_cast<int>(skeleton.size()));
}

bool tenon::onnxfe::parseTensor(const llvm::MemoryBuffer &buffer, onnx::TensorProto &tensor) {
  return buffer.getBufferSize() <= INT32_MAX &&
         tensor.ParseFromArray(buffer.getBufferStart(), static_cast<int>(buffer.getBufferSize()));
}

bool Source::rawPayload(const onnx::TensorProto &tensor, const std::string &place, Problems &problems, Payload &payload,
                        bool &isRaw) {
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
