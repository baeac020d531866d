// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is the same for all targets: the text of a refusal, and the time of ops by the
// chip's numbers alone.
#include "tenon/Interfaces/Cost.h"
#include "tenon/Interfaces/Target.h"

using namespace mlir;

namespace tenon {

std::string Refusal::text() const {
  std::string text = constraint + ": found " + actual + ", allowed is " + allowed;
  return remedy.empty() ? text : text + "; " + remedy;
}

double Target::estimate(ArrayRef<Operation *> ops) const { return secondsOf(costTerms(ops, chip()), chip()); }

} // namespace tenon
