// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Initializers that are also graph inputs: which of them the caller may replace.
// Exporters of some years listed all weights among the inputs, and IR version 3
// demanded it, so being listed says little. What compiled code holds in a layout
// of its own (weights) or is made for (sizes, axes) stays a constant unless the
// user names it; the rest becomes an optional input whose default it is.
#include "Model.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Regex.h"
#include <deque>
#include <optional>

using namespace tenon::onnxfe;
using onnx::GraphProto;
using onnx::NodeProto;

namespace {
/// Since this version a model can hold initializers that are not inputs.
constexpr int64_t kIrOfPlainInitializers = 4;

struct Positions {
  const char *op;
  unsigned mask; ///< bit i: input i
};
constexpr unsigned kAll = ~0u;

/// Where operators have weights, biases and scales.
constexpr Positions kWeights[] = {
    {"Conv", 0x6},
    {"ConvTranspose", 0x6},
    {"ConvInteger", 0xe},
    {"DeformConv", 0xa},
    {"QLinearConv", 0x1fe},
    {"MatMul", kAll},
    {"Gemm", kAll},
    {"Einsum", kAll},
    {"MatMulInteger", kAll},
    {"QLinearMatMul", kAll},
    {"LSTM", 0x8e},
    {"GRU", 0xe},
    {"RNN", 0xe},
    {"BatchNormalization", 0x1e},
    {"InstanceNormalization", 0x6},
    {"LayerNormalization", 0x6},
    {"GroupNormalization", 0x6},
    {"RMSNormalization", 0x2},
    {"SimplifiedLayerNormalization", 0x2},
    {"PRelu", 0x2},
    {"QuantizeLinear", 0x6},
    {"DequantizeLinear", 0x6},
};

/// Where operators have sizes, axes and what else decides what is compiled.
constexpr Positions kSizes[] = {
    {"Reshape", 0x2},
    {"Expand", 0x2},
    {"Slice", 0x1e},
    {"Pad", 0xa},
    {"Tile", 0x2},
    {"ConstantOfShape", 0x1},
    {"Range", kAll},
    {"Resize", 0xe},
    {"Upsample", 0x2},
    {"TopK", 0x2},
    {"Split", 0x2},
    {"SplitToSequence", 0x2},
    {"Squeeze", 0x2},
    {"Unsqueeze", 0x2},
    {"OneHot", 0x2},
    {"Trilu", 0x2},
    {"CumSum", 0x2},
    {"CumProd", 0x2},
    {"ReduceSum", 0x2},
    {"ReduceMean", 0x2},
    {"ReduceMax", 0x2},
    {"ReduceMin", 0x2},
    {"ReduceProd", 0x2},
    {"ReduceL1", 0x2},
    {"ReduceL2", 0x2},
    {"ReduceLogSum", 0x2},
    {"ReduceLogSumExp", 0x2},
    {"ReduceSumSquare", 0x2},
    {"If", 0x1},
    {"Loop", 0x3},
    {"Dropout", 0x6},
    {"MaxUnpool", 0x4},
    {"Col2Im", 0x6},
    {"CenterCropPad", 0x2},
    {"AffineGrid", 0x2},
    {"Compress", 0x2},
    {"NonMaxSuppression", 0x4},
    {"HannWindow", kAll},
    {"HammingWindow", kAll},
    {"BlackmanWindow", kAll},
    {"DFT", 0x6},
    {"STFT", 0xa},
    {"MelWeightMatrix", kAll},
};

template <size_t N>
unsigned maskOf(const Positions (&table)[N], llvm::StringRef op) {
  for (const Positions &entry : table)
    if (op == entry.op)
      return entry.mask;
  return 0;
}

bool has(unsigned mask, int index) { return index < 32 && (mask >> index & 1); }

class Uses {
public:
  explicit Uses(const GraphProto &graph) {
    collect(graph);
    findConstants();
    for (const NodeProto *node : nodes)
      seed(*node);
    spread();
  }
  /// Whether a constant must hold the initializer of that name.
  bool needsConstant(llvm::StringRef name) const { return needed.contains(name); }

private:
  void collect(const GraphProto &graph) {
    for (const onnx::TensorProto &tensor : graph.initializer())
      constants.insert(tensor.name());
    for (const NodeProto &node : graph.node()) {
      nodes.push_back(&node);
      for (const std::string &output : node.output())
        producers[output] = &node;
      for (const onnx::AttributeProto &attr : node.attribute())
        if (attr.has_g())
          collect(attr.g());
    }
  }

  static bool hasSubgraph(const NodeProto &node) {
    return llvm::any_of(node.attribute(), [](const onnx::AttributeProto &attr) { return attr.has_g(); });
  }

  /// Adds to the constants what is computed from nothing else.
  void findConstants() {
    llvm::StringMap<std::vector<const NodeProto *>> users;
    llvm::DenseMap<const NodeProto *, int> missing;
    std::deque<std::string> ready;
    for (const auto &name : constants)
      ready.push_back(name.first().str());
    auto complete = [&](const NodeProto &node) {
      for (const std::string &output : node.output())
        if (constants.insert(output).second)
          ready.push_back(output);
    };
    for (const NodeProto *node : nodes) {
      if (hasSubgraph(*node))
        continue;
      llvm::StringSet<> inputs;
      for (const std::string &input : node->input())
        if (!input.empty() && inputs.insert(input).second)
          users[input].push_back(node);
      missing[node] = int(inputs.size());
      if (inputs.empty())
        complete(*node);
    }
    for (; !ready.empty(); ready.pop_front())
      if (auto found = users.find(ready.front()); found != users.end())
        for (const NodeProto *user : found->second)
          if (--missing[user] == 0)
            complete(*user);
  }

