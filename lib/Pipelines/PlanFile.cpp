// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Placements as YAML. Names are quoted in both directions: ONNX nodes may be called
// anything.
#include "tenon/Pipelines/PlanFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"

using llvm::StringRef;

namespace tenon {
namespace {

std::string quoted(StringRef text) { return "\"" + llvm::yaml::escape(text, /*EscapePrintable=*/false) + "\""; }

class PlanReader {
public:
  PlanReader(StringRef text, StringRef file, std::vector<std::string> &pins, std::vector<std::string> &problems)
      : file(file), pins(pins), problems(problems), text(text) {}

  void read() {
    sources.setDiagHandler(
        [](const llvm::SMDiagnostic &diagnostic, void *self) {
          static_cast<PlanReader *>(self)->add(diagnostic.getLineNo(), diagnostic.getColumnNo() + 1,
                                               diagnostic.getMessage());
        },
        this);
    llvm::yaml::Stream stream(text, sources);
    llvm::yaml::document_iterator document = stream.begin();
    llvm::yaml::Node *root = document == stream.end() ? nullptr : document->getRoot();
    auto *mapping = llvm::dyn_cast_or_null<llvm::yaml::MappingNode>(root);
    if (!mapping)
      return add(1, 1, "found no mapping, expected 'nodes:' with a device for each ONNX node");
    for (llvm::yaml::KeyValueNode &entry : *mapping) {
      std::optional<std::string> key = scalar(entry.getKey());
      auto *nodes = llvm::dyn_cast_or_null<llvm::yaml::MappingNode>(entry.getValue());
      if (!key || *key != "nodes" || !nodes) {
        problem(entry.getKey(), "found '" + key.value_or("no name") + "', allowed is the mapping 'nodes'");
        continue;
      }
      for (llvm::yaml::KeyValueNode &node : *nodes)
        readNode(node);
    }
    if (stream.failed() && problems.empty())
      add(1, 1, "this is no YAML");
  }

private:
  void readNode(llvm::yaml::KeyValueNode &node) {
    std::optional<std::string> name = scalar(node.getKey()), device = scalar(node.getValue());
    if (name && device)
      pins.push_back(llvm::Regex::escape(*name) + "=" + *device);
    else
      problem(node.getKey(), "expected an ONNX node's name and a device");
  }

  static std::optional<std::string> scalar(llvm::yaml::Node *node) {
    auto *value = llvm::dyn_cast_or_null<llvm::yaml::ScalarNode>(node);
    llvm::SmallString<64> storage;
    return value ? std::optional(value->getValue(storage).str()) : std::nullopt;
  }

  void problem(llvm::yaml::Node *node, const llvm::Twine &what) {
    auto [line, column] =
        node ? sources.getLineAndColumn(node->getSourceRange().Start) : std::pair<unsigned, unsigned>(1, 1);
    add(line, column, what);
  }
  void add(unsigned line, unsigned column, const llvm::Twine &what) {
    problems.push_back(llvm::formatv("{0}:{1}:{2}: {3}", file, line, column, what.str()));
  }

  StringRef file;
  std::vector<std::string> &pins, &problems;
  StringRef text;
  llvm::SourceMgr sources;
};

} // namespace

std::string planText(const Ledger &ledger, llvm::ArrayRef<std::string> devices) {
  llvm::StringMap<StringRef> deviceOf;
  for (const KernelDescription &kernel : ledger.kernels)
    deviceOf[kernel.name] =
        llvm::is_contained(devices.drop_front(), kernel.device) ? StringRef(kernel.device) : StringRef(devices.front());
  std::string text = "# The device that runs each ONNX node, for `tenon compile --plan-in`. Nodes that are left out\n"
                     "# go where they are predicted to be fastest. Devices:";
  for (const std::string &device : devices)
    text += " " + device;
  text += "\nnodes:\n";
  for (const NodeRecord &node : ledger.nodes)
    if (!node.kernels.empty()) {
      // A copy of what an If yields may be part of a device's kernel; the If itself is the host's.
      StringRef device = node.op == "If" ? StringRef(devices.front()) : deviceOf.lookup(node.kernels.back());
      text += "  " + quoted(node.name) + ": " + quoted(device) + "\n";
    }
  return text;
}

std::vector<std::string> pinsOf(const Ledger &ledger, llvm::ArrayRef<std::string> called,
                                llvm::ArrayRef<std::string> names) {
  std::vector<llvm::SmallVector<std::string>> nodes(called.size());
  for (const NodeRecord &node : ledger.nodes)
    if (size_t device = llvm::find(called, node.device) - called.begin(); device < nodes.size())
      nodes[device].push_back(llvm::Regex::escape(node.name));
  std::vector<std::string> pins;
  for (auto [patterns, device] : llvm::zip_equal(nodes, names))
    if (!patterns.empty())
      pins.push_back("(" + llvm::join(patterns, "|") + ")=" + device);
  return pins;
}

bool readPlan(StringRef text, StringRef file, std::vector<std::string> &pins, std::vector<std::string> &problems) {
  size_t before = problems.size();
  PlanReader(text, file, pins, problems).read();
  return problems.size() == before;
}

} // namespace tenon
