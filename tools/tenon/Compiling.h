// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// compileModel with the driver's flags, diagnostics and progress; every command
// that compiles does it here, so that all get the same code.
#ifndef TENON_TOOLS_TENON_COMPILING_H
#define TENON_TOOLS_TENON_COMPILING_H

#include "Diagnostics.h"
#include "tenon/Pipelines/Compile.h"

namespace tenon::driver {

/// --target: the host's chip, and given again, those of devices beside it.
class TargetFlag : public Value<std::string> {
public:
  using Value::Value;
  bool take(llvm::StringRef text) override;
  bool repeats() const override { return true; }

  std::vector<std::string> devices;
};

/// The flags of a command that compiles a model.
class CompilationFlags {
public:
  explicit CompilationFlags(
      FlagSet &set,
      llvm::StringRef targetHelp =
          "Chip to compile for: `tenon targets` lists them; `native` is this machine, and `cpu:` may be left out. "
          "Given again: a device beside it, which gets the parts of the model that it is faster for");
  /// What the flags say, as options; complains about sizes that cannot be read.
  Exit read(CompileOptions &options) const;
  /// Refuses all that were given.
  Exit refuseGiven(const llvm::Twine &when) const;
  bool sizesGiven() const {
    return !sizes.values.empty() || !nominal.values.empty() || minShapes.given() || optShapes.given() ||
           maxShapes.given();
  }

  /// The chip, as messages name it.
  std::string chip() const;

  TargetFlag target;
  List targetFiles, targetPlugins;
  List pins, forbids;
  Value<std::string> fallback;
  Value<uint64_t> maxRegions;
  Value<std::string> planIn;
  List sizes, nominal;
  Value<std::string> minShapes, optShapes, maxShapes;
  Switch quiet, verbose;
};

/// Compiles `model` into the artifact `path`, showing its progress as the flags
/// say. Prints what went wrong.
Exit compile(llvm::StringRef model, llvm::StringRef path, CompileOptions options, Progress progress,
             CompileResult &result);
inline Progress progressOf(const CompilationFlags &flags) {
  return flags.quiet ? Progress::None : flags.verbose ? Progress::Lines : Progress::Terminal;
}

/// An error unless the file is there.
Exit checkFile(llvm::StringRef path);
/// The one file of a command: its argument, or one of the flags that are other
/// spellings of it. Complains unless there is exactly one; `what`: "one model, MODEL.onnx".
Exit oneFile(const FlagSet &command, llvm::ArrayRef<const Value<std::string> *> flags, llvm::StringRef what,
             std::string &path);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_COMPILING_H
