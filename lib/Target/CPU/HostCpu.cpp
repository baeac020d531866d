// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CPUID's feature bits and cache parameters; a CPU's name is not trusted.
#include "HostCpu.h"

#include "ShippedCpu.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/TargetParser/Host.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tenon::cpu {

std::string hostLevel() {
  switch (llvm::Triple(llvm::sys::getProcessTriple()).getArch()) {
  case llvm::Triple::aarch64: return "aarch64";
  case llvm::Triple::riscv64: return "riscv64";
  case llvm::Triple::x86_64: break;
  default: return "";
  }
  auto present = llvm::sys::getHostCPUFeatures();
  std::string level = "x86-64-v2";
  for (const char *next : {"x86-64-v3", "x86-64-v4"}) {
    std::optional<hw::Device> chip = shippedCpu(next);
    if (!chip || !llvm::all_of(chip->features, [&](const std::string &feature) { // nobody tells of x87
          return feature == "x87" || present.lookup(feature);
        }))
      break;
    level = next;
  }
  return level;
}

std::vector<std::string> hostExtras() {
  auto present = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> extras;
  for (const char *extra :
       {"avx512vnni", "avx512bf16", "avx512fp16", "avx512vbmi", "avxvnni", "amx-tile", "amx-bf16", "amx-int8"})
    if (present.lookup(extra))
      extras.push_back(extra);
  return extras;
}

/// Bytes of a level's data cache, by CPUID's deterministic cache parameters (leaf 4; AMD's
/// 0x8000001D has the same form); 0 if it does not say.
static int64_t cacheBytes([[maybe_unused]] unsigned level) {
#if defined(__x86_64__)
  for (unsigned leaf : {4u, 0x8000001Du})
    for (unsigned i = 0; i < 8; ++i) {
      unsigned a, b, c, d;
      if (!__get_cpuid_count(leaf, i, &a, &b, &c, &d) || (a & 31) == 0)
        break;
      constexpr unsigned kInstructions = 2;
      if (((a >> 5) & 7) == level && (a & 31) != kInstructions)
        return int64_t((b >> 22) + 1) * (((b >> 12) & 1023) + 1) * ((b & 4095) + 1) * (int64_t(c) + 1);
    }
#endif
  return 0;
}

int64_t takeHostSizes(hw::Device &chip) {
  for (unsigned level : {1u, 2u})
    if (int64_t bytes = cacheBytes(level))
      if (hw::Memory *cache = chip.memory("l" + std::to_string(level)))
        cache->bytes = bytes;
  // The declaration has one core: a run has one thread unless it is asked for more, and what
  // is decided and predicted must not depend on how many processors compile.
  return cacheBytes(2);
}

} // namespace tenon::cpu
