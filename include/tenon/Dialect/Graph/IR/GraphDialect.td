// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_GRAPH_DIALECT_TD
#define TENON_GRAPH_DIALECT_TD
include "mlir/IR/OpBase.td"

def Graph_Dialect : Dialect {
  let name = "graph";
  let cppNamespace = "::tenon::graph";
  let summary = "What to compute: device-free operations on ranked tensors";
  let description = [{
    About seventy semantic operations on ranked tensors. Element types are number
    formats: builtin types, or `!num.format` for those that MLIR lacks. Integer signedness is part of the element type (`ui8` against `i8`).
    A dimension is static or a (semi-)affine expression over the module's
    symbols (`graph.symbols`), recorded on results as `graph.shape`, a map of no
    dimensions from the symbols to a size each. What must hold of these
    attributes has numbers too:
    A1: `graph.symbols` holds dictionaries with a name, min, max and divisor.
    A2: `graph.assumptions` holds maps of two results over the symbols.
    A3: `graph.shape` is a map over the symbols, with a result for each
    dimension; `graph.shapes` holds one for each result of the op.
    A4: `graph.index_error`, on gathers and scatters, holds the `code` and `text`
    of the error that an index outside its axis is.
    A5: `graph.index_bounds`, on gathers and scatters of constant indices, holds the
    lowest and the highest index along each axis that is indexed, as they stand in
    the constant.
    Broadcasting follows NumPy and is implicit in the elementwise families.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::tenon::num::NumDialect"];
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}
#endif
