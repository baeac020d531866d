// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a graph is made of, before any operator is looked at: every node gets a
// name, every name one definition, every use a definition, and the nodes an
// order in which definitions come first.
#include "Model.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <queue>

using namespace tenon::onnxfe;
using onnx::GraphProto;
using onnx::NodeProto;

namespace {
struct Scope {
  const Scope *parent;
  llvm::StringSet<> names;
  bool contains(llvm::StringRef name) const { return names.contains(name) || (parent && parent->contains(name)); }
};

template <typename Fn>
void forEachSubgraph(NodeProto &node, Fn fn) {
  for (onnx::AttributeProto &attr : *node.mutable_attribute()) {
    if (attr.has_g())
      fn(attr.name(), *attr.mutable_g());
    for (GraphProto &graph : *attr.mutable_graphs())
      fn(attr.name(), graph);
  }
}

class Checker {
public:
  explicit Checker(Model &model) : model(model), problems(model.problems) {}

  /// Checks a graph and those inside of it; `free` gets the names that it uses and
  /// does not define.
  void check(GraphProto &graph, const Scope *parent, const std::string &prefix, llvm::StringSet<> &free) {
    Scope scope{parent, {}};
    llvm::StringMap<int> producers;
    define(graph, scope, prefix, producers);

    int count = graph.node_size();
    std::vector<std::vector<int>> users(count);
    std::vector<int> missing(count, 0);
    for (int i = 0; i < count; ++i) {
      NodeProto &node = *graph.mutable_node(i);
      llvm::StringSet<> used;
      for (int j = 0; j < node.input_size(); ++j) {
        const std::string &input = node.input(j);
        if (input.empty())
          continue;
        used.insert(input);
        if (!scope.contains(input))
          problems.error(UnknownName, describe(node, model.opsetOf(node)),
                         "input #" + llvm::Twine(j) + " is '" + input + "', which nothing defines" +
                             suggestion(input, scope));
      }
      forEachSubgraph(
          node, [&](const std::string &name, GraphProto &body) { check(body, &scope, prefixOf(node, name), used); });
      for (const auto &name : used) {
        if (auto producer = producers.find(name.first()); producer != producers.end()) {
          users[producer->second].push_back(i);
          ++missing[i];
        } else if (!scope.names.contains(name.first())) {
          free.insert(name.first());
        }
      }
    }
    if (!parent && graph.output().empty())
      problems.error(UndefinedOutput, "the graph has no outputs; a model must compute something");
    for (const onnx::ValueInfoProto &output : graph.output()) {
      if (!scope.names.contains(output.name()))
        free.insert(output.name());
      if (!scope.contains(output.name()))
        problems.error(UndefinedOutput, "graph output '" + output.name() + "'" + inGraph(prefix) +
                                            " is defined by no node, input or initializer" +
                                            suggestion(output.name(), scope));
    }
    sort(graph, users, missing, prefix);
  }

private:
  /// What the names of unnamed nodes in a node's subgraph start with: the node's
  /// own name, or where that is long already, its operator and a number. A name
  /// that grew with each level would double with each.
  std::string prefixOf(const NodeProto &node, const std::string &attribute) {
    constexpr size_t kLongest = 80;
    std::string prefix = node.name() + "/" + attribute + "/";
    if (prefix.size() <= kLongest)
      return prefix;
    llvm::StringRef type(node.op_type()), part(attribute);
    return (type.take_front(kLongest / 2) + "@" + llvm::Twine(++longNames) + "/" + part.take_front(kLongest / 2) + "/")
        .str();
  }

  static std::string inGraph(const std::string &prefix) {
    return prefix.empty() ? "" : " of subgraph " + prefix.substr(0, prefix.size() - 1);
  }

