// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_NUM_OPS_TD
#define TENON_NUM_OPS_TD
include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "tenon/Dialect/Num/IR/NumDialect.td"
include "tenon/Dialect/Num/IR/NumEnums.td"

def Num_Codes : AnyTypeOf<[AnySignlessInteger, VectorOfNonZeroRankOf<[AnySignlessInteger]>]>;
def Num_Reals : AnyTypeOf<[F32, VectorOfNonZeroRankOf<[F32]>]>;

def Num_DecodeOp : Op<Num_Dialect, "decode", [Pure]> {
  let summary = "values of codes";
  let description = [{
    Bits of a code above the format's width are ignored.

    ```mlir
    %v = num.decode %codes as f8E4M3FN : vector<16xi8> -> vector<16xf32>
    ```

    Constraints:
    C1: the format is one of single values whose codes fit the integers.
    C2: codes and values have the same shape.
  }];
  let arguments = (ins Num_Codes:$codes, TypeAttr:$format);
  let results = (outs Num_Reals:$values);
  let assemblyFormat = "$codes `as` $format attr-dict `:` type($codes) `->` type($values)";
  let hasVerifier = 1;
}

def Num_EncodeOp : Op<Num_Dialect, "encode", [Pure]> {
  let summary = "codes of values, each rounded once";
  let description = [{
    Stochastic rounding draws from `seed` and `index`, the position of each value
    in its tensor; the result does not depend on vectors or threads.

    ```mlir
    %c = num.encode %values as f8E4M3FN nearest_even saturate : vector<16xf32> -> vector<16xi8>
    ```

    Constraints:
    C1: the format is one of single values whose codes fit the integers.
    C2: codes and values have the same shape.
    C3: index is there if and only if the rounding is stochastic, and has the shape of the values.
    C4: integers and codebooks round to the nearest even.
  }];
  let arguments = (ins Num_Reals:$values, Optional<Num_Codes>:$index, TypeAttr:$format, Num_Rounding:$rounding,
                       Num_Overflow:$overflow, DefaultValuedAttr<I64Attr, "0">:$seed);
  let results = (outs Num_Codes:$codes);
  let assemblyFormat = "$values (`at` $index^ `:` type($index))? `as` $format $rounding $overflow attr-dict `:` type($values) `->` type($codes)";
  let hasVerifier = 1;
}
#endif
