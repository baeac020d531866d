// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `run` and `bench` run: an artifact, or a model that is compiled first.
#ifndef TENON_TOOLS_TENON_RUNNABLE_H
#define TENON_TOOLS_TENON_RUNNABLE_H

#include "Compiling.h"

namespace tenon::driver {

class Runnable {
public:
  explicit Runnable(FlagSet &set);
  /// Finds the file, and compiles it into a temporary artifact if it is a model,
  /// which it says. `path` is the artifact, while this object lives.
  Exit prepare(const FlagSet &command, std::string &path);
  /// The file as it was given.
  llvm::StringRef given() const { return file; }

private:
  Value<std::string> loadEngine, onnx;
  CompilationFlags compilation;
  std::string file;
  TemporaryFile artifact;
};

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_RUNNABLE_H
