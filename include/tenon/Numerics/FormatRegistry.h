// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The formats a session knows: the shipped ones (formats/*.yaml, embedded) and
// those that the user loads.
#ifndef TENON_NUMERICS_FORMATREGISTRY_H
#define TENON_NUMERICS_FORMATREGISTRY_H

#include "tenon/Numerics/Format.h"
#include "llvm/ADT/StringMap.h"

namespace tenon::numerics {

class FormatRegistry {
public:
  FormatRegistry(); ///< with the shipped formats
  FormatRegistry(const FormatRegistry &) = delete;

  /// The format of this name or alias; null if there is none.
  const Format *find(llvm::StringRef name) const;
  /// The format that is this builtin MLIR type, e.g. "f8E4M3FN".
  const Format *findMlir(llvm::StringRef type) const;
  /// The format with this number in ONNX's TensorProto.DataType.
  const Format *findOnnx(int code) const;
  /// Shipped formats first, by name; then loaded ones in their order.
  const std::vector<std::unique_ptr<Format>> &formats() const { return list; }
  /// "f8E4M3, f8E4M3FN, ...": for messages about unknown names.
  std::string names() const;

  /// Adds a format. A name or alias that another format has is an error; adding
  /// an equal declaration again is not.
  llvm::Expected<const Format *> add(std::unique_ptr<Format> format);
  /// Reads a declaration file (--format-file).
  llvm::Expected<const Format *> load(llvm::StringRef path);

private:
  std::vector<std::unique_ptr<Format>> list;
  llvm::StringMap<const Format *> byName;
};

} // namespace tenon::numerics

#endif // TENON_NUMERICS_FORMATREGISTRY_H
