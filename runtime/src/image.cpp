// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Maps a code image (an ELF shared object without relocations, imports or
// writable segments) straight from the artifact's pages.
#include "internal.h"

#include <cerrno>
#include <cpuid.h>
#include <cstring>
#include <elf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tenon::rt {

tenon_status *mapImage(int fd, const uint8_t *file, size_t fileBytes, const schema::Code &code, Image &image) {
  const uint8_t *bytes = file + code.offset();
  size_t size = code.size();
  Elf64_Ehdr header;
  if (size < sizeof header)
    return fail(TENON_CORRUPT, "the code image has %zu bytes, too few for an ELF header", size);
  memcpy(&header, bytes, sizeof header);
  if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_type != ET_DYN ||
      header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > size ||
      header.e_phnum * sizeof(Elf64_Phdr) > size - header.e_phoff)
    return fail(TENON_CORRUPT, "the code image is not a 64-bit ELF shared object");
  uint64_t top = 0;
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    memcpy(&segment, bytes + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type != PT_LOAD)
      continue;
    if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset || segment.p_vaddr > (1ull << 40) ||
        segment.p_memsz > (1ull << 40) || segment.p_offset % 4096 != segment.p_vaddr % 4096)
      return fail(TENON_CORRUPT, "segment %d of the code image lies outside it", i);
    if (segment.p_vaddr + segment.p_memsz > top)
      top = segment.p_vaddr + segment.p_memsz;
  }
  top = (top + 4095) & ~4095ull;
  if (top == 0)
    return fail(TENON_CORRUPT, "the code image has nothing to load");
  void *base = mmap(nullptr, top, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    return fail(TENON_OUT_OF_MEMORY, "cannot reserve %llu bytes for code: %s", (unsigned long long)top, strerror(errno));
  image.base = static_cast<uint8_t *>(base);
  image.bytes = top;
  uint64_t entries[] = {code.main_address(), code.arena_size_address(), code.output_dims_address()};
  bool executable[3] = {};
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    memcpy(&segment, bytes + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type != PT_LOAD)
      continue;
    // lld gives .dynamic a writable segment; nothing writes to it, so it is
    // mapped read-only like the rest.
    int protection = PROT_READ | ((segment.p_flags & PF_X) ? PROT_EXEC : 0);
    uint64_t start = segment.p_vaddr & ~4095ull, inPage = segment.p_vaddr - start;
    if (segment.p_memsz > segment.p_filesz && (segment.p_flags & PF_W) == 0)
      return fail(TENON_CORRUPT, "segment %d of the code image needs zero-filled memory", i);
    if (segment.p_filesz == 0)
      continue;
    void *at = mmap(image.base + start, inPage + segment.p_filesz, protection, MAP_PRIVATE | MAP_FIXED, fd,
                    off_t(code.offset() + segment.p_offset - inPage));
    if (at == MAP_FAILED)
      return fail(TENON_IO, "cannot map the code image: %s", strerror(errno));
    for (int e = 0; e < 3; ++e)
      if ((segment.p_flags & PF_X) && entries[e] >= segment.p_vaddr && entries[e] < segment.p_vaddr + segment.p_filesz)
        executable[e] = true;
  }
  if (!executable[0] || !executable[1] || !executable[2])
    return fail(TENON_CORRUPT, "an entry point lies outside the code image");
  image.main = reinterpret_cast<tenon_main_fn>(image.base + entries[0]);
  image.arenaSize = reinterpret_cast<tenon_arena_size_fn>(image.base + entries[1]);
  image.outputDims = reinterpret_cast<tenon_output_dims_fn>(image.base + entries[2]);
  return nullptr;
}

void unmapImage(Image &image) {
  if (image.base)
    munmap(image.base, image.bytes);
  image = {};
}

#if defined(__x86_64__)
namespace {

struct Bit {
  const char *name;
  unsigned leaf, subleaf, reg, bit; // reg: 0 eax, 1 ebx, 2 ecx, 3 edx
};
// LLVM feature names by CPUID bit (Intel SDM volume 2, CPUID).
constexpr Bit kBits[] = {
    {"sse3", 1, 0, 2, 0},      {"ssse3", 1, 0, 2, 9},        {"fma", 1, 0, 2, 12},       {"cx16", 1, 0, 2, 13},
    {"sse4.1", 1, 0, 2, 19},   {"sse4.2", 1, 0, 2, 20},      {"movbe", 1, 0, 2, 22},     {"popcnt", 1, 0, 2, 23},
    {"xsave", 1, 0, 2, 26},    {"avx", 1, 0, 2, 28},         {"f16c", 1, 0, 2, 29},      {"bmi", 7, 0, 1, 3},
    {"avx2", 7, 0, 1, 5},      {"bmi2", 7, 0, 1, 8},         {"avx512f", 7, 0, 1, 16},   {"avx512dq", 7, 0, 1, 17},
    {"avx512cd", 7, 0, 1, 28}, {"avx512bw", 7, 0, 1, 30},    {"avx512vl", 7, 0, 1, 31},  {"avx512vbmi", 7, 0, 2, 1},
    {"avx512vnni", 7, 0, 2, 11}, {"avx512fp16", 7, 0, 3, 23}, {"amx-bf16", 7, 0, 3, 22}, {"amx-tile", 7, 0, 3, 24},
    {"amx-int8", 7, 0, 3, 25}, {"avxvnni", 7, 1, 0, 4},      {"avx512bf16", 7, 1, 0, 5}, {"lzcnt", 0x80000001, 0, 2, 5},
};

bool has(const Bit &bit) {
  unsigned reg[4];
  if (!__get_cpuid_count(bit.leaf, bit.subleaf, &reg[0], &reg[1], &reg[2], &reg[3]))
    return false;
  return (reg[bit.reg] >> bit.bit) & 1;
}

/// The register states that the operating system saves (XCR0).
uint64_t savedState() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !((c >> 27) & 1))
    return 0;
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
}

} // namespace

const char *missingFeature(const schema::Code &code) {
  if (strncmp(code.triple()->c_str(), "x86_64", 6) != 0)
    return code.triple()->c_str();
  uint64_t state = savedState();
  for (const auto *feature : *code.features()) {
    const char *name = feature->c_str();
    for (const Bit &bit : kBits)
      if (strcmp(bit.name, name) == 0 && !has(bit))
        return name;
    if (strncmp(name, "avx512", 6) == 0 && (state & 0xe6) != 0xe6)
      return name;
    if (strncmp(name, "avx", 3) == 0 && (state & 0x6) != 0x6)
      return name;
    // Linux grants the AMX tile state on request, once a process.
    if (strcmp(name, "amx-tile") == 0 && syscall(SYS_arch_prctl, 0x1023 /*ARCH_REQ_XCOMP_PERM*/, 18) != 0)
      return name;
  }
  return nullptr;
}
#else
const char *missingFeature(const schema::Code &code) {
#if defined(__aarch64__)
  const char *own = "aarch64";
#else
  const char *own = "riscv64";
#endif
  return strncmp(code.triple()->c_str(), own, strlen(own)) == 0 ? nullptr : code.triple()->c_str();
}
#endif

} // namespace tenon::rt
