// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The model's file is parsed again and its protobuf message edited, after those steps of the importer that
// give nodes the names by which conversions refer to them. The model's opset stays: for each conversion ONNX's
// schemas tell the first opset that can express it, and a model with an older one is refused. The result is
// one file of at most 2 GiB, with the external data of the model inside.
#include "tenon/Frontend/ONNX/Export.h"

#include "Model.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Frontend/ONNX/Operators.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

using namespace mlir;
using namespace tenon;
using namespace tenon::onnxfe;

namespace {

// protobuf's limit of a message.
constexpr size_t kMostBytes = size_t(2) << 30;

/// Whether an operator of an opset takes inputs of these types and has the attribute.
bool takes(const char *op, int opset, ArrayRef<int> types, const char *attribute = nullptr) {
  const onnx::OpSchema *schema = onnx::OpSchemaRegistry::Schema(op, opset, onnx::ONNX_DOMAIN);
  if (!schema || schema->inputs().size() < types.size() || (attribute && !schema->attributes().count(attribute)))
    return false;
  for (auto [input, type] : llvm::zip(schema->inputs(), types)) {
    onnx::TypeProto proto;
    proto.mutable_tensor_type()->set_elem_type(type);
    if (!input.GetTypes().count(onnx::Utils::DataTypeUtils::ToType(proto)))
      return false;
  }
  return true;
}

/// Whether the schemas of an opset have what `addWeight` writes.
bool canExpress(const OnnxWeight &weight, int opset) {
  if (!weight.scale)
    return takes("Cast", opset, weight.codes.type);
  constexpr int real = onnx::TensorProto::FLOAT;
  SmallVector<int> types{weight.codes.type, real};
  if (weight.zeroPoint)
    types.push_back(weight.zeroPoint->type);
  return takes("DequantizeLinear", opset, types, weight.scale->shape.empty() ? nullptr : "axis") &&
         (!weight.blockSize || takes("DequantizeLinear", opset, types, "block_size")) &&
         (weight.scale->type == real || takes("Cast", opset, weight.scale->type)) &&
         (weight.result == real || takes("Cast", opset, real));
}

/// Whether the schemas of an opset have what `addActivation` writes.
bool canExpress(const OnnxActivation &activation, int opset) {
  constexpr int real = onnx::TensorProto::FLOAT;
  if (!activation.scale)
    return takes("Cast", opset, activation.type);
  return takes("QuantizeLinear", opset, {real, real, activation.type}) &&
         takes("DequantizeLinear", opset, {activation.type, real, activation.type}) &&
         (activation.result == real || takes("Cast", opset, real));
}

/// The first opset that can express a conversion; 0 if none that is known can.
template <typename Conversion>
int opsetOf(const Conversion &conversion) {
  for (int opset = 1; opset <= newestOpset(); ++opset)
    if (canExpress(conversion, opset))
      return opset;
  return 0;
}

/// The IR version that came with an opset.
int64_t irVersionOf(int opset) {
  return opset >= 25   ? 13
         : opset == 24 ? 12
         : opset == 23 ? 11
         : opset >= 21 ? 10
         : opset >= 19 ? 9
         : opset >= 12 ? 7
         : opset >= 11 ? 6
                       : 5;
}

std::string pack(const OnnxTensor &tensor) {
  std::string raw(tensor.bytes.begin(), tensor.bytes.end());
  if (tensor.bits >= 8)
    return raw;
  std::string packed((raw.size() * tensor.bits + 7) / 8, '\0');
  unsigned mask = (1u << tensor.bits) - 1;
  for (size_t i = 0, bit = 0; i < raw.size(); ++i, bit += tensor.bits) {
    unsigned value = (uint8_t(raw[i]) & mask) << bit % 8;
    packed[bit / 8] |= char(value);
    if (bit % 8 + tensor.bits > 8)
      packed[bit / 8 + 1] |= char(value >> 8);
  }
  return packed;
}

class Exporter {
public:
  Exporter(Model &model, ArrayRef<OnnxWeight> weights, ArrayRef<OnnxActivation> activations)
      : model(model), weights(weights), activations(activations) {}

