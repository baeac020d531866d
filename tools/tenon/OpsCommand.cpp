// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tenon ops`: prints the tables of SupportedOperators.h, which are read from what the compiler itself works
// by, so that no list has to be kept. The output of --markdown is a page of the generated documentation.
#include "Chips.h"
#include "Json.h"
#include "Table.h"

#include "tenon/Frontend/ONNX/Operators.h"
#include "tenon/Pipelines/SupportedOperators.h"
#include "llvm/ADT/StringExtras.h"
#include <limits>
#include <map>

namespace tenon::driver {

namespace {

std::string opsets(const OperatorRange &range) {
  if (range.last == 0)
    return std::to_string(range.first) + "+";
  return range.first == range.last ? std::to_string(range.first)
                                   : llvm::formatv("{0}-{1}", range.first, range.last).str();
}

std::string domainName(const OperatorRange &range) { return range.domain.empty() ? "ai.onnx" : range.domain; }

std::string strategies(const GraphOpSupport &op) {
  return op.strategies.empty() ? "none" : llvm::join(op.strategies, ", ");
}

/// What is supported of one domain in its newest opset.
struct DomainSupport {
  unsigned supported = 0;
  std::vector<std::string> missing;

  std::string text() const {
    return llvm::formatv("{0} of {1} operators{2}", supported, supported + missing.size(),
                         missing.empty() ? "" : "; missing: " + llvm::join(missing, ", "));
  }
};

class OpsCommand : public Command {
public:
  OpsCommand()
      : Command("ops", "List the ONNX operators and what a target supports", "[OPERATOR...]",
                std::numeric_limits<unsigned>::max()) {}
  Exit run() override;

private:
  Exit filter();
  std::map<std::string, DomainSupport> domains() const;
  void printMarkdown() const;
  void printTables() const;
  llvm::json::Object toJson() const;
  int64_t vectorBits() const { return chip->chip().limit("vector_bits").value_or(0); }

  Value<std::string> target{*this, {"target", "march", "mcpu"}, "TARGET", "The target to answer for", "cpu:host"};
  List targetFiles{*this, {"target-file"}, "FILE.yaml", kTargetFileHelp};
  List targetPlugins{*this, {"load-target-plugin"}, "FILE.so", kTargetPluginHelp};
  Switch json{*this, {"json"}, "Print the tables as JSON"};
  Switch markdown{*this, {"markdown"}, "Print the tables as Markdown"};

