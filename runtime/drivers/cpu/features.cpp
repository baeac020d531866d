// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which of LLVM's feature names this processor has: CPUID bits (Intel SDM
// volume 2) and the register states that the operating system saves, or the
// kernel's hardware capabilities.
#include "cpu.h"

#include <cstring>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tenon::rt {

#if defined(__x86_64__)
namespace {

enum Reg : uint8_t { A, B, C, D };
/// What must be saved across a task switch for a feature to be usable.
enum State : uint8_t { None, Ymm, Zmm, Tile };
struct Bit {
  const char *name;
  uint32_t leaf;
  uint8_t subleaf;
  Reg reg;
  uint8_t bit;
  State state;
};
constexpr Bit kBits[] = {
    {"x87", 1, 0, D, 0, None},
    {"cx8", 1, 0, D, 8, None},
    {"cmov", 1, 0, D, 15, None},
    {"mmx", 1, 0, D, 23, None},
    {"fxsr", 1, 0, D, 24, None},
    {"sse", 1, 0, D, 25, None},
    {"sse2", 1, 0, D, 26, None},
    {"sse3", 1, 0, C, 0, None},
    {"pclmul", 1, 0, C, 1, None},
    {"ssse3", 1, 0, C, 9, None},
    {"fma", 1, 0, C, 12, Ymm},
    {"cx16", 1, 0, C, 13, None},
    {"sse4.1", 1, 0, C, 19, None},
    {"sse4.2", 1, 0, C, 20, None},
    {"crc32", 1, 0, C, 20, None},
    {"movbe", 1, 0, C, 22, None},
    {"popcnt", 1, 0, C, 23, None},
    {"aes", 1, 0, C, 25, None},
    {"xsave", 1, 0, C, 27, None},
    {"avx", 1, 0, C, 28, Ymm},
    {"f16c", 1, 0, C, 29, Ymm},
    {"rdrnd", 1, 0, C, 30, None},
    {"fsgsbase", 7, 0, B, 0, None},
    {"bmi", 7, 0, B, 3, None},
    {"avx2", 7, 0, B, 5, Ymm},
    {"bmi2", 7, 0, B, 8, None},
    {"avx512f", 7, 0, B, 16, Zmm},
    {"avx512dq", 7, 0, B, 17, Zmm},
    {"adx", 7, 0, B, 19, None},
    {"avx512ifma", 7, 0, B, 21, Zmm},
    {"clflushopt", 7, 0, B, 23, None},
    {"clwb", 7, 0, B, 24, None},
    {"avx512cd", 7, 0, B, 28, Zmm},
    {"sha", 7, 0, B, 29, None},
    {"avx512bw", 7, 0, B, 30, Zmm},
    {"avx512vl", 7, 0, B, 31, Zmm},
    {"avx512vbmi", 7, 0, C, 1, Zmm},
    {"avx512vbmi2", 7, 0, C, 6, Zmm},
    {"gfni", 7, 0, C, 8, None},
    {"vaes", 7, 0, C, 9, Ymm},
    {"vpclmulqdq", 7, 0, C, 10, Ymm},
    {"avx512vnni", 7, 0, C, 11, Zmm},
    {"avx512bitalg", 7, 0, C, 12, Zmm},
    {"avx512vpopcntdq", 7, 0, C, 14, Zmm},
    {"amx-bf16", 7, 0, D, 22, Tile},
    {"avx512fp16", 7, 0, D, 23, Zmm},
    {"amx-tile", 7, 0, D, 24, Tile},
    {"amx-int8", 7, 0, D, 25, Tile},
    {"avxvnni", 7, 1, A, 4, Ymm},
    {"avx512bf16", 7, 1, A, 5, Zmm},
    {"amx-fp16", 7, 1, A, 21, Tile},
    {"avxifma", 7, 1, A, 23, Ymm},
    {"avxvnniint8", 7, 1, D, 4, Ymm},
    {"avxneconvert", 7, 1, D, 5, Ymm},
    {"amx-complex", 7, 1, D, 8, Tile},
    {"avxvnniint16", 7, 1, D, 10, Ymm},
    {"xsaveopt", 13, 1, A, 0, None},
    {"xsavec", 13, 1, A, 1, None},
    {"sahf", 0x80000001, 0, C, 0, None},
    {"lzcnt", 0x80000001, 0, C, 5, None},
    {"prfchw", 0x80000001, 0, C, 8, None},
    {"64bit", 0x80000001, 0, D, 29, None},
};

struct Leaf {
  uint32_t leaf;
  uint8_t subleaf;
  unsigned reg[4];
};
/// CPUID leaves that the bits are in. Read once a process: in a virtual machine
/// each CPUID is a trap of some ten microseconds.
Leaf leaves[] = {{1, 0, {}}, {7, 0, {}}, {7, 1, {}}, {13, 1, {}}, {0x80000001, 0, {}}};
/// The register states that the operating system saves (XCR0).
uint64_t savedStates;
pthread_once_t readOnce = PTHREAD_ONCE_INIT;

void readLeaves() {
  unsigned highest = __get_cpuid_max(0, nullptr), highestExtended = __get_cpuid_max(0x80000000, nullptr);
  for (Leaf &leaf : leaves)
    if (leaf.leaf <= (leaf.leaf >= 0x80000000 ? highestExtended : highest))
      __cpuid_count(leaf.leaf, leaf.subleaf, leaf.reg[A], leaf.reg[B], leaf.reg[C], leaf.reg[D]);
  if ((leaves[0].reg[C] >> 27) & 1) {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    savedStates = (uint64_t(high) << 32) | low;
  }
}

bool usable(State state) {
  switch (state) {
  case None: return true;
  case Ymm: return (savedStates & 0x6) == 0x6;
  case Zmm: return (savedStates & 0xe6) == 0xe6;
  case Tile:
    // Linux grants the tile registers' state on request, once a process:
    // ARCH_REQ_XCOMP_PERM for XFEATURE_XTILEDATA.
    return (savedStates & 0x60000) == 0x60000 && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
  }
  return false;
}

} // namespace

