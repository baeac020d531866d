/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Runs an artifact once on raw inputs, for machines that have the runtime alone:
 *   runner MODEL.tenon THREADS OUTPUT_PREFIX INPUT_FILE=2x3...
 * One INPUT_FILE argument for each input in order, with its dimensions ("" for a
 * scalar). Output i is written raw to OUTPUT_PREFIX.i; its line on standard
 * output says "DTYPE DIM...".
 *
 * With -DLINKED_MODEL=NAME_model the model is the one that the program is linked
 * with, and MODEL.tenon is not read. RUNNER_GUARD in the environment is the
 * session's tenon_guard. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/tenon.h>

static void check(tenon_status *status) {
  if (!status)
    return;
  fprintf(stderr, "error: %s\n", tenon_status_text(status));
  exit(1);
}

static void *contents(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) {
    fprintf(stderr, "error: cannot read %s\n", path);
    exit(1);
  }
  *bytes = (size_t)ftell(file);
  rewind(file);
  void *data = malloc(*bytes + 1);
  if (!data || fread(data, 1, *bytes, file) != *bytes)
    exit(1);
  fclose(file);
  return data;
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 2;
  tenon_model *model;
#ifdef LINKED_MODEL
  check(tenon_model_from_static(&LINKED_MODEL, NULL, &model));
#else
  check(tenon_model_load(argv[1], NULL, &model));
#endif
  const char *guard = getenv("RUNNER_GUARD");
  tenon_session_options options = {sizeof options, atoi(argv[2]), NULL, guard ? atoi(guard) : TENON_GUARD_NONE};
  tenon_session *session;
  check(tenon_session_create(model, &options, &session));
  for (int i = 0; i < tenon_model_num_inputs(model); ++i) {
    tenon_tensor_info info = {sizeof info};
    check(tenon_model_input(model, i, &info));
    if (4 + i >= argc)
      return 2;
    char *dims = strrchr(argv[4 + i], '=');
    int64_t shape[64];
    int32_t rank = 0;
    *dims++ = 0;
    while (*dims && rank < 64) {
      shape[rank++] = strtoll(dims, &dims, 10);
      dims += *dims == 'x';
    }
    if (info.rank == 0 && rank == 1 && shape[0] == 1)
      rank = 0; /* some recorded sets hold a scalar as a vector of one */
    tenon_tensor tensor = {NULL, info.dtype, rank, shape, 0};
    tensor.data = contents(argv[4 + i], &tensor.byte_size);
    check(tenon_session_bind_input(session, i, &tensor));
  }
  check(tenon_session_run(session));
  for (int i = 0; i < tenon_model_num_outputs(model); ++i) {
    tenon_tensor output;
    char path[4096];
    check(tenon_session_output(session, i, &output));
    snprintf(path, sizeof path, "%s.%d", argv[3], i);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(output.data, 1, output.byte_size, file) != output.byte_size || fclose(file) != 0)
      return 1;
    printf("%d", output.dtype);
    for (int d = 0; d < output.rank; ++d)
      printf(" %lld", (long long)output.shape[d]);
    printf("\n");
  }
  tenon_session_free(session);
  tenon_model_free(model);
  return 0;
}
