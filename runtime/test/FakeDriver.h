// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A driver of a device as a program would add it, through the public interface
// alone. It counts what it is asked for, and fails or waits where a test says so.
#ifndef TENON_RUNTIME_TEST_FAKEDRIVER_H
#define TENON_RUNTIME_TEST_FAKEDRIVER_H

#include "tenon/device.h"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace tenon::testing {

/// The state of the driver "fake", whose devices run the region of region.c that adds.
struct FakeDriver {
  std::atomic<int> opens{0}, closes{0}, loads{0}, unloads{0}, allocs{0}, frees{0}, copiesIn{0}, copiesOut{0},
      executions{0};
  std::atomic<int> overlaps{0}; ///< calls for a device while another call was inside
  std::atomic<int> wrong{0};    ///< calls that no right runtime makes
  std::string failsAt;          ///< "open", "load", "alloc", "copy_in", "copy_out", "execute"
  int passes = 0;               ///< how often it does not fail there before it does
  tenon_code code = TENON_DEVICE;
  std::function<void()> onExecute;
  tenon_device_info opened{}; ///< what the last device was opened with
  std::string region, triple, features;
  uint32_t symbols = 0;       ///< of the last region that was loaded
  std::vector<int64_t> given; ///< their values at the last execution
  int foundInOutput = -1;     ///< the first byte that an execution's output had before it
  int64_t overrun = -1;       ///< of a byte that executions write so far behind their output

  bool isBalanced() const { return opens == closes && loads == unloads && allocs == frees; }
};

/// Registers the driver, once a process, and resets its state.
FakeDriver &fakeDriver();

} // namespace tenon::testing

#endif // TENON_RUNTIME_TEST_FAKEDRIVER_H
