// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What ops cost, before it is known where: amounts of what a chip's declaration has speeds
// for. The time on a chip is the sum of each amount by its speed, so that speeds can be
// fitted to times that were measured, and a compilation predicts by the same sum.
#ifndef TENON_INTERFACES_COST_H
#define TENON_INTERFACES_COST_H

#include "mlir/IR/Operation.h"
#include "tenon/Dialect/Hw/IR/Device.h"
#include <map>
#include <string>

namespace tenon {

/// Amounts by name: "contraction.f32" in operations, "bytes.l2" of what is read and written
/// where all of it fits into the memory l2, "launch" of kernels.
using CostTerms = std::map<std::string, double>;

/// Of ops with known sizes that run as one kernel: values between them are in registers.
CostTerms costTerms(llvm::ArrayRef<mlir::Operation *> ops, const hw::Device &chip);
/// Seconds of an amount of 1; 0 of what the chip says nothing of.
double secondsPer(llvm::StringRef term, const hw::Device &chip);
/// Gives the chip the speed that makes it so, as whole numbers.
void setSecondsPer(llvm::StringRef term, double seconds, hw::Device &chip);
/// The sum over all terms.
double secondsOf(const CostTerms &terms, const hw::Device &chip);

} // namespace tenon

#endif // TENON_INTERFACES_COST_H
