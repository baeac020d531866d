// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime's statuses become messages and exit statuses here, and are freed at once. Queries whose index
// the runtime itself has counted cannot fail; their status is freed without a look. Tensors that are kept are
// copies: what the runtime shows of an output is valid until the next run only.
#include "Session.h"

#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon::driver {

static TensorFile copyOf(const tenon_tensor &view, llvm::StringRef name) {
  TensorFile tensor;
  tensor.name = name.str();
  tensor.dtype = view.dtype;
  tensor.shape.assign(view.shape, view.shape + view.rank);
  size_t bytes = elementBytes(view.dtype);
  for (int64_t size : tensor.shape)
    bytes *= size;
  tensor.bytes.assign(static_cast<const char *>(view.data), bytes);
  return tensor;
}

Session::~Session() {
  tenon_session_free(session);
  tenon_model_free(model);
}

Exit report(tenon_status *status) {
  if (!status)
    return kOk;
  Exit exit = complain(tenon_status_text(status));
  tenon_status_free(status);
  return exit;
}

Exit ArtifactFile::load(llvm::StringRef path, bool checkWeights) {
  tenon_load_options options{sizeof options, checkWeights, "null"};
  return report(tenon_model_load(path.str().c_str(), &options, &model));
}

bool Session::check(tenon_status *status) {
  if (status)
    code = tenon_status_code(status);
  Exit exit = report(status);
  if (exit == kOk)
    return true;
  failure = exit;
  return false;
}

bool Session::load(llvm::StringRef path, int threads) {
  if (!check(tenon_model_load(path.str().c_str(), nullptr, &model)))
    return false;
  tenon_session_options options{sizeof(options), threads, nullptr, TENON_GUARD_NONE};
  bound.resize(inputs());
  for (int i = 0; i < inputs(); ++i)
    if (isOptional(i))
      bound[i] = defaultOf(i);
  return check(tenon_session_create(model, &options, &session));
}

TensorFile Session::defaultOf(int index) const {
  tenon_tensor view{};
  tenon_status_free(tenon_model_input_default(model, index, &view));
  return copyOf(view, input(index).name);
}

bool Session::isFixed(llvm::StringRef name) const {
  for (int i = 0; const char *fixed = tenon_model_fixed_input(model, i); ++i)
    if (name == fixed)
      return true;
  return false;
}

std::string Session::unknownInput(const llvm::Twine &where, llvm::StringRef name) const {
  if (isFixed(name))
    return ("[TN8025] " + where + ": '" + name +
            "' is an initializer that is also an input, and a constant of this artifact; compile with --overridable=" +
            llvm::Regex::escape(name) + " to give it at run time")
        .str();
  std::string names;
  for (int i = 0; i < inputs(); ++i)
    names += (i ? ", '" : "'") + std::string(input(i).name) + (isOptional(i) ? "' (optional)" : "'");
  return ("[TN8006] " + where + ": the model has no input '" + name + "'; it has " + (names.empty() ? "none" : names))
      .str();
}

bool Session::bind(int index, const TensorFile &tensor) {
  bound[index] = tensor;
  TensorFile &own = bound[index];
  tenon_tensor view{own.bytes.data(), own.dtype, int32_t(own.shape.size()), own.shape.data(), own.bytes.size()};
  size_t bytes = elementBytes(own.dtype);
  for (int64_t size : own.shape)
    bytes *= size;
  if (bytes != own.bytes.size()) {
    complain(llvm::Twine("[TN8003] input '") + input(index).name + "' has " + llvm::Twine(own.bytes.size()) +
             " bytes of data; its shape needs " + llvm::Twine(bytes));
    return false;
  }
  return check(tenon_session_bind_input(session, index, &view));
}

bool Session::run() { return check(tenon_session_run(session)); }

std::optional<tenon_tensor> Session::outputView(int index) {
  tenon_tensor view;
  if (!check(tenon_session_output(session, index, &view)))
    return std::nullopt;
  return view;
}

std::optional<TensorFile> Session::output(int index) {
  std::optional<tenon_tensor> found = outputView(index);
  if (!found)
    return std::nullopt;
  return copyOf(*found, outputInfo(index).name);
}

tenon_tensor_info Session::input(int index) const {
  tenon_tensor_info info{};
  info.size = sizeof info;
  tenon_status_free(tenon_model_input(model, index, &info));
  return info;
}
tenon_tensor_info Session::outputInfo(int index) const {
  tenon_tensor_info info{};
  info.size = sizeof info;
  tenon_status_free(tenon_model_output(model, index, &info));
  return info;
}
tenon_device_info Session::device(int index) const {
  tenon_device_info info{};
  info.size = sizeof info;
  tenon_status_free(tenon_model_device(model, index, &info));
  return info;
}

} // namespace tenon::driver
