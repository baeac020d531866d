// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ledger as JSON and back. Keys are added, never changed.
#include "tenon/Support/Ledger.h"

#include "llvm/ADT/STLExtras.h"

using llvm::StringRef;

namespace tenon {

StringRef fateName(Fate fate) {
  static constexpr llvm::StringLiteral names[] = {"kernel", "view", "constant", "dimensions", "removed"};
  return names[int(fate)];
}

static llvm::json::Object toJsonObject(const NodeRecord &node) {
  llvm::json::Object object{{"node", node.name},
                            {"operator", node.op},
                            {"became", fateName(node.fate)},
                            {"kernels", llvm::json::Array(node.kernels)},
                            {"inputs", llvm::json::Array(node.inputs)}};
  if (!node.device.empty())
    object["device"] = node.device;
  return object;
}

static llvm::json::Object toJsonObject(const TransferRecord &transfer) {
  return llvm::json::Object{
      {"from", transfer.from}, {"to", transfer.to}, {"value", transfer.value}, {"bytes", int64_t(transfer.bytes)}};
}

static llvm::json::Object toJsonObject(const MemoryRecord &record) {
  llvm::json::Array buffers;
  for (const BufferRecord &buffer : record.buffers)
    buffers.push_back(llvm::json::Object{{"writer", buffer.writer},
                                         {"bytes", int64_t(buffer.bytes)},
                                         {"offset", buffer.offset},
                                         {"first", int64_t(buffer.first)},
                                         {"last", int64_t(buffer.last)}});
  return llvm::json::Object{{"space", record.space},
                            {"program", record.program},
                            {"arena", int64_t(record.arena)},
                            {"peak", int64_t(record.peak)},
                            {"peak_step", int64_t(record.peakStep)},
                            {"steps", llvm::json::Array(record.steps)},
                            {"buffers", std::move(buffers)}};
}

llvm::json::Object Ledger::toJson() const {
  llvm::json::Array nodeArray, kernelArray, noteArray;
  for (const NodeRecord &node : nodes)
    nodeArray.push_back(toJsonObject(node));
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
  ledger["outputs"] = llvm::json::Array(outputs);
  llvm::json::Array transferArray, memoryArray;
  for (const TransferRecord &transfer : transfers)
    transferArray.push_back(toJsonObject(transfer));
  if (!transfers.empty())
    ledger["transfers"] = std::move(transferArray);
  for (const MemoryRecord &record : memory)
    memoryArray.push_back(toJsonObject(record));
  ledger["memory"] = std::move(memoryArray);
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

std::vector<int64_t> numbers(const llvm::json::Object &object, StringRef key) {
  std::vector<int64_t> result;
  if (const llvm::json::Array *array = object.getArray(key))
    for (const llvm::json::Value &value : *array)
      result.push_back(value.getAsInteger().value_or(0));
  return result;
}

void forEachObject(const llvm::json::Object &root, StringRef key,
                   llvm::function_ref<void(const llvm::json::Object &)> visit) {
  if (const llvm::json::Array *array = root.getArray(key))
    for (const llvm::json::Value &value : *array)
      if (const llvm::json::Object *object = value.getAsObject())
        visit(*object);
}

} // namespace

static MemoryRecord readMemory(const llvm::json::Object &record) {
  auto number = [](const llvm::json::Object &object, StringRef key) { return object.getInteger(key).value_or(0); };
  MemoryRecord memory;
  memory.space = text(record, "space");
  memory.program = text(record, "program");
  memory.arena = uint64_t(number(record, "arena"));
  memory.peak = uint64_t(number(record, "peak"));
  memory.peakStep = unsigned(number(record, "peak_step"));
  memory.steps = texts(record, "steps");
  forEachObject(record, "buffers", [&](const llvm::json::Object &buffer) {
    memory.buffers.push_back({text(buffer, "writer"), uint64_t(number(buffer, "bytes")), number(buffer, "offset"),
                              unsigned(number(buffer, "first")), unsigned(number(buffer, "last"))});
  });
  return memory;
}

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
    ledger.nodes.push_back({text(node, "node"), text(node, "operator"), parseFate(text(node, "became")),
                            texts(node, "kernels"), numbers(node, "inputs"), text(node, "device")});
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
  ledger.outputs = numbers(*root, "outputs");
  forEachObject(*root, "transfers", [&](const llvm::json::Object &transfer) {
    ledger.transfers.push_back({text(transfer, "from"), text(transfer, "to"), text(transfer, "value"),
                                uint64_t(transfer.getInteger("bytes").value_or(0))});
  });
  forEachObject(*root, "memory",
                [&](const llvm::json::Object &record) { ledger.memory.push_back(readMemory(record)); });
  return ledger;
}

} // namespace tenon
