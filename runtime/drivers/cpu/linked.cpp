// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The processor with code that the program was linked with: nothing is mapped, found or
// copied. What maps images is in another file, which a program without artifacts need
// not link.
#include "cpu.h"

#include <cstdlib>
#include <new>

namespace tenon::rt {

static bool accepts(const schema::Code &) { return false; } // of an artifact

static tenon_status *check(const schema::Code &code) { return checkMachine(code, TENON_UNSUPPORTED_CPU); }

static tenon_status *load(const CodeSource &, Program **) {
  return fail(TENON_NO_DRIVER, "code that is linked into the program is not loaded");
}

static void unload(Program *program) { free(program); }

tenon_status *linkProgram(const tenon_static_model &linked, Program **program) {
  void *memory = malloc(sizeof(Image));
  if (!memory)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a program");
  auto *image = new (memory) Image();
  image->main = linked.main;
  image->derive = linked.derive;
  image->arenaSize = linked.arena_size;
  image->outputDims = linked.output_dims;
  *program = reinterpret_cast<Program *>(image);
  return nullptr;
}

const Driver kLinkedDriver = {"cpu",       true,           accepts,         check,    load,           unload,
                              deriveSizes, imageArenaSize, imageOutputDims, runImage, imageSpaceSizes};

} // namespace tenon::rt
