// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A note is the metadata of a fused location: [code, text].
#include "tenon/Support/Provenance.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

llvm::SetVector<StringRef> tenon::sourceNodes(Location location) {
  llvm::SetVector<StringRef> names;
  location->walk([&](Location nested) {
    if (auto name = dyn_cast<NameLoc>(nested))
      names.insert(name.getName().getValue());
    return WalkResult::advance();
  });
  return names;
}

std::string tenon::placeOf(Location location, StringRef message) {
  if (auto file = dyn_cast<FileLineColLoc>(location)) {
    std::string place = file.getFilename().str();
    if (file.getLine()) // a binary model has none
      place += ":" + std::to_string(file.getLine()) + ":" + std::to_string(file.getColumn());
    return place;
  }
  llvm::SetVector<StringRef> nodes = sourceNodes(location);
  if (nodes.empty() || llvm::any_of(nodes, [&](StringRef node) { return message.contains(node); }))
    return "";
  return (nodes.size() == 1 ? "node '" : "nodes '") + llvm::join(nodes, "', '") + "'";
}

Location tenon::withNote(Location location, StringRef code, const Twine &text) {
  Builder b(location.getContext());
  return b.getFusedLoc({location}, b.getStrArrayAttr({code, text.str()}));
}

void tenon::collectNotes(Location location, SmallVectorImpl<Note> &notes) {
  location->walk([&](Location nested) {
    auto fused = dyn_cast<FusedLoc>(nested);
    auto note = fused ? dyn_cast_or_null<ArrayAttr>(fused.getMetadata()) : ArrayAttr();
    if (note && note.size() == 2)
      notes.push_back({cast<StringAttr>(note[0]).str(), cast<StringAttr>(note[1]).str()});
    return WalkResult::advance();
  });
}
