// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `run` and `bench` run: an artifact, or a model that is compiled first.
#ifndef TENON_TOOLS_TENON_RUNNABLE_H
#define TENON_TOOLS_TENON_RUNNABLE_H

#include "Compiling.h"
#include "Drivers.h"
#include "Session.h"

namespace tenon::driver {

class Runnable {
public:
  explicit Runnable(FlagSet &set);
  /// Finds the file, compiles it into a temporary artifact if it is a model, which it
  /// says, and opens a session on the artifact.
  Exit open(const FlagSet &command, int threads, Session &session);
  /// The file as it was given.
  llvm::StringRef given() const { return file; }
  /// How a model would be compiled.
  const CompilationFlags &flags() const { return compilation; }
  /// The flags beside these.
  std::vector<const Flag *> otherFlags() const { return {&loadEngine, &onnx, &drivers}; }
  /// The artifact, while this object lives.
  llvm::StringRef opened() const { return path; }

private:
  Exit prepare(const FlagSet &command);

  Value<std::string> loadEngine, onnx;
  CompilationFlags compilation;
  DriverFlag drivers;
  std::string file, path;
  TemporaryFile artifact;
};

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_RUNNABLE_H
