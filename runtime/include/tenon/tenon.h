/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Tenon's runtime: load a compiled model, create sessions, run them.
 *
 * Versioning rule: structs that begin with `size` hold the caller's sizeof and
 * grow at their end only; a field beyond `size` has its default. Functions are
 * added, never changed. A model and a pool may be shared by any number of
 * threads; a session serves one thread at a time (TENON_BUSY otherwise). */
#ifndef TENON_TENON_H
#define TENON_TENON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NULL is success; otherwise an error to be freed with tenon_status_free. */
typedef struct tenon_status tenon_status;
typedef enum tenon_code {
  TENON_OK = 0,
  TENON_INVALID_ARGUMENT = 7001, /* a wrong call: index, null pointer, alignment */
  TENON_IO = 7002,               /* the file cannot be opened, read or mapped */
  TENON_CORRUPT = 7003,          /* the artifact's structure or a hash is wrong */
  TENON_VERSION = 7004,          /* outside the runtime's version window */
  TENON_UNSUPPORTED_CPU = 7005,  /* this CPU lacks what the code needs */
  TENON_SHAPE = 7006,            /* an input's shape does not fit the model */
  TENON_DTYPE = 7007,            /* an input's element type does not fit */
  TENON_OUT_OF_MEMORY = 7008,
  TENON_NO_INPUT = 7009,  /* run without all inputs bound */
  TENON_RUN = 7010,       /* a check in the compiled code failed */
  TENON_BUSY = 7011,      /* the session is in use by another call */
  TENON_NO_DRIVER = 7012, /* no driver of that name */
  /* Checks in the compiled code with a code of their own; later versions have more. */
  TENON_INDEX = 7013,      /* an index lies outside its axis */
  TENON_EMPTY_AXIS = 7014, /* an axis has no elements where an operator needs one */
  TENON_COUNT = 7015,      /* more elements are asked for than there are */
  TENON_CACHE = 7016,      /* a sequence does not fit its cache */
  /* Of devices beside the host. */
  TENON_UNSUPPORTED_DEVICE = 7017, /* a device cannot be used, or not with the code */
  TENON_DEVICE = 7018,             /* a device failed while the model ran */
  TENON_RED_ZONE = 7020            /* debugging: something wrote behind a buffer */
} tenon_code;
/* The code of a status; TENON_OK for NULL. */
tenon_code tenon_status_code(const tenon_status *status);
/* "[TN7xxx] what was found, what was expected"; lives as long as the status. */
const char *tenon_status_text(const tenon_status *status);
/* Frees a status; NULL is allowed. */
void tenon_status_free(tenon_status *status);

/* The runtime's version, "0.1.0". */
const char *tenon_version(void);
/* Names of the built-in drivers ("cpu", "null"); NULL past the last. */
const char *tenon_driver_name(int32_t index);

typedef struct tenon_model tenon_model;
typedef struct tenon_session tenon_session;
typedef struct tenon_pool tenon_pool;

/* dtype is ONNX's TensorProto.DataType (1 float32, 7 int64, 9 bool, ...).
 * Data is dense, row-major, aligned to its element; elements of less than a
 * byte take one byte each. byte_size 0: not checked, else the size of the
 * memory at data, checked against the shape. This struct does not grow. */
typedef struct tenon_tensor {
  void *data;
  int32_t dtype;
  int32_t rank;
  const int64_t *shape;
  size_t byte_size;
} tenon_tensor;

/* What a model declares of an input or output. dims[i] < 0: varies at run time,
 * by the symbol dim_names[i] ("" if it has no name). */
typedef struct tenon_tensor_info {
  size_t size;
  const char *name;
  int32_t dtype;
  int32_t rank;
  const int64_t *dims;
  const char *const *dim_names;
  /* Of an input: it has a default, see tenon_model_input_default, and need not
   * be bound. 0 of artifacts that were made before there were such inputs. */
  int32_t is_optional;
} tenon_tensor_info;

/* A named dimension: its value is in [min, max] and a multiple of divisor. */
typedef struct tenon_symbol_info {
  size_t size;
  const char *name;
  int64_t min;
  int64_t max;
  int64_t divisor;
} tenon_symbol_info;

/* A buffer of a kernel, as the observer gets it. weight_offset -1: no weight. */
typedef struct tenon_buffer_info {
  size_t size;
  const char *name;
  int32_t dtype;
  int32_t is_output;
  int64_t weight_offset;
} tenon_buffer_info;

/* A device beside the host that parts of a model run on. The strings live as long as
 * the model. */
