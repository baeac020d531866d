// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the model of an artifact is planned again, so that it has the artifact's kernels.
#ifndef TENON_TOOLS_TENON_REPLANNING_H
#define TENON_TOOLS_TENON_REPLANNING_H

#include "Session.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Verify/KernelVerifier.h"

namespace tenon::driver {

/// Weights that are optional inputs of the artifact.
void addOptionalInputs(const Session &session, CompileOptions &options);

/// What an artifact of this very `model` says of the options that it was compiled with: its
/// fixed sizes, its devices, and which of them computes an ONNX node. One of another model
/// says nothing, and is refused if it is for several devices.
Exit addChoicesOf(const Session &session, llvm::StringRef model, CompileOptions &options);

/// An artifact of another model (of other weights, say) must have the model's inputs and outputs:
/// the reference reads as much as the model says.
Exit checkInterface(const Session &session, llvm::StringRef model, const KernelVerifier &verifier);

/// The artifact must hold the kernels that the model is planned into. Says why it does not.
Exit checkKernels(const Session &session, llvm::StringRef model, llvm::ArrayRef<KernelCheck> kernels);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_REPLANNING_H
