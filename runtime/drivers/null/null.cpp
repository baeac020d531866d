// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The null driver: loads code of any device and machine, executes none of it,
// launches every kernel of the manifest once as an empty one, and zeroes the
// outputs. It shows what the runtime itself costs, and lets tools open
// artifacts that are meant for another machine. An output dimension that is
// neither constant nor a symbol is 0.
#include "../driver.h"
#include "element.h"

#include <cstdlib>
#include <cstring>

namespace tenon::rt {
namespace {

const schema::Manifest *manifestOf(const Program *program) {
  return reinterpret_cast<const schema::Manifest *>(program);
}

bool accepts(const schema::Code &) { return true; }
tenon_status *check(const schema::Code &) { return nullptr; }

tenon_status *load(const CodeSource &source, Program **program) {
  // The manifest is all this driver needs, and it outlives the program.
  *program = reinterpret_cast<Program *>(const_cast<schema::Manifest *>(source.manifest));
  return nullptr;
}
void unload(Program *) {}

int32_t derive(const Program *, int64_t *, int64_t (&)[2]) { return 0; }
int64_t arenaSize(const Program *, const int64_t *) { return 0; }

int64_t valueOf(const schema::Dim &dim, const int64_t *symbols) {
  if (dim.symbol() >= 0)
    return symbols[dim.symbol()];
  return dim.value() < 0 ? 0 : dim.value();
}

void outputDims(const Program *program, const int64_t *symbols, int64_t *dims) {
  for (const auto *output : *manifestOf(program)->outputs())
    for (const auto *dim : *output->dims())
      *dims++ = valueOf(*dim, symbols);
}

void spaceSizes(const Program *, const int64_t *, int64_t *) {} // its devices are not opened

void nothing(void *const *, const int64_t *, int64_t, int64_t) {}

int32_t run(const Program *program, const tenon_host_api *api, void *invocation, void *const *, void *const *outputs,
            const uint8_t *, uint8_t *, const int64_t *symbols) {
  const auto *manifest = manifestOf(program);
  for (uint32_t i = 0; i < manifest->kernels()->size(); ++i)
    if (int32_t error = api->launch(invocation, i, nothing, outputs, 0, symbols, 1, 1))
      return error;
  for (uint32_t i = 0; i < manifest->outputs()->size(); ++i) {
    const auto *output = manifest->outputs()->Get(i);
    size_t bytes = elementBytes(output->dtype());
    for (const auto *dim : *output->dims())
      bytes *= valueOf(*dim, symbols);
    memset(outputs[i], 0, bytes);
  }
  return 0;
}

} // namespace

const Driver kNullDriver = {"null", false,     accepts,    check, load,      unload,
                            derive, arenaSize, outputDims, run,   spaceSizes};

} // namespace tenon::rt
