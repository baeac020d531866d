// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime's C API with owners, and tensors as the commands handle them.
#ifndef TENON_TOOLS_TENON_SESSION_H
#define TENON_TOOLS_TENON_SESSION_H

#include "Commands.h"
#include "tenon/Frontend/ONNX/TensorBytes.h"
#include "tenon/Reference/Compare.h"
#include "tenon/Support/Files.h"
#include "tenon/Support/Message.h"
#include "tenon/tenon.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"
#include <memory>
#include <optional>

namespace tenon::driver {

/// Loads an artifact, makes a session, binds inputs by name, reads outputs.
/// Methods print the runtime's error and return false on failure; exitStatus
/// then says what the process should return.
class Session {
public:
  ~Session();
  bool load(llvm::StringRef path, int threads);
  bool bind(int index, const TensorFile &tensor);
  bool run();
  std::optional<TensorFile> output(int index);
  /// The same without a copy: valid until the next run.
  std::optional<tenon_tensor> outputView(int index);
  int inputs() const { return tenon_model_num_inputs(model); }
  int outputs() const { return tenon_model_num_outputs(model); }
  tenon_tensor_info input(int index) const;
  tenon_tensor_info outputInfo(int index) const;
  /// Of those beside the host.
  tenon_device_info device(int index) const;
  bool isOptional(int index) const { return input(index).is_optional; }
  /// The value of an optional input where none is given.
  TensorFile defaultOf(int index) const;
  /// Whether the model has an input of that name and the artifact a constant.
  bool isFixed(llvm::StringRef name) const;
  /// The error for a name that is no input; `where` it was given.
  std::string unknownInput(const llvm::Twine &where, llvm::StringRef name) const;
  /// What is bound, or the default, as the run sees it.
  const TensorFile &boundTensor(int index) const { return bound[index]; }
  Exit exitStatus() const { return failure; }
  /// The runtime's code for what failed last; TENON_OK if nothing did.
  tenon_code failureCode() const { return code; }

  tenon_model *model = nullptr;
  tenon_session *session = nullptr;

private:
  bool check(tenon_status *status);
  std::vector<TensorFile> bound;
  Exit failure = kUserError;
  tenon_code code = TENON_OK;
};

/// An artifact to ask about, never to run: it may be for another CPU.
class ArtifactFile {
public:
  ~ArtifactFile() { tenon_model_free(model); }
  Exit load(llvm::StringRef path, bool checkWeights = false);

  tenon_model *model = nullptr;
};

/// Prints the runtime's error, frees it, and gives its exit status; kOk for none.
Exit report(tenon_status *status);

/// The flags by which commands take inputs, and what they stand for.
class InputFlags {
public:
  explicit InputFlags(FlagSet &set);
  /// Binds every input: from --input and --test-data, and what these leave out
  /// from --random-seed. With `random`, values that nobody gave are random.
  Exit bind(Session &session, bool random);
  bool hasTestData() const { return !testData->empty(); }
  /// Adds the files that the inputs come from.
  void addFiles(InputFiles &files) const;
  /// Whether --test-data holds a file output_*.pb.
  bool hasRecordedOutputs() const;
  /// Recorded output of --test-data; a null result with kOk where there is none.
  std::pair<Exit, std::optional<TensorFile>> expectedOutput(int index) const;

  List values, dims;
  Value<std::string> testData;
  Value<uint64_t> seed;

private:
  Exit bindTestData(Session &session);
  Exit bindValues(Session &session, std::vector<bool> &given);
  Exit parseDims(Session &session, llvm::StringMap<int64_t> &sizes);
};

struct ToleranceFlags {
  explicit ToleranceFlags(FlagSet &set);
  reference::Tolerance get() const;

  Value<double> absolute, relative;
};

/// Bytes of an element; 0 for types without a fixed size.
size_t elementBytes(int32_t dtype);
const char *dtypeName(int32_t dtype);
/// "2x3xf32".
std::string typeText(const TensorFile &tensor);
/// Seeded values for an input; dimensions by `dims` (name to size), 1 otherwise.
/// Nothing if no memory could hold them.
std::optional<TensorFile> randomTensor(const tenon_tensor_info &info, uint64_t seed,
                                       const llvm::StringMap<int64_t> &dims);
/// NumPy's .npy files, and .pb files by readTensorFile.
bool readTensor(llvm::StringRef path, TensorFile &tensor, std::string &error);
/// The contents of a .npy file; `path` is for messages.
bool parseNpy(llvm::StringRef bytes, const llvm::Twine &path, TensorFile &tensor, std::string &error);
bool writeNpy(llvm::StringRef path, const TensorFile &tensor, std::string &error);
/// "2x3xf32=1 2 3 4 5 6": dimensions, element type, values (one: a splat).
bool parseLiteral(llvm::StringRef text, TensorFile &tensor, std::string &error);
/// The tensor's bytes as the reference sees them; null if it does not know the type.
std::optional<reference::Tensor> toReference(mlir::MLIRContext &context, const TensorFile &tensor);

/// Compares and prints one line, "ok" or "WRONG" first, or adds an object to `json`
/// instead.
bool reportComparison(const TensorFile &actual, const TensorFile &expected, const reference::Tolerance &tolerance,
                      llvm::json::Array *json);

} // namespace tenon::driver

#endif // TENON_TOOLS_TENON_SESSION_H
