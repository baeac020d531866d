// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_HW_DIALECT_TD
#define TENON_HW_DIALECT_TD
include "mlir/IR/OpBase.td"

def Hw_Dialect : Dialect {
  let name = "hw";
  let cppNamespace = "::tenon::hw";
  let summary = "What a chip is: its units, memories, links, formats and speeds";
  let description = [{
    Attributes only. `#hw.device` says what targets/*.yaml and files of --target-file say
    (docs/Rationale/devices.md has the meaning of every key), so that passes which depend on
    a chip read it in the IR, and a test declares the chip that it is about. A device of a
    plan, `#plan.device`, names the chip that it is.
  }];
  let useDefaultAttributePrinterParser = 1;
}
#endif
