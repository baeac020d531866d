// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sample data on disk: what each run of a calibration takes.
#ifndef TENON_TOOLS_TENON_SAMPLES_H
#define TENON_TOOLS_TENON_SAMPLES_H

#include "Session.h"

namespace tenon::driver {

/// One sample is an ONNX test_data_set folder (input_K.pb) or a .npz file with an
/// array for each input. A path is one of these, or a folder of them.
class Samples {
public:
  /// Finds the samples, in the order of their names with numbers by value.
  Exit find(llvm::StringRef path);
  size_t size() const { return paths.size(); }
  llvm::StringRef path(size_t index) const { return paths[index]; }
  /// Reads a sample and binds all inputs. Every input must be there, of the
  /// model's type and shape, and without NaN and infinities.
  Exit bind(size_t index, Session &session);

private:
  Exit readTestData(llvm::StringRef folder, Session &session, std::vector<std::optional<TensorFile>> &tensors);
  Exit readNpz(llvm::StringRef file, Session &session, std::vector<std::optional<TensorFile>> &tensors);

  std::vector<std::string> paths;
  bool saidLeftOut = false;
};

/// The members of a .npz file, which NumPy's savez and savez_compressed write, in
/// their order; names without ".npy". False with a message on failure.
bool readNpz(llvm::StringRef path, std::vector<TensorFile> &tensors, std::string &error);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_SAMPLES_H
