// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ledger: what became of every ONNX node, which kernels run and how, and
// what the user must be told (docs/Runtime/ledger.md). It travels in the
// artifact as JSON; `tenon explain` and the summary after compiling render it.
#ifndef TENON_SUPPORT_LEDGER_H
#define TENON_SUPPORT_LEDGER_H

#include "tenon/Support/KernelDescription.h"
#include "llvm/Support/JSON.h"

namespace tenon {

/// What became of an ONNX node.
enum class Fate {
  Kernel,     ///< kernels compute it
  View,       ///< the same bytes under another shape
  Constant,   ///< evaluated while compiling
  Dimensions, ///< shape arithmetic: resolved to numbers and named dimensions
  Removed     ///< changes nothing, is not used, or equals another node
};
llvm::StringRef fateName(Fate fate);

struct NodeRecord {
  std::string name, op;
  Fate fate;
  std::vector<std::string> kernels;
};

struct LedgerNote : Note {
  std::vector<std::string> kernels, nodes;
};

struct Ledger {
  std::string modelHash; ///< of the .onnx file, without data beside it; "" if not known
  std::vector<std::pair<std::string, int64_t>> nominalSizes;  ///< that the user gave, of named dimensions
  std::vector<std::pair<std::string, int64_t>> expectedSizes; ///< of all named dimensions: what estimates are at
  /// Where there are several devices: seconds of a run, by the chips' numbers, as the plan
  /// that was chosen and others would have it.
  std::vector<std::pair<std::string, double>> predictions;
  std::vector<NodeRecord> nodes; ///< in the model's order
  std::vector<KernelDescription> kernels;
  std::vector<LedgerNote> notes; ///< by code

  llvm::json::Object toJson() const;
  static std::optional<Ledger> fromJson(llvm::StringRef text);
};

} // namespace tenon

#endif // TENON_SUPPORT_LEDGER_H
