// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tenon bench`: inputs are bound once, before the warm-up, and outputs are not read, so that nothing but runs
// is timed. Each run is timed by itself, for the quantiles. The times of kernels are the medians of what the
// runtime's observer is told.
#include "FitTarget.h"
#include "Json.h"
#include "Runnable.h"
#include "Session.h"

#include "llvm/Support/Format.h"
#include <algorithm>
#include <chrono>
#include <numeric>

namespace tenon::driver {

namespace {

using Clock = std::chrono::steady_clock;
double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

using Profile = std::vector<std::vector<uint64_t>>; // nanoseconds of each run, a kernel
void observe(void *user, uint32_t kernel, void *const *, uint32_t, const int64_t *, uint64_t nanoseconds) {
  (*static_cast<Profile *>(user))[kernel].push_back(nanoseconds);
}
/// The median: one interrupted run does not show.
uint64_t typical(std::vector<uint64_t> &runs) {
  if (runs.empty()) // in a branch that was not taken
    return 0;
  auto middle = runs.begin() + runs.size() / 2;
  std::nth_element(runs.begin(), middle, runs.end());
  return *middle;
}

uint64_t leastOf(const std::vector<uint64_t> &runs) {
  return runs.empty() ? 0 : *std::min_element(runs.begin(), runs.end());
}

class BenchCommand : public Command {
public:
  BenchCommand()
      : Command("bench", "Time an artifact, or a model after compiling it, on random or given inputs", "FILE",
                kMostModels) {}
  Exit run() override;

private:
  /// --fit-target takes as many as there are; without it `oneFile` refuses a second one.
  static constexpr unsigned kMostModels = 10000;

  Exit fit();
  bool measure(Session &session);
  void print(const Session &session);

  Runnable runnable{*this};
  InputFlags inputs{*this};
  Value<int> threads{*this, {"threads", "nthreads"}, "N", "Threads, 0 for one a processor", 1};
  Value<double> warmup{*this, {"warmup"}, "SECONDS", "Runs before measuring take so long", 0.2};
  Value<double> duration{*this, {"duration", "t"}, "SECONDS", "Measure for so long", 2};
  Value<uint64_t> iterations{
      *this, {"iterations", "niter"}, "N", "Measure so many runs; with --duration, both at least"};
  Switch profile{*this, {"profile"}, "Time each kernel (median)"};
  Value<std::string> fitTo{*this,
                           {"fit-target"},
                           "F.yaml",
                           "Fit the chip's numbers to the times of kernels of the models that are given (of none: of "
                           "built-in ones) and write its declaration, for --target-file"};
  Switch json{*this, {"json"}, "Print as JSON"};

  std::vector<double> times; ///< milliseconds, sorted
  double total = 0;          ///< seconds
  Profile kernels;
};

bool BenchCommand::measure(Session &session) {
  auto start = Clock::now();
  do {
    if (!session.run())
      return false;
  } while (seconds(Clock::now() - start) < warmup);
  kernels.resize(tenon_model_num_kernels(session.model));
  if (profile)
    tenon_session_set_observer(session.session, observe, &kernels);
  bool untilTime = duration.given() || !iterations.given();
  start = Clock::now();
  do {
    auto before = Clock::now();
    if (!session.run())
      return false;
    times.push_back(seconds(Clock::now() - before) * 1e3);
    total = seconds(Clock::now() - start);
  } while (times.size() < iterations || (untilTime && total < duration));
  std::sort(times.begin(), times.end());
  return true;
}

void BenchCommand::print(const Session &session) {
  auto at = [&](double q) { return times[std::min(times.size() - 1, size_t(q * times.size()))]; };
  double mean = std::accumulate(times.begin(), times.end(), 0.0) / times.size();
  std::vector<std::pair<uint64_t, size_t>> order;
  for (size_t i = 0; profile && i < kernels.size(); ++i)
    order.push_back({typical(kernels[i]), i});
  std::sort(order.rbegin(), order.rend());
  if (!json) {
    llvm::outs() << llvm::format(
        "%zu runs, threads %s: min %.4f ms, mean %.4f ms, median %.4f ms, p90 %.4f ms, p99 %.4f ms, %.1f runs/s\n",
        times.size(), threads ? std::to_string(threads).c_str() : "one a processor", times.front(), mean, at(0.5),
        at(0.9), at(0.99), times.size() / total);
    for (auto [nanoseconds, i] : order)
      llvm::outs() << llvm::format("%10.4f ms  ", nanoseconds / 1e6)
                   << escaped(tenon_model_kernel_name(session.model, i)) << "  "
                   << escaped(tenon_model_kernel_strategy(session.model, i)) << "\n";
    return;
  }
  llvm::json::Object object{{"file", jsonText(runnable.given())},
                            {"target", tenon_model_target(session.model)},
                            {"threads", threads.value},
                            {"runs", int64_t(times.size())},
                            {"min_ms", times.front()},
                            {"mean_ms", mean},
                            {"median_ms", at(0.5)},
                            {"p90_ms", at(0.9)},
                            {"p99_ms", at(0.99)},
                            {"max_ms", times.back()},
                            {"runs_per_second", times.size() / total}};
  llvm::json::Array profiled;
  for (auto [nanoseconds, i] : order)
    profiled.push_back(llvm::json::Object{{"kernel", jsonText(tenon_model_kernel_name(session.model, i))},
                                          {"strategy", tenon_model_kernel_strategy(session.model, i)},
                                          {"median_ms", nanoseconds / 1e6},
                                          {"min_ms", leastOf(kernels[i]) / 1e6}});
  if (profile)
    object["kernels"] = std::move(profiled);
  printJson(std::move(object));
}

Exit BenchCommand::fit() {
  // What is run with which inputs is not the user's to say.
  std::vector<const Flag *> without = runnable.otherFlags();
  llvm::append_values(without, &warmup, &iterations, &profile, &inputs.values, &inputs.dims, &inputs.testData,
                      &inputs.seed);
  for (const Flag *flag : without)
    if (flag->given())
      return refuse(*flag, "with " + fitTo.spelling());
  FitOptions options{fitTo, arguments, threads, duration, json};
  InputFiles files;
  for (const std::string &model : arguments)
    files.add(model, "the model");
  for (const std::string &file : runnable.flags().targetFiles.values)
    files.add(file, "a declaration of a chip");
  if (Exit exit = checkOutput(fitTo, fitTo.value, files))
    return exit;
  return fitTarget(options, runnable.flags());
}

Exit BenchCommand::run() {
  if (fitTo.given())
    return fit();
  if (iterations.given() && iterations == 0)
    return complain("[TN8042] " + iterations.spelling() + "=0: expected 1 or more");
  Session session;
  if (Exit exit = runnable.open(*this, threads, session))
    return exit;
  if (Exit exit = inputs.bind(session, /*random=*/true))
    return exit;
  if (!measure(session))
    return session.exitStatus();
  print(session);
  return kOk;
}

} // namespace

std::unique_ptr<Command> makeBench() { return std::make_unique<BenchCommand>(); }

} // namespace tenon::driver
