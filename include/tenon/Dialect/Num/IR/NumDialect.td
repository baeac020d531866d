// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_NUM_DIALECT_TD
#define TENON_NUM_DIALECT_TD
include "mlir/IR/OpBase.td"

def Num_Dialect : Dialect {
  let name = "num";
  let cppNamespace = "::tenon::num";
  let summary = "Number formats: a type for those that MLIR lacks, and conversions";
  let description = [{
    A number format is a declaration (`formats/*.yaml`). Those that are a builtin
    type of MLIR (`f8E4M3FN`, `i4`, `bf16`) are written as that type; every other
    one is `!num.format` with its declaration as the parameter. Tensors may have
    such element types; scalars and vectors in code never do: there, codes are
    integers, values are `f32`, and `num.decode` and `num.encode` stand between.

    The dialect object holds the formats that its context knows: the shipped ones
    and those loaded with `--format-file`.
  }];
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    /// The formats of this context. Loading is not thread-safe: do it before passes run.
    numerics::FormatRegistry &getFormats() { return *formats; }
    /// The declaration of a `!num.format` type, parsed once.
    const numerics::Format *getFormat(::llvm::StringRef declaration);

  private:
    std::unique_ptr<numerics::FormatRegistry> formats;
    std::mutex mutex;
    ::llvm::StringMap<std::unique_ptr<numerics::Format>> parsed;

  public:
  }];
}
#endif
