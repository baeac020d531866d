// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ledger as a page for a browser.
#ifndef TENON_TOOLS_TENON_EXPLAINPAGE_H
#define TENON_TOOLS_TENON_EXPLAINPAGE_H

#include "Commands.h"
#include "tenon/Support/Ledger.h"
#include "tenon/tenon.h"

namespace tenon::driver {

/// Seconds by kernel, as `tenon bench --json --profile` printed them into a file. Complains
/// about a file that is none, or is of another model.
Exit readProfile(llvm::StringRef path, const Ledger &ledger, llvm::json::Object &seconds);
/// The page: all of it in one text, which asks for nothing from anywhere.
std::string explainPage(const tenon_model *model, llvm::StringRef file, const Ledger &ledger,
                        llvm::json::Object measured);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_EXPLAINPAGE_H
