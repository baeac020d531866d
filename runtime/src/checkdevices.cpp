// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verification of what a manifest says of devices beside the host and of the
// regions that run on them: nothing of it is used before it is complete, in range
// and the same from both sides.
#include "internal.h"

namespace tenon::rt {
namespace {

constexpr uint64_t kPage = 4096, kAlign = 64;
// Bounds of damaged numbers, not of devices: a session has a thread a device, a
// submission an address a buffer, and a copy lasts as long as a link makes it.
constexpr uint32_t kMostDevices = 64, kMostBuffers = 1u << 20;
constexpr uint64_t kMostLatency = 1000000000; // ns

/// What is wrong with the description of a device, or null.
const char *faultOf(const schema::Device &device) {
  if (!device.name() || !device.driver() || !device.spec())
    return "without name, driver or target";
  if (device.latency_ns() > kMostLatency)
    return "whose copies wait for more than a second";
  return nullptr;
}

/// Whether a list has the entries [first, first + count).
template <typename List>
bool hasRange(const List *list, uint64_t first, uint64_t count) {
  return first + count <= (list ? list->size() : 0);
}

const char *faultOf(const schema::Region &region, const tenon_model &model) {
  const schema::Manifest &m = *model.manifest;
  const schema::Code *code = region.code();
  if (!region.name() || !code || !code->triple() || !code->features())
    return "without name or code";
  if (!hasRange(m.devices(), region.device(), 1))
    return "of a device that does not exist";
  if (code->offset() % kPage != 0 || !inFile(model, code->offset(), code->size()))
    return "whose code lies outside the file";
  if (region.weights_offset() % kAlign != 0 || region.weights_offset() > m.weights_size() ||
      region.weights_size() > m.weights_size() - region.weights_offset())
    return "whose weights lie outside the weights";
  if (region.inputs() > kMostBuffers || region.outputs() > kMostBuffers)
    return "with too many inputs or outputs";
  if (!hasRange(m.kernels(), region.first_kernel(), region.num_kernels()))
    return "with kernels that do not exist";
  if (!hasRange(m.checks(), region.first_check(), 0))
    return "with checks that do not exist";
  if (m.abi_version() < 4 && (region.first_symbol() || region.num_symbols()))
    return "with symbols, which code before ABI version 4 does not have";
  return nullptr;
}

/// Whether the tables of regions lie one behind the other, from behind the model's own
/// symbols to the end of what the code derives.
bool haveTables(const schema::Manifest &m) {
  uint64_t end = uint64_t(m.symbols()->size()) + m.derived_symbols(), at = end;
  for (uint32_t r = m.regions() ? m.regions()->size() : 0; r-- > 0;) {
    const auto *region = m.regions()->Get(r);
    if (uint64_t(region->first_symbol()) + region->num_symbols() != at)
      return false;
    at = region->first_symbol();
  }
  return at >= m.symbols()->size();
}

/// Whether each kernel is one of the region that it names, and no region has others.
bool namesItsKernels(const schema::Manifest &m) {
  uint64_t named = 0, counted = 0;
  for (const auto *kernel : *m.kernels())
    named += kernel->region() >= 0;
  for (uint32_t r = 0; m.regions() && r < m.regions()->size(); ++r) {
    const auto *region = m.regions()->Get(r);
    for (uint32_t k = 0; k < region->num_kernels(); ++k, ++counted)
      if (m.kernels()->Get(region->first_kernel() + k)->region() != int64_t(r))
        return false;
  }
  return named == counted;
}

} // namespace

tenon_status *checkDevices(const tenon_model &model, const char *name) {
  const schema::Manifest &m = *model.manifest;
  uint32_t devices = m.devices() ? m.devices()->size() : 0, regions = m.regions() ? m.regions()->size() : 0;
  for (const auto *kernel : *m.kernels())
    if (kernel->region() < -1)
      return fail(TENON_CORRUPT, "the manifest of %s describes a kernel of region %d", name, kernel->region());
  if (devices > kMostDevices)
    return fail(TENON_CORRUPT, "the manifest of %s has %u devices, expected at most %u", name, devices, kMostDevices);
  if (devices || regions) {
    if (m.abi_version() < 3)
      return fail(TENON_CORRUPT, "the manifest of %s has devices, which code of ABI version %u cannot use", name,
                  m.abi_version());
    for (const auto *code : *m.variants())
      if (!code->space_sizes_address())
        return fail(TENON_CORRUPT, "the manifest of %s has devices and code that does not say what memory they need",
                    name);
  }
  for (uint32_t d = 0; d < devices; ++d)
    if (const char *fault = faultOf(*m.devices()->Get(d)))
      return fail(TENON_CORRUPT, "the manifest of %s describes a device %s", name, fault);
  for (uint32_t r = 0; r < regions; ++r)
    if (const char *fault = faultOf(*m.regions()->Get(r), model))
      return fail(TENON_CORRUPT, "the manifest of %s describes a region %s", name, fault);
  if (m.abi_version() >= 4 && !haveTables(m))
    return fail(TENON_CORRUPT, "the manifest of %s has regions with symbols that nothing gives a value", name);
  if (!namesItsKernels(m))
    return fail(TENON_CORRUPT, "the manifest of %s has regions and kernels that do not name each other", name);
  return nullptr;
}

} // namespace tenon::rt
