// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads both plugins as a stranger's program would. The memory that a run gets is laid out
// here, with bytes between the buffers by which a store outside them shows.
#include "ToyDevice.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Interfaces/TargetPlugin.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"
#include <cstring>
#include <dlfcn.h>

using namespace mlir;

namespace tenon::testing {

std::string libraryPath(llvm::StringRef name) {
  std::string program = llvm::sys::fs::getMainExecutable(nullptr, nullptr);
  llvm::SmallString<128> path(llvm::sys::path::parent_path(llvm::sys::path::parent_path(program)));
  llvm::sys::path::append(path, "lib", name);
  return path.str().str();
}

std::optional<ToyProgram> compileForToy(const std::string &text, std::string &errors) {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  loadTenonDialects(context);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    errors += diagnostic.str() + "\n";
    return success();
  });
  TargetRegistry registry;
  if (!loadTargetPlugin(libraryPath("ToyTarget.so"), registry, errors))
    return std::nullopt;
  std::shared_ptr<const Target> toy = registry.parse("toy", errors);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  CompileResult result;
  if (!toy || !module || failed(runStages(*module, Stage::Numerics, Stage::Place, {toy}, CompileOptions(), result)) ||
      failed(planMemory(*module)))
    return std::nullopt;
  FailureOr<GeneratedCode> code = toy->generate(*module, GenerateOptions());
  if (failed(code))
    return std::nullopt;
  auto main = module->lookupSymbol<func::FuncOp>("main");
  ToyProgram program{code->code.image, std::string(code->weightBytes, '\0'), main.getNumArguments(),
                     main.getNumResults()};
  for (const WeightEntry &entry : code->weights)
    program.weights.replace(entry.offset, entry.bytes, weightBytes(entry.value));
  return program;
}

ToyDevice::ToyDevice() {
  void *library = dlopen(libraryPath("ToyDriver.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  auto entry = library ? reinterpret_cast<tenon_driver_plugin_fn>(dlsym(library, TENON_DRIVER_PLUGIN)) : nullptr;
  EXPECT_TRUE(entry) << dlerror();
  driver = entry ? entry() : nullptr;
  tenon_device_info info{};
  info.size = sizeof info;
  info.name = info.spec = "toy:small";
  EXPECT_FALSE(driver->open(driver->user, &info, &device));
}

ToyDevice::~ToyDevice() { driver->close(device); }

static std::string take(tenon_status *status) {
  std::string text = status ? tenon_status_text(status) : "";
  tenon_status_free(status);
  return text;
}

static tenon_region_code codeOf(const ToyProgram &program, std::unique_ptr<char[]> &aligned) {
  constexpr size_t kAlign = 64;
  aligned.reset(new char[program.weights.size() + kAlign]);
  auto address = reinterpret_cast<uintptr_t>(aligned.get());
  char *weights = aligned.get() + (kAlign - address % kAlign) % kAlign;
  memcpy(weights, program.weights.data(), program.weights.size());
  tenon_region_code code{};
  code.size = sizeof code;
  code.region = "region";
  code.triple = "";
  code.num_inputs = program.inputs;
  code.num_outputs = program.outputs;
  code.code = program.image.data();
  code.code_bytes = program.image.size();
  code.weights = weights;
  code.weight_bytes = program.weights.size();
  return code;
}

std::string ToyDevice::loadError(const ToyProgram &program) {
  std::unique_ptr<char[]> weights;
  tenon_region_code code = codeOf(program, weights);
  tenon_executable *executable = nullptr;
  std::string error = take(driver->load_region(device, &code, &executable));
  if (error.empty())
    driver->unload_region(executable);
  return error;
}

std::vector<Bytes> ToyDevice::run(const ToyProgram &program, const std::vector<Bytes> &inputs,
                                  const std::vector<size_t> &outputBytes, std::string &error) {
  std::unique_ptr<char[]> weights;
  tenon_region_code code = codeOf(program, weights);
  tenon_executable *executable = nullptr;
  error = take(driver->load_region(device, &code, &executable));
  if (!error.empty())
    return {};
  constexpr int64_t kAlign = 64;
  std::vector<int64_t> offsets;
  int64_t end = kAlign;
  auto place = [&](size_t bytes) {
    int64_t at = end;
    end = (end + int64_t(bytes) + 2 * kAlign - 1) / kAlign * kAlign; // with kAlign bytes behind it at least
    return at;
  };
  for (const Bytes &input : inputs)
    offsets.push_back(place(input.size()));
  for (size_t bytes : outputBytes)
    offsets.push_back(place(bytes));
  int64_t scratchBytes = driver->scratch_bytes(executable, nullptr), scratch = place(size_t(scratchBytes));
  Bytes before(size_t(end), 0xa5);
  for (auto [i, input] : llvm::enumerate(inputs))
    llvm::copy(input, before.begin() + offsets[i]);
  void *memory = nullptr;
  error = take(driver->alloc(device, before.size(), &memory));
  if (error.empty())
    error = take(driver->copy_in(device, memory, 0, before.data(), before.size()));
  tenon_execution execution{};
  execution.size = sizeof execution;
  execution.memory = memory;
  execution.offsets = offsets.data();
  execution.count = uint32_t(offsets.size());
  execution.scratch = scratch;
  if (error.empty())
    error = take(driver->execute(executable, &execution));
  Bytes after(before.size());
  if (error.empty())
    error = take(driver->copy_out(device, memory, 0, after.data(), after.size()));
  driver->free(device, memory);
  driver->unload_region(executable);
  if (!error.empty())
    return {};
  std::vector<Bytes> outputs;
  for (auto [i, bytes] : llvm::enumerate(outputBytes)) {
    auto from = after.begin() + offsets[inputs.size() + i];
    outputs.emplace_back(from, from + ptrdiff_t(bytes));
    std::fill(from, from + ptrdiff_t(bytes), 0xa5);
  }
  std::fill(after.begin() + scratch, after.begin() + scratch + scratchBytes, 0xa5);
  if (after != before) {
    error = "a byte outside the outputs and the scratch has changed";
    return {};
  }
  return outputs;
}

} // namespace tenon::testing
