// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime's own structures. No libstdc++ at run time: memory comes from
// malloc, strings are the manifest's.
#ifndef TENON_RUNTIME_INTERNAL_H
#define TENON_RUNTIME_INTERNAL_H

#include "driver.h"
#include "manifest_generated.h"
#include "pool.h"
#include "status.h"
#include "tenon/abi.h"
#include "tenon/tenon.h"
#include "threads.h"

#define TENON_API extern "C" __attribute__((visibility("default")))

/// The field of a caller's struct, or a default if the caller's version of the
/// struct ends before it.
#define TENON_FIELD(options, field, otherwise)                                                                         \
  ((options) && (options)->size >= offsetof(__typeof__(*(options)), field) + sizeof((options)->field)                  \
       ? (options)->field                                                                                              \
       : (otherwise))

namespace tenon::rt {

/// A device beside the host, which all sessions of a model share.
struct OpenDevice {
  const tenon_driver *driver = nullptr;
  bool isConcurrent = false;
  tenon_device *handle = nullptr;
  const char *name = nullptr;
  ForkLock lock; ///< held while a session calls the driver
};

/// A region's code on its device.
struct LoadedCode {
  tenon_executable *handle = nullptr;
  const char **features = nullptr;
};

} // namespace tenon::rt

struct tenon_model {
  int fd = -1;
  const uint8_t *file = nullptr;
  size_t fileBytes = 0;
  bool mapped = false; ///< else the file is the caller's memory
  void *manifestMemory = nullptr;
  const tenon::schema::Manifest *manifest = nullptr;
  const uint8_t *weights = nullptr;
  void *weightMemory = nullptr; ///< a copy, if the caller's is not aligned
  const tenon::rt::Driver *driver = nullptr;
  tenon::rt::Program *program = nullptr;
  const tenon::schema::Code *code = nullptr;
  uint64_t codeBytes = 0;
  int references = 1;
  // Those that are open; none with a driver that does not compute.
  tenon::rt::OpenDevice *devices = nullptr;
  uint32_t numDevices = 0;
  tenon::rt::LoadedCode *regions = nullptr;
  uint32_t numRegions = 0;
  // Flattened descriptions that queries point into.
  int64_t *dims = nullptr;
  const char **dimNames = nullptr;
  size_t *firstDims = nullptr; ///< where each tensor's dimensions start in them
  char **kernelNodes = nullptr;
};

namespace tenon::rt {

/// Refuses an index that is none of `count` things (`what`: "input").
tenon_status *checkIndex(const char *what, int32_t index, uint32_t count);
/// The value of an optional input where none is bound, in the weights.
tenon_tensor defaultOf(const tenon_model &model, const schema::Tensor &input);
/// Verifies the artifact in model.file, chooses and loads a code variant.
/// `name` is for errors.
tenon_status *openArtifact(tenon_model &model, const char *name, const tenon_load_options *options);
/// The same of a model that is linked into the program.
tenon_status *openLinked(tenon_model &model, const tenon_static_model &linked, const char *name,
                         const tenon_load_options *options);
/// Checks that everything queries and sessions rely on is there and in range.
tenon_status *checkManifest(const tenon_model &model, const char *name);
/// The same of the parts that devices have in it.
tenon_status *checkDevices(const tenon_model &model, const char *name);
/// Whether a part of the artifact lies in it.
bool inFile(const tenon_model &model, uint64_t offset, uint64_t size);
/// Whether code, whose place has been checked, is what its hash says.
bool matchesHash(const tenon_model &model, const schema::Code &code);

/// Opens the devices of a checked manifest and loads the regions' code.
tenon_status *openDevices(tenon_model &model, const char *name);
/// Undoes that, also where it failed half-way.
void closeDevices(tenon_model &model);
/// An error of a driver with the device's name before its text; null for null.
tenon_status *ofDevice(const OpenDevice &device, tenon_status *error);

} // namespace tenon::rt

#endif // TENON_RUNTIME_INTERNAL_H
