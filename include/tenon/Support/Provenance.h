// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an op's location tells: the ONNX nodes it came from, and notes on what
// the compiler did to them. Locations survive every rewrite (rewrites that join
// ops fuse them), so neither needs a side table or an attribute to be carried.
#ifndef TENON_SUPPORT_PROVENANCE_H
#define TENON_SUPPORT_PROVENANCE_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/Twine.h"
#include <string>

namespace tenon {

/// Names of the ONNX nodes that a location holds, in its order.
llvm::SetVector<llvm::StringRef> sourceNodes(mlir::Location location);

/// The place of a problem as users read it: "node 'x'", "model.mlir:3:7". Empty
/// where the message names it, or nobody knows it.
std::string placeOf(mlir::Location location, llvm::StringRef message);

/// Something the user must be told about nodes: a lossy step or a fallback.
struct Note {
  std::string code; ///< stable: "TN4020"
  std::string text;
  bool operator<(const Note &other) const { return std::tie(code, text) < std::tie(other.code, other.text); }
};

/// The location with a note on its nodes, for the ledger.
mlir::Location withNote(mlir::Location location, llvm::StringRef code, const llvm::Twine &text);
/// Appends the notes that a location holds.
void collectNotes(mlir::Location location, llvm::SmallVectorImpl<Note> &notes);

} // namespace tenon

#endif // TENON_SUPPORT_PROVENANCE_H
