// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which ONNX nodes an operation came from.
#ifndef TENON_SUPPORT_SOURCENODES_H
#define TENON_SUPPORT_SOURCENODES_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/SetVector.h"

namespace tenon {

/// Names of the ONNX nodes that a location holds, in its order: the importer
/// gives every op the name of its node, rewrites that join ops fuse locations.
llvm::SetVector<llvm::StringRef> sourceNodes(mlir::Location location);

} // namespace tenon

#endif // TENON_SUPPORT_SOURCENODES_H
