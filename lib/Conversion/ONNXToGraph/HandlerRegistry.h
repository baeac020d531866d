// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Handlers by (domain, operator, since-version). One file per operator family
// adds its own; there is no global registry, whoever needs one builds it.
#ifndef TENON_LIB_CONVERSION_ONNXTOGRAPH_HANDLERREGISTRY_H
#define TENON_LIB_CONVERSION_ONNXTOGRAPH_HANDLERREGISTRY_H

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/LogicalResult.h"
#include <functional>
#include <map>

namespace tenon::onnxtograph {

class NodeContext;

/// As many inputs as the node has, at least one, and none omitted.
inline constexpr unsigned kAllInputs = ~0u;

struct Handler {
  /// Inputs that must be present (not omitted), counted from the first.
  unsigned minInputs;
  std::function<llvm::LogicalResult(NodeContext &)> convert;
};

class HandlerRegistry {
public:
  /// A registry with the handlers of all families.
  static HandlerRegistry withAll();

  void add(llvm::StringRef domain, llvm::StringRef opType, int64_t since, unsigned minInputs,
           std::function<llvm::LogicalResult(NodeContext &)> convert);
  /// The newest handler not above `since`, or null.
  const Handler *lookup(llvm::StringRef domain, llvm::StringRef opType, int64_t since) const;
  /// Keys "domain::operator".
  auto keys() const { return handlers.keys(); }

private:
  llvm::StringMap<std::map<int64_t, Handler>> handlers;
};

void addElementwise(HandlerRegistry &registry);
void addContraction(HandlerRegistry &registry);
void addEinsum(HandlerRegistry &registry);
void addWindow(HandlerRegistry &registry);
void addReduction(HandlerRegistry &registry);
void addNorm(HandlerRegistry &registry);
void addMovement(HandlerRegistry &registry);
void addIndexing(HandlerRegistry &registry);
void addResize(HandlerRegistry &registry);
void addShape(HandlerRegistry &registry);
void addRecurrence(HandlerRegistry &registry);
void addControlFlow(HandlerRegistry &registry);
void addQuantization(HandlerRegistry &registry);
void addAttention(HandlerRegistry &registry);
void addContrib(HandlerRegistry &registry);

/// The default and Microsoft's operator domains.
inline constexpr llvm::StringLiteral kOnnx = "";
inline constexpr llvm::StringLiteral kMicrosoft = "com.microsoft";

} // namespace tenon::onnxtograph

#endif // TENON_LIB_CONVERSION_ONNXTOGRAPH_HANDLERREGISTRY_H