Feature hasFeature(const char *name) {
  pthread_once(&readOnce, readLeaves);
  for (const Bit &bit : kBits) {
    if (strcmp(bit.name, name) != 0)
      continue;
    for (const Leaf &leaf : leaves)
      if (leaf.leaf == bit.leaf && leaf.subleaf == bit.subleaf)
        return ((leaf.reg[bit.reg] >> bit.bit) & 1) && usable(bit.state) ? Feature::Present : Feature::Missing;
  }
  return Feature::Unknown;
}

#else
namespace {

struct Bit {
  const char *name;
  unsigned long word; // AT_HWCAP or AT_HWCAP2
  uint8_t bit;
};
#if defined(__aarch64__)
constexpr Bit kBits[] = {
    {"fp-armv8", AT_HWCAP, 0}, {"neon", AT_HWCAP, 1},  {"crc", AT_HWCAP, 7},      {"lse", AT_HWCAP, 8},
    {"fullfp16", AT_HWCAP, 9}, {"rdm", AT_HWCAP, 12},  {"dotprod", AT_HWCAP, 20}, {"sve", AT_HWCAP, 22},
    {"fp16fml", AT_HWCAP, 23}, {"sve2", AT_HWCAP2, 1}, {"i8mm", AT_HWCAP2, 13},   {"bf16", AT_HWCAP2, 14},
    {"sme", AT_HWCAP2, 23},
};
#else // RISC-V: one bit a letter
constexpr Bit kBits[] = {{"a", AT_HWCAP, 0}, {"c", AT_HWCAP, 2},  {"d", AT_HWCAP, 3}, {"f", AT_HWCAP, 5},
                         {"i", AT_HWCAP, 8}, {"m", AT_HWCAP, 12}, {"v", AT_HWCAP, 21}};
#endif

} // namespace

Feature hasFeature(const char *name) {
  for (const Bit &bit : kBits)
    if (strcmp(bit.name, name) == 0)
      return (getauxval(bit.word) >> bit.bit) & 1 ? Feature::Present : Feature::Missing;
  return Feature::Unknown;
}
#endif

} // namespace tenon::rt
