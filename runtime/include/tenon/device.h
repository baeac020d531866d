/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What a driver of a device beside the host gives the runtime. A model opens each of its
 * devices once, for all of its sessions. The runtime calls the functions for one device
 * from one thread at a time, not always the same, so that a driver may be written as if
 * there were no other; scratch_bytes alone, which depends on its arguments and nothing
 * else, may be called at any time.
 *
 * Versioning rule: as in tenon.h, structs carry their size and grow at their end. */
#ifndef TENON_DEVICE_H
#define TENON_DEVICE_H

#include "tenon/tenon.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A device that a driver has opened, and code that it has loaded: the driver's own. */
typedef struct tenon_device tenon_device;
typedef struct tenon_executable tenon_executable;

/* A region's code. It has matched its hash. What the pointers refer to lives as long as
 * the executable, the struct itself as long as the call. */
typedef struct tenon_region_code {
  size_t size;
  const char *region;
  const char *triple;          /* "" for devices that LLVM makes no code for */
  const char *const *features; /* that the device must have */
  uint32_t num_features;
  uint32_t num_inputs;
  uint32_t num_outputs;
  const void *code;
  size_t code_bytes;
  const void *weights; /* aligned to 64 bytes */
  size_t weight_bytes;
  uint32_t num_symbols; /* sizes that each execution gives it; 0 where all are known */
} tenon_region_code;

/* One execution of a region, for the length of the call. Memory is of tenon_driver.alloc. */
typedef struct tenon_execution {
  size_t size;
  void *memory;
  const int64_t *offsets; /* in bytes, of inputs and then of outputs in the memory */
  uint32_t count;
  int64_t scratch;        /* offset of tenon_driver.scratch_bytes of memory, a multiple of 64 */
  const int64_t *symbols; /* values of the region's open dimensions, then of sizes derived from them */
  uint32_t num_symbols;   /* as in tenon_region_code */
} tenon_execution;

/* Functions that return a status return NULL or an error (tenon_status_create), which
 * is told to who loads or runs the model, after the device's name; a function that fails
 * leaves nothing to be freed. After an error of alloc, of a copy and of execute the session
 * stays usable. */
typedef struct tenon_driver {
  size_t size;
  const char *name; /* the manifest's Device.driver */
  void *user;       /* given to open */
  tenon_status *(*open)(void *user, const tenon_device_info *info, tenon_device **device);
  /* Everything that was made from the device has been freed. */
  void (*close)(tenon_device *device);
  tenon_status *(*load_region)(tenon_device *device, const tenon_region_code *code, tenon_executable **executable);
  void (*unload_region)(tenon_executable *executable);
  /* Bytes that an execution needs for itself; negative if that is beyond i64. */
  int64_t (*scratch_bytes)(const tenon_executable *executable, const int64_t *symbols);
  /* bytes is not 0. What the memory holds at first is not relied on. */
  tenon_status *(*alloc)(tenon_device *device, size_t bytes, void **memory);
  void (*free)(tenon_device *device, void *memory);
  /* Both return when the copy is done; bytes may be 0. */
  tenon_status *(*copy_in)(tenon_device *device, void *memory, int64_t offset, const void *from, size_t bytes);
  tenon_status *(*copy_out)(tenon_device *device, void *memory, int64_t offset, void *to, size_t bytes);
  /* Returns when the outputs are in the memory. */
  tenon_status *(*execute)(tenon_executable *executable, const tenon_execution *execution);

  /* The functions from here on may be NULL, and a driver may be built without them. */

  /* Makes memory of the device of `bytes` bytes of this process, for devices that can reach
   * them: what would be in an allocated memory lies there. data is a multiple of 64, bytes is
   * not 0, and both stay the caller's, who undoes it by release_memory. Guarded sessions give
   * their devices memory between pages without access; without the two functions it comes from
   * alloc. A driver has both or none. */
  tenon_status *(*import_memory)(tenon_device *device, void *data, size_t bytes, void **memory);
  void (*release_memory)(tenon_device *device, void *memory);
} tenon_driver;

/* Adds a driver for models that are loaded from now on. The struct is copied; what its
 * pointers refer to must live as long as the process. Refuses a name that is taken ("cpu"
 * is the runtime's own), and a struct without one of the functions that it must have. */
tenon_status *tenon_driver_register(const tenon_driver *driver);
/* A driver in a library of its own defines this function with this name, and links against
 * libtenon-rt.so for tenon_status_create (a program that has the runtime in itself exports
 * it). Programs that load such a library, as `tenon run --load-driver` does, register what
 * the function returns, which is NULL only if there can be no such device here, and leave
 * the library loaded. */
typedef const tenon_driver *(*tenon_driver_plugin_fn)(void);
#define TENON_DRIVER_PLUGIN "tenon_driver_plugin"
/* An error for a driver to return, never NULL. The text is copied, and cut where it is
 * very long. A code that is none of an error becomes TENON_DEVICE. */
tenon_status *tenon_status_create(tenon_code code, const char *text);

#ifdef __cplusplus
}
#endif
#endif /* TENON_DEVICE_H */
