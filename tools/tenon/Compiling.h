// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// compileModel with the driver's diagnostics and progress; every command that
// compiles does it here, so that all get the same code.
#ifndef TENON_TOOLS_TENON_COMPILING_H
#define TENON_TOOLS_TENON_COMPILING_H

#include "Diagnostics.h"
#include "tenon/Pipelines/Compile.h"

namespace tenon::driver {

/// Compiles `model` into the artifact `path`. Prints what went wrong.
Exit compile(llvm::StringRef model, llvm::StringRef path, CompileOptions options, bool showProgress,
             CompileResult &result);
/// An error unless the file is there.
Exit checkFile(llvm::StringRef path);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_COMPILING_H
