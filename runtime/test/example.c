/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Runs a model whose inputs are all float32 once, with zeros, and prints the
 * shapes of its outputs: the example of runtime/README.md, compiled. */
#include <stdio.h>
#include <stdlib.h>
#include <tenon/tenon.h>

static void check(tenon_status *status) {
  if (!status)
    return;
  fprintf(stderr, "%s\n", tenon_status_text(status));
  tenon_status_free(status);
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s MODEL.tenon\n", argv[0]);
    return 2;
  }
  tenon_model *model;
  check(tenon_model_load(argv[1], NULL, &model));
  tenon_session *session;
  check(tenon_session_create(model, NULL, &session));
  for (int i = 0; i < tenon_model_num_inputs(model); ++i) {
    tenon_tensor_info info;
    info.size = sizeof info;
    check(tenon_model_input(model, i, &info));
    int64_t shape[64];
    size_t elements = 1;
    for (int d = 0; d < info.rank; ++d) {
      shape[d] = info.dims[d] < 0 ? 1 : info.dims[d]; /* named dimensions: 1 */
      elements *= (size_t)shape[d];
    }
    /* The memory must live until the run is over. */
    tenon_tensor tensor = {calloc(elements, sizeof(float)), 1, info.rank, shape, elements * sizeof(float)};
    check(tenon_session_bind_input(session, i, &tensor));
  }
  check(tenon_session_run(session));
  for (int i = 0; i < tenon_model_num_outputs(model); ++i) {
    tenon_tensor output;
    check(tenon_session_output(session, i, &output));
    printf("output %d:", i);
    for (int d = 0; d < output.rank; ++d)
      printf(" %lld", (long long)output.shape[d]);
    printf(", %zu bytes\n", output.byte_size);
  }
  tenon_session_free(session);
  tenon_model_free(model);
  return 0;
}
