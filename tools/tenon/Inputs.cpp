// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs and tolerances from the command line.
#include "Session.h"

#include "tenon/Support/Ledger.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon::driver {

InputFlags::InputFlags(FlagSet &set)
    : values(set, {"input"}, "NAME=VALUE",
             "An input: NAME=@x.npy, NAME=@x.pb or NAME=SHAPExTYPE=values, e.g. x=2x3xf32=0"),
      dims(set, {"dim"}, "NAME=SIZE",
           "A named dimension of random inputs (default: its nominal size, or the smallest allowed)"),
      testData(set, {"test-data"}, "DIR", "ONNX test_data_set folder: its inputs, and its outputs to compare with"),
      seed(set, {"random-seed"}, "N", "Seed of random values for inputs that are not given") {}

static int findInput(Session &session, llvm::StringRef name) {
  for (int i = 0; i < session.inputs(); ++i)
    if (name == session.input(i).name)
      return i;
  return -1;
}

static std::string quoted(llvm::ArrayRef<std::string> names) {
  return names.empty() ? "none" : "'" + llvm::join(names, "', '") + "'";
}

void InputFlags::addFiles(InputFiles &files) const {
  for (llvm::StringRef flag : values.values)
    if (llvm::StringRef value = flag.split('=').second; value.consume_front("@"))
      files.add(value, "an input");
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(testData.value, code), end; hasTestData() && !code && it != end;
       it.increment(code))
    files.add(it->path(), "a file of --test-data");
}

/// Tensors go to inputs by name, those whose names the model does not have by number.
Exit InputFlags::bindTestData(Session &session) {
  std::vector<bool> given(session.inputs());
  auto path = [&](int number) { return testData.value + "/input_" + std::to_string(number) + ".pb"; };
  int count = 0;
  for (; llvm::sys::fs::exists(path(count)); ++count) {
    TensorFile tensor;
    std::string error;
    if (!readTensorFile(path(count), tensor, error))
      return complain("[TN8004] " + error);
    int index = findInput(session, tensor.name);
    if (index < 0 && session.isFixed(tensor.name))
      return complain(session.unknownInput(path(count), tensor.name));
    index = index < 0 ? count : index;
    if (index >= session.inputs())
      return complain("[TN8026] " + path(count) +
                      (tensor.name.empty() ? std::string(" has no name") : " is '" + tensor.name + "'") +
                      "; expected at most " + llvm::Twine(session.inputs()) +
                      " files, one for each input of the model");
    if (given[index])
      return complain("[TN8026] " + path(count) + " is a second tensor for input '" + session.input(index).name +
                      "'; expected one for each input of the model");
    given[index] = true;
    if (session.input(index).rank == 0 && tensor.shape == std::vector<int64_t>{1}) {
      // Some recorded sets hold a scalar as a vector of one.
      mention("note",
              llvm::Twine(session.input(index).name) + ": one-element vector taken as the scalar the model declares");
      tensor.shape.clear();
    }
    if (!session.bind(index, tensor))
      return session.exitStatus();
  }
  for (int i = 0; i < session.inputs(); ++i)
    if (!given[i] && !session.isOptional(i))
      return complain("[TN8004] " + path(count) + ": no such file; nothing gives input '" + session.input(i).name +
                      "' a value");
  return kOk;
}

Exit InputFlags::bindValues(Session &session, std::vector<bool> &given) {
  for (llvm::StringRef flag : values.values) {
    auto [name, value] = flag.split('=');
    int index = findInput(session, name);
    if (index < 0)
      return complain(session.unknownInput("--input=" + flag, name));
    if (given[index])
      return complain("[TN8006] --input=" + flag + ": '" + name + "' is given twice");
    TensorFile tensor;
    std::string error;
    bool ok = value.consume_front("@") ? readTensor(value, tensor, error) : parseLiteral(value, tensor, error);
    if (!ok)
      return complain("[TN8006] --input=" + flag + ": " + error);
    if (!session.bind(index, tensor))
      return session.exitStatus();
    given[index] = true;
  }
  return kOk;
}

