// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is known of a compilation is in its result and its ledger; text and JSON are two forms of it. Of the
// notes with one code, the text prints the first, with the number of kernels that all of them concern; JSON
// has each of them.
#include "Summary.h"
#include "Json.h"

#include "tenon/Support/Message.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Format.h"

namespace tenon::driver {

namespace {

/// Nodes by what became of them: each is counted once.
std::array<unsigned, 5> countFates(const Ledger &ledger) {
  std::array<unsigned, 5> counts{};
  for (const NodeRecord &node : ledger.nodes)
    ++counts[int(node.fate)];
  return counts;
}

} // namespace

std::string nodesText(const Ledger &ledger) {
  auto counts = countFates(ledger);
  std::string text = llvm::formatv("{0} ONNX nodes: {1} in {2} kernels", ledger.nodes.size(), counts[int(Fate::Kernel)],
                                   ledger.kernels.size());
  const std::pair<Fate, const char *> rest[] = {{Fate::View, "as views"},
                                                {Fate::Constant, "evaluated"},
                                                {Fate::Dimensions, "shape arithmetic"},
                                                {Fate::Removed, "removed"}};
  for (auto [fate, what] : rest)
    if (counts[int(fate)])
      text += llvm::formatv(", {0} {1}", counts[int(fate)], what);
  return text;
}

namespace {

/// One line a code: what kind of thing the user should know, and how often.
void printNotes(const Ledger &ledger) {
  llvm::MapVector<llvm::StringRef, std::vector<const LedgerNote *>> byCode;
  for (const LedgerNote &note : ledger.notes)
    byCode[note.code].push_back(&note);
  for (auto &[code, notes] : byCode) {
    llvm::SetVector<llvm::StringRef> kernels;
    for (const LedgerNote *note : notes)
      kernels.insert(note->kernels.begin(), note->kernels.end());
    llvm::outs() << "note       [" << code << "] " << kernels.size() << " of " << ledger.kernels.size()
                 << " kernels: " << escaped(notes.front()->text);
    if (notes.size() > 1)
      llvm::outs() << ", and " << notes.size() - 1 << " more";
    llvm::outs() << "\n";
  }
  if (!ledger.notes.empty())
    llvm::outs() << "           `tenon explain` lists all of them\n";
}

} // namespace

std::string expectedSizesText(const Ledger &ledger) {
  constexpr size_t kMostListed = 6;
  std::string text;
  for (auto &[name, size] : llvm::ArrayRef(ledger.expectedSizes).take_front(kMostListed)) {
    text += (text.empty() ? "" : ", ") + shown(name) + "=" + std::to_string(size);
    if (!llvm::is_contained(llvm::make_first_range(ledger.nominalSizes), name))
      text += " (by default)";
  }
  if (ledger.expectedSizes.size() > kMostListed)
    text += " and " + std::to_string(ledger.expectedSizes.size() - kMostListed) + " more";
  return text;
}

std::string predictionsText(const Ledger &ledger) {
  llvm::MapVector<llvm::StringRef, unsigned> kernels;
  for (const KernelDescription &kernel : ledger.kernels)
    ++kernels[kernel.device];
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto &[device, count] : kernels)
    os << (text.empty() ? "" : ", ") << count << " kernels on " << escaped(device);
  os << "; predicted by the chips' numbers:";
  for (auto &[plan, seconds] : ledger.predictions)
    os << (plan == ledger.predictions.front().first ? " " : ", ") << escaped(plan)
       << llvm::format(" %.3g ms", 1e3 * seconds);
  return text;
}

void printSummary(const CompileResult &result, llvm::StringRef path) {
  llvm::raw_ostream &os = llvm::outs();
  auto size = [](uint64_t bytes) {
    return bytes < 1 << 20 ? llvm::format("%.1f KiB", bytes / 1024.0) : llvm::format("%.1f MiB", bytes / 1048576.0);
  };
  os << "target     " << result.target << "\n";
  for (const std::string &device : result.devices)
    os << "beside it  " << device << "\n";
  if (std::string sizes = expectedSizesText(result.ledger); !sizes.empty())
    os << "sizes      costs are estimated at " << sizes << "; --nominal gives others\n";
  if (!result.ledger.predictions.empty())
    os << "placement  " << predictionsText(result.ledger) << "\n";
  os << "operators  " << nodesText(result.ledger) << "\n";
  os << "memory     weights " << size(result.weightBytes) << ", code " << size(result.codeBytes) << ", arena "
     << size(result.arenaBytes);
  if (result.symbolicSlots)
    os << " and " << result.symbolicSlots << " buffers sized at run time";
  os << "\ntime      ";
  double total = 0;
  for (auto &[phase, seconds] : result.phaseSeconds) {
    os << ' ' << phase << llvm::format(" %.2f", seconds);
    total += seconds;
  }
  os << llvm::format(", total %.2f s\n", total);
  printNotes(result.ledger);
  os << "wrote      " << escaped(path);
  if (!result.header.empty())
    os << " and " << escaped(result.header);
  os << "\n";
}

void printSummaryJson(const CompileResult &result, llvm::StringRef path) {
  auto counts = countFates(result.ledger);
  llvm::json::Object nodes, seconds;
  for (Fate fate : {Fate::Kernel, Fate::View, Fate::Constant, Fate::Dimensions, Fate::Removed})
    nodes[fateName(fate)] = int64_t(counts[int(fate)]);
  for (auto &[phase, time] : result.phaseSeconds)
    seconds[phase] = time;
  llvm::json::Object expected;
  for (auto &[name, size] : result.ledger.expectedSizes)
    expected[jsonText(name)] = size;
  llvm::json::Array notes, predictions;
  for (auto &[plan, time] : result.ledger.predictions)
    predictions.push_back(llvm::json::Object{{"plan", plan}, {"seconds", time}});
  for (const LedgerNote &note : result.ledger.notes)
    notes.push_back(llvm::json::Object{
        {"code", note.code}, {"text", jsonText(note.text)}, {"kernels", int64_t(note.kernels.size())}});
  llvm::json::Object summary{{"artifact", jsonText(path)},
                             {"target", result.target},
                             {"devices", llvm::json::Array(result.devices)},
                             {"expected_sizes", std::move(expected)},
                             {"predictions", std::move(predictions)},
                             {"nodes", std::move(nodes)},
                             {"kernels", int64_t(result.ledger.kernels.size())},
                             {"weight_bytes", int64_t(result.weightBytes)},
                             {"code_bytes", int64_t(result.codeBytes)},
                             {"arena_bytes", int64_t(result.arenaBytes)},
                             {"buffers_sized_at_run_time", int64_t(result.symbolicSlots)},
                             {"seconds", std::move(seconds)},
                             {"notes", std::move(notes)}};
  if (!result.header.empty())
    summary["header"] = jsonText(result.header);
  printJson(std::move(summary));
}

} // namespace tenon::driver
