// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel as a target tells of it: the ledger, the artifact's manifest and
// `tenon explain` show this one record.
#ifndef TENON_SUPPORT_KERNELDESCRIPTION_H
#define TENON_SUPPORT_KERNELDESCRIPTION_H

#include "tenon/Support/Provenance.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tenon {

/// What a kernel reads or writes.
struct BufferDescription {
  std::string name; ///< of the ONNX node that produces it; of a model input or a weight
  int32_t dtype;    ///< ONNX TensorProto.DataType of its elements
  bool isOutput = false;
  int64_t weightOffset = -1; ///< in the weights, in bytes; -1: not a weight
};

/// How a kernel is run.
struct ScheduleFacts {
  std::string text = {};      ///< all of it for people, e.g. "tile 12x32, 512-bit f32, right operand read in place"
  std::string tile = {};      ///< of registers, e.g. "12x32"; "" if it has none
  int64_t vectorBits = 0;     ///< of the vectors that most of its work is done in; 0: none, or not known
  bool hasScalarCode = false; ///< part of its work at least is done element by element (TN5101)
};

struct KernelDescription {
  std::string name; ///< of the plan.kernel
  std::string device, strategy;
  ScheduleFacts schedule;
  std::string precision;                  ///< element type, and what it is computed in where that differs
  uint64_t work = 0;                      ///< operations; 0 where they depend on symbols
  uint64_t estimate = 0;                  ///< operations at the sizes to expect
  double seconds = 0;                     ///< predicted by the chip's numbers, at the sizes to expect
  std::map<std::string, double> cost;     ///< what that is the sum of, as amounts (Interfaces/Cost.h)
  std::vector<std::string> nodes;         ///< ONNX nodes that it computes
  std::vector<BufferDescription> buffers; ///< inputs, then outputs
  std::vector<Note> notes;                ///< what the target has to tell of it

  /// "gemm (tile 12x32, 512-bit f32)"
  std::string strategyAndSchedule() const {
    return schedule.text.empty() ? strategy : strategy + " (" + schedule.text + ")";
  }
};

} // namespace tenon

#endif // TENON_SUPPORT_KERNELDESCRIPTION_H
