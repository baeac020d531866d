// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads an operand of a contraction: a buffer of any element type, or codes
// that a cast or a dequantize inside the kernel gives the values of. So a
// narrow activation is decoded where it is used, and never lies in memory as
// f32.
#ifndef TENON_CODEGEN_OPERANDREADER_H
#define TENON_CODEGEN_OPERANDREADER_H

#include "tenon/Codegen/KernelContext.h"

namespace tenon::codegen {

/// The kernel's argument that an operand's elements lie in, and the op inside
/// the kernel, if any, that decodes it.
struct OperandSource {
  mlir::BlockArgument argument;
  mlir::Operation *decode = nullptr; ///< graph.cast or graph.dequantize with one scale

  unsigned number() const { return argument.getArgNumber(); }
  /// ", f8E4M3FN decoded by table" for the ledger; empty for f32.
  std::string text(const Machine &target) const;
};

/// Where an operand comes from; nothing if the kernel computes it otherwise.
std::optional<OperandSource> operandSource(mlir::Value operand);
/// What `text` says of each operand.
std::string operandsText(mlir::ValueRange operands, const Machine &target);
/// Whether all operands come from buffers and their values are held in f32
/// without loss; else `reason` says what is in the way.
bool areReadable(mlir::ValueRange operands, std::string &reason);
/// Whether a schedule that reads elements one by one can read an operand: from
/// a buffer, or as a splat constant inside the kernel; else `reason` says why not.
bool isReadableOrSplat(mlir::Value operand, std::string &reason);
/// Whether a product or convolution adds up in f32; else `reason` says that it does not.
template <typename Op>
bool accumulatesInF32(Op op, std::string &reason) {
  if (!op.getAccumulator() || op.getAccumulator()->isF32())
    return true;
  reason = "the accumulator is not float32";
  return false;
}

class OperandReader {
public:
  /// An operand with a source, or a splat constant inside the kernel. What is
  /// needed before loops is emitted here.
  OperandReader(KernelContext &context, mlir::Value operand);
  /// A buffer of the kernel's own.
  OperandReader(KernelContext &context, mlir::Value buffer, mlir::Type element)
      : c(context), buffer(buffer), element(element) {}

  /// `lanes` consecutive values at a flat offset (a scalar if 1), in compute type.
  mlir::Value load(mlir::Value at, int64_t lanes, mlir::Value mask = {}) const;

private:
  mlir::Value finished(mlir::Value value) const;

  KernelContext &c;
  mlir::Value buffer;
  mlir::Type element;      ///< of the buffer
  bool isNumber = true;    ///< the buffer's elements are no codes of integers
  mlir::Type rounded;      ///< a 16-bit float that values are rounded to; null: none
  mlir::Value scale, zero; ///< f32 scalars of a dequantize, or null
  mlir::Value table;       ///< the values of all codes on the stack; null: none
  mlir::Value splat;       ///< the constant operand; null: a buffer's
};

} // namespace tenon::codegen

#endif // TENON_CODEGEN_OPERANDREADER_H
