// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The toy device without a runtime: a program of the graph dialect compiled for it alone,
// and executed by its driver.
#ifndef TENON_UNITTESTS_TARGET_TOYDEVICE_H
#define TENON_UNITTESTS_TARGET_TOYDEVICE_H

#include "tenon/Pipelines/Compile.h"
#include "tenon/device.h"

namespace tenon::testing {

/// A file of the build's lib/, beside which this program lies in bin/.
std::string libraryPath(llvm::StringRef name);

using Bytes = std::vector<uint8_t>;

struct ToyProgram {
  std::string image, weights;
  unsigned inputs, outputs;
};
/// Empty after a failure, whose diagnostics are in `errors`.
std::optional<ToyProgram> compileForToy(const std::string &text, std::string &errors);

/// The driver, with a device open.
class ToyDevice {
public:
  ToyDevice();
  ~ToyDevice();

  /// What keeps the code from being loaded, "" if nothing does.
  std::string loadError(const ToyProgram &program);
  /// Outputs of a run on inputs, of so many bytes each. Between all buffers lie bytes that
  /// must stay as they are, as must the inputs; else the result is empty.
  std::vector<Bytes> run(const ToyProgram &program, const std::vector<Bytes> &inputs,
                         const std::vector<size_t> &outputBytes, std::string &error);

private:
  const tenon_driver *driver = nullptr;
  tenon_device *device = nullptr;
};

} // namespace tenon::testing

#endif // TENON_UNITTESTS_TARGET_TOYDEVICE_H
