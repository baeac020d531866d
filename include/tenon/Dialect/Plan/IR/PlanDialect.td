// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PLAN_DIALECT_TD
#define TENON_PLAN_DIALECT_TD
include "mlir/IR/OpBase.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::tenon::plan";
  let summary = "Where and when it runs: kernels with a device, buffers, and the reasons";
  let description = [{
    The graph's ops are gathered into `plan.kernel` ops, each of which is one
    named kernel of one device. Views (reshape, squeeze, ...) stay between the
    kernels and cost nothing: they alias their operand's buffer. In the end every
    result has a place (`#plan.place`), and the module's attribute `plan.arenas` an
    arena for each memory space that has some.

    A module says what its devices are: `plan.host` the one that runs its program, and
    `plan.devices` those beside it, which submits and transfers name.
  }];
  let dependentDialects = ["::tenon::hw::HwDialect"];
  let hasOperationAttrVerify = 1;
  let useDefaultAttributePrinterParser = 1;
}
#endif