  void need(llvm::StringRef name) {
    if (!name.empty() && needed.insert(name).second)
      work.push_back(name.str());
  }

  /// The operand of a product's or convolution's result, added to it.
  bool isBias(const NodeProto &node) const {
    return node.op_type() == "Add" && llvm::any_of(node.input(), [&](const std::string &input) {
             const NodeProto *producer = producers.lookup(input);
             return producer && !constants.contains(input) &&
                    (producer->op_type() == "MatMul" || producer->op_type() == "Conv" ||
                     producer->op_type() == "ConvTranspose" || producer->op_type() == "Gemm" ||
                     producer->op_type() == "Einsum");
           });
  }

  void seed(const NodeProto &node) {
    unsigned weights = node.domain().empty() ? maskOf(kWeights, node.op_type()) : kAll;
    unsigned sizes = node.domain().empty() ? maskOf(kSizes, node.op_type()) : 0;
    if (isBias(node))
      weights = kAll;
    for (int i = 0; i < node.input_size(); ++i)
      if (has(sizes, i) || (has(weights, i) && constants.contains(node.input(i))))
        need(node.input(i));
  }

  /// What a needed value is computed from is needed; of a shape's tensor only the
  /// shape is.
  void spread() {
    for (; !work.empty(); work.pop_front()) {
      const NodeProto *producer = producers.lookup(work.front());
      if (!producer || producer->op_type() == "Shape" || producer->op_type() == "Size")
        continue;
      for (const std::string &input : producer->input())
        need(input);
      for (const onnx::AttributeProto &attr : producer->attribute())
        if (attr.has_g())
          for (const onnx::ValueInfoProto &output : attr.g().output())
            need(output.name());
    }
  }

  std::vector<const NodeProto *> nodes;
  llvm::StringMap<const NodeProto *> producers;
  llvm::StringSet<> constants, needed;
  std::deque<std::string> work;
};

/// Completes the shape that the input declares; false if the tensor is no value
/// of the input.
bool fits(const onnx::TensorProto &tensor, onnx::ValueInfoProto &input) {
  if (!input.type().has_tensor_type())
    return false;
  auto &type = *input.mutable_type()->mutable_tensor_type();
  if (type.elem_type() != tensor.data_type())
    return false;
  if (!type.has_shape()) {
    for (int64_t dim : tensor.dims())
      type.mutable_shape()->add_dim()->set_dim_value(dim);
    return true;
  }
  if (type.shape().dim_size() != tensor.dims_size())
    return false;
  for (int i = 0; i < tensor.dims_size(); ++i)
    if (const auto &dim = type.shape().dim(i); dim.has_dim_value() && dim.dim_value() != tensor.dims(i))
      return false;
  return true;
}

/// Deletes the elements whose index is set.
template <typename List>
void drop(List &list, const llvm::BitVector &which) {
  List kept;
  kept.Reserve(list.size() - int(which.count()));
  for (int i = 0; i < list.size(); ++i)
    if (!which[i])
      kept.Add()->Swap(list.Mutable(i));
  list.Swap(&kept);
}
} // namespace

void tenon::onnxfe::chooseOverridable(Model &model) {
  const OnnxImportOptions &options = model.options;
  GraphProto &graph = *model.proto.mutable_graph();
  auto &inputs = *graph.mutable_input();
  auto &initializers = *graph.mutable_initializer();
  llvm::Regex named("^(" + options.overridable + ")$");
  std::string why;
  if (!options.overridable.empty() && !named.isValid(why))
    return model.problems.error(BadOverridable, "--overridable=" + options.overridable + ": " + why +
                                                    "; expected a regular expression for names of initializers");

  llvm::StringMap<int> initializerOf;
  for (int i = 0; i < initializers.size(); ++i)
    initializerOf[initializers[i].name()] = i;
  std::vector<std::pair<int, int>> both; // input, initializer
  for (int i = 0; i < inputs.size(); ++i)
    if (auto found = initializerOf.find(inputs[i].name()); found != initializerOf.end())
      both.emplace_back(i, found->second);

  std::optional<Uses> uses;
  llvm::BitVector droppedInputs(inputs.size()), droppedInitializers(initializers.size());
  bool anyNamed = false;
  for (auto [input, initializer] : both) {
    const std::string &name = inputs[input].name();
    const onnx::TensorProto &tensor = initializers[initializer];
    bool isNamed = options.keepOverridable && !options.overridable.empty() && named.match(name);
    anyNamed |= isNamed;
    bool keep = isNamed;
    // Texts are tokenised outside of a model; those that one carries are constants.
    if (!isNamed && options.keepOverridable && model.irVersion >= kIrOfPlainInitializers &&
        tensor.data_type() != onnx::TensorProto::STRING) {
      if (!uses)
        uses.emplace(graph);
      keep = !uses->needsConstant(name);
    }
    if (keep && !fits(tensor, inputs[input])) {
      if (isNamed)
        model.problems.error(DefaultDoesNotFit, "input '" + name +
                                                    "' and the initializer of that name differ in type or shape; " +
                                                    "expected a default that is a value of the input");
      keep = false;
    }
    if (keep) {
      droppedInitializers.set(initializer);
      model.defaults[name] = tensor;
    } else {
      droppedInputs.set(input);
      model.fixedInputs.push_back(name);
    }
  }
  if (!options.overridable.empty() && !anyNamed)
    model.problems.error(
        BadOverridable,
        "--overridable=" + options.overridable + ": matches none of the " + llvm::Twine(both.size()) +
            " initializers that are also inputs" +
            (both.empty() ? std::string() : " (the first is '" + inputs[both.front().first].name() + "')"));
  drop(inputs, droppedInputs);
  drop(initializers, droppedInitializers);
}
