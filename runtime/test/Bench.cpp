// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Figures of the runtime's own cost: loading, running an empty model, and
// launching a kernel on several threads. Medians; prints the machine's load.
#include "ArtifactBuilder.h"
#include "pool.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace tenon::testing;

namespace {

template <typename Fn>
double medianMicroseconds(int rounds, Fn fn) {
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    auto start = std::chrono::steady_clock::now();
    fn();
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  return times[rounds / 2];
}

/// Some microseconds of arithmetic a unit.
void work(void *const *buffers, const int64_t *, int64_t begin, int64_t end) {
  auto *results = static_cast<float *>(buffers[0]);
  for (int64_t i = begin; i < end; ++i) {
    float value = float(i);
    for (int step = 0; step < 5000; ++step)
      value = value * 0.999f + 1;
    results[i] = value;
  }
}

void nothing(void *const *, const int64_t *, int64_t, int64_t) {}

} // namespace

int main() {
  double load[3] = {};
  if (getloadavg(load, 3) > 0)
    printf("%d processors, load %.1f %.1f\n", tenon::rt::processorCount(), load[0], load[1]);
  TemporaryFile file(buildArtifact().bytes);
  printf("load and free a model: %.1f us\n", medianMicroseconds(2000, [&] {
           tenon_model *model = nullptr;
           tenon_status_free(tenon_model_load(file.path.c_str(), nullptr, &model));
           tenon_model_free(model);
         }));
  for (const char *driver : {"cpu", "null"}) {
    Fixture fixture(file.path, 1, driver);
    if (!fixture.bind(1).ok())
      return 1;
    printf("run of 3 kernels on 1 row, driver %s: %.2f us\n", driver,
           medianMicroseconds(20000, [&] {
             for (int i = 0; i < 10; ++i)
               tenon_status_free(tenon_session_run(fixture.session));
           }) / 10);
  }
  for (int threads : {1, 2})
    printf("launch of an empty kernel on %d threads: %.2f us\n", threads, medianMicroseconds(20000, [&] {
             tenon::rt::parallelFor(tenon::rt::defaultPool(), threads, nothing, nullptr, nullptr, 64, 1);
           }));
  float results[64];
  void *buffers[] = {results};
  for (int threads : {1, 2, 4})
    printf("64 units of arithmetic on %d threads: %.0f us\n", threads, medianMicroseconds(300, [&] {
             tenon::rt::parallelFor(tenon::rt::defaultPool(), threads, work, buffers, nullptr, 64, 1);
           }));
  return 0;
}
