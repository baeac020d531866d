// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass that converts the onnx dialect to the graph dialect, and the
// question the importer asks: which operators does it know?
#ifndef TENON_CONVERSION_ONNXTOGRAPH_PASSES_H
#define TENON_CONVERSION_ONNXTOGRAPH_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

namespace tenon::onnxtograph {
#define GEN_PASS_DECL
#include "tenon/Conversion/ONNXToGraph/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Conversion/ONNXToGraph/Passes.h.inc"

/// What the user said of an input's open dimensions, for each of them min, max and
/// nominal size (0: none), or unit.
inline constexpr llvm::StringLiteral kSizesAttr = "onnx.sizes";
/// The nominal sizes by the names of their symbols, on the converted module.
inline constexpr llvm::StringLiteral kNominalAttr = "graph.nominal_sizes";

/// Whether a handler exists for this operator at this since-version. The
/// importer expands the others to their standard function body.
bool hasHandler(llvm::StringRef domain, llvm::StringRef opType, int64_t since);
/// Domain and name of every operator that has one, sorted; the default domain is "".
std::vector<std::pair<std::string, std::string>> handledOperators();

} // namespace tenon::onnxtograph

#endif // TENON_CONVERSION_ONNXTOGRAPH_PASSES_H
