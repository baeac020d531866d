// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Session.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <chrono>

namespace cl = llvm::cl;

namespace tenon::driver {

cl::SubCommand benchCommand("bench", "Time an artifact on random or given inputs");
static cl::opt<std::string> artifact(cl::Positional, cl::desc("FILE.tenon"), cl::sub(benchCommand));
static cl::opt<std::string> loadEngine("loadEngine", cl::desc("The same as FILE.tenon"), cl::value_desc("FILE"), cl::sub(benchCommand));
static InputFlags inputs(benchCommand);
static cl::opt<int> threads("threads", cl::desc("Threads (0: one a processor)"), cl::init(1), cl::sub(benchCommand));
static cl::opt<double> warmup("warmup", cl::desc("Seconds before measuring"), cl::init(0.2), cl::sub(benchCommand));
static cl::opt<double> duration("duration", cl::desc("Seconds of measuring"), cl::init(2), cl::sub(benchCommand));
static cl::opt<bool> profile("profile", cl::desc("Time each kernel (median)"), cl::sub(benchCommand));

namespace {
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
} // namespace

int runBench() {
  if (artifact.empty() == loadEngine.empty())
    return complain("[TN8013] bench: expected one artifact, FILE.tenon");
  Session session;
  if (!session.load(artifact.empty() ? loadEngine : artifact, threads))
    return session.exitStatus();
  if (Exit exit = inputs.bind(session, /*random=*/true))
    return exit;
  using Clock = std::chrono::steady_clock;
  auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  auto start = Clock::now();
  do {
    if (!session.run())
      return session.exitStatus();
  } while (seconds(Clock::now() - start) < warmup);
  Profile kernels(tenon_model_num_kernels(session.model));
  if (profile)
    tenon_session_set_observer(session.session, observe, &kernels);
  std::vector<double> times;
  start = Clock::now();
  do {
    auto before = Clock::now();
    if (!session.run())
      return session.exitStatus();
    times.push_back(seconds(Clock::now() - before) * 1e3);
  } while (seconds(Clock::now() - start) < duration);
  std::sort(times.begin(), times.end());
  auto at = [&](double q) { return times[std::min(times.size() - 1, size_t(q * times.size()))]; };
  llvm::outs() << llvm::format("%zu runs, threads %s: min %.4f ms, median %.4f ms, p90 %.4f ms, p99 %.4f ms, %.1f runs/s\n", times.size(),
                               threads ? std::to_string(threads).c_str() : "one a processor", times.front(), at(0.5), at(0.9), at(0.99), times.size() / (seconds(Clock::now() - start)));
  if (!profile)
    return kOk;
  std::vector<std::pair<uint64_t, size_t>> order;
  for (size_t i = 0; i < kernels.size(); ++i)
    order.push_back({typical(kernels[i]), i});
  std::sort(order.rbegin(), order.rend());
  for (auto [nanoseconds, i] : order)
    llvm::outs() << llvm::format("%10.4f ms  ", nanoseconds / 1e6) << escaped(tenon_model_kernel_name(session.model, i)) << "  "
                 << escaped(tenon_model_kernel_strategy(session.model, i)) << "\n";
  return kOk;
}

} // namespace tenon::driver
