/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The model of model.c as the compiler would make it for a host and devices: t = x + w
 * is region 0, on device 0, z = t * y the host's, or with TENON_TWO_DEVICES region 1 on
 * device 1, and the sums of z are the host's. Some batches are of a program that is
 * wrong: what it does is said where it does it. With TENON_ZONES the devices' buffers have
 * red zones behind them. */
#include "tenon/abi.h"

#define EXPORT __attribute__((visibility("default")))
enum { kCols = 4, kBlock = 16 };

static void multiply(void *const *buffers, const int64_t *symbols, int64_t begin, int64_t end) {
  const float *t = buffers[0], *y = buffers[1];
  float *z = buffers[2];
  for (int64_t i = begin * kCols; i < end * kCols; ++i)
    z[i] = t[i] * y[i];
}

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

static int64_t bytes_of(const int64_t *symbols) { return symbols[0] * kCols * (int64_t)sizeof(float); }
#ifdef TENON_ZONES
enum { kZone = 64 };
#else
enum { kZone = 0 };
#endif
static int64_t slot_of(const int64_t *symbols) { return (bytes_of(symbols) + 63) / 64 * 64 + kZone; }

#ifdef TENON_TWO_DEVICES
/* Of artifacts that say so: a size of the host program's own, and a table for each region. */
EXPORT int32_t tenon_derive(int64_t *symbols, int64_t numbers[2]) {
  symbols[1] = -1;
  symbols[2] = symbols[4] = symbols[0];
  symbols[3] = symbols[0] + 1000;
  return 0;
}
#elif defined(TENON_ZONES)
EXPORT int32_t tenon_derive(int64_t *symbols, int64_t numbers[2]) {
  symbols[1] = symbols[0];
  return 0;
}
#endif

EXPORT int64_t tenon_arena_size(const int64_t *symbols) { return bytes_of(symbols); }

EXPORT void tenon_output_dims(const int64_t *symbols, int64_t *dims) {
  dims[0] = symbols[0];
  dims[1] = kCols;
  dims[2] = (symbols[0] + kBlock - 1) / kBlock;
}

EXPORT void tenon_space_sizes(const int64_t *symbols, int64_t *bytes) {
  bytes[0] = symbols[0] == 60 ? -1 : 2 * slot_of(symbols);
#ifdef TENON_TWO_DEVICES
  bytes[1] = 3 * slot_of(symbols);
#endif
}

/* What a wrong program does, by the number of rows. */
static int32_t be_wrong(const tenon_host_api *api, void *invocation, const void *x, const int64_t *symbols) {
  int64_t bytes = bytes_of(symbols), offsets[] = {0, slot_of(symbols), 0}, outside[] = {0, 2 * slot_of(symbols) + 1},
          negative[] = {-64, 0};
  switch (symbols[0]) {
  case 31: return api->copy_in(invocation, 9, 0, x, bytes);
  case 32: return api->submit(invocation, 9, offsets, 2);
  case 33: return api->submit(invocation, 0, offsets, 3);
  case 34: return api->copy_in(invocation, 0, 2 * slot_of(symbols) - bytes + 1, x, bytes);
  case 35: return api->copy_in(invocation, 0, 0, x, -1);
  case 36: return api->copy_in(invocation, 0, -1, x, 1);
  case 37: return api->await(invocation, 0, 1);
  case 38: return api->submit(invocation, 0, outside, 2);
  case 39: return api->submit(invocation, 0, negative, 2);
  case 40: return api->await(invocation, 9, 0);
  case 41: return api->await(invocation, 0, -1);
  case 42: return api->copy_in(invocation, 0, INT64_MAX, x, INT64_MAX);
  case 55: return api->device_zones(invocation, 9, offsets, 1);
  case 56: return api->device_zones(invocation, 0, outside, 2);
  case 57: return api->device_zones(invocation, 0, negative, 1);
  case 58: return api->copy_in(invocation, 0, 0, x, 1) || api->device_zones(invocation, 0, offsets, 1);
  }
  return 0;
}

EXPORT int32_t tenon_main(const tenon_host_api *api, void *invocation, void *const *inputs, void *const *outputs,
                          const uint8_t *weights, uint8_t *arena, const int64_t *symbols) {
  int32_t error;
  int64_t bytes = bytes_of(symbols), slot = slot_of(symbols), count = 0;
  if ((error = be_wrong(api, invocation, inputs[0], symbols)))
    return error;
#ifdef TENON_ZONES
  int64_t zones[] = {bytes, slot + bytes};
  if ((error = api->device_zones(invocation, 0, zones, 2)))
    return error;
  if (symbols[0] == 25) /* a copy that goes beyond its buffer */
    return api->copy_in(invocation, 0, 1, inputs[0], bytes);
#endif
  if (symbols[0] == 70) /* is far ahead of the device */
    for (; count < 1000; ++count)
      if ((error = api->copy_in(invocation, 0, 0, inputs[1], bytes)))
        return error;
  int64_t adds[] = {0, slot};
  if ((error = api->copy_in(invocation, 0, 0, inputs[0], bytes)) || (error = api->submit(invocation, 0, adds, 2)) ||
      (error = api->copy_out(invocation, 0, slot, arena, bytes)))
    return error;
  count += 3;
  if (symbols[0] == 71) /* an error of its own, while the device works */
    return 5;
  if (symbols[0]) /* shows that the host goes on */
    *(volatile float *)outputs[1] = -7;
  if (symbols[0] == 72) /* never asks how it went */
    return 0;
  if ((error = api->await(invocation, 0, count)))
    return error;
#ifdef TENON_TWO_DEVICES
  int64_t multiplies[] = {0, slot, 2 * slot};
  if ((error = api->copy_in(invocation, 1, 0, arena, bytes)) ||
      (error = api->copy_in(invocation, 1, slot, inputs[1], bytes)) ||
      (error = api->submit(invocation, 1, multiplies, 3)) ||
      (error = api->copy_out(invocation, 1, 2 * slot, outputs[0], bytes)) || (error = api->await(invocation, 1, 4)))
    return error;
#else
  void *first[] = {arena, inputs[1], outputs[0]};
  if ((error = api->launch(invocation, 0, multiply, first, 3, symbols, symbols[0], 8)))
    return error;
#endif
  void *second[] = {outputs[0], outputs[1]};
  return api->launch(invocation, 1, sum, second, 2, symbols, (symbols[0] + kBlock - 1) / kBlock, 1);
}