Exit InputFlags::parseDims(Session &session, llvm::StringMap<int64_t> &sizes) {
  std::vector<std::string> names;
  for (int i = 0; i < tenon_model_num_symbols(session.model); ++i) {
    tenon_symbol_info info{};
    info.size = sizeof info;
    tenon_status_free(tenon_model_symbol(session.model, i, &info));
    names.push_back(info.name);
    sizes[info.name] = (std::max<int64_t>(info.min, 1) + info.divisor - 1) / info.divisor * info.divisor;
  }
  if (std::optional<Ledger> ledger = names.empty() ? std::nullopt : Ledger::fromJson(tenon_model_ledger(session.model)))
    for (auto &[name, size] : ledger->nominalSizes)
      if (auto known = sizes.find(name); known != sizes.end())
        known->second = size;
  for (llvm::StringRef flag : dims.values) {
    auto [name, size] = flag.split('=');
    int64_t number;
    if (size.getAsInteger(10, number) || number < 0)
      return complain("[TN8009] --dim=" + flag + ": expected NAME=SIZE");
    if (!sizes.count(name))
      return complain("[TN8009] --dim=" + flag + ": the model has no dimension '" + name + "'; it has " +
                      quoted(names));
    sizes[name] = number;
  }
  return kOk;
}

Exit InputFlags::bind(Session &session, bool random) {
  if (hasTestData()) {
    if (values.given())
      return refuse(values, "with --test-data");
    if (dims.given())
      return refuse(dims, "with --test-data");
    if (seed.given())
      return refuse(seed, "with --test-data");
    if (!llvm::sys::fs::is_directory(testData.value))
      return complain("[TN8004] --test-data: " + testData.value + ": no such folder");
    return bindTestData(session);
  }
  std::vector<bool> given(session.inputs());
  llvm::StringMap<int64_t> sizes;
  if (Exit exit = bindValues(session, given))
    return exit;
  if (Exit exit = parseDims(session, sizes))
    return exit;
  // Those that nobody gives have their defaults, not random values.
  for (int i = 0; i < session.inputs(); ++i)
    if (session.isOptional(i))
      given[i] = true;
  bool all = llvm::all_of(given, [](bool one) { return one; });
  if (all && session.inputs() && dims.given())
    return refuse(dims, "when every input is given");
  if (all && session.inputs() && seed.given())
    return refuse(seed, "when every input is given");
  for (int i = 0; i < session.inputs(); ++i) {
    if (given[i])
      continue;
    if (!random && !seed.given())
      return complain(llvm::Twine("[TN8007] input '") + session.input(i).name +
                      "' is not given; give --input or --random-seed");
    std::optional<TensorFile> tensor = randomTensor(session.input(i), seed + i, sizes);
    if (!tensor)
      return complain(llvm::Twine("[TN8019] input '") + session.input(i).name +
                      "' would be larger than any memory; give smaller --dim");
    if (!session.bind(i, *tensor))
      return session.exitStatus();
  }
  return kOk;
}

bool InputFlags::hasRecordedOutputs() const {
  std::error_code code;
  if (hasTestData())
    for (llvm::sys::fs::directory_iterator it(testData.value, code), end; it != end && !code; it.increment(code))
      if (llvm::StringRef name = llvm::sys::path::filename(it->path());
          name.starts_with("output_") && name.ends_with(".pb"))
        return true;
  return false;
}

std::pair<Exit, std::optional<TensorFile>> InputFlags::expectedOutput(int index) const {
  std::string path = testData.value + "/output_" + std::to_string(index) + ".pb", error;
  TensorFile expected;
  if (!hasTestData() || !llvm::sys::fs::exists(path))
    return {kOk, std::nullopt};
  if (!readTensorFile(path, expected, error))
    return {complain("[TN8004] " + error), std::nullopt};
  return {kOk, std::move(expected)};
}

ToleranceFlags::ToleranceFlags(FlagSet &set)
    : absolute(set, {"atol"}, "X", "Absolute tolerance (default: 1e-4; 1e-2 for floats of 16 bits and less)"),
      relative(set, {"rtol"}, "X", "Relative tolerance (default: 1e-3; 1e-2 for floats of 16 bits and less)") {}

reference::Tolerance ToleranceFlags::get() const {
  reference::Tolerance tolerance;
  if (absolute.given())
    tolerance.absolute = absolute;
  if (relative.given())
    tolerance.relative = relative;
  return tolerance;
}

} // namespace tenon::driver
