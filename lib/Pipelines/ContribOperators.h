// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of com.microsoft that models may have.
#ifndef TENON_LIB_PIPELINES_CONTRIBOPERATORS_H
#define TENON_LIB_PIPELINES_CONTRIBOPERATORS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace tenon {

llvm::SmallVector<llvm::StringRef> contribOperators();

} // namespace tenon

#endif // TENON_LIB_PIPELINES_CONTRIBOPERATORS_H
