// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ledger as JSON and back. Keys are added, never changed.
#include "tenon/Support/Ledger.h"

using llvm::StringRef;

namespace tenon {

StringRef fateName(Fate fate) {
  static constexpr llvm::StringLiteral names[] = {"kernel", "view", "constant", "dimensions", "removed"};
  return names[int(fate)];
}

llvm::json::Object Ledger::toJson() const {
  llvm::json::Array nodeArray, kernelArray, noteArray;
  for (const NodeRecord &node : nodes)
    nodeArray.push_back(llvm::json::Object{{"node", node.name},
                                           {"operator", node.op},
                                           {"became", fateName(node.fate)},
                                           {"kernels", llvm::json::Array(node.kernels)}});
  for (const KernelDescription &kernel : kernels) {
    llvm::json::Object cost;
    for (auto &[term, amount] : kernel.cost)
      cost[llvm::json::fixUTF8(term)] = amount;
    kernelArray.push_back(llvm::json::Object{{"kernel", kernel.name},
                                             {"device", kernel.device},
                                             {"strategy", kernel.strategy},
                                             {"schedule", kernel.schedule.text},
                                             {"tile", kernel.schedule.tile},
                                             {"vector_bits", kernel.schedule.vectorBits},
                                             {"precision", kernel.precision},
                                             {"work", int64_t(kernel.work)},
                                             {"estimate", int64_t(kernel.estimate)},
                                             {"seconds", kernel.seconds},
                                             {"cost", std::move(cost)},
                                             {"nodes", llvm::json::Array(kernel.nodes)}});
  }
  for (const LedgerNote &note : notes)
    noteArray.push_back(llvm::json::Object{{"code", note.code},
                                           {"text", note.text},
                                           {"kernels", llvm::json::Array(note.kernels)},
                                           {"nodes", llvm::json::Array(note.nodes)}});
  auto sizesOf = [](const std::vector<std::pair<std::string, int64_t>> &sizes) {
    llvm::json::Object object;
    for (auto &[name, size] : sizes)
      object[llvm::json::fixUTF8(name)] = size;
    return object;
  };
  llvm::json::Object ledger{{"model_hash", modelHash},
                            {"nominal_sizes", sizesOf(nominalSizes)},
                            {"expected_sizes", sizesOf(expectedSizes)},
                            {"nodes", std::move(nodeArray)},
                            {"kernels", std::move(kernelArray)},
                            {"notes", std::move(noteArray)}};
  llvm::json::Array predictionArray;
  for (auto &[plan, seconds] : predictions)
    predictionArray.push_back(llvm::json::Object{{"plan", plan}, {"seconds", seconds}});
  if (!predictions.empty())
    ledger["predictions"] = std::move(predictionArray);
  return ledger;
}

namespace {

std::string text(const llvm::json::Object &object, StringRef key) { return object.getString(key).value_or("").str(); }

std::vector<std::string> texts(const llvm::json::Object &object, StringRef key) {
  std::vector<std::string> result;
  if (const llvm::json::Array *array = object.getArray(key))
    for (const llvm::json::Value &value : *array)
      result.push_back(value.getAsString().value_or("").str());
  return result;
}

Fate parseFate(StringRef name) {
  for (Fate fate : {Fate::Kernel, Fate::View, Fate::Constant, Fate::Dimensions})
    if (fateName(fate) == name)
      return fate;
  return Fate::Removed;
}

void forEachObject(const llvm::json::Object &root, StringRef key,
                   llvm::function_ref<void(const llvm::json::Object &)> visit) {
  if (const llvm::json::Array *array = root.getArray(key))
    for (const llvm::json::Value &value : *array)
      if (const llvm::json::Object *object = value.getAsObject())
        visit(*object);
}

} // namespace

/// Whether JSON nests no deeper than a ledger can: the parser calls itself for
/// each level, and an artifact is a file that anyone may have written.
static bool isShallow(StringRef json) {
  constexpr unsigned kDeepest = 16;
  unsigned depth = 0;
  bool inText = false;
  for (size_t i = 0; i < json.size(); ++i) {
    char c = json[i];
    if (inText && c == '\\')
      ++i;
    else if (c == '"')
      inText = !inText;
    else if (!inText && (c == '[' || c == '{') && ++depth > kDeepest)
      return false;
    else if (!inText && (c == ']' || c == '}') && depth-- == 0)
      return false;
  }
  return true;
}

std::optional<Ledger> Ledger::fromJson(StringRef json) {
  if (!isShallow(json))
    return std::nullopt;
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(json);
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return std::nullopt;
  }
  const llvm::json::Object *root = parsed->getAsObject();
  if (!root)
    return std::nullopt;
  Ledger ledger;
  ledger.modelHash = text(*root, "model_hash");
  auto readSizes = [&](StringRef key, std::vector<std::pair<std::string, int64_t>> &sizes) {
    if (const llvm::json::Object *object = root->getObject(key))
      for (auto &[name, size] : *object)
        sizes.push_back({name.str(), size.getAsInteger().value_or(0)});
  };
  readSizes("nominal_sizes", ledger.nominalSizes);
  readSizes("expected_sizes", ledger.expectedSizes);
  forEachObject(*root, "nodes", [&](const llvm::json::Object &node) {
    ledger.nodes.push_back(
        {text(node, "node"), text(node, "operator"), parseFate(text(node, "became")), texts(node, "kernels")});
  });
  forEachObject(*root, "kernels", [&](const llvm::json::Object &kernel) {
    KernelDescription description;
    description.name = text(kernel, "kernel");
    description.device = text(kernel, "device");
    description.strategy = text(kernel, "strategy");
    description.schedule = {text(kernel, "schedule"), text(kernel, "tile"),
                            kernel.getInteger("vector_bits").value_or(0)};
    description.precision = text(kernel, "precision");
    description.work = uint64_t(kernel.getInteger("work").value_or(0));
    description.estimate = uint64_t(kernel.getInteger("estimate").value_or(0));
    description.seconds = kernel.getNumber("seconds").value_or(0);
    if (const llvm::json::Object *cost = kernel.getObject("cost"))
      for (auto &[term, amount] : *cost)
        description.cost[term.str()] = amount.getAsNumber().value_or(0);
    description.nodes = texts(kernel, "nodes");
    ledger.kernels.push_back(std::move(description));
  });
  forEachObject(*root, "predictions", [&](const llvm::json::Object &prediction) {
    ledger.predictions.push_back({text(prediction, "plan"), prediction.getNumber("seconds").value_or(0)});
  });
  forEachObject(*root, "notes", [&](const llvm::json::Object &note) {
    ledger.notes.push_back({{text(note, "code"), text(note, "text")}, texts(note, "kernels"), texts(note, "nodes")});
  });
  return ledger;
}

} // namespace tenon
