// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel's time is the least of all runs: whatever else the machine does can only add to
// it. With one thread the process stays on one processor. Where a model has open dimensions
// it is compiled once more with the sizes of its inputs as nominal ones, so that what a
// kernel was predicted for is what was run. Inputs are the recorded ones of a folder
// test_data_set_0 beside the model, else random.
#include "FitTarget.h"

#include "Chips.h"
#include "Json.h"
#include "Session.h"
#include "tenon/Analysis/FitCosts.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include <chrono>
#include <sched.h>

namespace tenon::driver {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Keeps the process on the processor that it is on.
void stayHere() {
  cpu_set_t one;
  CPU_ZERO(&one);
  if (int here = sched_getcpu(); here >= 0 && here < CPU_SETSIZE) {
    CPU_SET(here, &one);
    sched_setaffinity(0, sizeof one, &one);
  }
}

using Times = std::vector<uint64_t>; // least nanoseconds, by kernel
void observe(void *user, uint32_t kernel, void *const *, uint32_t, const int64_t *, uint64_t nanoseconds) {
  uint64_t &least = (*static_cast<Times *>(user))[kernel];
  least = std::min(least, nanoseconds);
}

class Measurer {
public:
  Measurer(const FitOptions &options, const CompilationFlags &flags) : options(options), flags(flags) {}

  /// Adds a model's kernels. `text` is IR of the stage graph, or empty: `name` is a file.
  Exit add(llvm::StringRef name, llvm::StringRef text) {
    CompileOptions compilation;
    if (Exit exit = flags.read(compilation))
      return exit;
    TemporaryFile artifact;
    if (std::error_code code = artifact.create("fit", ".tenon"))
      return complain("[TN6001] cannot create a temporary artifact: " + code.message());
    if (Exit exit = compileTo(artifact.path(), name, text, compilation))
      return exit;
    bool isOpen = false;
    if (Exit exit = run(name, artifact.path(), &compilation, isOpen))
      return exit;
    if (!isOpen)
      return kOk;
    if (Exit exit = compileTo(artifact.path(), name, text, compilation))
      return exit;
    return run(name, artifact.path(), nullptr, isOpen);
  }

  std::vector<std::vector<MeasuredKernel>> models;

private:
  Exit compileTo(llvm::StringRef path, llvm::StringRef name, llvm::StringRef text, const CompileOptions &compilation) {
    CompileResult result;
    if (text.empty())
      return compile(name, path, compilation, Progress::None, result);
    CompileOptions fromText = compilation;
    fromText.startFrom = Stage::Graph;
    TemporaryFile source;
    std::error_code code = source.create("fit", ".mlir");
    if (!code) {
      llvm::raw_fd_ostream os(source.path(), code);
      os << text;
    }
    if (code)
      return complain("[TN6001] cannot create a temporary file: " + code.message());
    return compile(source.path(), path, std::move(fromText), Progress::None, result);
  }

  /// Times an artifact's kernels. With open dimensions and `open`, only notes their sizes.
  Exit run(llvm::StringRef name, llvm::StringRef path, CompileOptions *open, bool &isOpen) {
    Session session;
    if (!session.load(path, options.threads))
      return session.exitStatus();
    FlagSet set("bench", "", "", 0);
    InputFlags inputs(set);
    llvm::SmallString<128> recorded(name);
    llvm::sys::path::remove_filename(recorded);
    llvm::sys::path::append(recorded, "test_data_set_0");
    if (llvm::sys::fs::is_directory(recorded))
      inputs.testData.value = recorded.str().str();
    if (Exit exit = inputs.bind(session, /*random=*/true))
      return exit;
    if (open && noteSizes(session, *open)) {
      isOpen = true;
      return kOk;
    }
    return time(session);
  }

  /// What the inputs give the model's named dimensions, as nominal sizes. Whether there are any.
  bool noteSizes(const Session &session, CompileOptions &compilation) const {
    for (int i = 0; i < session.inputs(); ++i) {
      tenon_tensor_info info = session.input(i);
      for (int axis = 0; axis < info.rank; ++axis)
        if (info.dims[axis] < 0 && session.boundTensor(i).shape[axis] > 0) {
          OpenSize size;
          size.flag = "--fit-target";
          size.name = info.name;
          size.axis = axis;
          size.nominal = session.boundTensor(i).shape[axis];
          compilation.sizes.push_back(std::move(size));
        }
    }
    return tenon_model_num_symbols(session.model) > 0;
  }

  Exit time(Session &session) {
    Times least(tenon_model_num_kernels(session.model), UINT64_MAX);
    constexpr double kWarmUp = 0.1;
    for (auto start = Clock::now(); since(start) < kWarmUp;)
      if (!session.run())
        return session.exitStatus();
    tenon_session_set_observer(session.session, observe, &least);
    auto start = Clock::now();
    constexpr int kLeastRuns = 5;
    for (int runs = 0; runs < kLeastRuns || since(start) < options.seconds; ++runs)
      if (!session.run())
        return session.exitStatus();
    std::optional<Ledger> ledger = Ledger::fromJson(tenon_model_ledger(session.model));
    llvm::StringMap<const KernelDescription *> described;
    for (const KernelDescription &kernel :
         ledger ? llvm::ArrayRef(ledger->kernels) : llvm::ArrayRef<KernelDescription>())
      described[kernel.name] = &kernel;
    std::vector<MeasuredKernel> &kernels = models.emplace_back();
    for (size_t i = 0; i < least.size(); ++i) {
      const KernelDescription *kernel = described.lookup(tenon_model_kernel_name(session.model, int32_t(i)));
      if (kernel && least[i] != UINT64_MAX) // else in a branch that was not taken
        kernels.push_back({kernel->cost, double(least[i]) * 1e-9});
    }
    return kOk;
  }

