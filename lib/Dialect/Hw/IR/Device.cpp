// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declarations of chips: what is shipped, and as text.
#include "tenon/Dialect/Hw/IR/Device.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/YAMLParser.h"

namespace tenon::hw {

std::string Range::text() const { return llvm::formatv("a whole number of {0} to {1}", least, most); }

bool isName(llvm::StringRef text) {
  return !text.empty() &&
         llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || llvm::StringRef("_-.").contains(c); });
}

std::vector<std::string> contradictions(llvm::ArrayRef<llvm::StringRef> memories,
                                        llvm::ArrayRef<llvm::StringRef> endsOfLinks) {
  std::vector<std::string> problems;
  llvm::StringSet<> names;
  for (llvm::StringRef memory : memories)
    if (!names.insert(memory).second)
      problems.push_back("memories: found two of the name '" + memory.str() + "'");
  for (llvm::StringRef end : endsOfLinks)
    if (end != "network" && end != "host" && !names.contains(end))
      problems.push_back("links: found '" + end.str() + "', allowed are host, network and the chip's memories" +
                         (memories.empty() ? "" : " " + llvm::join(memories, ", ")));
  return problems;
}

static constexpr llvm::StringLiteral kOperatorKinds[] = {"contraction", "elementwise", "reduction", "window",
                                                         "movement",    "recurrence",  "quantize",  "other"};
llvm::ArrayRef<llvm::StringLiteral> operatorKinds() { return kOperatorKinds; }

static constexpr llvm::StringLiteral kWorkKinds[] = {"contraction", "depthwise", "elementwise", "function", "reduction",
                                                     "window",      "movement",  "recurrence",  "quantize", "other"};
llvm::ArrayRef<llvm::StringLiteral> workKinds() { return kWorkKinds; }

static constexpr ShippedDevice kShipped[] = {
#include "tenon/Dialect/Hw/IR/ShippedDevices.inc"
};
llvm::ArrayRef<ShippedDevice> shippedDevices() { return kShipped; }

Memory *Device::memory(llvm::StringRef name) {
  auto found = llvm::find_if(memories, [&](const Memory &memory) { return memory.name == name; });
  return found == memories.end() ? nullptr : &*found;
}
const Memory *Device::memory(llvm::StringRef name) const { return const_cast<Device *>(this)->memory(name); }

std::optional<int64_t> Device::limit(llvm::StringRef name) const {
  for (const auto &[key, value] : limits)
    if (key == name)
      return value;
  return std::nullopt;
}

void Device::setLimit(llvm::StringRef name, int64_t value) {
  for (auto &[key, old] : limits)
    if (key == name) {
      old = value;
      return;
    }
  limits.emplace_back(name, value);
}

std::string Device::where(llvm::StringRef key) const {
  auto line = lines.find(key);
  if (line == lines.end())
    line = lines.find(key.split('.').first);
  return file + (line == lines.end() ? "" : ":" + std::to_string(line->second)) + ": " + key.str();
}

namespace {

/// In quotes where YAML would read something else than these characters.
std::string quoted(llvm::StringRef text) {
  bool isPlain = !text.empty() && (llvm::isAlnum(text[0]) || text[0] == '_') && text.trim() == text &&
                 llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || llvm::StringRef(" _-.+/()").contains(c); });
  if (isPlain)
    return text.str();
  return "\"" + llvm::yaml::escape(text, /*EscapePrintable=*/false) + "\"";
}

std::string list(llvm::ArrayRef<std::string> items) {
  return "[" + llvm::join(llvm::map_range(items, quoted), ", ") + "]";
}

} // namespace

void print(const Device &d, llvm::raw_ostream &os) {
  os << "name: " << quoted(d.name) << "\ndevice: " << quoted(d.family) << "\n";
  if (!d.summary.empty())
    os << "summary: " << quoted(d.summary) << "\n";
  if (!d.triple.empty())
    os << "triple: " << quoted(d.triple) << "\n";
  if (!d.features.empty())
    os << "features: " << list(d.features) << "\n";
  auto section = [&](llvm::StringRef key, const auto &items, auto &&item) {
    if (!items.empty())
      os << key << ":\n";
    for (const auto &entry : items)
      item(entry);
  };
  section("units", d.units, [&](const Unit &unit) {
    os << "  - {name: " << quoted(unit.name) << ", count: " << unit.count << ", clock_mhz: " << unit.clockMHz
       << ", ops_per_cycle: {";
    llvm::ListSeparator comma;
    for (auto &[format, ops] : unit.opsPerCycle)
      os << comma << quoted(format) << ": " << ops;
    os << "}}\n";
  });
  section("memories", d.memories, [&](const Memory &memory) {
    os << "  - {name: " << quoted(memory.name) << ", bytes: " << memory.bytes << ", mb_per_s: " << memory.mbPerS
       << ", latency_ns: " << memory.latencyNs << ", alignment: " << memory.alignment << "}\n";
  });
  section("links", d.links, [&](const Link &link) {
    os << "  - {from: " << quoted(link.from) << ", to: " << quoted(link.to) << ", mb_per_s: " << link.mbPerS
       << ", latency_ns: " << link.latencyNs << "}\n";
  });
  section("formats", d.formats,
          [&](const auto &entry) { os << "  " << entry.first << ": " << list(entry.second) << "\n"; });
  section("rates", d.rates, [&](const auto &entry) {
    os << "  " << entry.first << ": {";
    llvm::ListSeparator comma;
    for (auto &[format, rate] : entry.second)
      os << comma << quoted(format) << ": " << rate;
    os << "}\n";
  });
  os << "launch: {kernel_ns: " << d.kernelLaunchNs << ", region_ns: " << d.regionLaunchNs << "}\n";
  section("limits", d.limits, [&](const auto &entry) { os << "  " << entry.first << ": " << entry.second << "\n"; });
}

} // namespace tenon::hw
