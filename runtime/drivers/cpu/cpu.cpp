// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The cpu driver: runs code images on the processor the process runs on.
#include "cpu.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace tenon::rt {
namespace {

#if defined(__x86_64__)
constexpr char kArch[] = "x86_64";
#elif defined(__aarch64__)
constexpr char kArch[] = "aarch64";
#elif defined(__riscv)
constexpr char kArch[] = "riscv64";
#else
constexpr char kArch[] = "unknown";
#endif

bool accepts(const schema::Code &code) { return !code.device() || strcmp(code.device()->c_str(), "cpu") == 0; }

tenon_status *check(const schema::Code &code) { return checkMachine(code, TENON_UNSUPPORTED_CPU); }

tenon_status *load(const CodeSource &source, Program **program) {
  void *memory = malloc(sizeof(Image));
  if (!memory)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a program");
  auto *image = new (memory) Image();
  if (tenon_status *status = mapImage(source, machinePage(), *image)) {
    unmapImage(*image);
    free(image);
    return status;
  }
  *program = reinterpret_cast<Program *>(image);
  return nullptr;
}

void unload(Program *program) {
  auto *image = reinterpret_cast<Image *>(program);
  unmapImage(*image);
  free(image);
}

} // namespace

static const Image &imageOf(const Program *program) { return *reinterpret_cast<const Image *>(program); }

int32_t deriveSizes(const Program *program, int64_t *symbols, int64_t (&numbers)[2]) {
  tenon_derive_fn code = imageOf(program).derive;
  return code ? code(symbols, numbers) : 0;
}

int64_t imageArenaSize(const Program *program, const int64_t *symbols) { return imageOf(program).arenaSize(symbols); }

void imageOutputDims(const Program *program, const int64_t *symbols, int64_t *dims) {
  imageOf(program).outputDims(symbols, dims);
}

void imageSpaceSizes(const Program *program, const int64_t *symbols, int64_t *bytes) {
  imageOf(program).spaceSizes(symbols, bytes);
}

int32_t runImage(const Program *program, const tenon_host_api *api, void *invocation, void *const *inputs,
                 void *const *outputs, const uint8_t *weights, uint8_t *arena, const int64_t *symbols) {
  [[maybe_unused]] FloatState state;
  return imageOf(program).main(api, invocation, inputs, outputs, weights, arena, symbols);
}

tenon_status *checkMachine(const schema::Code &code, tenon_code error) {
  const char *triple = code.triple()->c_str();
  size_t length = strlen(kArch);
  if (strncmp(triple, kArch, length) != 0 || (triple[length] != '-' && triple[length] != 0))
    return fail(error, "the code is for %s; this machine is %s", triple, kArch);
  char missing[512] = "", unknown[256] = "";
  auto add = [](char *list, size_t size, const char *name) {
    size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s", used ? ", " : "", name);
  };
  for (const auto *feature : *code.features()) {
    Feature state = hasFeature(feature->c_str());
    if (state == Feature::Missing)
      add(missing, sizeof missing, feature->c_str());
    else if (state == Feature::Unknown)
      add(unknown, sizeof unknown, feature->c_str());
  }
  if (missing[0])
    return fail(error, "this processor lacks %s", missing);
  if (unknown[0])
    return fail(error, "this runtime cannot tell whether the processor has %s", unknown);
  return nullptr;
}

const Driver kCpuDriver = {"cpu",       true,           accepts,         check,    load,           unload,
                           deriveSizes, imageArenaSize, imageOutputDims, runImage, imageSpaceSizes};

} // namespace tenon::rt
