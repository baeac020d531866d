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
  /// What it reads: indices of nodes in the ledger, and -1 - i for the model's input i.
  std::vector<int64_t> inputs = {};
  /// Where there are several devices, the one that its operators were placed on, also those
  /// that no kernel computes; empty if on several, or if it has none in the graph.
  std::string device = {};
};

/// A copy of a tensor between memories, in the order of the host's program.
struct TransferRecord {
  std::string from, to; ///< memory spaces
  std::string value;    ///< the ONNX node or the model's input that it is of
  uint64_t bytes = 0;
};

/// A buffer of an arena.
struct BufferRecord {
  std::string writer; ///< the kernel, or what else writes it, see MemoryRecord::steps
  uint64_t bytes = 0;
  int64_t offset = -1;          ///< in the arena; -1: its slot's size is decided at run time
  unsigned first = 0, last = 0; ///< steps in which it is in use
};

/// The arena of one memory in one program: the host's, or a region's.
struct MemoryRecord {
  std::string space, program;
  uint64_t arena = 0;             ///< bytes, at the sizes to expect
  uint64_t peak = 0;              ///< of buffers in use at once: no plan for this order needs less
  unsigned peakStep = 0;          ///< the first step that needs so many
  std::vector<std::string> steps; ///< what writes buffers, in order: kernels, submits, transfers
  std::vector<BufferRecord> buffers;
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
  std::vector<int64_t> outputs;  ///< of the model: the nodes (or inputs) that they are, as NodeRecord::inputs
  std::vector<KernelDescription> kernels;
  std::vector<LedgerNote> notes; ///< by code
  std::vector<TransferRecord> transfers;
  std::vector<MemoryRecord> memory; ///< the host program's first

  llvm::json::Object toJson() const;
  static std::optional<Ledger> fromJson(llvm::StringRef text);
};

} // namespace tenon

#endif // TENON_SUPPORT_LEDGER_H
