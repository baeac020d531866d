// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parsing of CPU target specifications.
#include "tenon/Target/CPU/CpuTarget.h"

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
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tenon::cpu {

bool CpuTarget::has(llvm::StringRef feature) const { return llvm::is_contained(features, feature); }

std::string CpuTarget::featureString() const {
  std::string text;
  for (const std::string &feature : features)
    text += (text.empty() ? "+" : ",+") + feature;
  // LLVM prefers 256-bit vectors on several AVX-512 cores; our kernels ask for
  // the full width.
  if (has("avx512f"))
    text += ",-prefer-256-bit";
  return text;
}

// The psABI's micro-architecture levels.
static const char *const kV2[] = {"cmov", "cx16", "cx8",  "fxsr",   "mmx",    "popcnt", "sahf",
                                  "sse",  "sse2", "sse3", "sse4.1", "sse4.2", "ssse3",  "x87"};
static const char *const kV3[] = {"avx", "avx2", "bmi", "bmi2", "crc32", "f16c", "fma", "lzcnt", "movbe", "xsave"};
static const char *const kV4[] = {"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"};
// What generated code may use beyond v4 when CPUID says so.
static const char *const kHostExtras[] = {"avx512vnni", "avx512bf16", "avx512fp16", "avx512vbmi",
                                          "avxvnni",    "amx-tile",   "amx-bf16",   "amx-int8"};

/// Bytes of this CPU's second-level cache, by CPUID's deterministic cache
/// parameters (leaf 4; AMD's 0x8000001D has the same form); 0 if it does not say.
static int64_t hostL2Bytes() {
#if defined(__x86_64__)
  for (unsigned leaf : {4u, 0x8000001Du})
    for (unsigned i = 0; i < 8; ++i) {
      unsigned a, b, c, d;
      if (!__get_cpuid_count(leaf, i, &a, &b, &c, &d) || (a & 31) == 0)
        break;
      if (((a >> 5) & 7) == 2)
        return int64_t((b >> 22) + 1) * (((b >> 12) & 1023) + 1) * ((b & 4095) + 1) * (int64_t(c) + 1);
    }
#endif
  return 0;
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

/// The architecture of this process, as targets name it; empty if none does.
static llvm::StringRef hostArchitecture() {
  switch (llvm::Triple(llvm::sys::getProcessTriple()).getArch()) {
  case llvm::Triple::x86_64: return "host";
  case llvm::Triple::aarch64: return "aarch64";
  case llvm::Triple::riscv64: return "riscv64";
  default: return "";
  }
}

bool parseCpuTarget(llvm::StringRef spec, CpuTarget &target, std::string &error) {
  llvm::SmallVector<llvm::StringRef> parts;
  spec.split(parts, ',');
  llvm::StringRef arch = parts.front();
  auto fail = [&](const llvm::Twine &why) {
    error = ("[TN8010] --target=" + spec + ": " + why +
             "; expected cpu:host, cpu:x86-64-v2, cpu:x86-64-v3, cpu:x86-64-v4, cpu:aarch64 or cpu:riscv64, each with "
             ",+feature, ,-feature or ,l2=KIB")
                .str();
    return false;
  };
  // `cpu:` may be left out before a name that means nothing else.
  bool isArchitecture =
      llvm::is_contained({"native", "host", "x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64", "riscv64"}, arch);
  if (!isArchitecture && (!arch.consume_front("cpu") || (!arch.empty() && !arch.consume_front(":"))))
    return fail(("unknown device '" + parts.front().split(':').first + "'").str());
  if (arch.empty())
    return fail("no architecture given");
  if (arch == "native")
    arch = "host";
  if (arch == "host") { // CPUID is x86's; of other machines what all of them have
    arch = hostArchitecture();
    if (arch.empty())
      return fail("this machine, " + llvm::sys::getProcessTriple() + ", is none that code can be made for");
  }
  std::set<std::string> features;
  auto take = [&](auto &list) { features.insert(std::begin(list), std::end(list)); };
  std::string name = arch.str();
  int64_t hostL2 = 0, givenL2 = 0;
  if (arch == "host") {
    // CPUID's feature bits only; the CPU's name is not trusted.
    auto host = llvm::sys::getHostCPUFeatures();
    auto hasAll = [&](auto &list) {
      return llvm::all_of(list, [&](const char *f) { return llvm::StringRef(f) == "x87" || host.lookup(f); });
    };
    take(kV2);
    name = "x86-64-v2";
    if (hasAll(kV3)) {
      take(kV3);
      name = "x86-64-v3";
      if (hasAll(kV4)) {
        take(kV4);
        name = "x86-64-v4";
      }
    }
    for (const char *extra : kHostExtras)
      if (host.lookup(extra) && name == "x86-64-v4")
        features.insert(extra);
    for (const char *extra : kHostExtras)
      if (features.count(extra))
        name += std::string(",+") + extra;
    target.triple = "x86_64-unknown-linux-gnu";
    hostL2 = hostL2Bytes();
  } else if (arch == "x86-64-v2" || arch == "x86-64-v3" || arch == "x86-64-v4") {
    target.triple = "x86_64-unknown-linux-gnu";
    take(kV2);
    if (arch != "x86-64-v2")
      take(kV3);
    if (arch == "x86-64-v4")
      take(kV4);
  } else if (arch == "aarch64") {
    target.triple = "aarch64-unknown-linux-gnu";
    features.insert({"neon", "fp-armv8"});
  } else if (arch == "riscv64") {
    target.triple = "riscv64-unknown-linux-gnu";
    features.insert({"m", "a", "f", "d", "c", "v"});
  } else {
    return fail(("unknown architecture '" + arch + "'").str());
  }
  std::unique_ptr<llvm::MCSubtargetInfo> table = featureTable(target.triple);
  llvm::ArrayRef<llvm::SubtargetFeatureKV> all;
  if (table)
    all = table->getAllProcessorFeatures();
  for (llvm::StringRef part : llvm::ArrayRef(parts).drop_front()) {
    llvm::StringRef feature = part.trim();
    if (feature.consume_front("l2=")) {
      if (feature.getAsInteger(10, givenL2) || givenL2 < 64 || givenL2 > 1 << 20)
        return fail(("l2=" + feature + " is not a size of 64 to 1048576 KiB").str());
      continue;
    }
    bool isAdded = feature.consume_front("+");
    if (!isAdded && !feature.consume_front("-"))
      return fail(("feature '" + part + "' has no sign").str());
    const auto *known = llvm::find_if(all, [&](const llvm::SubtargetFeatureKV &entry) { return feature == entry.Key; });
    if (known == all.end())
      return fail(("LLVM knows no feature '" + feature + "' of this architecture").str());
    if (isAdded)
      features.insert(feature.str());
    else
      removeFeature(*known, *table, features);
  }
  target.features.assign(features.begin(), features.end());
  target.spec = "cpu:" + name;
  if (hostL2 && !givenL2)
    target.spec += ",l2=" + std::to_string(hostL2 / 1024);
  for (llvm::StringRef part : llvm::ArrayRef(parts).drop_front())
    target.spec += "," + part.trim().str();
  target.l2Bytes = givenL2 ? givenL2 * 1024 : hostL2 ? hostL2 : target.has("avx512f") ? 1024 * 1024 : 256 * 1024;
  target.vectorBits = target.has("avx512f") ? 512 : target.has("avx2") ? 256 : 128;
  target.vectorRegisters = target.has("avx512f") || !target.isX86() ? 32 : 16;
  return true;
}

std::optional<CpuTarget> baselineOfProcess() {
  llvm::StringRef architecture = hostArchitecture();
  CpuTarget target;
  std::string error;
  if (architecture.empty() || !parseCpuTarget(architecture == "host" ? "x86-64-v2" : architecture, target, error))
    return std::nullopt;
  auto present = llvm::sys::getHostCPUFeatures();
  for (const std::string &feature : target.features)
    if (feature != "x87" && !present.lookup(feature)) // LLVM does not tell of x87, which all of them have
      return std::nullopt;
  return target;
}

} // namespace tenon::cpu
