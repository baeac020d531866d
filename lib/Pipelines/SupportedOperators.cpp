// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An operator without a handler is supported if all operators of its function body are, each by a handler or
// by a body of its own. Successive versions that are supported in the same way become one range. Operators
// that ONNX has no schema of, such as those of com.microsoft, count as one version: the conversion says which
// of them are supported, ContribOperators.h which others there are.
#include "tenon/Pipelines/SupportedOperators.h"

#include "ContribOperators.h"
#include "tenon/Conversion/ONNXToGraph/Passes.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Frontend/ONNX/Operators.h"
#include "tenon/Transforms/Fusion/Passes.h"
#include <map>
#include <set>

using namespace mlir;

namespace tenon {

StringRef supportName(OperatorSupport support) {
  static constexpr StringLiteral names[] = {"yes", "by its function body", "no"};
  return names[int(support)];
}

namespace {

class SupportTable {
public:
  SupportTable() : operators(onnxOperators()) {
    for (auto [i, entry] : llvm::enumerate(operators))
      versions[{entry.domain, entry.name}].push_back(i);
  }

  std::vector<OperatorRange> ranges() {
    std::vector<OperatorRange> result;
    for (auto &[key, list] : versions)
      addRanges(list, result);
    std::set<std::pair<std::string, std::string>> handled; // without a schema there is one version
    for (auto &operatorName : onnxtograph::handledOperators())
      if (!versions.contains(operatorName))
        handled.insert(operatorName);
    for (auto &[domain, name] : handled)
      result.push_back({domain, name, 1, 0, OperatorSupport::Handled});
    for (StringRef name : contribOperators())
      if (std::pair<std::string, std::string> key("com.microsoft", name);
          !handled.contains(key) && !versions.contains(key))
        result.push_back({key.first, key.second, 1, 0, OperatorSupport::No});
    llvm::sort(result, [](const OperatorRange &a, const OperatorRange &b) {
      return std::tie(a.domain, a.name, a.first) < std::tie(b.domain, b.name, b.first);
    });
    return result;
  }

private:
  OperatorSupport supportOf(const OnnxOperator &entry, unsigned depth = 0) {
    if (onnxtograph::hasHandler(entry.domain, entry.name, entry.since))
      return OperatorSupport::Handled;
    if (!entry.hasBody || entry.isDeprecated || depth > kDeepest)
      return OperatorSupport::No;
    for (const OnnxOperator::Call &call : entry.body) {
      const OnnxOperator *callee = find(call);
      if (!isConstant(call) && (!callee || supportOf(*callee, depth + 1) == OperatorSupport::No))
        return OperatorSupport::No;
    }
    return OperatorSupport::Expanded;
  }

  /// Constant nodes become constants during import.
  static bool isConstant(const OnnxOperator::Call &call) { return call.domain.empty() && call.name == "Constant"; }

  const OnnxOperator *find(const OnnxOperator::Call &call) {
    const OnnxOperator *newest = nullptr;
    if (auto it = versions.find({call.domain, call.name}); it != versions.end())
      for (size_t i : it->second)
        if (operators[i].since <= call.opset)
          newest = &operators[i];
    return newest;
  }

  /// Joins versions that are supported in one way.
  void addRanges(ArrayRef<size_t> list, std::vector<OperatorRange> &result) {
    bool isFirst = true;
    for (auto [position, i] : llvm::enumerate(list)) {
      const OnnxOperator &entry = operators[i];
      int64_t last = position + 1 < list.size() ? operators[list[position + 1]].since - 1 : 0;
      int64_t first = entry.domain.empty() ? std::max(entry.since, kOldestOpset) : entry.since;
      if ((last && last < first) || entry.isDeprecated)
        continue;
      OperatorSupport support = isConstant({entry.domain, entry.name, 0}) ? OperatorSupport::Handled : supportOf(entry);
      if (!isFirst && result.back().support == support && result.back().last + 1 == first)
        result.back().last = last;
      else
        result.push_back({entry.domain, entry.name, first, last, support});
      isFirst = false;
    }
  }

  static constexpr unsigned kDeepest = 8; // bodies that call functions
  std::vector<OnnxOperator> operators;
  std::map<std::pair<std::string, std::string>, SmallVector<size_t>> versions;
};

} // namespace

std::vector<OperatorRange> supportedOperators() { return SupportTable().ranges(); }

std::vector<GraphOpSupport> graphOps(MLIRContext &context, const Target &target) {
  context.loadDialect<graph::GraphDialect>();
  std::vector<GraphOpSupport> result;
  for (RegisteredOperationName name : context.getRegisteredOperations()) {
    if (name.getDialectNamespace() != graph::GraphDialect::getDialectNamespace())
      continue;
    StringRef op = name.stripDialect();
    GraphOpSupport entry{op.str(), target.strategiesFor(op)};
    if (fusion::isView(name))
      entry.strategies = {"view"};
    else if (fusion::isElementwise(name))
      entry.strategies = target.strategiesFor("elementwise");
    else if (op == graph::ConstantOp::getOperationName().split('.').second)
      entry.strategies = {"weight"};
    result.push_back(std::move(entry));
  }
  llvm::sort(result, [](const GraphOpSupport &a, const GraphOpSupport &b) { return a.op < b.op; });
  return result;
}

} // namespace tenon
