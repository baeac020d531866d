// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `tenon verify` found, as text and as JSON.
#ifndef TENON_TOOLS_TENON_VERIFYREPORT_H
#define TENON_TOOLS_TENON_VERIFYREPORT_H

#include "tenon/Verify/KernelVerifier.h"
#include "tenon/Verify/OutputVerifier.h"

namespace tenon::driver {

struct VerifyReport {
  std::string model, target;
  reference::Tolerance tolerance;
  std::vector<KernelCheck> kernels;
  std::vector<OutputCheck> outputs;

  bool ok() const;
  void print(llvm::raw_ostream &os) const;
  void printJson(llvm::raw_ostream &os) const;

private:
  const KernelCheck *firstWrong() const;
  const KernelCheck *worst() const;
  void printOutputs(llvm::raw_ostream &os, llvm::StringRef against) const;
};

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_VERIFYREPORT_H