  bool run() {
    auto found = model.opsets.find("");
    int opset = found == model.opsets.end() ? 0 : found->second;
    // As old as possible: other tools refuse files that are newer than they are.
    int64_t irVersion = model.irVersion;
    auto allows = [&](int needed, const llvm::Twine &what) {
      irVersion = std::max(irVersion, irVersionOf(needed));
      if (!needed)
        model.problems.error(UnsupportedOpset, what + ": no opset of ONNX up to " + llvm::Twine(newestOpset()) +
                                                   " expresses it; write a .tenon");
      else if (needed > opset)
        model.problems.error(UnsupportedOpset, what + " needs opset " + llvm::Twine(needed) + ", the model has " +
                                                   llvm::Twine(opset) +
                                                   "; raise it first (onnx.version_converter), or write a .tenon");
      return needed && needed <= opset;
    };
    for (const OnnxWeight &weight : weights)
      if (!allows(opsetOf(weight), "weight '" + weight.name + "'"))
        return false;
    for (const OnnxActivation &activation : activations)
      if (!allows(opsetOf(activation), "input " + llvm::Twine(activation.input) + " of '" + activation.node + "'"))
        return false;
    model.proto.set_ir_version(irVersion);
    onnx::GraphProto &graph = *model.proto.mutable_graph();
    collectNames(graph);
    std::vector<onnx::NodeProto> added;
    for (const OnnxWeight &weight : weights) {
      onnx::NodeProto *node = requireNode(graph, weight.node);
      if (!node)
        return false;
      node->set_input(int(weight.input), addWeight(graph, weight, added));
    }
    for (const OnnxActivation &activation : activations)
      if (!requireNode(graph, activation.node))
        return false;
    convertActivations(graph, graph);
    // The model's nodes are sorted; what gives the weights goes in front.
    onnx::GraphProto sorted;
    for (onnx::NodeProto &node : added)
      *sorted.add_node() = std::move(node);
    for (onnx::NodeProto &node : *graph.mutable_node())
      *sorted.add_node() = std::move(node);
    graph.mutable_node()->Swap(sorted.mutable_node());
    removeUnused(graph);
    return restorePayloads(graph);
  }

private:
  static onnx::NodeProto *findNode(onnx::GraphProto &graph, const std::string &name) {
    for (onnx::NodeProto &node : *graph.mutable_node()) {
      if (node.name() == name)
        return &node;
      for (onnx::AttributeProto &attribute : *node.mutable_attribute())
        if (attribute.has_g())
          if (onnx::NodeProto *inner = findNode(*attribute.mutable_g(), name))
            return inner;
    }
    return nullptr;
  }

  onnx::NodeProto *requireNode(onnx::GraphProto &graph, const std::string &name) {
    onnx::NodeProto *node = findNode(graph, name);
    if (!node)
      model.problems.error(UnknownName,
                           "node '" + name +
                               "' is not in the file itself: it comes from a function's body; write a .tenon");
    return node;
  }

  /// A name that the model does not use.
  std::string fresh(const std::string &stem) {
    std::string name = stem;
    for (int i = 1; !names.insert(name).second; ++i)
      name = stem + "_" + std::to_string(i);
    return name;
  }

  std::string addTensor(onnx::GraphProto &graph, const OnnxTensor &tensor, const std::string &stem) {
    onnx::TensorProto &proto = *graph.add_initializer();
    proto.set_name(fresh(stem));
    proto.set_data_type(tensor.type);
    for (int64_t dim : tensor.shape)
      proto.add_dims(dim);
    proto.set_raw_data(pack(tensor));
    return proto.name();
  }

  std::string addNode(std::vector<onnx::NodeProto> &nodes, const char *op, ArrayRef<std::string> inputs,
                      const std::string &stem) {
    onnx::NodeProto node;
    node.set_op_type(op);
    node.set_name(fresh(stem + "_" + op));
    for (const std::string &input : inputs)
      node.add_input(input);
    node.add_output(fresh(stem + "_" + op + "_out"));
    nodes.push_back(std::move(node));
    return nodes.back().output(0);
  }
  static void attribute(onnx::NodeProto &node, const char *name, int64_t value) {
    onnx::AttributeProto &attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(value);
  }
  std::string addCast(std::vector<onnx::NodeProto> &nodes, const std::string &input, int type,
                      const std::string &stem) {
    std::string output = addNode(nodes, "Cast", input, stem);
    attribute(nodes.back(), "to", type);
    return output;
  }

  std::string addWeight(onnx::GraphProto &graph, const OnnxWeight &weight, std::vector<onnx::NodeProto> &nodes) {
    std::string codes = addTensor(graph, weight.codes, weight.name + "_codes");
    if (!weight.scale)
      return addCast(nodes, codes, weight.result, weight.name);
    std::string scale = addTensor(graph, *weight.scale, weight.name + "_scale");
    if (weight.scale->type != onnx::TensorProto::FLOAT)
      scale = addCast(nodes, scale, onnx::TensorProto::FLOAT, weight.name + "_scale");
    if (weight.globalScale) {
      float value = *weight.globalScale;
      OnnxTensor global{onnx::TensorProto::FLOAT, 32, {}, {reinterpret_cast<const uint8_t *>(&value), sizeof value}};
      scale = addNode(nodes, "Mul", {scale, addTensor(graph, global, weight.name + "_global_scale")},
                      weight.name + "_scale");
    }
    SmallVector<std::string> inputs{codes, scale};
    if (weight.zeroPoint)
      inputs.push_back(addTensor(graph, *weight.zeroPoint, weight.name + "_zero_point"));
    std::string output = addNode(nodes, "DequantizeLinear", inputs, weight.name);
    if (!weight.scale->shape.empty())
      attribute(nodes.back(), "axis", weight.axis);
    if (weight.blockSize)
      attribute(nodes.back(), "block_size", weight.blockSize);
    if (weight.shape != weight.codes.shape) {
      OnnxTensor shape{onnx::TensorProto::INT64,
                       64,
                       {int64_t(weight.shape.size())},
                       {reinterpret_cast<const uint8_t *>(weight.shape.data()), weight.shape.size() * sizeof(int64_t)}};
      output = addNode(nodes, "Reshape", {output, addTensor(graph, shape, weight.name + "_shape")}, weight.name);
    }
    return weight.result == onnx::TensorProto::FLOAT ? output : addCast(nodes, output, weight.result, weight.name);
  }