  void define(GraphProto &graph, Scope &scope, const std::string &prefix, llvm::StringMap<int> &producers) {
    auto add = [&](const std::string &name, const llvm::Twine &what) {
      if (name.empty())
        problems.error(UnknownName, what + inGraph(prefix) + " has no name");
      else if (!scope.names.insert(name).second)
        problems.error(DuplicateName, what + inGraph(prefix) + " defines '" + name +
                                          "', which is defined already; ONNX values have one definition");
    };
    for (const auto &input : graph.input())
      add(input.name(), "a graph input");
    for (const auto &tensor : graph.initializer())
      add(tensor.name(), "an initializer");
    for (const auto &tensor : graph.sparse_initializer())
      problems.error(SparseUnsupported, "initializer '" + tensor.values().name() +
                                            "' is sparse, which Tenon does not support; store it densely");
    for (int i = 0; i < graph.node_size(); ++i) {
      NodeProto &node = *graph.mutable_node(i);
      if (node.name().empty())
        node.set_name(prefix + (node.op_type().empty() ? "node" : node.op_type()) + "_" + std::to_string(i));
      for (const std::string &output : node.output()) {
        if (output.empty())
          continue;
        add(output, describe(node, model.opsetOf(node)) + ":");
        producers.try_emplace(output, i);
      }
    }
  }

  std::string suggestion(llvm::StringRef name, const Scope &scope) {
    for (const Scope *s = &scope; s; s = s->parent)
      if (s->names.size() < 5000)
        for (const auto &other : s->names)
          if (name.edit_distance(other.first(), true, 2) <= 2)
            return ("; did you mean '" + other.first() + "'?").str();
    return "";
  }

  void sort(GraphProto &graph, const std::vector<std::vector<int>> &users, std::vector<int> missing,
            const std::string &prefix) {
    // The smallest ready index first: a sorted graph stays as it is.
    std::priority_queue<int, std::vector<int>, std::greater<int>> ready;
    std::vector<int> order;
    for (int i = 0; i < graph.node_size(); ++i)
      if (!missing[i])
        ready.push(i);
    while (!ready.empty()) {
      int node = ready.top();
      ready.pop();
      order.push_back(node);
      for (int user : users[node])
        if (!--missing[user])
          ready.push(user);
    }
    if (static_cast<int>(order.size()) != graph.node_size())
      return reportCycle(graph, users, missing, prefix);
    google::protobuf::RepeatedPtrField<NodeProto> sorted;
    sorted.Reserve(graph.node_size());
    for (int node : order)
      sorted.Add()->Swap(graph.mutable_node(node));
    graph.mutable_node()->Swap(&sorted);
  }

  void reportCycle(GraphProto &graph, const std::vector<std::vector<int>> &users, const std::vector<int> &missing,
                   const std::string &prefix) {
    // Every node that is left has a producer that is left: walking producers
    // backwards runs into a cycle.
    std::vector<int> producer(graph.node_size(), -1), seenAt(graph.node_size(), -1), path;
    for (int i = 0; i < graph.node_size(); ++i)
      if (missing[i] > 0)
        for (int user : users[i])
          producer[user] = i;
    int node = 0;
    while (missing[node] <= 0)
      ++node;
    for (; node >= 0 && seenAt[node] < 0; node = producer[node]) {
      seenAt[node] = path.size();
      path.push_back(node);
    }
    std::string text;
    if (node >= 0)
      for (int i = path.size() - 1, shown = 0; i >= seenAt[node]; --i, ++shown) {
        if (shown == 20) {
          text += " -> ...";
          break;
        }
        text += (shown ? " -> " : "") + graph.node(path[i]).name();
      }
    problems.error(CyclicGraph, "the graph" + inGraph(prefix) + " has a cycle, so no order of execution: " + text);
  }

  Model &model;
  Problems &problems;
  unsigned longNames = 0;
};
} // namespace

void tenon::onnxfe::checkStructure(Model &model) {
  llvm::StringSet<> free;
  Checker(model).check(*model.proto.mutable_graph(), nullptr, "", free);
}
