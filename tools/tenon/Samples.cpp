// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A sample has to fit the model: an input that is missing, of another type or shape, or not finite is an error
// that names the file and what the input wants. An optional input that a sample leaves out takes its default
// again, whatever the sample before gave.
#include "Samples.h"

#include "mlir/IR/MLIRContext.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Reference/Tensor.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace fs = llvm::sys::fs;

namespace tenon::driver {

static bool isTestData(llvm::StringRef folder) { return fs::exists(folder + "/input_0.pb"); }

Exit Samples::find(llvm::StringRef path) {
  if (!fs::exists(path))
    return complain("[TN8002] " + path + ": no such file");
  if (path.ends_with(".npz") || isTestData(path)) {
    paths.push_back(path.str());
    return kOk;
  }
  std::error_code code;
  unsigned archives = 0;
  for (fs::directory_iterator it(path, code), end; !code && it != end; it.increment(code)) {
    bool isArchive = llvm::StringRef(it->path()).ends_with(".npz");
    archives += isArchive;
    if (isArchive || isTestData(it->path()))
      paths.push_back(it->path());
  }
  if (code)
    return complain("[TN8023] --calibration: cannot read the folder " + path + ": " + code.message() +
                    "; expected a .npz file or a folder of samples");
  if (paths.empty())
    return complain("[TN8023] --calibration: " + path +
                    " holds no samples; expected input_0.pb, folders with one, or .npz files");
  if (archives && archives != paths.size())
    return complain("[TN8023] --calibration: " + path + " holds both .npz files and test data folders; give one kind");
  llvm::sort(paths, [](llvm::StringRef a, llvm::StringRef b) { return a.compare_numeric(b) < 0; });
  return kOk;
}

/// "input 'x' wants f32 of ?x3".
static std::string wanted(const tenon_tensor_info &info) {
  std::string text = std::string("input '") + info.name + "' wants ";
  for (int32_t i = 0; i < info.rank; ++i)
    text += (info.dims[i] >= 0                         ? std::to_string(info.dims[i])
             : info.dim_names[i] && *info.dim_names[i] ? info.dim_names[i]
                                                       : "?") +
            "x";
  return text + dtypeName(info.dtype);
}

static bool fits(const TensorFile &tensor, const tenon_tensor_info &info) {
  if (tensor.dtype != info.dtype || int32_t(tensor.shape.size()) != info.rank)
    return false;
  for (int32_t i = 0; i < info.rank; ++i)
    if (info.dims[i] >= 0 && info.dims[i] != tensor.shape[i])
      return false;
  return true;
}

/// Index of a value that is NaN or infinite.
static std::optional<size_t> findNonFinite(mlir::MLIRContext &context, const TensorFile &tensor) {
  mlir::Type element = onnxir::elementTypeOfCode(&context, tensor.dtype);
  std::optional<reference::Tensor> values =
      llvm::isa_and_nonnull<mlir::FloatType>(element) ? toReference(context, tensor) : std::nullopt;
  if (values)
    for (auto [i, x] : llvm::enumerate(values->toDoubles()))
      if (!std::isfinite(x))
        return i;
  return std::nullopt;
}

Exit Samples::readTestData(llvm::StringRef folder, Session &session, std::vector<std::optional<TensorFile>> &tensors) {
  auto path = [&](int number) { return (folder + "/input_" + llvm::Twine(number) + ".pb").str(); };
  int count = 0;
  for (; fs::exists(path(count)); ++count) {
    TensorFile tensor;
    std::string error;
    if (!readTensorFile(path(count), tensor, error))
      return complain("[TN8024] " + error +
                      (count < session.inputs() ? "; " + wanted(session.input(count)) : std::string()));
    // By name if it is one of the inputs', as tenon run takes it, else by number.
    int index = count;
    for (int j = 0; j < session.inputs(); ++j)
      if (tensor.name == session.input(j).name)
        index = j;
    if (index >= session.inputs())
      return complain("[TN8024] " + path(count) + ": the model has " + llvm::Twine(session.inputs()) +
                      " inputs; expected no more files");
    if (session.input(index).rank == 0 && tensor.shape == std::vector<int64_t>{1})
      tensor.shape.clear(); // some recorded sets hold a scalar as a vector of one
    if (tensors[index])
      return complain("[TN8024] " + path(count) + ": a second tensor for input '" + session.input(index).name + "'");
    tensors[index] = std::move(tensor);
  }
  for (int i = 0; i < session.inputs(); ++i)
    if (!tensors[i] && !session.isOptional(i))
      return complain("[TN8024] " + path(count) + ": no such file; " + wanted(session.input(i)));
  return kOk;
}

Exit Samples::readNpz(llvm::StringRef file, Session &session, std::vector<std::optional<TensorFile>> &tensors) {
  std::vector<TensorFile> arrays;
  std::string error, names, others;
  if (!driver::readNpz(file, arrays, error))
    return complain("[TN8024] " + error + "; expected an array for each input of the model");
  for (TensorFile &array : arrays) {
    names += (names.empty() ? "'" : ", '") + array.name + "'";
    bool isInput = false;
    for (int i = 0; i < session.inputs(); ++i)
      if (array.name == session.input(i).name) {
        if (tensors[i])
          return complain("[TN8024] " + file + ": two arrays for input '" + array.name + "'; expected one");
        tensors[i] = array;
        isInput = true;
      }
    if (!isInput)
      others += (others.empty() ? "'" : ", '") + array.name + "'";
  }
  for (int i = 0; i < session.inputs(); ++i)
    if (!tensors[i] && !session.isOptional(i))
      return complain("[TN8024] " + file + ": no array for an input; " + wanted(session.input(i)) + ", the file has " +
                      (names.empty() ? "none" : names));
  if (!others.empty() && !std::exchange(saidLeftOut, true))
    mention("note", file + ": " + others + " is no input of the model and is left out, here and in further samples");
  return kOk;
}

Exit Samples::bind(size_t index, Session &session) {
  std::vector<std::optional<TensorFile>> tensors(session.inputs());
  llvm::StringRef path = paths[index];
  if (Exit exit = path.ends_with(".npz") ? readNpz(path, session, tensors) : readTestData(path, session, tensors))
    return exit;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  for (int i = 0; i < session.inputs(); ++i) {
    if (!tensors[i]) // what another sample gave does not hold for this one
      tensors[i] = session.defaultOf(i);
    const TensorFile &tensor = *tensors[i];
    if (!fits(tensor, session.input(i)))
      return complain("[TN8024] " + path + ": " + wanted(session.input(i)) + ", found " + typeText(tensor));
    if (std::optional<size_t> at = findNonFinite(context, tensor))
      return complain("[TN8024] " + path + ": value " + llvm::Twine(*at) + " of input '" + session.input(i).name +
                      "' is NaN or infinite; expected finite ones");
    if (!session.bind(i, tensor)) {
      mention("note", llvm::Twine("that is input '") + session.input(i).name + "' of sample " + path);
      return session.exitStatus();
    }
  }
  return kOk;
}

} // namespace tenon::driver
