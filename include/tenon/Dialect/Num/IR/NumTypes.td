// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_NUM_TYPES_TD
#define TENON_NUM_TYPES_TD
include "mlir/IR/AttrTypeBase.td"
include "tenon/Dialect/Num/IR/NumDialect.td"

def Num_FormatType : TypeDef<Num_Dialect, "Format"> {
  let mnemonic = "format";
  let summary = "an element type given by the declaration of a number format";
  let description = [{
    `!num.format<"{name: f8E6M1, kind: float, exponent: 6, mantissa: 1, bias: 31}">`.
    A format that the context knows may be written by its name,
    `!num.format<"f8E6M1">`; printing gives the declaration, so that a dump needs
    no other file.

    Constraints:
    C1: the declaration keeps the rules of declarations.
    C2: it is of single values: no block format, no family, no open bias.
    C3: no builtin type is this format.
  }];
  let parameters = (ins StringRefParameter<"canonical declaration">:$declaration);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    const numerics::Format &getFormat() const;
  }];
}
#endif
