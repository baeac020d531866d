/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Tenon's runtime: load a compiled model, create sessions, run them.
 *
 * Versioning rule: structs that a caller fills begin with their own size and
 * grow at the end only; functions are added, never changed. A model may be
 * shared by any number of threads; a session belongs to one thread at a time. */
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
  TENON_INVALID_ARGUMENT = 7001,  /* a wrong call: index, null pointer, rank */
  TENON_IO = 7002,                /* the file cannot be opened, read or mapped */
  TENON_CORRUPT = 7003,           /* the artifact's structure or a hash is wrong */
  TENON_VERSION = 7004,           /* outside the runtime's version window */
  TENON_UNSUPPORTED_CPU = 7005,   /* this CPU lacks what the code needs */
  TENON_SHAPE = 7006,             /* an input's shape does not fit the model */
  TENON_DTYPE = 7007,             /* an input's element type does not fit */
  TENON_OUT_OF_MEMORY = 7008,
  TENON_NO_INPUT = 7009           /* run without all inputs bound */
} tenon_code;
tenon_code tenon_status_code(const tenon_status *status);
const char *tenon_status_text(const tenon_status *status);
void tenon_status_free(tenon_status *status);

typedef struct tenon_model tenon_model;
typedef struct tenon_session tenon_session;

/* dtype is ONNX's TensorProto.DataType (1 float32, 7 int64, 9 bool, ...).
 * Data is dense, row-major. */
typedef struct tenon_tensor {
  void *data;
  int32_t dtype;
  int32_t rank;
  const int64_t *shape;
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
} tenon_tensor_info;

typedef struct tenon_load_options {
  size_t size;
  int32_t check_weights; /* also verify the hash of the weights */
} tenon_load_options;

/* Maps an artifact; verifies structure, bounds, and the hashes of manifest and
 * code before anything of it runs. options may be NULL. */
tenon_status *tenon_model_load(const char *path, const tenon_load_options *options, tenon_model **model);
/* Models are reference counted by their sessions. */
void tenon_model_free(tenon_model *model);
int32_t tenon_model_num_inputs(const tenon_model *model);
int32_t tenon_model_num_outputs(const tenon_model *model);
tenon_status *tenon_model_input(const tenon_model *model, int32_t index, tenon_tensor_info *info);
tenon_status *tenon_model_output(const tenon_model *model, int32_t index, tenon_tensor_info *info);
int32_t tenon_model_num_kernels(const tenon_model *model);
/* Name and strategy of a kernel, valid as long as the model; NULL if out of range. */
const char *tenon_model_kernel_name(const tenon_model *model, int32_t index);
const char *tenon_model_kernel_strategy(const tenon_model *model, int32_t index);
/* Names of the ONNX nodes the kernel covers, separated by newlines. */
const char *tenon_model_kernel_nodes(const tenon_model *model, int32_t index);
/* The ledger as JSON, the target the code is for, the producer's version. */
const char *tenon_model_ledger(const tenon_model *model);
const char *tenon_model_target(const tenon_model *model);
const char *tenon_model_producer(const tenon_model *model);
uint64_t tenon_model_weight_bytes(const tenon_model *model);
uint64_t tenon_model_code_bytes(const tenon_model *model);

typedef struct tenon_session_options {
  size_t size;
  int32_t threads; /* 0: one a processor */
} tenon_session_options;
tenon_status *tenon_session_create(tenon_model *model, const tenon_session_options *options, tenon_session **session);
void tenon_session_free(tenon_session *session);
/* The data is borrowed until the next bind or the session's end. */
tenon_status *tenon_session_bind_input(tenon_session *session, int32_t index, const tenon_tensor *tensor);
/* A buffer of at least `bytes` to write the output to; without one the session
 * owns the output. data NULL unbinds. */
tenon_status *tenon_session_bind_output(tenon_session *session, int32_t index, void *data, size_t bytes);
tenon_status *tenon_session_run(tenon_session *session);
/* The output after a run; valid until the next run. */
tenon_status *tenon_session_output(tenon_session *session, int32_t index, tenon_tensor *tensor);
/* Bytes of the activation arena at the last run. */
uint64_t tenon_session_arena_bytes(const tenon_session *session);

/* Called after each kernel, on the running thread. buffers: inputs, then
 * outputs of the kernel. */
typedef void (*tenon_observer)(void *user, uint32_t kernel, void *const *buffers, uint32_t num_buffers,
                               const int64_t *symbols, uint64_t nanoseconds);
void tenon_session_set_observer(tenon_session *session, tenon_observer observer, void *user);

#ifdef __cplusplus
}
#endif
#endif /* TENON_TENON_H */
