// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a target makes of a planned module, as the artifact holds it.
#ifndef TENON_INTERFACES_MODULECODE_H
#define TENON_INTERFACES_MODULECODE_H

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "tenon/Support/KernelDescription.h"

namespace tenon {

/// Code for one device, and the addresses in it of the functions that the runtime calls.
struct ModuleCode {
  std::string device, triple;
  std::vector<std::string> features;
  std::string image;
  uint64_t mainAddress = 0, arenaSizeAddress = 0, outputDimsAddress = 0, deriveAddress = 0, spaceSizesAddress = 0;
  uint64_t stackBytes = 0; ///< that a run uses at most
};

/// A constant that the code reads, and its place in the weights section.
struct WeightEntry {
  mlir::ElementsAttr value;
  uint64_t offset, bytes;
};

/// A check that the code makes while it runs. It reports the check by its number,
/// from 1, and two int64 numbers, which its text has the places {0} and {1} for.
struct CheckDescription {
  uint32_t code;    ///< TNxxxx, of tenon_code in tenon.h
  std::string node; ///< the ONNX node that asks for it; empty: the whole model
  std::string text;
};

struct GeneratedCode {
  ModuleCode code;
  std::string assembly; ///< in place of `code`, if it was asked for
  std::vector<KernelDescription> kernels;
  std::vector<WeightEntry> weights;
  uint64_t weightBytes = 0;
  std::vector<CheckDescription> checks; ///< in the order of their numbers
};

/// Bytes of a constant as kernels read them: booleans one byte each.
std::string weightBytes(mlir::ElementsAttr value);

} // namespace tenon

#endif // TENON_INTERFACES_MODULECODE_H
