// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A placement outside of the IR: which device runs which ONNX node. As text that a user
// edits it is
//
//   nodes:
//     "conv1": "cpu:host"
//     "conv2": "toy"
#ifndef TENON_PIPELINES_PLANFILE_H
#define TENON_PIPELINES_PLANFILE_H

#include "tenon/Support/Ledger.h"
#include "llvm/ADT/ArrayRef.h"

namespace tenon {

/// The placement that a ledger tells of: nodes that kernels compute, in the model's order,
/// with the names of devices that --pin takes, the host's first.
std::string planText(const Ledger &ledger, llvm::ArrayRef<std::string> devices);

/// That placement as rules of --pin, one a device, also of nodes that no kernel computes.
/// `called` are the ledger's names of devices and `names` those that the rules use, in one
/// order, the host's first. Nodes on several devices have no rule.
std::vector<std::string> pinsOf(const Ledger &ledger, llvm::ArrayRef<std::string> called,
                                llvm::ArrayRef<std::string> names);

/// Reads such a text as rules of --pin. Adds what is wrong with it to `problems`, begun by
/// file, line and column; false if anything is.
bool readPlan(llvm::StringRef text, llvm::StringRef file, std::vector<std::string> &pins,
              std::vector<std::string> &problems);

} // namespace tenon

#endif // TENON_PIPELINES_PLANFILE_H