  /// Puts the conversions of a graph's nodes right in front of them. Equal ones of
  /// one value are made once in a graph.
  void convertActivations(onnx::GraphProto &top, onnx::GraphProto &graph) {
    std::vector<onnx::NodeProto> sorted;
    std::vector<std::pair<OnnxActivation, std::string>> known; // node: the value's name
    for (onnx::NodeProto &node : *graph.mutable_node()) {
      for (onnx::AttributeProto &attribute : *node.mutable_attribute())
        if (attribute.has_g())
          convertActivations(top, *attribute.mutable_g());
      for (OnnxActivation activation : activations) {
        if (activation.node != node.name())
          continue;
        unsigned input = std::exchange(activation.input, 0);
        activation.node = node.input(int(input));
        auto it = llvm::find_if(known, [&](const auto &entry) { return entry.first == activation; });
        if (it == known.end())
          it = known.insert(known.end(), {activation, addActivation(top, activation, sorted)});
        node.set_input(int(input), it->second);
      }
      sorted.push_back(std::move(node));
    }
    graph.clear_node();
    for (onnx::NodeProto &node : sorted)
      *graph.add_node() = std::move(node);
  }

  std::string addActivation(onnx::GraphProto &top, const OnnxActivation &activation,
                            std::vector<onnx::NodeProto> &nodes) {
    const std::string &name = activation.node;
    if (!activation.scale)
      return addCast(nodes, addCast(nodes, name, activation.type, name), activation.result, name);
    std::string real =
        activation.result == onnx::TensorProto::FLOAT ? name : addCast(nodes, name, onnx::TensorProto::FLOAT, name);
    uint8_t zero[2] = {activation.zeroPoint.value_or(0), 0};
    std::string scale = addTensor(
        top, {onnx::TensorProto::FLOAT, 32, {}, {reinterpret_cast<const uint8_t *>(&*activation.scale), sizeof(float)}},
        name + "_scale");
    // The zero point's type is that of the codes.
    std::string zeroPoint = addTensor(
        top, {activation.type, activation.bits, {}, ArrayRef(zero, activation.bits > 8 ? 2 : 1)}, name + "_zero_point");
    std::string codes = addNode(nodes, "QuantizeLinear", {real, scale, zeroPoint}, name);
    std::string output = addNode(nodes, "DequantizeLinear", {codes, scale, zeroPoint}, name);
    return activation.result == onnx::TensorProto::FLOAT ? output : addCast(nodes, output, activation.result, name);
  }

  void collectNames(const onnx::GraphProto &graph) {
    for (const auto &value : graph.input())
      names.insert(value.name());
    for (const auto &tensor : graph.initializer())
      names.insert(tensor.name());
    for (const onnx::NodeProto &node : graph.node()) {
      names.insert(node.name());
      for (const std::string &output : node.output())
        names.insert(output);
      for (const onnx::AttributeProto &attribute : node.attribute())
        if (attribute.has_g())
          collectNames(attribute.g());
    }
  }

  static void collectUses(const onnx::GraphProto &graph, llvm::StringSet<> &used) {
    for (const auto &output : graph.output())
      used.insert(output.name());
    for (const onnx::NodeProto &node : graph.node()) {
      for (const std::string &input : node.input())
        used.insert(input);
      for (const onnx::AttributeProto &attribute : node.attribute())
        if (attribute.has_g())
          collectUses(attribute.g(), used);
    }
  }

