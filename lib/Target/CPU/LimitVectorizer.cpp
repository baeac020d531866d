// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The vectorizer of LLVM 22 asks of a loop's values whether they are the same in
// all lanes (vputils::isSingleScalar), and of each value by asking its operands,
// without noting the answer. So a value costs as many questions as paths lead
// from it against the direction of data flow:
//
//   m1 = select(x1 > m0 or x1 is NaN, x1, m0)    paths(m1) > 2 paths(m0)
//   m2 = select(x2 > m1 or x2 is NaN, x2, m1)    paths(m2) > 4 paths(m0), ...
//
// A maximum of 24 elements, which LLVM has unrolled into such a chain, took
// longer than anybody waited.
#include "LimitVectorizer.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/LoopIterator.h"
#include "llvm/IR/Function.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Transforms/Utils/LoopUtils.h"

namespace tenon::cpu {
namespace {

/// Some milliseconds of questions.
constexpr uint64_t kMostPaths = 1 << 18;

/// Paths that end in the loop's values, all of them together.
uint64_t pathsIn(llvm::Loop &loop, llvm::LoopInfo &loops) {
  llvm::LoopBlocksRPO order(&loop);
  order.perform(&loops);
  llvm::DenseMap<const llvm::Value *, uint64_t> paths; // of what the loop does not compute: none, it is one question
  uint64_t total = 0;
  for (llvm::BasicBlock *block : order)
    for (llvm::Instruction &instruction : *block) {
      uint64_t own = 1;
      for (const llvm::Value *operand : instruction.operands())
        own = llvm::SaturatingAdd(own, paths.lookup(operand));
      paths[&instruction] = own;
      total = llvm::SaturatingAdd(total, own);
    }
  return total;
}

} // namespace

llvm::PreservedAnalyses LimitVectorizer::run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses) {
  llvm::LoopInfo &loops = analyses.getResult<llvm::LoopAnalysis>(function);
  for (llvm::Loop *loop : loops.getLoopsInPreorder())
    if (loop->isInnermost() && pathsIn(*loop, loops) > kMostPaths)
      llvm::addStringMetadataToLoop(loop, "llvm.loop.vectorize.enable", 0);
  return llvm::PreservedAnalyses::all();
}

} // namespace tenon::cpu