typedef struct tenon_device_info {
  size_t size;
  const char *name;    /* as the ledger calls it */
  const char *spec;    /* the --target that it was compiled for */
  uint64_t mb_per_s;   /* of copies, if the driver is to imitate a link; 0: as fast as it can */
  uint64_t latency_ns; /* of each copy, likewise */
  const char *driver;  /* of the runtime, or one that was added (device.h) */
} tenon_device_info;

typedef struct tenon_load_options {
  size_t size;
  int32_t check_weights; /* also verify the hash of the weights */
  /* A driver's name; NULL: the one the code was made for. "null" loads any
   * artifact, opens no devices, executes nothing and zeroes the outputs. */
  const char *driver;
} tenon_load_options;

/* Maps an artifact; verifies structure, bounds, and the hashes of manifest and
 * code before anything of it runs. Takes the first code variant whose features
 * this machine has. options may be NULL. The file must not be changed while
 * the model lives (replace it by rename, not in place). */
tenon_status *tenon_model_load(const char *path, const tenon_load_options *options, tenon_model **model);
/* The same from memory, which is borrowed until the model is freed. Weights are
 * used in place if the data is aligned to 64 bytes, else copied. */
tenon_status *tenon_model_load_buffer(const void *data, size_t bytes, const tenon_load_options *options,
                                      tenon_model **model);
/* The same of a model that is linked into the program: `tenon compile --emit=static-lib`
 * makes an archive with code and weights, and a header that declares the model. Reads no
 * file, and maps and copies no code. The only driver is "cpu". */
typedef struct tenon_static_model tenon_static_model;
tenon_status *tenon_model_from_static(const tenon_static_model *linked, const tenon_load_options *options,
                                      tenon_model **model);
/* Models are reference counted by their sessions; NULL is allowed. */
void tenon_model_free(tenon_model *model);
/* Queries. Of a NULL model, counts and sizes are 0 and texts NULL; queries with
 * a status refuse it. */
int32_t tenon_model_num_inputs(const tenon_model *model);
int32_t tenon_model_num_outputs(const tenon_model *model);
int32_t tenon_model_num_symbols(const tenon_model *model);
/* Descriptions; what they point at lives as long as the model. Set info->size
 * to sizeof *info before the call. */
tenon_status *tenon_model_input(const tenon_model *model, int32_t index, tenon_tensor_info *info);
tenon_status *tenon_model_output(const tenon_model *model, int32_t index, tenon_tensor_info *info);
tenon_status *tenon_model_symbol(const tenon_model *model, int32_t index, tenon_symbol_info *info);
/* The value that an optional input has where none is bound, to be read only; it
 * lives as long as the model. TENON_INVALID_ARGUMENT for other inputs. */
tenon_status *tenon_model_input_default(const tenon_model *model, int32_t index, tenon_tensor *tensor);
/* Names of inputs of the ONNX model that the artifact holds as constants, since
 * initializers have them too; NULL past the last. `--overridable` of `tenon
 * compile` makes inputs of them. */
int32_t tenon_model_num_fixed_inputs(const tenon_model *model);
const char *tenon_model_fixed_input(const tenon_model *model, int32_t index);
int32_t tenon_model_num_kernels(const tenon_model *model);
/* Name and strategy of a kernel, valid as long as the model; NULL if out of range. */
const char *tenon_model_kernel_name(const tenon_model *model, int32_t index);
const char *tenon_model_kernel_strategy(const tenon_model *model, int32_t index);
/* Names of the ONNX nodes the kernel covers, separated by newlines. */
const char *tenon_model_kernel_nodes(const tenon_model *model, int32_t index);
/* Buffers of a kernel; 0 if the artifact does not describe them. */
int32_t tenon_model_kernel_num_buffers(const tenon_model *model, int32_t index);
tenon_status *tenon_model_kernel_buffer(const tenon_model *model, int32_t kernel, int32_t index,
                                        tenon_buffer_info *info);
/* Devices beside the host, and which of them runs a kernel; -1: the host does, or
 * there is no such kernel. */
int32_t tenon_model_num_devices(const tenon_model *model);
tenon_status *tenon_model_device(const tenon_model *model, int32_t index, tenon_device_info *info);
int32_t tenon_model_kernel_device(const tenon_model *model, int32_t kernel);
/* The ledger as JSON, the plan's text ("" if not kept), the target the code is
 * for, the producer's version, the driver that runs it. */
