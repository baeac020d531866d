// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parsing of CPU target specifications.
#include "tenon/Target/CPU/CpuTarget.h"

#include "HostCpu.h"
#include "ShippedCpu.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include <memory>
#include <mutex>
#include <set>

namespace tenon::cpu {

bool CpuTarget::has(llvm::StringRef feature) const { return llvm::is_contained(features, feature); }

std::string CpuTarget::featureString() const {
  std::string text;
  for (const std::string &feature : features)
    text += (text.empty() ? "+" : ",+") + feature;
  // LLVM prefers 256-bit vectors on several AVX-512 cores; our kernels ask for
  // the full width.
  if (vectorBits == 512)
    text += ",-prefer-256-bit";
  return text;
}

std::vector<std::string> shippedCpus() {
  std::vector<std::string> names;
  for (const hw::ShippedDevice &shipped : hw::shippedDevices())
    if (llvm::StringRef name = shipped.file;
        name.consume_front(kDevice) && name.consume_front("-") && name.consume_back(".yaml"))
      names.push_back(name.str());
  return names;
}

std::optional<hw::Device> shippedCpu(llvm::StringRef name) {
  for (const hw::ShippedDevice &shipped : hw::shippedDevices())
    if (shipped.file == (kDevice + "-" + name + ".yaml").str()) {
      std::vector<std::string> problems; // none: a test reads them all
      return hw::parseDevice(shipped.text, shipped.file, problems);
    }
  return std::nullopt;
}

/// LLVM's table of an architecture's features, with what each implies.
static std::unique_ptr<llvm::MCSubtargetInfo> featureTable(llvm::StringRef tripleText) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargetMCs();
  });
  std::string error;
  llvm::Triple triple(tripleText);
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  return std::unique_ptr<llvm::MCSubtargetInfo>(target ? target->createMCSubtargetInfo(triple, "", "") : nullptr);
}

/// Takes a feature away, and with it those that imply it: LLVM would bring it back.
static void removeFeature(const llvm::SubtargetFeatureKV &feature, const llvm::MCSubtargetInfo &table,
                          std::set<std::string> &features) {
  llvm::FeatureBitset gone({feature.Value});
  for (bool grows = true; grows;) {
    grows = false;
    for (const llvm::SubtargetFeatureKV &other : table.getAllProcessorFeatures())
      if (!gone.test(other.Value) && (other.Implies.getAsBitset() & gone).any()) {
        gone.set(other.Value);
        grows = true;
      }
  }
  for (const llvm::SubtargetFeatureKV &other : table.getAllProcessorFeatures())
    if (gone.test(other.Value))
      features.erase(other.Key);
}

/// The widest vectors, and how many of them, that features give.
static int64_t widestVector(const CpuTarget &target) {
  return target.has("avx512f") ? 512 : target.has("avx2") ? 256 : 128;
}
static int64_t mostRegisters(const CpuTarget &target) { return target.has("avx512f") || !target.isX86() ? 32 : 16; }

static constexpr llvm::StringLiteral kVectorBits = "vector_bits", kVectorRegisters = "vector_registers";

/// Takes from the chip what code generation asks for.
static void readChip(CpuTarget &target) {
  target.triple = target.chip.triple;
  target.features = target.chip.features;
  target.vectorBits = target.chip.limit(kVectorBits).value_or(widestVector(target));
  target.vectorRegisters = target.chip.limit(kVectorRegisters).value_or(mostRegisters(target));
  if (const hw::Memory *l2 = target.chip.memory("l2"))
    target.l2Bytes = l2->bytes;
}

