// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Session.h"
#include "Table.h"

#include "tenon/Pipelines/Ledger.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

namespace tenon::driver {

cl::SubCommand explainCommand("explain", "Say what became of each ONNX node");
static cl::opt<std::string> artifact(cl::Positional, cl::desc("FILE.tenon"), cl::Required, cl::sub(explainCommand));
static cl::opt<bool> json("json", cl::desc("Print the ledger as JSON"), cl::sub(explainCommand));

static std::string scheduleText(const KernelRecord &kernel) {
  return kernel.strategy + (kernel.schedule.empty() ? "" : " (" + kernel.schedule + ")");
}

static void printNodes(const Ledger &ledger) {
  llvm::StringMap<const KernelRecord *> kernels;
  llvm::StringMap<std::string> codes;
  for (const KernelRecord &kernel : ledger.kernels)
    kernels[kernel.name] = &kernel;
  for (const LedgerNote &note : ledger.notes)
    for (const std::string &kernel : note.kernels)
      if (std::string &text = codes[kernel]; !llvm::StringRef(text).contains(note.code))
        text += (text.empty() ? "" : " ") + note.code;
  Table table({"ONNX node", "operator", "device", "fused into", "precision", "vector", "notes", "kernel and its schedule"});
  auto addKernel = [&](const std::string &node, const std::string &op, const KernelRecord &kernel) {
    std::string vector = kernel.vectorBits ? std::to_string(kernel.vectorBits) : "-";
    table.add({node, op, kernel.device, kernel.name, kernel.precision, vector, codes[kernel.name], scheduleText(kernel)});
  };
  llvm::StringSet<> shown;
  for (const NodeRecord &node : ledger.nodes) {
    if (node.fate != Fate::Kernel)
      table.add({node.name, node.op, "-", fateName(node.fate).str()});
    bool isFirst = true;
    for (const std::string &name : node.kernels) {
      const KernelRecord *kernel = kernels.lookup(name);
      if (!kernel)
        continue;
      addKernel(isFirst ? node.name : "", isFirst ? node.op : "", *kernel);
      shown.insert(name);
      isFirst = false;
    }
  }
  for (const KernelRecord &kernel : ledger.kernels) // of no ONNX node, e.g. in IR written by hand
    if (!shown.contains(kernel.name))
      addKernel("-", "-", kernel);
  table.print(llvm::outs());
}

static void printNotes(const Ledger &ledger) {
  for (const LedgerNote &note : ledger.notes) {
    llvm::outs() << "[" << note.code << "] " << escaped(note.text) << "\n    kernels " << escaped(llvm::join(note.kernels, ", "))
                 << "\n    nodes   " << escaped(llvm::join(note.nodes, ", ")) << "\n";
  }
  if (ledger.notes.empty())
    llvm::outs() << "no lossy steps and no scalar code\n";
}

int runExplain() {
  ArtifactFile file;
  if (Exit exit = file.load(artifact))
    return exit;
  llvm::StringRef text = tenon_model_ledger(file.model);
  if (json) {
    llvm::outs() << text << "\n";
    return kOk;
  }
  std::optional<Ledger> ledger = Ledger::fromJson(text);
  if (!ledger || (ledger->nodes.empty() && ledger->kernels.empty()))
    return complain("[TN8017] " + artifact + " holds no ledger that this version can read; compile the model again");
  printNodes(*ledger);
  llvm::outs() << "\n";
  printNotes(*ledger);
  return kOk;
}

} // namespace tenon::driver
