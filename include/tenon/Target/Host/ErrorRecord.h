// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a kernel leaves what is wrong with its data, for the host program to read
// behind the launch (docs/Rationale/execution-model.md).
#ifndef TENON_TARGET_HOST_ERRORRECORD_H
#define TENON_TARGET_HOST_ERRORRECORD_H

#include <cstdint>
#include <limits>

namespace tenon::host {

/// Fields of an error record, of 64 bits each. It lies in the host program's
/// frame; its address follows those of the kernel's buffers.
enum class ErrorField : int32_t {
  Lock,     ///< 1 while a thread writes the others
  Position, ///< of the first element that failed; kNoPosition: none did
  Check,    ///< its number among the kernel's checks, from 1; 0: nothing failed
  First,    ///< the numbers that the check's text speaks of
  Second,
};
constexpr int32_t kErrorFields = 5;
constexpr int64_t kNoPosition = std::numeric_limits<int64_t>::max();

} // namespace tenon::host

#endif // TENON_TARGET_HOST_ERRORRECORD_H