  const FitOptions &options;
  const CompilationFlags &flags;
};

/// Kernels shorter than these seconds are mostly launch; errors are stated of longer ones.
constexpr double kShortest = 20e-6;

struct Errors {
  size_t count = 0;
  double median = 0, p90 = 0;
};
Errors summary(std::vector<double> errors) {
  std::sort(errors.begin(), errors.end());
  if (errors.empty())
    return {};
  return {errors.size(), errors[errors.size() / 2], errors[errors.size() * 9 / 10]};
}

/// The errors of each half of the models by a chip that is fitted to the other half.
Errors judgeHalves(const hw::Device &chip, const std::vector<std::vector<MeasuredKernel>> &models) {
  std::vector<double> errors;
  for (size_t half : {0, 1}) {
    std::vector<MeasuredKernel> fitted, judged;
    for (auto [i, kernels] : llvm::enumerate(models))
      llvm::append_range(i % 2 == half ? fitted : judged, kernels);
    hw::Device own = chip;
    fitChip(own, fitted);
    llvm::append_range(errors, relativeErrors(own, judged, kShortest));
  }
  return summary(std::move(errors));
}

Exit write(const hw::Device &chip, llvm::StringRef path) {
  OutputFile file;
  std::error_code code = file.open(path);
  if (!code) {
    hw::print(chip, file.os());
    code = file.commit();
  }
  return code ? complain("[TN6002] writing " + path + " failed: " + code.message()) : kOk;
}

void report(const FitOptions &options, size_t models, size_t kernels, const Errors &all, const Errors &halves) {
  if (options.json)
    return printJson(llvm::json::Object{{"target_file", jsonText(options.output)},
                                        {"models", int64_t(models)},
                                        {"kernels", int64_t(kernels)},
                                        {"kernels_above_20_us", int64_t(all.count)},
                                        {"median_error", all.median},
                                        {"p90_error", all.p90},
                                        {"halves_median_error", halves.median},
                                        {"halves_p90_error", halves.p90}});
  llvm::raw_ostream &os = llvm::outs();
  os << "fitted to " << kernels << " kernels of " << models << " models; of the " << all.count
     << " that take over 20 us:\n";
  auto line = [&](llvm::StringRef what, const Errors &errors) {
    os << "  " << what
       << llvm::format(": median error %.1f %%, 90 %% within %.1f %%\n", 100 * errors.median, 100 * errors.p90);
  };
  line("by the numbers that are written", all);
  if (models > 1)
    line("each half of the models, by numbers fitted to the other half", halves);
  os << "wrote " << options.output << "\n";
}

/// A name for --target from that of the file.
std::string nameFor(llvm::StringRef path) {
  std::string name = llvm::sys::path::stem(path).str();
  for (char &c : name)
    if (!llvm::isAlnum(c) && c != '-' && c != '_' && c != '.')
      c = '-';
  return name;
}

} // namespace

Exit fitTarget(const FitOptions &options, const CompilationFlags &flags) {
  TargetRegistry targets;
  if (Exit exit = registerChips(targets, flags.targetFiles.values, flags.targetPlugins.values))
    return exit;
  CompileOptions compilation;
  if (Exit exit = flags.read(compilation))
    return exit;
  std::string error;
  std::unique_ptr<Target> target = targets.parse(compilation.target, error);
  if (!target)
    return complain(error);
  if (options.threads == 1)
    stayHere();
  Measurer measurer(options, flags);
  for (const std::string &model : options.models) {
    if (Exit exit = checkFile(model))
      return exit;
    if (Exit exit = measurer.add(model, ""))
      return exit;
  }
  if (options.models.empty())
    for (const auto &[name, text] : builtInModels())
      if (Exit exit = measurer.add(name, text))
        return exit;
  std::vector<MeasuredKernel> kernels;
  for (const std::vector<MeasuredKernel> &model : measurer.models)
    llvm::append_range(kernels, model);
  hw::Device chip = target->chip();
  for (hw::Unit &unit : chip.units)
    unit.count = std::max(1, options.threads);
  Errors halves = judgeHalves(chip, measurer.models);
  fitChip(chip, kernels);
  Errors all = summary(relativeErrors(chip, kernels, kShortest));
  if (!all.count)
    return complain("[TN8058] --fit-target: none of " + llvm::Twine(kernels.size()) +
                    " kernels takes over 20 us on this machine; give larger models, or none for built-in ones");
  chip.name = nameFor(options.output);
  if (Exit exit = write(chip, options.output))
    return exit;
  report(options, measurer.models.size(), kernels.size(), all, halves);
  return kOk;
}

} // namespace tenon::driver
