/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What a driver of a device beside the host gives the runtime. The runtime has a queue
 * for each device and calls the functions from one thread at a time, so that a driver
 * may be written as if there were no other.
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

/* What the manifest says of a device. The strings live as long as the model. */
typedef struct tenon_device_info {
  size_t size;
  const char *name;    /* as the ledger calls it */
  const char *spec;    /* the --target that it was compiled for */
  uint64_t mb_per_s;   /* of copies, if the driver is to imitate a link; 0: as fast as it can */
  uint64_t latency_ns; /* of each copy, likewise */
} tenon_device_info;

/* A region's code. It has matched its hash; memory lives as long as the executable. */
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
} tenon_region_code;

/* One execution of a region. Memory is of tenon_driver.alloc. */
typedef struct tenon_execution {
  size_t size;
  void *memory;
  const int64_t *offsets; /* bytes, of inputs and then of outputs in the memory */
  uint32_t count;
  int64_t scratch;        /* offset of tenon_driver.scratch_bytes of memory, a multiple of 64 */
  const int64_t *symbols; /* values of the model's open dimensions, then of sizes derived from them */
} tenon_execution;

/* Every function but those that say so returns NULL or an error (tenon_status_create).
 * An error of load_region, copy and execute is told to who runs the model; the session
 * stays usable. */
typedef struct tenon_driver {
  size_t size;
  const char *name; /* the manifest's Device.driver */
  void *user;       /* given to open */
  tenon_status *(*open)(void *user, const tenon_device_info *info, tenon_device **device);
  void (*close)(tenon_device *device); /* everything made from it has been freed */
  tenon_status *(*load_region)(tenon_device *device, const tenon_region_code *code, tenon_executable **executable);
  void (*unload_region)(tenon_executable *executable);
  /* Bytes that an execution needs for itself; negative if that is beyond i64. */
  int64_t (*scratch_bytes)(const tenon_executable *executable, const int64_t *symbols);
  tenon_status *(*alloc)(tenon_device *device, size_t bytes, void **memory);
  void (*free)(tenon_device *device, void *memory);
  tenon_status *(*copy_in)(tenon_device *device, void *memory, int64_t offset, const void *from, size_t bytes);
  tenon_status *(*copy_out)(tenon_device *device, void *memory, int64_t offset, void *to, size_t bytes);
  tenon_status *(*execute)(tenon_executable *executable, const tenon_execution *execution);
} tenon_driver;

/* Adds a driver for models that are loaded from now on. The struct is copied; what its
 * pointers refer to must outlive those models. Refuses a name that is taken. */
tenon_status *tenon_driver_register(const tenon_driver *driver);
/* An error for a driver to return; the text is copied. NULL only without memory. */
tenon_status *tenon_status_create(tenon_code code, const char *text);

#ifdef __cplusplus
}
#endif
#endif /* TENON_DEVICE_H */
