// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The devices of a model: finding their drivers, opening them, and giving each the
// code and the weights of its regions, once for all sessions. Everything is undone
// in the reverse order, also where a driver refuses half-way.
#include "internal.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace tenon::rt {
namespace {

tenon_status *noDriver(const char *name, const schema::Device &device) {
  char names[256] = "";
  size_t used = 0;
  for (const DeviceDriver *driver = deviceDrivers(); driver && used < sizeof names; driver = driver->next)
    used += size_t(snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", driver->table.name));
  return fail(TENON_NO_DRIVER, "%s needs a driver '%s' for its device '%s'; this runtime has %s", name,
              device.driver()->c_str(), device.name()->c_str(), names);
}

tenon_status *openDevice(const schema::Device &described, const char *name, OpenDevice &device) {
  const DeviceDriver *driver = findDeviceDriver(described.driver()->c_str());
  if (!driver)
    return noDriver(name, described);
  device.driver = &driver->table;
  device.isConcurrent = driver->isConcurrent;
  device.name = described.name()->c_str();
  tenon_device_info info = {
      sizeof info,       device.name, described.spec()->c_str(), described.mb_per_s(), described.latency_ns(),
      driver->table.name};
  return ofDevice(device, device.driver->open(device.driver->user, &info, &device.handle));
}

tenon_status *loadRegion(const tenon_model &model, const schema::Region &region, LoadedCode &loaded) {
  const schema::Manifest &m = *model.manifest;
  const schema::Code &code = *region.code();
  const OpenDevice &device = model.devices[region.device()];
  if (!matchesHash(model, code))
    return fail(TENON_CORRUPT, "the code of region '%s' does not match its hash", region.name()->c_str());
  uint32_t count = code.features()->size();
  loaded.features = static_cast<const char **>(malloc((size_t(count) + 1) * sizeof(char *)));
  if (!loaded.features)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate the features of region '%s'", region.name()->c_str());
  for (uint32_t i = 0; i < count; ++i)
    loaded.features[i] = code.features()->Get(i)->c_str();
  const uint8_t *bytes = model.file + code.offset();
  RegionSource source = {{sizeof(tenon_region_code), region.name()->c_str(), code.triple()->c_str(), loaded.features,
                          count, region.inputs(), region.outputs(), bytes, size_t(code.size()),
                          model.weights + region.weights_offset(), size_t(region.weights_size()), region.num_symbols()},
                         {model.fd, bytes, &code, &m, /*isRegion=*/true}};
  return ofDevice(device, device.driver->load_region(device.handle, &source.code, &loaded.handle));
}

template <typename T>
bool make(T *&array, uint32_t count) {
  void *memory = malloc((size_t(count) + 1) * sizeof(T));
  array = static_cast<T *>(memory);
  for (uint32_t i = 0; array && i < count; ++i)
    new (array + i) T();
  return array != nullptr;
}

} // namespace

tenon_status *ofDevice(const OpenDevice &device, tenon_status *error) {
  if (!error)
    return nullptr;
  const char *text = tenon_status_text(error), *end = strchr(text, ' '); // of "[TN7018]"
  tenon_status *named = fail(tenon_status_code(error), "device '%s': %s", device.name, end ? end + 1 : text);
  tenon_status_free(error);
  return named;
}

tenon_status *openDevices(tenon_model &model, const char *name) {
  const auto *devices = model.manifest->devices();
  const auto *regions = model.manifest->regions();
  if (!devices || !devices->size() || !model.driver->computes)
    return nullptr;
  uint32_t numRegions = regions ? regions->size() : 0;
  if (!make(model.devices, devices->size()) || !make(model.regions, numRegions))
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate the devices of %s", name);
  for (; model.numDevices < devices->size(); ++model.numDevices)
    if (tenon_status *status = openDevice(*devices->Get(model.numDevices), name, model.devices[model.numDevices]))
      return status;
  for (; model.numRegions < numRegions; ++model.numRegions) {
    LoadedCode &loaded = model.regions[model.numRegions];
    if (tenon_status *status = loadRegion(model, *regions->Get(model.numRegions), loaded)) {
      free(loaded.features);
      return status;
    }
  }
  return nullptr;
}

void closeDevices(tenon_model &model) {
  while (model.numRegions) {
    LoadedCode &loaded = model.regions[--model.numRegions];
    uint32_t device = model.manifest->regions()->Get(model.numRegions)->device();
    model.devices[device].driver->unload_region(loaded.handle);
    free(loaded.features);
  }
  while (model.numDevices) {
    OpenDevice &device = model.devices[--model.numDevices];
    device.driver->close(device.handle);
  }
  free(model.regions);
  free(model.devices);
}

} // namespace tenon::rt