  /// Initializers, and Constant and shape-changing nodes on them, that only converted weights used.
  static void removeUnused(onnx::GraphProto &graph) {
    for (bool changed = true; changed;) {
      llvm::StringSet<> used;
      collectUses(graph, used);
      auto isDead = [&](const onnx::NodeProto &node) {
        bool pure = llvm::is_contained(
            {"Constant", "Reshape", "Transpose", "Identity", "Squeeze", "Unsqueeze", "Flatten"}, node.op_type());
        return pure && node.domain().empty() && node.output_size() == 1 && !used.contains(node.output(0));
      };
      auto &nodes = *graph.mutable_node();
      auto end = std::remove_if(nodes.begin(), nodes.end(), isDead);
      changed = end != nodes.end();
      nodes.erase(end, nodes.end());
      auto &tensors = *graph.mutable_initializer();
      // Files of IR version 3 list initializers among the inputs, too.
      auto &inputs = *graph.mutable_input();
      auto isInitialised = [&](const onnx::ValueInfoProto &input) {
        return llvm::any_of(tensors, [&](const onnx::TensorProto &t) { return t.name() == input.name(); });
      };
      inputs.erase(
          std::remove_if(inputs.begin(), inputs.end(),
                         [&](const auto &input) { return !used.contains(input.name()) && isInitialised(input); }),
          inputs.end());
      tensors.erase(std::remove_if(tensors.begin(), tensors.end(),
                                   [&](const onnx::TensorProto &t) { return !used.contains(t.name()); }),
                    tensors.end());
    }
    llvm::StringSet<> used;
    collectUses(graph, used);
    auto &infos = *graph.mutable_value_info();
    infos.erase(
        std::remove_if(infos.begin(), infos.end(), [&](const auto &info) { return !used.contains(info.name()); }),
        infos.end());
  }

  /// Payloads that were left in the model's file come back into the message.
  bool restorePayloads(onnx::GraphProto &graph) {
    size_t total = 0;
    forEachTensor(graph, [&](onnx::TensorProto &tensor) {
      total += tensor.raw_data().size();
      if (tensor.has_raw_data())
        return;
      Payload payload;
      bool isRaw = false;
      if (!model.source.rawPayload(tensor, "tensor '" + tensor.name() + "'", model.problems, payload, isRaw) || !isRaw)
        return;
      total += payload.bytes.size();
      if (tensor.data_location() != onnx::TensorProto::EXTERNAL)
        tensor.clear_doc_string(); // the mark of a payload that was left in place
      tensor.set_raw_data(payload.bytes.data(), payload.bytes.size());
      tensor.clear_external_data();
      tensor.clear_data_location();
    });
    if (total >= kMostBytes)
      model.problems.error(UnreadableFile,
                           "the converted model is larger than 2 GiB, which one ONNX file cannot hold; write a .tenon");
    return !model.problems.any();
  }

  Model &model;
  ArrayRef<OnnxWeight> weights;
  ArrayRef<OnnxActivation> activations;
  llvm::StringSet<> names;
};

LogicalResult writeFile(MLIRContext &context, const onnx::ModelProto &proto, llvm::StringRef path) {
  auto fail = [&](const llvm::Twine &text) { return emitError(UnknownLoc::get(&context)) << text; };
  // Renaming over a device or a pipe would replace it.
  if (llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path))
    return fail("[TN6001] " + path + " exists and is not a regular file; name another output");
  OutputFile file;
  if (std::error_code code = file.open(path))
    return fail("[TN6001] cannot write beside " + path + ": " + code.message());
  std::string bytes;
  google::protobuf::io::StringOutputStream strings(&bytes);
  {
    google::protobuf::io::CodedOutputStream coded(&strings);
    coded.SetSerializationDeterministic(true); // equal inputs, equal bytes
    proto.SerializeToCodedStream(&coded);
    coded.Trim();
  }
  file.os() << bytes;
  if (std::error_code code = file.commit())
    return fail("[TN6002] writing " + path + " failed: " + code.message());
  return success();
}

} // namespace

LogicalResult tenon::writeOnnxConverted(MLIRContext &context, llvm::StringRef path, llvm::ArrayRef<OnnxWeight> weights,
                                        llvm::ArrayRef<OnnxActivation> activations, llvm::StringRef output) {
  Problems problems(&context, path);
  std::string why;
  SharedBuffer buffer = openInput(path, why);
  if (!buffer) {
    problems.error(UnreadableFile, why);
    return failure();
  }
  try {
    Source source;
    source.buffer = std::move(buffer);
    llvm::StringRef folder = llvm::sys::path::parent_path(path);
    source.folder = folder.empty() ? "." : folder.str();
    OnnxImportOptions options;
    Model model(&context, source, options, problems);
    if (!parseModel(source, model.proto)) {
      problems.error(UnreadableFile, "the file is not an ONNX model");
      return failure();
    }
    checkHeader(model);
    inlineLocalFunctions(model);
    chooseOverridable(model);
    checkStructure(model);
    if (problems.any() || !Exporter(model, weights, activations).run())
      return failure();
    return writeFile(context, model.proto, output);
  } catch (const std::exception &error) {
    problems.error(InternalFailure, llvm::Twine("ONNX's library failed on this model: ") + error.what());
    return failure();
  }
}
