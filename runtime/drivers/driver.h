// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a driver is: the code that makes one kind of device run a variant of an
// artifact's code. A driver is a table of functions; the session does the rest
// (shapes, memory, errors). Every driver passes runtime/cts. Devices beside the
// host have drivers of another kind, whose interface is public (tenon/device.h).
#ifndef TENON_RUNTIME_DRIVER_H
#define TENON_RUNTIME_DRIVER_H

#include "manifest_generated.h"
#include "status.h"
#include "tenon/abi.h"
#include "tenon/device.h"

namespace tenon::rt {

/// Where the bytes of a code variant, or of a region's code, are. They lie within
/// the artifact and have matched their hash.
struct CodeSource {
  int fd;               ///< the artifact, or -1 if it is in memory only
  const uint8_t *bytes; ///< `code->size()` of them
  const schema::Code *code;
  const schema::Manifest *manifest;
  bool isRegion = false; ///< whose code says nothing of the model's outputs
};

/// A loaded variant; each driver has its own kind.
struct Program;

struct Driver {
  const char *name;
  /// Says whether its outputs are the model's (the null driver's are not).
  bool computes;
  /// Whether it would take this code at all, without a look at the machine.
  bool (*accepts)(const schema::Code &code);
  /// Null, or TENON_UNSUPPORTED_CPU naming all that this machine lacks.
  tenon_status *(*check)(const schema::Code &code);
  tenon_status *(*load)(const CodeSource &source, Program **program);
  void (*unload)(Program *program);
  /// Fills in derived symbols behind the named ones and checks sizes: 0, or a
  /// check's number and the two numbers of its text.
  int32_t (*derive)(const Program *program, int64_t *symbols, int64_t (&numbers)[2]);
  /// Bytes of the arena for these symbols; negative if it cannot be.
  int64_t (*arenaSize)(const Program *program, const int64_t *symbols);
  /// Dimensions of all outputs, concatenated.
  void (*outputDims)(const Program *program, const int64_t *symbols, int64_t *dims);
  /// Runs the model; nonzero if it failed. Calls may overlap.
  int32_t (*run)(const Program *program, const tenon_host_api *api, void *invocation, void *const *inputs,
                 void *const *outputs, const uint8_t *weights, uint8_t *arena, const int64_t *symbols);
  /// Bytes of each device's memory that the host program names; negative for one
  /// that cannot be. Called for models with devices if the driver computes.
  void (*spaceSizes)(const Program *program, const int64_t *symbols, int64_t *bytes);
};

extern const Driver kCpuDriver, kNullDriver;

/// The processor with code that is linked into the program. In no list, for it takes no
/// artifact: what loads artifacts is then not linked in with it.
extern const Driver kLinkedDriver;
/// Makes a program of the entry points; the driver unloads it.
tenon_status *linkProgram(const tenon_static_model &linked, Program **program);

/// A driver of a device beside the host.
struct DeviceDriver {
  tenon_driver table;
  bool isConcurrent; ///< its functions may be called from several threads at once
  const DeviceDriver *next;
};

extern const DeviceDriver kCpuDevice;

/// What a driver of the runtime's own gets beyond the public structs: code that is
/// mapped from the file, and the services that its kernels are launched through.
struct RegionSource {
  tenon_region_code code; ///< first, so that a pointer to it is one to this
  CodeSource source;
};
struct RegionRun {
  tenon_execution execution; ///< first, likewise
  const tenon_host_api *api;
  void *invocation;
  const uint8_t *weights; ///< to read instead of those that were loaded, in guarded runs; else null
};

/// The driver at an index, null past the last.
const Driver *driverAt(int index);
/// The driver of that name, or null.
const Driver *findDriver(const char *name);
/// The last device driver that was registered; the others follow it.
const DeviceDriver *deviceDrivers();
const DeviceDriver *findDeviceDriver(const char *name);

} // namespace tenon::rt

#endif // TENON_RUNTIME_DRIVER_H
