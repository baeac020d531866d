/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A region as the compiler would make it for a device of the cpu driver: t = x + w,
 * through the arena and scratch, or with TENON_MULTIPLY z = t * y. Some batches are of
 * a region that fails. TENON_OVERRUN is for code with red zones, and leaves its buffers. */
#include "tenon/abi.h"

#define EXPORT __attribute__((visibility("default")))
enum { kCols = 4 };

EXPORT int64_t tenon_arena_size(const int64_t *symbols) {
  if (symbols[0] == 61)
    return -1;
  int64_t bytes = symbols[0] * kCols * (int64_t)sizeof(float);
#ifdef TENON_OVERRUN
  bytes = (bytes + 63) / 64 * 64 + 64;
#endif
  return bytes;
}

#ifdef TENON_MULTIPLY

static void multiply(void *const *buffers, const int64_t *symbols, int64_t begin, int64_t end) {
  const float *t = buffers[0], *y = buffers[1];
  float *z = buffers[2];
  for (int64_t i = begin * kCols; i < end * kCols; ++i)
    z[i] = t[i] * y[i];
}

EXPORT int32_t tenon_main(const tenon_host_api *api, void *invocation, void *const *inputs, void *const *outputs,
                          const uint8_t *weights, uint8_t *arena, const int64_t *symbols) {
  void *buffers[] = {inputs[0], inputs[1], outputs[0]};
  return api->launch(invocation, 0, multiply, buffers, 3, symbols, symbols[0], 8);
}

#else

static void add(void *const *buffers, const int64_t *symbols, int64_t begin, int64_t end) {
  const float *x = buffers[0], *w = buffers[1];
  float *t = buffers[2];
  for (int64_t i = begin * kCols; i < end * kCols; ++i)
    t[i] = x[i] + w[i % kCols];
#ifdef TENON_OVERRUN
  if (symbols[0] == 21) /* writes behind its result, in the arena */
    t[end * kCols] = 1;
  if (symbols[0] == 26) /* writes to a weight */
    ((volatile float *)w)[0] = 1;
#endif
}

/* Moves each row by way of the scratch. */
static void move(void *const *buffers, const int64_t *symbols, int64_t begin, int64_t end, void *scratch) {
  volatile float *row = scratch;
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t col = 0; col < kCols; ++col)
      row[col] = ((const float *)buffers[0])[i * kCols + col];
    for (int64_t col = 0; col < kCols; ++col)
      ((float *)buffers[1])[i * kCols + col] = row[col];
  }
#ifdef TENON_OVERRUN
  volatile float *from = (float *)buffers[0], *to = (float *)buffers[1];
  int64_t slot = (symbols[0] * kCols + 15) / 16 * 16, arena = slot + 16; /* in elements */
  if (symbols[0] == 22 && end == 22) /* writes behind its result, in the device's memory */
    to[end * kCols] = 1;
  if (symbols[0] == 23) /* writes behind the arena, which is the last of the memory */
    from[arena] = 1;
  if (symbols[0] == 24) /* reads before the input, which is the first of the memory */
    to[0] = to[-slot - 1];
#endif
}

EXPORT int32_t tenon_main(const tenon_host_api *api, void *invocation, void *const *inputs, void *const *outputs,
                          const uint8_t *weights, uint8_t *arena, const int64_t *symbols) {
  int64_t offsets[] = {0, 0};
  switch (symbols[0]) {
  case 50: return api->fail(invocation, 1, symbols[0], 49); /* a check that fails */
  case 51: return 5;                                        /* an error without a check */
  case 52: return api->copy_in(invocation, 0, 0, inputs[0], 4);
  case 53: return api->submit(invocation, 0, offsets, 2);
  case 54: return api->await(invocation, 0, 0);
  }
  void *first[] = {inputs[0], (void *)weights, arena}, *second[] = {arena, outputs[0]};
  int32_t error;
#ifdef TENON_OVERRUN
  void *zones[] = {arena + symbols[0] * kCols * (int64_t)sizeof(float)};
  if ((error = api->red_zones(invocation, zones, 1)))
    return error;
#endif
  error = api->launch(invocation, 0, add, first, 3, symbols, symbols[0], 8);
  return error ? error
               : api->launch_scratch(invocation, 1, move, second, 2, symbols, symbols[0], 8, kCols * sizeof(float));
}

#endif
