// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file is a model if --onnx names it, or if its name ends like a model's and it does not begin like an
// artifact. A model is compiled into a temporary file, which is removed with this object. With an artifact,
// the flags of a compilation are refused.
#include "Runnable.h"
#include "Replacing.h"

namespace tenon::driver {

Runnable::Runnable(FlagSet &set)
    : loadEngine(set, {"loadEngine", "m"}, "FILE", "The same as FILE"),
      onnx(set, {"onnx"}, "MODEL.onnx", "The same as FILE, a model that is compiled first"),
      compilation(set, "Chip to compile a model for, which must be this machine's"), drivers(set) {}

Exit Runnable::open(const FlagSet &command, int threads, Session &session) {
  if (Exit exit = drivers.load())
    return exit;
  if (Exit exit = prepare(command))
    return exit;
  return session.load(path, threads) ? kOk : session.exitStatus();
}

Exit Runnable::prepare(const FlagSet &command) {
  if (Exit exit = oneFile(command, {&loadEngine, &onnx}, "one artifact or model, FILE", file))
    return exit;
  llvm::StringRef name = file;
  bool isModel = onnx.given() || ((name.ends_with(".onnx") || name.ends_with(".onnxtxt")) && !isArtifact(name));
  if (!isModel) {
    path = file;
    return compilation.refuseGiven("with an artifact, only with a model that is compiled first");
  }
  CompileOptions options;
  if (Exit exit = compilation.read(options))
    return exit;
  if (Exit exit = checkFile(file))
    return exit;
  if (std::error_code code = artifact.create("run", ".tenon"))
    return complain("[TN6001] cannot create a temporary artifact: " + code.message());
  path = artifact.path().str();
  if (!compilation.quiet)
    mention("note", llvm::Twine(file) + " is a model and is compiled first, for " + compilation.chip() +
                        "; the artifact is not kept (`tenon compile` keeps one)");
  CompileResult result;
  return compile(file, path, options, progressOf(compilation), result);
}

} // namespace tenon::driver
