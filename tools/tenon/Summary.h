// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `tenon compile` says of a compilation.
#ifndef TENON_TOOLS_TENON_SUMMARY_H
#define TENON_TOOLS_TENON_SUMMARY_H

#include "tenon/Pipelines/Compile.h"

namespace tenon::driver {

/// "24 ONNX nodes: 21 in 13 kernels, 2 as views, 1 evaluated": each is counted once.
std::string nodesText(const Ledger &ledger);
/// "batch=1, seq=32 (by default)": the sizes that estimates are at; empty without open dimensions.
std::string expectedSizesText(const Ledger &ledger);
/// "12 kernels on cpu, 3 kernels on toy; predicted by the chips' numbers: chosen 1.2 ms, ...":
/// of a model divided between devices.
std::string predictionsText(const Ledger &ledger);
void printSummary(const CompileResult &result, llvm::StringRef path);
void printSummaryJson(const CompileResult &result, llvm::StringRef path);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_SUMMARY_H