const char *tenon_model_ledger(const tenon_model *model);
const char *tenon_model_plan(const tenon_model *model);
const char *tenon_model_target(const tenon_model *model);
const char *tenon_model_producer(const tenon_model *model);
const char *tenon_model_driver(const tenon_model *model);
uint64_t tenon_model_weight_bytes(const tenon_model *model);
/* Bytes of the code variant in use. */
uint64_t tenon_model_code_bytes(const tenon_model *model);
/* Most bytes of a thread's stack that a run uses in the caller's thread, the
 * runtime's own and the C library's included, and in each thread of a pool; 0:
 * the artifact is of an earlier version and does not say (up to 700 KiB). Code
 * touches its stack page by page, so that it meets a guard page and never writes
 * below it. */
#define TENON_MAX_STACK_BYTES 65536
uint64_t tenon_model_stack_bytes(const tenon_model *model);

/* A pool of at most `threads` threads, the calling one included (0: one a
 * processor, 256 at most). Without one, sessions share the process's own pool.
 * Usable after fork: the child starts its own threads when it needs them. */
tenon_status *tenon_pool_create(int32_t threads, tenon_pool **pool);
/* Pools are reference counted by their sessions; NULL is allowed. */
void tenon_pool_free(tenon_pool *pool);

/* For debugging of generated code: runs use copies of inputs and weights that
 * cannot be written, and outputs and an arena filled with bytes that are no value
 * (0xff with END: NaN and -1; 0x5a with BEGIN); of each the end, or the beginning,
 * touches a page without access. So does the memory of a device whose driver takes memory of
 * the process (tenon_driver.import_memory); that of others is filled alone. A fault prints kernel
 * and buffer on stderr and then takes its course; for that, the first such session sets handlers of SIGSEGV
 * and SIGBUS. */
typedef enum tenon_guard { TENON_GUARD_NONE = 0, TENON_GUARD_END = 1, TENON_GUARD_BEGIN = 2 } tenon_guard;

typedef struct tenon_session_options {
  size_t size;
  int32_t threads;  /* most threads of a run; 0: one a processor */
  tenon_pool *pool; /* NULL: the process's pool */
  int32_t guard;    /* a tenon_guard */
} tenon_session_options;
/* A session holds bound buffers, one arena, and scratch for the thread that runs
 * it; each thread of a pool has scratch of its own. options may be NULL. Results do
 * not depend on the number of threads. */
tenon_status *tenon_session_create(tenon_model *model, const tenon_session_options *options, tenon_session **session);
/* NULL is allowed. Waits for a run that was started. */
void tenon_session_free(tenon_session *session);
/* The data is borrowed until the next bind or the session's end; the shape is
 * copied. tensor NULL gives an optional input its default again. */
tenon_status *tenon_session_bind_input(tenon_session *session, int32_t index, const tenon_tensor *tensor);
/* A buffer of at least `bytes` to write the output to; without one the session
 * owns the output. It must overlap no input and no other output: outputs are
 * written while inputs are still read. data NULL unbinds. */
tenon_status *tenon_session_bind_output(tenon_session *session, int32_t index, void *data, size_t bytes);
/* The shape the output will have for the inputs bound now, and its rank (either
 * may be NULL). All inputs must be bound; shape must have room for the rank. */
tenon_status *tenon_session_output_shape(tenon_session *session, int32_t index, int64_t *shape, int32_t *rank);
tenon_status *tenon_session_run(tenon_session *session);
/* Begins a run on a thread of the session's own, for which the caller need not wait:
 * several models can run at once, and the caller can prepare the next inputs. Until
 * tenon_session_wait the session is in use, and bound buffers must stay as they are. */
tenon_status *tenon_session_start(tenon_session *session);
/* Returns when that run is done, with what tenon_session_run would have returned. */
tenon_status *tenon_session_wait(tenon_session *session);
/* The output after a run; valid until the next run or output_shape. */
tenon_status *tenon_session_output(tenon_session *session, int32_t index, tenon_tensor *tensor);
/* Bytes of the activation arena at the last run; 0 for NULL. */
uint64_t tenon_session_arena_bytes(const tenon_session *session);

/* Called after each kernel, on the running thread, with the kernel's index in the
 * model. buffers: inputs, then outputs of the kernel. symbols: values of the open dimensions,
 * then of sizes derived from them, in the program that launches the kernel: the model's, or
 * that of a region on a device, which has its own. The session must not be used from inside. With an observer, devices
 * work while the host waits: kernels that they launch through the runtime are seen too, one at a time. */
typedef void (*tenon_observer)(void *user, uint32_t kernel, void *const *buffers, uint32_t num_buffers,
                               const int64_t *symbols, uint64_t nanoseconds);
/* observer NULL: none. session NULL: nothing happens. Not while the session runs. */
void tenon_session_set_observer(tenon_session *session, tenon_observer observer, void *user);

#ifdef __cplusplus
}
#endif
#endif /* TENON_TENON_H */
