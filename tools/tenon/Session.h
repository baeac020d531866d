// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime's C API with owners, and tensors as the commands handle them.
#ifndef TENON_TOOLS_TENON_SESSION_H
#define TENON_TOOLS_TENON_SESSION_H

#include "tenon/Frontend/ONNX/TensorBytes.h"
#include "tenon/tenon.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include <memory>
#include <optional>

namespace tenon::driver {

/// Loads an artifact, makes a session, binds inputs by name, reads outputs.
/// Methods print the runtime's error and return false on failure.
class Session {
public:
  ~Session();
  bool load(llvm::StringRef path, int threads);
  bool bind(int index, const TensorFile &tensor);
  bool run();
  std::optional<TensorFile> output(int index);
  int inputs() const { return tenon_model_num_inputs(model); }
  int outputs() const { return tenon_model_num_outputs(model); }
  tenon_tensor_info input(int index) const;
  tenon_tensor_info outputInfo(int index) const;

  tenon_model *model = nullptr;
  tenon_session *session = nullptr;

private:
  bool check(tenon_status *status);
  std::vector<TensorFile> bound;
};

/// Bytes of an element; 0 for types without a fixed size.
size_t elementBytes(int32_t dtype);
const char *dtypeName(int32_t dtype);
/// Seeded values for an input; dimensions by `dims` (name to size), 1 otherwise.
TensorFile randomTensor(const tenon_tensor_info &info, uint64_t seed, const llvm::StringMap<int64_t> &dims);
/// NumPy's .npy files, and .pb files by readTensorFile.
bool readTensor(llvm::StringRef path, TensorFile &tensor, std::string &error);
bool writeNpy(llvm::StringRef path, const TensorFile &tensor, std::string &error);

struct Comparison {
  double largest = 0;      ///< largest absolute difference
  uint64_t mismatches = 0; ///< elements beyond atol + rtol * |expected|
  uint64_t elements = 0;
  std::string problem;     ///< type or shape differ
  bool ok() const { return problem.empty() && mismatches == 0; }
};
Comparison compare(const TensorFile &actual, const TensorFile &expected, double atol, double rtol);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_SESSION_H
