// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Table.h"

#include "tenon/Frontend/ONNX/Operators.h"
#include "tenon/Pipelines/SupportedOperators.h"
#include "tenon/Target/CPU/CpuTarget.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

namespace tenon::driver {

cl::SubCommand opsCommand("ops", "List the ONNX operators and what each target supports");
static cl::opt<std::string> target("target", cl::desc("The target to answer for"), cl::init("cpu"), cl::sub(opsCommand));
static cl::opt<bool> json("json", cl::desc("Print the tables as JSON"), cl::sub(opsCommand));
static cl::opt<bool> markdown("markdown", cl::desc("Print the tables as Markdown"), cl::sub(opsCommand));

namespace {

std::string opsets(const OperatorRange &range) {
  if (range.last == 0)
    return std::to_string(range.first) + "+";
  return range.first == range.last ? std::to_string(range.first) : llvm::formatv("{0}-{1}", range.first, range.last).str();
}

std::string domainName(const OperatorRange &range) { return range.domain.empty() ? "ai.onnx" : range.domain; }

std::string strategies(const GraphOpSupport &op) { return op.strategies.empty() ? "none" : llvm::join(op.strategies, ", "); }

void printMarkdown(llvm::ArrayRef<OperatorRange> ranges, llvm::ArrayRef<GraphOpSupport> ops) {
  llvm::raw_ostream &os = llvm::outs();
  os << "# Operators\n\nWritten by `tenon ops --markdown` from the compiler's own tables. Models import opset " << kOldestOpset << " to "
     << newestOpset()
     << ".\nAn operator that is supported may still be refused for an attribute, an element type or an input that\nmust be constant; "
        "the message says which (TN2102 to TN2105).\n\n## ONNX operators\n\n| domain | operator | opsets | supported |\n|---|---|---|---|\n";
  for (const OperatorRange &range : ranges)
    os << "| " << domainName(range) << " | " << range.name << " | " << opsets(range) << " | " << supportName(range.support) << " |\n";
  os << "\n## Graph operations on the CPU\n\nWhat an operator is converted to, and the kernels that take it, the preferred first.\n\n"
        "| operation | kernels |\n|---|---|\n";
  for (const GraphOpSupport &op : ops)
    os << "| " << op.op << " | " << strategies(op) << " |\n";
}

void printJson(llvm::ArrayRef<OperatorRange> ranges, llvm::ArrayRef<GraphOpSupport> ops) {
  llvm::json::Array operators, operations;
  for (const OperatorRange &range : ranges)
    operators.push_back(llvm::json::Object{{"domain", domainName(range)},
                                           {"operator", range.name},
                                           {"first_opset", range.first},
                                           {"last_opset", range.last ? llvm::json::Value(range.last) : llvm::json::Value(nullptr)},
                                           {"supported", supportName(range.support)}});
  for (const GraphOpSupport &op : ops)
    operations.push_back(llvm::json::Object{{"operation", op.op}, {"kernels", llvm::json::Array(op.strategies)}});
  llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(llvm::json::Object{{"operators", std::move(operators)},
                                                                              {"target", target.getValue()},
                                                                              {"operations", std::move(operations)}}))
               << "\n";
}

void printText(llvm::ArrayRef<OperatorRange> ranges, llvm::ArrayRef<GraphOpSupport> ops) {
  Table operators({"domain", "operator", "opsets", "supported"}), operations({"graph operation", "kernels on " + target});
  for (const OperatorRange &range : ranges)
    operators.add({domainName(range), range.name, opsets(range), supportName(range.support).str()});
  operators.print(llvm::outs());
  llvm::outs() << "\n";
  for (const GraphOpSupport &op : ops)
    operations.add({op.op, strategies(op)});
  operations.print(llvm::outs());
}

} // namespace

int runOps() {
  if (json && markdown)
    return refuse(markdown, "with --json");
  cpu::CpuTarget parsed;
  std::string error;
  if (target != "cpu" && !cpu::parseCpuTarget(target, parsed, error))
    return complain(error);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::vector<OperatorRange> ranges = supportedOperators();
  std::vector<GraphOpSupport> ops = cpuGraphOps(context);
  if (json)
    printJson(ranges, ops);
  else if (markdown)
    printMarkdown(ranges, ops);
  else
    printText(ranges, ops);
  return kOk;
}

} // namespace tenon::driver
