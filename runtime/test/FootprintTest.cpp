// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the shared library asks of a system: its size in memory, the libraries
// it needs, and that it exports the C ABI and nothing else.
#include <gtest/gtest.h>

#include <cstring>
#include <elf.h>
#include <fstream>
#include <sstream>
#include <string>

namespace {

struct Footprint : ::testing::Test {
  std::string bytes;
  const Elf64_Ehdr *header = nullptr;

  void SetUp() override {
#ifdef TENON_TEST_SANITIZED
    GTEST_SKIP() << "a sanitizer's library is larger and needs its runtime";
#endif
    std::ifstream file(TENON_TEST_LIBRARY, std::ios::binary);
    std::stringstream stream;
    stream << file.rdbuf();
    bytes = stream.str();
    ASSERT_GT(bytes.size(), sizeof(Elf64_Ehdr)) << TENON_TEST_LIBRARY;
    header = reinterpret_cast<const Elf64_Ehdr *>(bytes.data());
  }
  const Elf64_Shdr &section(int i) const {
    return reinterpret_cast<const Elf64_Shdr *>(bytes.data() + header->e_shoff)[i];
  }
  const char *text(const Elf64_Shdr &holder, uint64_t offset) const {
    return bytes.data() + section(holder.sh_link).sh_offset + offset;
  }
};

TEST_F(Footprint, IsSmall) {
  uint64_t loaded = 0;
  const auto *segments = reinterpret_cast<const Elf64_Phdr *>(bytes.data() + header->e_phoff);
  for (int i = 0; i < header->e_phnum; ++i)
    if (segments[i].p_type == PT_LOAD)
      loaded += segments[i].p_filesz;
  EXPECT_LT(loaded, 200u * 1024) << "bytes that strip leaves";
}

TEST_F(Footprint, NeedsLibcAlone) {
  for (int i = 0; i < header->e_shnum; ++i) {
    if (section(i).sh_type != SHT_DYNAMIC)
      continue;
    const auto *entries = reinterpret_cast<const Elf64_Dyn *>(bytes.data() + section(i).sh_offset);
    for (size_t e = 0; e < section(i).sh_size / sizeof(Elf64_Dyn) && entries[e].d_tag != DT_NULL; ++e)
      if (entries[e].d_tag == DT_NEEDED) {
        std::string name = text(section(i), entries[e].d_un.d_val);
        EXPECT_TRUE(name.rfind("libc.so", 0) == 0 || name.rfind("libpthread.so", 0) == 0) << name;
      }
  }
}

TEST_F(Footprint, ExportsTheAbiAlone) {
  int exported = 0;
  for (int i = 0; i < header->e_shnum; ++i) {
    if (section(i).sh_type != SHT_DYNSYM)
      continue;
    const auto *symbols = reinterpret_cast<const Elf64_Sym *>(bytes.data() + section(i).sh_offset);
    for (size_t s = 1; s < section(i).sh_size / sizeof(Elf64_Sym); ++s)
      if (symbols[s].st_shndx != SHN_UNDEF) {
        EXPECT_EQ(strncmp(text(section(i), symbols[s].st_name), "tenon_", 6), 0)
            << text(section(i), symbols[s].st_name);
        ++exported;
      }
  }
  EXPECT_GT(exported, 30);
}

} // namespace
