// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tenon explain`: all of it is read from the ledger in the artifact, without the model, and on any machine.
// The cost of a kernel is its number of operations in the ledger, an estimate where dimensions are open.
// Nothing is run or timed.
#include "Compiling.h"
#include "ExplainPage.h"
#include "Session.h"
#include "Summary.h"
#include "Table.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

namespace tenon::driver {

namespace {

class ExplainCommand : public Command {
public:
  ExplainCommand()
      : Command("explain", "Say which kernels a model became, by what they cost, and what became of each ONNX node",
                "FILE.tenon", 1) {}
  Exit run() override;

private:
  Exit refuseIgnored() const;
  Exit writePage(const tenon_model *model, llvm::StringRef artifact, const Ledger &ledger) const;
  void printKernels(const Ledger &ledger) const;

  Value<uint64_t> top{*this, {"top"}, "N", "Show the N most costly kernels, 0 for all", 20};
  Switch nodes{*this, {"nodes"}, "A row for each ONNX node, in the model's order, and everything in full"};
  Switch json{*this, {"json"}, "Print the ledger as JSON"};
  Value<std::string> html{*this,
                          {"html"},
                          "FILE.html",
                          "Write a page for a browser: the graph by device, the nodes as a table, memory over time"};
  Value<std::string> profile{
      *this, {"profile"}, "FILE.json", "Measured times for the page: what `tenon bench --json --profile` printed"};
};

/// The codes of the notes on each kernel.
llvm::StringMap<std::string> codesOf(const Ledger &ledger) {
  llvm::StringMap<std::string> codes;
  for (const LedgerNote &note : ledger.notes)
    for (const std::string &kernel : note.kernels)
      if (std::string &text = codes[kernel]; !llvm::StringRef(text).contains(note.code))
        text += (text.empty() ? "" : " ") + note.code;
  return codes;
}

void printNodes(const Ledger &ledger) {
  llvm::StringMap<const KernelDescription *> kernels;
  for (const KernelDescription &kernel : ledger.kernels)
    kernels[kernel.name] = &kernel;
  llvm::StringMap<std::string> codes = codesOf(ledger);
  Table table(
      {"ONNX node", "operator", "device", "fused into", "precision", "vector", "notes", "kernel and its schedule"});
  auto addKernel = [&](const std::string &node, const std::string &op, const KernelDescription &kernel) {
    std::string vector = kernel.schedule.vectorBits ? std::to_string(kernel.schedule.vectorBits) : "-";
    table.add({node, op, kernel.device, kernel.name, kernel.precision, vector, codes[kernel.name],
               kernel.strategyAndSchedule()});
  };
  llvm::StringSet<> shown;
  for (const NodeRecord &node : ledger.nodes) {
    if (node.fate != Fate::Kernel)
      table.add({node.name, node.op, "-", fateName(node.fate).str()});
    bool isFirst = true;
    for (const std::string &name : node.kernels) {
      const KernelDescription *kernel = kernels.lookup(name);
      if (!kernel)
        continue;
      addKernel(isFirst ? node.name : "", isFirst ? node.op : "", *kernel);
      shown.insert(name);
      isFirst = false;
    }
  }
  for (const KernelDescription &kernel : ledger.kernels) // of no ONNX node, e.g. in IR written by hand
    if (!shown.contains(kernel.name))
      addKernel("-", "-", kernel);
  table.print(llvm::outs());
}

void printNotes(const Ledger &ledger) {
  for (const LedgerNote &note : ledger.notes) {
    llvm::outs() << "[" << note.code << "] " << escaped(note.text) << "\n    kernels "
                 << escaped(llvm::join(note.kernels, ", ")) << "\n    nodes   " << escaped(llvm::join(note.nodes, ", "))
                 << "\n";
  }
}

/// Artifacts of before there were estimates have exact work, or none.
uint64_t costOf(const KernelDescription &kernel) { return std::max(kernel.estimate, kernel.work); }

/// "231.2 M".
std::string countText(uint64_t count) {
  if (count < 1000)
    return std::to_string(count);
  double value = count;
  const char *units[] = {"", " K", " M", " G", " T", " P", " E"};
  unsigned unit = 0;
  for (; value >= 999.95 && unit + 1 < std::size(units); ++unit)
    value /= 1000;
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.1f", value) << units[unit];
  return text;
}

/// "12.5 %".
std::string shareText(double cost, double total) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.1f %%", total ? 100 * cost / total : 0);
  return text;
}

/// Whether there are devices beside the host.
bool isDivided(const Ledger &ledger) { return !ledger.predictions.empty(); }

/// A row for each of the kernels; `total` is the cost of all that there are.
Table kernelTable(const Ledger &ledger, llvm::ArrayRef<const KernelDescription *> kernels, double total) {
  llvm::StringMap<std::string> codes = codesOf(ledger);
  std::vector<std::string> columns{"cost", "operations", "kernel"};
  if (isDivided(ledger))
    columns.push_back("device");
  columns.insert(columns.end(), {"precision", "vector", "notes", "strategy", "ONNX nodes"});
  Table table(columns);
  for (const KernelDescription *kernel : kernels) {
    std::string names = kernel->nodes.empty() ? "-" : kernel->nodes.front();
    if (kernel->nodes.size() > 1)
      names += " +" + std::to_string(kernel->nodes.size() - 1);
    std::vector<std::string> row{shareText(costOf(*kernel), total), countText(costOf(*kernel)), kernel->name};
    if (isDivided(ledger))
      row.push_back(kernel->device);
    std::string vector = kernel->schedule.vectorBits ? std::to_string(kernel->schedule.vectorBits) : "-";
    row.insert(row.end(), {kernel->precision, vector, codes[kernel->name], kernel->strategy, names});
    table.add(row);
  }
  return table;
}

/// The first notes of each code.
void printNotesByCode(const Ledger &ledger, unsigned width) {
  llvm::MapVector<llvm::StringRef, std::vector<const LedgerNote *>> byCode;
  for (const LedgerNote &note : ledger.notes)
    byCode[note.code].push_back(&note);
  constexpr size_t kShown = 3;
  for (auto &[code, notes] : byCode) {
    for (const LedgerNote *note : llvm::ArrayRef(notes).take_front(kShown)) {
      std::string line = llvm::formatv("[{0}] {1} ({2} of {3} kernels)", code, shorten(note->text, 3 * width),
                                       note->kernels.size(), ledger.kernels.size());
      printWrapped(llvm::outs(), line, 0, width);
    }
    if (notes.size() > kShown)
      llvm::outs() << "[" << code << "] ... and " << notes.size() - kShown << " more; --nodes lists them\n";
  }
}

void ExplainCommand::printKernels(const Ledger &ledger) const {
  std::vector<const KernelDescription *> order;
  double total = 0;
  for (const KernelDescription &kernel : ledger.kernels) {
    order.push_back(&kernel);
    total += costOf(kernel);
  }
  llvm::stable_sort(order,
                    [](const KernelDescription *a, const KernelDescription *b) { return costOf(*a) > costOf(*b); });
  size_t count = top == 0 ? order.size() : std::min<size_t>(top, order.size());
  llvm::ArrayRef<const KernelDescription *> shown = llvm::ArrayRef(order).take_front(count);
  unsigned width = terminalWidth();
  kernelTable(ledger, shown, total).printFitted(llvm::outs(), width);
  if (count < order.size()) {
    double left = total;
    for (const KernelDescription *kernel : shown)
      left -= costOf(*kernel);
    llvm::outs() << order.size() - count << " more kernels, " << shareText(std::max(0.0, left), total)
                 << " of the operations; --top=0 shows all\n";
  }
  llvm::outs() << "\n";
  std::string text = nodesText(ledger) + "; --nodes lists them";
  if (llvm::any_of(ledger.kernels,
                   [](const KernelDescription &kernel) { return kernel.work == 0 && kernel.estimate > 0; }))
    text += ". Operations are estimates, at " + expectedSizesText(ledger) +
            " (--nominal of a compilation says which sizes to expect)";
  printWrapped(llvm::outs(), text, 0, width);
  if (isDivided(ledger))
    printWrapped(llvm::outs(), predictionsText(ledger), 0, width);
  printNotesByCode(ledger, width);
}

Exit ExplainCommand::refuseIgnored() const {
  for (const Flag *flag : {(const Flag *)&top, (const Flag *)&nodes})
    if (json && flag->given())
      return refuse(*flag, "with --json");
  if (nodes && top.given())
    return refuse(top, "with --nodes");
  for (const Flag *flag : {(const Flag *)&top, (const Flag *)&nodes, (const Flag *)&json})
    if (html.given() && flag->given())
      return refuse(*flag, "with --html");
  if (profile.given() && !html.given())
    return refuse(profile, "without --html");
  return kOk;
}

Exit ExplainCommand::writePage(const tenon_model *model, llvm::StringRef artifact, const Ledger &ledger) const {
  InputFiles files;
  files.add(artifact, "the artifact");
  llvm::json::Object measured;
  if (profile.given()) {
    files.add(profile.value, "the profile");
    if (Exit exit = readProfile(profile.value, ledger, measured))
      return exit;
  }
  if (Exit exit = checkOutput(html, html.value, files))
    return exit;
  OutputFile file;
  std::error_code code = file.open(html.value);
  if (!code) {
    file.os() << explainPage(model, llvm::sys::path::filename(artifact), ledger, std::move(measured));
    code = file.commit();
  }
  if (code)
    return complain("[TN8008] " + html.spelling() + ": cannot write " + html.value + ": " + code.message());
  llvm::outs() << "wrote " << escaped(html.value) << "\n";
  return kOk;
}

Exit ExplainCommand::run() {
  std::string artifact;
  if (Exit exit = oneFile(*this, {}, "one artifact, FILE.tenon", artifact))
    return exit;
  if (Exit exit = refuseIgnored())
    return exit;
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
  if (html.given())
    return writePage(file.model, artifact, *ledger);
  if (nodes) {
    printNodes(*ledger);
    llvm::outs() << "\n";
    printNotes(*ledger);
  } else {
    printKernels(*ledger);
  }
  if (ledger->notes.empty())
    llvm::outs() << "no lossy steps and no scalar code\n";
  return kOk;
}

} // namespace

std::unique_ptr<Command> makeExplain() { return std::make_unique<ExplainCommand>(); }

} // namespace tenon::driver
