/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What generated code and the runtime agree on. Versioned by
 * TENON_ABI_VERSION; tables grow at the end only. */
#ifndef TENON_ABI_H
#define TENON_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 2: sizes may be derived (tenon_derive_fn), kernels may ask for scratch
 * (launch_scratch), and code may have red zones. Code of version 1 does none of it.
 * 3: parts of the model may run on other devices (copy_in, submit, copy_out, await).
 * Code that has none is of version 2.
 * 4: regions may have sizes that are known at run time only, and symbols of their own.
 * Code whose regions have none is of version 3.
 * 5: devices' memory may have red zones (device_zones). Code that has none is of version 3 or 4. */
#define TENON_ABI_VERSION 5
#define TENON_OLDEST_ABI_VERSION 1

/* A kernel computes work units [begin, end). buffers: inputs, then outputs.
 * symbols: the values of those sizes that the kernel
 * asks for, as tenon_main gives them. Any division of the units
 * among calls gives the same results. */
typedef void (*tenon_kernel_fn)(void *const *buffers, const int64_t *symbols, int64_t begin, int64_t end);
/* The same of a kernel whose temporaries are too large for the stack: scratch is
 * memory that no other call uses meanwhile, aligned to 64 bytes. Nothing that it
 * held at the call before is relied on. */
typedef void (*tenon_scratch_kernel_fn)(void *const *buffers, const int64_t *symbols, int64_t begin, int64_t end,
                                        void *scratch);

/* Services that the host program calls. The table grows at its end; the
 * version says which entries there are. launch returns 0, or a value that
 * tenon_main must return at once. */
typedef struct tenon_host_api {
  uint32_t size;
  uint32_t version;
  /* Runs units [0, total) of a kernel in chunks of at least `grain`. */
  int32_t (*launch)(void *invocation, uint32_t kernel, tenon_kernel_fn fn, void *const *buffers, uint32_t num_buffers,
                    const int64_t *symbols, int64_t total, int64_t grain);
  /* A check in the compiled code failed: records what the caller of the run
   * gets to see, and returns a nonzero value for tenon_main to return. `code`
   * is the check's number in the manifest's table, counted from 1; a and b are
   * the numbers that its text speaks of. */
  int32_t (*fail)(void *invocation, int32_t code, int64_t a, int64_t b);
  /* Code compiled with red zones, before its first launch: `begins` are addresses
   * of bytes in the arena that no kernel may write, from each up to 64 bytes beyond
   * the next multiple of 64. They are checked after each launch. Returns as launch. */
  int32_t (*red_zones)(void *invocation, void *const *begins, uint32_t count);
  /* As launch, for a kernel that needs scratch_bytes of scratch, above 0. */
  int32_t (*launch_scratch)(void *invocation, uint32_t kernel, tenon_scratch_kernel_fn fn, void *const *buffers,
                            uint32_t num_buffers, const int64_t *symbols, int64_t total, int64_t grain,
                            int64_t scratch_bytes);

  /* Version 3. Other devices, by their index in the manifest; for the host program alone.
   * Each has a queue, whose commands it executes in their order while the host program goes
   * on, and memory of its own, whose bytes are named by offsets; the runtime has allocated
   * what tenon_space_sizes_fn says. All return as launch; a command that fails on its device
   * lets those behind it in the queue do nothing, and the next await returns nonzero. The
   * run ends when all commands are done, so that the last need not be awaited. */

  /* Copies bytes from the host's memory, which must not change before the command is awaited. */
  int32_t (*copy_in)(void *invocation, uint32_t device, int64_t offset, const void *from, int64_t bytes);
  /* Runs a region of the manifest on its device. offsets: of its inputs, then of its
   * outputs; they are copied. symbols are those that tenon_main was given, and of version 4
   * the part of them that the manifest says is the region's. */
  int32_t (*submit)(void *invocation, uint32_t region, const int64_t *offsets, uint32_t count);
  /* Copies bytes to the host's memory, which must not be used before the command is awaited. */
  int32_t (*copy_out)(void *invocation, uint32_t device, int64_t offset, void *to, int64_t bytes);
  /* Returns when the first `count` commands that this run gave to the device's queue are done. */
  int32_t (*await)(void *invocation, uint32_t device, int64_t count);

  /* Version 5. As red_zones, of a device's memory, before its first command: `begins` are offsets
   * in what tenon_space_sizes_fn asked for. They are checked behind each command that writes
   * there. The list is copied. */
  int32_t (*device_zones)(void *invocation, uint32_t device, const int64_t *begins, uint32_t count);
} tenon_host_api;

/* Entry points of a code image; their addresses are in the manifest.
 * tenon_main returns 0, or nonzero if the run failed. weights and arena are
 * aligned to 64 bytes, inputs and outputs to their element type. */
typedef int32_t (*tenon_main_fn)(const tenon_host_api *api, void *invocation, void *const *inputs, void *const *outputs,
                                 const uint8_t *weights, uint8_t *arena, const int64_t *symbols);
/* Fills in the derived sizes that follow the named dimensions in `symbols`, and behind
 * them, of version 4, the symbols of all regions, then checks what must hold for them. Returns 0, or the number of a
 * check in the manifest's table, counted from 1, and the two numbers that its text speaks of. Runs before any of the
 * others. */
typedef int32_t (*tenon_derive_fn)(int64_t *symbols, int64_t numbers[2]);
/* Bytes of the arena for these symbols; -1 if they are beyond i64. */
typedef int64_t (*tenon_arena_size_fn)(const int64_t *symbols);
/* Bytes of each device's memory that the host program's commands name, by the devices'
 * index in the manifest; -1 for one beyond i64. What regions need for themselves is not in it. */
typedef void (*tenon_space_sizes_fn)(const int64_t *symbols, int64_t *bytes);
/* Dimensions of all outputs, concatenated; -1 for one beyond i64. */
typedef void (*tenon_output_dims_fn)(const int64_t *symbols, int64_t *dims);

/* A model that is linked into a program, with its code: a constant that `tenon compile
 * --emit=static-lib` makes, for tenon_model_from_static. Grows at its end; size says how
 * far this one goes. The manifest is that of an artifact, with one variant whose code is
 * empty, for it is linked, and with the weights at offset 0. Manifest and weights are
 * aligned to 64 bytes. */
struct tenon_static_model {
  uint64_t size;
  const uint8_t *manifest;
  uint64_t manifest_bytes;
  const uint8_t *weights;
  uint64_t weight_bytes;
  uint64_t code_bytes;
  tenon_main_fn main;
  tenon_derive_fn derive;
  tenon_arena_size_fn arena_size;
  tenon_output_dims_fn output_dims;
};

#ifdef __cplusplus
}
#endif
#endif /* TENON_ABI_H */