  std::unique_ptr<Target> chip;
  std::vector<OperatorRange> ranges;
  std::vector<GraphOpSupport> ops;
};

/// Leaves what the arguments name: an operator in any case, or else all whose name
/// holds the text.
Exit OpsCommand::filter() {
  if (arguments.empty())
    return kOk;
  std::vector<OperatorRange> keptRanges;
  std::vector<GraphOpSupport> keptOps;
  for (llvm::StringRef name : arguments) {
    size_t before = keptRanges.size() + keptOps.size();
    bool isWhole =
        llvm::any_of(ranges, [&](const OperatorRange &range) { return name.equals_insensitive(range.name); });
    auto fits = [&](llvm::StringRef other) {
      return isWhole ? other.equals_insensitive(name) : other.contains_insensitive(name);
    };
    llvm::copy_if(ranges, std::back_inserter(keptRanges), [&](const OperatorRange &range) { return fits(range.name); });
    llvm::copy_if(ops, std::back_inserter(keptOps), [&](const GraphOpSupport &op) { return fits(op.op); });
    if (keptRanges.size() + keptOps.size() != before)
      continue;
    std::vector<llvm::StringRef> words;
    for (const OperatorRange &range : ranges)
      words.push_back(range.name);
    std::optional<llvm::StringRef> near = nearestWord(name, words);
    return complain("[TN8047] ops: no domain has an operator '" + name + "'" +
                    (near ? "; did you mean '" + *near + "'?" : ""));
  }
  ranges = std::move(keptRanges);
  ops = std::move(keptOps);
  return kOk;
}

std::map<std::string, DomainSupport> OpsCommand::domains() const {
  std::map<std::string, DomainSupport> result;
  for (const OperatorRange &range : ranges) {
    if (range.last != 0)
      continue; // an older version
    DomainSupport &domain = result[domainName(range)];
    if (range.support == OperatorSupport::No)
      domain.missing.push_back(range.name);
    else
      ++domain.supported;
  }
  return result;
}

void OpsCommand::printMarkdown() const {
  llvm::raw_ostream &os = llvm::outs();
  os << "# Operators\n\nWritten by `tenon ops --markdown` from the compiler's own tables. Models import opset "
     << kOldestOpset << " to " << newestOpset()
     << ".\nAn operator that is supported may still be refused for an attribute, an element type or an input "
        "that\nmust be constant; "
        "the message says which (TN2102 to TN2105).\n\n## Domains\n\n| domain | supported in the newest opset "
        "|\n|---|---|\n";
  for (auto &[name, domain] : domains())
    os << "| " << name << " | " << domain.text() << " |\n";
  os << "\n## ONNX operators\n\n| domain | operator | opsets | supported |\n|---|---|---|---|\n";
  for (const OperatorRange &range : ranges)
    os << "| " << domainName(range) << " | " << range.name << " | " << opsets(range) << " | "
       << supportName(range.support) << " |\n";
  os << "\n## Graph operations on " << chip->spec()
     << "\n\nWhat an operator is converted to, and the kernels that take it, the "
        "preferred first.\n\n"
        "| operation | kernels |\n|---|---|\n";
  for (const GraphOpSupport &op : ops)
    os << "| " << op.op << " | " << strategies(op) << " |\n";
}

llvm::json::Object OpsCommand::toJson() const {
  llvm::json::Array operators, operations;
  llvm::json::Object support;
  for (const OperatorRange &range : ranges)
    operators.push_back(
        llvm::json::Object{{"domain", domainName(range)},
                           {"operator", range.name},
                           {"first_opset", range.first},
                           {"last_opset", range.last ? llvm::json::Value(range.last) : llvm::json::Value(nullptr)},
                           {"supported", supportName(range.support)}});
  for (const GraphOpSupport &op : ops)
    operations.push_back(llvm::json::Object{{"operation", op.op}, {"kernels", llvm::json::Array(op.strategies)}});
  for (auto &[name, domain] : domains())
    support[name] =
        llvm::json::Object{{"supported", int64_t(domain.supported)}, {"missing", llvm::json::Array(domain.missing)}};
  return llvm::json::Object{{"operators", std::move(operators)},
                            {"domains", std::move(support)},
                            {"target", chip->spec().str()},
                            {"vector_bits", vectorBits()},
                            {"operations", std::move(operations)}};
}

void OpsCommand::printTables() const {
  Table operators({"domain", "operator", "opsets", "supported"});
  std::string vectors = vectorBits() ? llvm::formatv(" ({0}-bit vectors)", vectorBits()).str() : "";
  Table operations({"graph operation", llvm::formatv("kernels on {0}{1}", chip->spec(), vectors)});
  for (const OperatorRange &range : ranges)
    operators.add({domainName(range), range.name, opsets(range), supportName(range.support).str()});
  if (!ranges.empty())
    operators.print(llvm::outs());
  for (const GraphOpSupport &op : ops)
    operations.add({op.op, strategies(op)});
  if (!ops.empty()) {
    llvm::outs() << (ranges.empty() ? "" : "\n");
    operations.print(llvm::outs());
  }
  if (!arguments.empty())
    return;
  llvm::outs() << "\n";
  for (auto &[name, domain] : domains())
    printWrapped(llvm::outs(), name + ": " + domain.text(), 0, terminalWidth());
}

Exit OpsCommand::run() {
  if (json && markdown)
    return refuse(markdown, "with --json");
  std::string error;
  // All CPUs take the same operators; how wide their vectors are is the difference.
  TargetRegistry targets;
  if (Exit exit = registerChips(targets, targetFiles.values, targetPlugins.values))
    return exit;
  std::string spec = target.given() || targetFiles.values.empty() ? target.value : "";
  for (const std::unique_ptr<TargetFamily> &family : targets.getFamilies())
    if (family->device() == spec)
      spec = family->specs().front();
  chip = targets.parse(spec, error);
  if (!chip)
    return complain(error);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  ranges = supportedOperators();
  ops = graphOps(context, *chip);
  if (Exit exit = filter())
    return exit;
  if (json)
    printJson(toJson());
  else if (markdown)
    printMarkdown();
  else
    printTables();
  return kOk;
}

} // namespace

std::unique_ptr<Command> makeOps() { return std::make_unique<OpsCommand>(); }

} // namespace tenon::driver
