// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From declarations to attributes and back. Nothing is lost but where a declaration was read.
#include "tenon/Dialect/Hw/IR/Hw.h"

using namespace mlir;

namespace tenon::hw {
namespace {

using NamedNumbers = std::vector<std::pair<std::string, int64_t>>;

SmallVector<Number> attributesOf(MLIRContext *context, const NamedNumbers &numbers) {
  return llvm::map_to_vector(
      numbers, [&](const auto &entry) { return Number(StringAttr::get(context, entry.first), entry.second); });
}

SmallVector<StringAttr> attributesOf(MLIRContext *context, const std::vector<std::string> &words) {
  return llvm::map_to_vector(words, [&](StringRef word) { return StringAttr::get(context, word); });
}

NamedNumbers namedNumbers(ArrayRef<Number> numbers) {
  NamedNumbers result;
  for (auto [name, number] : numbers)
    result.emplace_back(name.str(), number);
  return result;
}

std::vector<std::string> wordsOf(ArrayRef<StringAttr> words) {
  std::vector<std::string> result;
  for (StringAttr word : words)
    result.push_back(word.str());
  return result;
}

} // namespace

DeviceAttr DeviceAttr::get(MLIRContext *context, const Device &device) {
  auto units = llvm::map_to_vector(device.units, [&](const Unit &unit) {
    return UnitAttr::get(context, unit.name, unit.count, unit.clockMHz, attributesOf(context, unit.opsPerCycle));
  });
  auto memories = llvm::map_to_vector(device.memories, [&](const Memory &memory) {
    return MemoryAttr::get(context, memory.name, memory.bytes, memory.mbPerS, memory.latencyNs, memory.alignment);
  });
  auto links = llvm::map_to_vector(device.links, [&](const Link &link) {
    return LinkAttr::get(context, link.from, link.to, link.mbPerS, link.latencyNs);
  });
  auto formats = llvm::map_to_vector(device.formats, [&](const auto &entry) {
    return FormatsAttr::get(context, entry.first, attributesOf(context, entry.second));
  });
  auto rates = llvm::map_to_vector(device.rates, [&](const auto &entry) {
    return RatesAttr::get(context, entry.first, attributesOf(context, entry.second));
  });
  return get(context, device.name, device.family, device.summary, device.triple, attributesOf(context, device.features),
             units, memories, links, formats, rates, device.kernelLaunchNs, device.regionLaunchNs,
             attributesOf(context, device.limits));
}

Device DeviceAttr::toDevice() const {
  Device device;
  device.name = getName().str();
  device.family = getFamily().str();
  device.summary = getSummary().str();
  device.triple = getTriple().str();
  device.features = wordsOf(getFeatures());
  for (UnitAttr unit : getUnits())
    device.units.push_back(
        {unit.getName().str(), unit.getCount(), unit.getClockMhz(), namedNumbers(unit.getOpsPerCycle())});
  for (MemoryAttr memory : getMemories())
    device.memories.push_back(
        {memory.getName().str(), memory.getBytes(), memory.getMbPerS(), memory.getLatencyNs(), memory.getAlignment()});
  for (LinkAttr link : getLinks())
    device.links.push_back({link.getFrom().str(), link.getTo().str(), link.getMbPerS(), link.getLatencyNs()});
  for (FormatsAttr entry : getFormats())
    device.formats.emplace_back(entry.getKind().str(), wordsOf(entry.getFormats()));
  for (RatesAttr entry : getRates())
    device.rates.emplace_back(entry.getKind().str(), namedNumbers(entry.getSpeeds()));
  device.kernelLaunchNs = getKernelLaunchNs();
  device.regionLaunchNs = getRegionLaunchNs();
  device.limits = namedNumbers(getLimits());
  device.file = "#hw.device<\"" + device.name + "\">";
  return device;
}

} // namespace tenon::hw
