// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_GRAPH_INTERFACES_TD
#define TENON_GRAPH_INTERFACES_TD
include "mlir/IR/OpBase.td"

def ShapeInferenceOpInterface : OpInterface<"ShapeInferenceOpInterface"> {
  let cppNamespace = "::tenon::graph";
  let description = [{
    The op's shape rule over static and symbolic dimensions. `inferShapes`
    reads operand shapes (and the contents of small integer operands) from the
    analysis and sets the shape of every result; for shape arithmetic also the
    contents. It reports violated constraints on the op.
  }];
  let methods = [
    InterfaceMethod<"", "::mlir::LogicalResult", "inferShapes", (ins "::tenon::graph::ShapeAnalysis &":$analysis)>
  ];
}

def CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::tenon::graph";
  let description = "Work of the op in scalar operations (a multiply-add counts two); -1 where a dimension is not static.";
  let methods = [InterfaceMethod<"", "int64_t", "getWork", (ins), "", [{ return ::tenon::graph::defaultWork($_op); }]>];
}
#endif