std::vector<std::string> checkCpu(const hw::Device &chip) {
  std::vector<std::string> problems;
  auto problem = [&](llvm::StringRef key, const llvm::Twine &found, const llvm::Twine &allowed) {
    problems.push_back(chip.where(key) + (": found " + found + ", allowed is " + allowed).str());
  };
  CpuTarget target;
  target.chip = chip;
  readChip(target);
  llvm::Triple triple(chip.triple);
  bool isKnown =
      triple.isOSLinux() &&
      llvm::is_contained({llvm::Triple::x86_64, llvm::Triple::aarch64, llvm::Triple::riscv64}, triple.getArch());
  if (!isKnown)
    problem("triple", "'" + chip.triple + "'", "x86_64-, aarch64- or riscv64-unknown-linux-gnu");
  if (std::unique_ptr<llvm::MCSubtargetInfo> table = isKnown ? featureTable(chip.triple) : nullptr)
    for (const std::string &feature : chip.features)
      if (llvm::none_of(table->getAllProcessorFeatures(), [&](auto &entry) { return feature == entry.Key; }))
        problem("features", "'" + feature + "'", "what LLVM knows of the architecture");
  int64_t bits = target.vectorBits, widest = widestVector(target), most = mostRegisters(target);
  if (!llvm::is_contained({128, 256, 512}, bits) || bits > widest)
    problem("limits.vector_bits", llvm::Twine(bits),
            "128, 256 or 512, and with these features at most " + llvm::Twine(widest));
  if (!llvm::is_contained({16, 32}, target.vectorRegisters) || target.vectorRegisters > most)
    problem("limits.vector_registers", llvm::Twine(target.vectorRegisters),
            "16 or 32, and with these features at most " + llvm::Twine(most));
  for (const auto &[name, value] : chip.limits)
    if (name != kVectorBits && name != kVectorRegisters)
      problem("limits." + name, "a limit that CPUs do not have", kVectorBits + " and " + kVectorRegisters);
  constexpr int64_t kLeastL2 = 64 << 10, kMostL2 = int64_t(1) << 30;
  const hw::Memory *l2 = chip.memory("l2");
  if (!l2 || l2->bytes < kLeastL2 || l2->bytes > kMostL2)
    problem("memories", l2 ? "l2 of " + llvm::Twine(l2->bytes) + " bytes" : llvm::Twine("no memory of the name l2"),
            "one of " + llvm::Twine(kLeastL2) + " to " + llvm::Twine(kMostL2) + " bytes, a core's second-level cache");
  if (chip.units.empty())
    problem("units", "none", "the cores");
  constexpr int64_t kMostAlignment = 64; // what the runtime and the CPU's driver align memory to
  for (const hw::Memory &memory : chip.memories)
    if (memory.alignment > kMostAlignment)
      problem("memories", memory.name + " with an alignment of " + llvm::Twine(memory.alignment),
              "one of 1 to " + llvm::Twine(kMostAlignment));
  return problems;
}

CpuTarget cpuOf(const hw::Device &chip, llvm::StringRef spec) {
  CpuTarget target;
  target.spec = spec.str();
  target.chip = chip;
  llvm::sort(target.chip.features);
  readChip(target);
  return target;
}

namespace {

/// Reads one specification into a target.
class SpecReader {
public:
  SpecReader(llvm::StringRef spec, llvm::ArrayRef<hw::Device> loaded, CpuTarget &target, std::string &error)
      : spec(spec), loaded(loaded), target(target), error(error) {}
  bool read();

private:
  bool fail(const llvm::Twine &why);
  bool readChipName(llvm::StringRef part);
  void takeHost(llvm::StringRef level);
  bool readChange(llvm::StringRef part);
  void finish(llvm::ArrayRef<llvm::StringRef> changes);

  llvm::StringRef spec;
  llvm::ArrayRef<hw::Device> loaded;
  CpuTarget &target;
  std::string &error;
  std::vector<std::string> names; // of the chips that may be named
  std::unique_ptr<llvm::MCSubtargetInfo> table;
  std::set<std::string> features;
  bool changesFeatures = false;    // which decide the vectors
  int64_t hostL2 = 0, givenL2 = 0; // of the second-level cache: this machine's bytes, the KiB that are asked for
};

} // namespace

bool SpecReader::fail(const llvm::Twine &why) {
  std::string known = "cpu:host";
  for (const std::string &name : names)
    known += (name == names.back() ? " or cpu:" : ", cpu:") + name;
  error =
      ("[TN8010] --target=" + spec + ": " + why + "; expected " + known + ", each with ,+feature, ,-feature or ,l2=KIB")
          .str();
  return false;
}

