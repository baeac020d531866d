// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A handler holds from its since-version to the next one of the same operator, so that a lookup takes the
// newest one that is not above the node's version. The domains "" and "ai.onnx" are the same. hasHandler and
// handledOperators share one constant registry, which the first call builds.
#include "HandlerRegistry.h"

#include "tenon/Conversion/ONNXToGraph/Passes.h"

using namespace tenon::onnxtograph;

static std::string keyOf(llvm::StringRef domain, llvm::StringRef opType) {
  if (domain == "ai.onnx")
    domain = "";
  return (domain + "::" + opType).str();
}

void HandlerRegistry::add(llvm::StringRef domain, llvm::StringRef opType, int64_t since, unsigned minInputs,
                          std::function<llvm::LogicalResult(NodeContext &)> convert) {
  handlers[keyOf(domain, opType)][since] = {minInputs, std::move(convert)};
}

const Handler *HandlerRegistry::lookup(llvm::StringRef domain, llvm::StringRef opType, int64_t since) const {
  auto entry = handlers.find(keyOf(domain, opType));
  if (entry == handlers.end())
    return nullptr;
  auto after = entry->second.upper_bound(since);
  return after == entry->second.begin() ? nullptr : &std::prev(after)->second;
}

HandlerRegistry HandlerRegistry::withAll() {
  HandlerRegistry registry;
  for (auto add :
       {addElementwise, addContraction, addEinsum, addWindow, addReduction, addNorm, addMovement, addIndexing,
        addResize, addShape, addRecurrence, addControlFlow, addQuantization, addAttention, addContrib})
    add(registry);
  return registry;
}

static const HandlerRegistry &allHandlers() {
  static const HandlerRegistry registry = HandlerRegistry::withAll();
  return registry;
}

bool tenon::onnxtograph::hasHandler(llvm::StringRef domain, llvm::StringRef opType, int64_t since) {
  return allHandlers().lookup(domain, opType, since) != nullptr;
}

std::vector<std::pair<std::string, std::string>> tenon::onnxtograph::handledOperators() {
  std::vector<std::pair<std::string, std::string>> operators;
  for (llvm::StringRef key : allHandlers().keys()) {
    auto [domain, name] = key.rsplit("::");
    operators.emplace_back(domain.str(), name.str());
  }
  llvm::sort(operators);
  return operators;
}
