/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A model as the compiler would make it, by hand: z = (x + w) * y over
 * [batch, 4], and total = the sum of z's rows in blocks of 16, so that a
 * division of the work among threads that mattered would show. Macros turn it
 * into images that the runtime must refuse. */
#include "tenon/abi.h"

#define EXPORT __attribute__((visibility("default")))
enum { kCols = 4, kBlock = 16 };

#ifdef TENON_IMPORTING
extern int somewhere_else(void);
#endif
#ifdef TENON_WRITABLE
int runs = 1;
#endif
#ifdef TENON_CONSTRUCTED
__attribute__((constructor)) static void early(void) { __asm__ volatile(""); }
#endif

static void add(void *const *buffers, const int64_t *symbols, int64_t begin, int64_t end) {
  const float *x = buffers[0], *w = buffers[1];
  float *t = buffers[2];
  for (int64_t i = begin * kCols; i < end * kCols; ++i)
    t[i] = x[i] + w[i % kCols];
#ifdef TENON_OVERRUN
  if (symbols[0] == 21) /* writes behind its result, in the arena */
    t[end * kCols] = 1;
  if (symbols[0] == 22) /* reads behind an input */
    t[0] += ((const volatile float *)x)[end * kCols];
  if (symbols[0] == 23) /* writes to an input */
    ((float *)buffers[0])[0] = 1;
  if (symbols[0] == 24) /* reads before an input */
    t[0] += ((const volatile float *)x)[-1];
#endif
}

static void multiply(void *const *buffers, const int64_t *symbols, int64_t begin, int64_t end) {
  const float *t = buffers[0], *y = buffers[1];
  float *z = buffers[2];
  for (int64_t i = begin * kCols; i < end * kCols; ++i)
    z[i] = t[i] * y[i];
}

/* One unit is one block of rows: its sum is always made in the same order. */
static void sum(void *const *buffers, const int64_t *symbols, int64_t begin, int64_t end) {
  const float *z = buffers[0];
  float *total = buffers[1];
  for (int64_t block = begin; block < end; ++block) {
    float result = 0;
    for (int64_t row = block * kBlock; row < (block + 1) * kBlock && row < symbols[0]; ++row)
      for (int64_t col = 0; col < kCols; ++col)
        result += z[row * kCols + col];
    total[block] = result;
  }
}

#ifdef TENON_RELOCATED
/* Addresses in data need a relocation. */
EXPORT tenon_kernel_fn table[] = {add, multiply, sum};
#endif

EXPORT int64_t tenon_arena_size(const int64_t *symbols) {
  int64_t bytes = symbols[0] * kCols * (int64_t)sizeof(float);
#ifdef TENON_OVERRUN
  bytes = (bytes + 63) / 64 * 64 + 64;
#endif
  return bytes;
}

EXPORT void tenon_output_dims(const int64_t *symbols, int64_t *dims) {
  dims[0] = symbols[0];
  dims[1] = kCols;
  dims[2] = (symbols[0] + kBlock - 1) / kBlock;
}

EXPORT int32_t tenon_main(const tenon_host_api *api, void *invocation, void *const *inputs, void *const *outputs,
                          const uint8_t *weights, uint8_t *arena, const int64_t *symbols) {
#ifdef TENON_IMPORTING
  if (somewhere_else())
    return 1;
#endif
#ifdef TENON_WRITABLE
  runs++;
#endif
  if (symbols[0] == 13) /* a check that fails */
    return api->fail(invocation, 4, symbols[0], 12);
  if (symbols[0] == 26) /* an error without a check */
    return 5;
  void *first[] = {inputs[0], (void *)weights, arena};
  void *second[] = {arena, inputs[1], outputs[0]};
  void *third[] = {outputs[0], outputs[1]};
  int32_t error;
#ifdef TENON_OVERRUN
  void *zones[] = {arena + symbols[0] * kCols * (int64_t)sizeof(float)};
  if ((error = api->red_zones(invocation, zones, 1)))
    return error;
#endif
  if ((error = api->launch(invocation, 0, add, first, 3, symbols, symbols[0], 8)))
    return error;
  if ((error = api->launch(invocation, 1, multiply, second, 3, symbols, symbols[0], 8)))
    return error;
  return api->launch(invocation, 2, sum, third, 2, symbols, (symbols[0] + kBlock - 1) / kBlock, 1);
}