bool SpecReader::readChipName(llvm::StringRef part) {
  llvm::StringRef given = part;
  auto isHost = [&]() { return given == "native" || given == "host"; };
  // `cpu:` may be left out before a name that means nothing else.
  bool isName = isHost() || llvm::is_contained(names, given);
  if (!isName && (!given.consume_front(kDevice) || (!given.empty() && !given.consume_front(":"))))
    return fail("unknown device '" + part.split(':').first + "'");
  if (given.empty())
    return fail("no architecture given");
  std::string name = isHost() ? hostLevel() : given.str();
  if (name.empty())
    return fail("this machine, " + llvm::sys::getProcessTriple() + ", is none that code can be made for");
  const auto *own =
      llvm::find_if(loaded, [&](const hw::Device &chip) { return chip.family == kDevice && chip.name == name; });
  std::optional<hw::Device> chip = own != loaded.end() ? *own : shippedCpu(name);
  if (!chip)
    return fail("unknown architecture '" + name + "'");
  target.chip = std::move(*chip);
  target.spec = (kDevice + ":" + name).str();
  features.insert(target.chip.features.begin(), target.chip.features.end());
  if (isHost())
    takeHost(name);
  return true;
}

/// Makes the chip, of which this machine is at least, this machine.
void SpecReader::takeHost(llvm::StringRef level) {
  if (level == "x86-64-v4")
    for (const std::string &extra : hostExtras()) {
      features.insert(extra);
      target.spec += ",+" + extra;
    }
  target.chip.name = ("host-" + level).str();
  target.chip.summary = ("A machine with " + level).str();
  hostL2 = takeHostSizes(target.chip);
}

bool SpecReader::readChange(llvm::StringRef part) {
  llvm::StringRef feature = part.trim();
  if (feature.consume_front("l2=")) {
    if (feature.getAsInteger(10, givenL2) || givenL2 < 64 || givenL2 > 1 << 20)
      return fail("l2=" + feature + " is not a size of 64 to 1048576 KiB");
    return true;
  }
  bool isAdded = feature.consume_front("+");
  if (!isAdded && !feature.consume_front("-"))
    return fail("feature '" + part + "' has no sign");
  llvm::ArrayRef<llvm::SubtargetFeatureKV> all;
  if (table)
    all = table->getAllProcessorFeatures();
  const auto *known = llvm::find_if(all, [&](const llvm::SubtargetFeatureKV &entry) { return feature == entry.Key; });
  if (known == all.end())
    return fail("LLVM knows no feature '" + feature + "' of this architecture");
  changesFeatures = true;
  if (isAdded)
    features.insert(feature.str());
  else
    removeFeature(*known, *table, features);
  return true;
}

void SpecReader::finish(llvm::ArrayRef<llvm::StringRef> changes) {
  if (hostL2 && !givenL2)
    target.spec += ",l2=" + std::to_string(hostL2 / 1024);
  for (llvm::StringRef part : changes)
    target.spec += "," + part.trim().str();
  if (hw::Memory *l2 = target.chip.memory("l2"); l2 && givenL2)
    l2->bytes = givenL2 * 1024;
  target.chip.features.assign(features.begin(), features.end());
  readChip(target);
  if (changesFeatures) {
    target.chip.setLimit(kVectorBits, widestVector(target));
    target.chip.setLimit(kVectorRegisters, mostRegisters(target));
    readChip(target);
  }
}

bool SpecReader::read() {
  names = shippedCpus();
  for (const hw::Device &chip : loaded)
    if (chip.family == kDevice)
      names.push_back(chip.name);
  llvm::SmallVector<llvm::StringRef> parts;
  spec.split(parts, ',');
  if (!readChipName(parts.front()))
    return false;
  table = featureTable(target.chip.triple);
  auto changes = llvm::ArrayRef(parts).drop_front();
  for (llvm::StringRef part : changes)
    if (!readChange(part))
      return false;
  finish(changes);
  return true;
}

bool parseCpuTarget(llvm::StringRef spec, llvm::ArrayRef<hw::Device> loaded, CpuTarget &target, std::string &error) {
  return SpecReader(spec, loaded, target, error).read();
}

std::optional<CpuTarget> baselineOfProcess() {
  CpuTarget target;
  std::string error, level = hostLevel();
  if (llvm::StringRef(level).starts_with("x86"))
    level = "x86-64-v2";
  if (level.empty() || !parseCpuTarget(level, {}, target, error))
    return std::nullopt;
  auto present = llvm::sys::getHostCPUFeatures();
  for (const std::string &feature : target.features)
    if (feature != "x87" && !present.lookup(feature)) // LLVM does not tell of x87, which all of them have
      return std::nullopt;
  return target;
}

} // namespace tenon::cpu
