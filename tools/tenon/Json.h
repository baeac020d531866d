// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON as all commands print it.
#ifndef TENON_TOOLS_TENON_JSON_H
#define TENON_TOOLS_TENON_JSON_H

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

namespace tenon::driver {

/// JSON has no NaN and no infinities: they become the texts "nan", "inf", "-inf".
inline llvm::json::Value jsonNumber(double value) {
  if (std::isfinite(value))
    return value;
  return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
}

/// Names come from models, whose text need not be UTF-8.
inline std::string jsonText(llvm::StringRef text) {
  return llvm::json::isUTF8(text) ? text.str() : llvm::json::fixUTF8(text);
}

inline void printJson(llvm::json::Value value) { llvm::outs() << llvm::formatv("{0:2}", value) << "\n"; }

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_JSON_H
