// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Session.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

namespace tenon::driver {

cl::SubCommand runCommand("run", "Run an artifact on given, random or recorded inputs");
static cl::opt<std::string> artifact(cl::Positional, cl::desc("FILE.tenon"), cl::Required, cl::sub(runCommand));
static cl::list<std::string> inputFlags("input", cl::desc("NAME=@x.npy, NAME=@x.pb or NAME=SHAPExTYPE=values"), cl::sub(runCommand));
static cl::list<std::string> outputFlags("output", cl::desc("NAME=@y.npy: write an output"), cl::sub(runCommand));
static cl::list<std::string> expectedFlags("expected-output", cl::desc("NAME=@y.npy: compare an output"), cl::sub(runCommand));
static cl::opt<uint64_t> seed("random-seed", cl::desc("Fill inputs that are not given with seeded random values"), cl::sub(runCommand));
static cl::opt<std::string> testData("test-data", cl::desc("ONNX test_data_set folder: run its inputs, compare its outputs"), cl::sub(runCommand));
static cl::opt<double> atol("atol", cl::desc("Absolute tolerance"), cl::init(1e-4), cl::sub(runCommand));
static cl::opt<double> rtol("rtol", cl::desc("Relative tolerance"), cl::init(1e-3), cl::sub(runCommand));
static cl::opt<int> threads("threads", cl::desc("Threads (0: one a processor)"), cl::init(1), cl::sub(runCommand));

static bool complain(const llvm::Twine &text) {
  llvm::errs() << "error: " << text << "\n";
  return false;
}

/// "2x3xf32=1 2 3 4 5 6": dimensions, element type, values (one: a splat).
static bool parseLiteral(llvm::StringRef text, TensorFile &tensor, std::string &error) {
  auto [typeText, valueText] = text.split('=');
  llvm::SmallVector<llvm::StringRef> parts;
  typeText.split(parts, 'x');
  int64_t elements = 1;
  for (llvm::StringRef part : llvm::ArrayRef(parts).drop_back()) {
    int64_t size;
    if (part.getAsInteger(10, size) || size < 0) {
      error = ("'" + part + "' is not a dimension").str();
      return false;
    }
    tensor.shape.push_back(size);
    elements *= size;
  }
  for (int dtype = 1; dtype <= 13; ++dtype)
    if (parts.back() == dtypeName(dtype))
      tensor.dtype = dtype;
  if (!elementBytes(tensor.dtype) || tensor.dtype == 10) {
    error = ("'" + parts.back() + "' is not an element type; expected f32, f64, i8 to i64, u8 to u64 or bool").str();
    return false;
  }
  llvm::SmallVector<llvm::StringRef> values;
  llvm::SplitString(valueText, values, " ,");
  if (values.size() != 1 && int64_t(values.size()) != elements) {
    error = llvm::formatv("{0} values for {1} elements", values.size(), elements).str();
    return false;
  }
  for (int64_t i = 0; i < elements; ++i) {
    llvm::StringRef value = values[values.size() == 1 ? 0 : i];
    double real;
    if (value.getAsDouble(real)) {
      error = ("'" + value + "' is not a number").str();
      return false;
    }
    float narrow = real;
    int64_t whole = 0;
    if (value.getAsInteger(10, whole))
      whole = int64_t(real);
    const char *from = tensor.dtype == 1 ? reinterpret_cast<char *>(&narrow) : tensor.dtype == 11 ? reinterpret_cast<char *>(&real) : reinterpret_cast<char *>(&whole);
    tensor.bytes.append(from, elementBytes(tensor.dtype));
  }
  return true;
}

static int find(llvm::StringRef name, int count, llvm::function_ref<tenon_tensor_info(int)> info) {
  for (int i = 0; i < count; ++i)
    if (name == info(i).name)
      return i;
  return -1;
}

static bool report(const TensorFile &actual, const TensorFile &expected) {
  Comparison result = compare(actual, expected, atol, rtol);
  llvm::outs() << (result.ok() ? "ok    " : "WRONG ") << actual.name << ": ";
  if (!result.problem.empty())
    llvm::outs() << result.problem << "\n";
  else
    llvm::outs() << llvm::formatv("largest difference {0:E2}, {1} of {2} elements outside atol {3}, rtol {4}\n", result.largest, result.mismatches, result.elements, atol.getValue(), rtol.getValue());
  return result.ok();
}

static int runTestData(Session &session) {
  std::string error;
  llvm::SmallString<128> path;
  for (int i = 0; i < session.inputs(); ++i) {
    (path = testData.getValue()) += llvm::formatv("/input_{0}.pb", i).str();
    TensorFile tensor;
    if (!readTensorFile(path, tensor, error))
      return complain("[TN8004] " + error), kUserError;
    int index = tensor.name.empty() ? i : find(tensor.name, session.inputs(), [&](int k) { return session.input(k); });
    index = index < 0 ? i : index;
    if (session.input(index).rank == 0 && tensor.shape == std::vector<int64_t>{1}) {
      // Some recorded sets hold a scalar as a vector of one.
      llvm::outs() << "note  " << session.input(index).name << ": one-element vector taken as the scalar the model declares\n";
      tensor.shape.clear();
    }
    if (!session.bind(index, tensor))
      return kUserError;
  }
  if (!session.run())
    return kUserError;
  bool ok = true;
  int compared = 0;
  for (int i = 0; i < session.outputs(); ++i) {
    (path = testData.getValue()) += llvm::formatv("/output_{0}.pb", i).str();
    if (!llvm::sys::fs::exists(path))
      continue;
    TensorFile expected;
    if (!readTensorFile(path, expected, error))
      return complain("[TN8004] " + error), kUserError;
    auto actual = session.output(i);
    if (!actual)
      return kUserError;
    ok &= report(*actual, expected);
    ++compared;
  }
  if (!compared)
    return complain("[TN8005] " + testData + " has no output_*.pb to compare with"), kUserError;
  return ok ? kOk : kMismatch;
}

int runRun() {
  Session session;
  if (!session.load(artifact, threads))
    return kUserError;
  if (!testData.empty())
    return runTestData(session);
  std::string error;
  std::vector<bool> given(session.inputs());
  for (llvm::StringRef flag : inputFlags) {
    auto [name, value] = flag.split('=');
    int index = find(name, session.inputs(), [&](int k) { return session.input(k); });
    if (index < 0) {
      std::string names;
      for (int i = 0; i < session.inputs(); ++i)
        names += (i ? ", '" : "'") + std::string(session.input(i).name) + "'";
      return complain("[TN8006] --input=" + flag + ": the model has no input '" + name + "'; it has " + names), kUserError;
    }
    TensorFile tensor;
    bool ok = value.consume_front("@") ? readTensor(value, tensor, error) : parseLiteral(value, tensor, error);
    if (!ok)
      return complain("[TN8006] --input=" + flag + ": " + error), kUserError;
    if (!session.bind(index, tensor))
      return kUserError;
    given[index] = true;
  }
  for (int i = 0; i < session.inputs(); ++i)
    if (!given[i]) {
      if (!seed.getNumOccurrences())
        return complain("[TN8007] input '" + llvm::Twine(session.input(i).name) + "' is not given; give --input or --random-seed"), kUserError;
      if (!session.bind(i, randomTensor(session.input(i), seed + i, {})))
        return kUserError;
    }
  if (!session.run())
    return kUserError;
  bool ok = true;
  for (int i = 0; i < session.outputs(); ++i) {
    auto tensor = session.output(i);
    if (!tensor)
      return kUserError;
    bool handled = false;
    for (llvm::StringRef flag : outputFlags)
      if (auto [name, file] = flag.split("=@"); name == tensor->name) {
        handled = true;
        if (!writeNpy(file, *tensor, error))
          return complain("[TN8008] " + error), kUserError;
      }
    for (llvm::StringRef flag : expectedFlags)
      if (auto [name, file] = flag.split("=@"); name == tensor->name) {
        handled = true;
        TensorFile expected;
        if (!readTensor(file, expected, error))
          return complain("[TN8004] " + error), kUserError;
        ok &= report(*tensor, expected);
      }
    if (handled)
      continue;
    llvm::outs() << tensor->name << ": ";
    for (int64_t size : tensor->shape)
      llvm::outs() << size << "x";
    llvm::outs() << dtypeName(tensor->dtype);
    if (tensor->dtype == 1) {
      llvm::outs() << " =";
      for (size_t k = 0; k < std::min<size_t>(16, tensor->bytes.size() / 4); ++k) {
        float value;
        memcpy(&value, tensor->bytes.data() + 4 * k, 4);
        llvm::outs() << llvm::format(" %g", value);
      }
      if (tensor->bytes.size() > 64)
        llvm::outs() << " ...";
    }
    llvm::outs() << "\n";
  }
  return ok ? kOk : kMismatch;
}

} // namespace tenon::driver
