// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keeps LLVM's loop vectorizer from loops that it takes exponential time for.
#ifndef TENON_LIB_TARGET_CPU_LIMITVECTORIZER_H
#define TENON_LIB_TARGET_CPU_LIMITVECTORIZER_H

#include "llvm/IR/PassManager.h"

namespace tenon::cpu {

/// Marks such loops as not to be vectorized; to be run right before the vectorizer.
struct LimitVectorizer : llvm::PassInfoMixin<LimitVectorizer> {
  llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_LIMITVECTORIZER_H
