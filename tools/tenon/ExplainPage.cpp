// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The page is in the folder `page`, and embedded by the build with its style and scripts.
// It holds the data as JSON in an element of its own. Names in it come from models and may
// be anything: as JSON they are strings, and what HTML could take for markup in the text of
// a script element is written by its number; the scripts make texts of them, never markup.
#include "ExplainPage.h"

#include "Json.h"
#include "tenon/Support/Files.h"
#include "llvm/ADT/StringSet.h"

namespace tenon::driver {

namespace {

constexpr llvm::StringLiteral kPage =
#include "ExplainPage.inc"
    ;
constexpr llvm::StringLiteral kDataPlace = "@DATA@";

/// JSON that ends no script element and begins no comment in one.
std::string inScript(llvm::StringRef json) {
  std::string text;
  for (char c : json)
    if (c == '<')
      text += "\\u003c";
    else if (c == '>')
      text += "\\u003e";
    else if (c == '&')
      text += "\\u0026";
    else
      text += c;
  return text;
}

llvm::json::Array tensors(const tenon_model *model, int32_t count,
                          tenon_status *(*query)(const tenon_model *, int32_t, tenon_tensor_info *)) {
  llvm::json::Array array;
  for (int32_t i = 0; i < count; ++i) {
    tenon_tensor_info info{};
    info.size = sizeof info;
    tenon_status_free(query(model, i, &info));
    array.push_back(llvm::json::Object{{"name", jsonText(info.name)}});
  }
  return array;
}

llvm::json::Array devicesOf(const tenon_model *model) {
  llvm::json::Array array;
  for (int32_t i = 0; i < tenon_model_num_devices(model); ++i) {
    tenon_device_info info{};
    info.size = sizeof info;
    tenon_status_free(tenon_model_device(model, i, &info));
    array.push_back(llvm::json::Object{{"name", jsonText(info.name)},
                                       {"spec", jsonText(info.spec)},
                                       {"mb_per_s", int64_t(info.mb_per_s)},
                                       {"latency_ns", int64_t(info.latency_ns)}});
  }
  return array;
}

} // namespace

Exit readProfile(llvm::StringRef path, const Ledger &ledger, llvm::json::Object &seconds) {
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> file = openInput(path, error);
  if (!file)
    return complain("[TN8002] " + path + " " + error);
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(file->getBuffer());
  const llvm::json::Object *root = parsed ? parsed->getAsObject() : nullptr;
  const llvm::json::Array *kernels = root ? root->getArray("kernels") : nullptr;
  if (!parsed)
    llvm::consumeError(parsed.takeError());
  if (!kernels)
    return complain("[TN8054] " + path + ": expected what `tenon bench FILE.tenon --json --profile` prints");
  llvm::StringSet<> known;
  for (const KernelDescription &kernel : ledger.kernels)
    known.insert(kernel.name);
  for (const llvm::json::Value &entry : *kernels) {
    const llvm::json::Object *kernel = entry.getAsObject();
    auto name = kernel ? kernel->getString("kernel") : std::nullopt;
    auto time = kernel ? kernel->getNumber("median_ms") : std::nullopt;
    if (!name || !time || !known.contains(*name))
      return complain("[TN8054] " + path + " has times of the kernel '" + name.value_or("?") +
                      "', which the artifact does not have: profile this artifact");
    seconds[name->str()] = *time / 1e3;
  }
  return kOk;
}

std::string explainPage(const tenon_model *model, llvm::StringRef file, const Ledger &ledger,
                        llvm::json::Object measured) {
  llvm::json::Object data{{"file", jsonText(file)},
                          {"target", jsonText(tenon_model_target(model))},
                          {"producer", jsonText(tenon_model_producer(model))},
                          {"weight_bytes", int64_t(tenon_model_weight_bytes(model))},
                          {"code_bytes", int64_t(tenon_model_code_bytes(model))},
                          {"inputs", tensors(model, tenon_model_num_inputs(model), tenon_model_input)},
                          {"outputs", tensors(model, tenon_model_num_outputs(model), tenon_model_output)},
                          {"devices", devicesOf(model)},
                          {"measured", std::move(measured)},
                          {"ledger", ledger.toJson()}};
  std::string json;
  llvm::raw_string_ostream(json) << llvm::json::Value(std::move(data));
  size_t place = kPage.find(kDataPlace);
  return (kPage.take_front(place) + inScript(json) + kPage.drop_front(place + kDataPlace.size())).str();
}

} // namespace tenon::driver
