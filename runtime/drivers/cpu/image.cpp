// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Maps a code image straight from the artifact's pages. The image is an ELF
// shared object of read-only and executable segments, without relocations, so
// that nothing has to be written, looked up or copied before it runs. Where the
// machine's pages are larger than those the image is laid out for, it is copied.
#include "cpu.h"

#include <cerrno>
#include <cstring>
#include <elf.h>
#include <initializer_list>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tenon::rt {
namespace {

constexpr uint64_t kPage = 4096;              // what images are laid out for, not the machine's
constexpr uint64_t kMostAddress = 1ull << 31; // the small code model's

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
constexpr uint16_t kMachine = 243; // EM_RISCV
#endif

struct Segments {
  const uint8_t *bytes;
  uint64_t size;
  uint64_t at;
  int count;
  Elf64_Phdr get(int i) const {
    Elf64_Phdr segment;
    memcpy(&segment, bytes + at + i * sizeof segment, sizeof segment);
    return segment;
  }
};

tenon_status *readHeader(const CodeSource &source, Segments &segments) {
  segments.bytes = source.bytes;
  segments.size = source.code->size();
  Elf64_Ehdr header;
  if (segments.size < sizeof header)
    return fail(TENON_CORRUPT, "the code image has %llu bytes, too few for an ELF header",
                (unsigned long long)segments.size);
  memcpy(&header, segments.bytes, sizeof header);
  if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN || header.e_phentsize != sizeof(Elf64_Phdr) ||
      header.e_phoff > segments.size || header.e_phnum * sizeof(Elf64_Phdr) > segments.size - header.e_phoff)
    return fail(TENON_CORRUPT, "the code image is not a 64-bit ELF shared object");
  if (header.e_machine != kMachine)
    return fail(TENON_CORRUPT, "the code image is for ELF machine %u; this machine is %u", header.e_machine, kMachine);
  segments.at = header.e_phoff;
  segments.count = header.e_phnum;
  return nullptr;
}

/// The dynamic section may describe symbols, and nothing that has to be done.
tenon_status *checkDynamic(const Segments &segments, const Elf64_Phdr &dynamic) {
  if (dynamic.p_offset > segments.size || dynamic.p_filesz > segments.size - dynamic.p_offset)
    return fail(TENON_CORRUPT, "the dynamic section lies outside the code image");
  for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= dynamic.p_filesz; at += sizeof(Elf64_Dyn)) {
    Elf64_Dyn entry;
    memcpy(&entry, segments.bytes + dynamic.p_offset + at, sizeof entry);
    switch (entry.d_tag) {
    case DT_NULL: return nullptr;
    case DT_NEEDED: return fail(TENON_CORRUPT, "the code image needs another library");
    case DT_RELASZ:
    case DT_RELSZ:
    case DT_PLTRELSZ:
    case 35 /*DT_RELRSZ*/:
      if (entry.d_un.d_val != 0)
        return fail(TENON_CORRUPT, "the code image has relocations (an import or an absolute address)");
      break;
    case DT_TEXTREL:
    case DT_INIT:
    case DT_FINI:
    case DT_INIT_ARRAY:
    case DT_FINI_ARRAY:
    case DT_PREINIT_ARRAY:
      return fail(TENON_CORRUPT, "the code image asks for work at load time (dynamic tag %lld)",
                  (long long)entry.d_tag);
    default: break;
    }
  }
  return nullptr;
}

bool isLoaded(const Elf64_Phdr &segment) { return segment.p_type == PT_LOAD && segment.p_memsz != 0; }

/// Checks all segments; `top` becomes the end of the highest one.
tenon_status *checkSegments(const Segments &segments, uint64_t &top) {
  top = 0;
  // First what explains more: a relocation usually makes a segment writable.
  for (int i = 0; i < segments.count; ++i) {
    Elf64_Phdr segment = segments.get(i);
    if (segment.p_type == PT_DYNAMIC)
      if (tenon_status *status = checkDynamic(segments, segment))
        return status;
  }
  for (int i = 0; i < segments.count; ++i) {
    Elf64_Phdr segment = segments.get(i);
    if (segment.p_type == PT_TLS || segment.p_type == PT_INTERP)
      return fail(TENON_CORRUPT, "segment %d of the code image has type %u, which is not allowed", i, segment.p_type);
    if (!isLoaded(segment))
      continue;
    if (segment.p_offset > segments.size || segment.p_filesz > segments.size - segment.p_offset ||
        segment.p_vaddr > kMostAddress || segment.p_memsz > kMostAddress)
      return fail(TENON_CORRUPT, "segment %d of the code image lies outside it", i);
    if (segment.p_flags & PF_W)
      return fail(TENON_CORRUPT, "segment %d of the code image is writable", i);
    if (segment.p_memsz != segment.p_filesz)
      return fail(TENON_CORRUPT, "segment %d of the code image needs zero-filled memory", i);
    if (segment.p_offset % kPage != segment.p_vaddr % kPage)
      return fail(TENON_CORRUPT, "segment %d of the code image is not aligned to pages", i);
    // Ascending and apart: no page is mapped twice with different rights.
    if ((segment.p_vaddr & ~(kPage - 1)) < top)
      return fail(TENON_CORRUPT, "segment %d of the code image overlaps another", i);
    top = (segment.p_vaddr + segment.p_memsz + kPage - 1) & ~(kPage - 1);
  }
  return top ? nullptr : fail(TENON_CORRUPT, "the code image has nothing to load");
}

/// Whether every segment lies in the file as it must lie in pages of `page`
/// bytes, none of which two segments share.
bool fitsPages(const Segments &segments, uint64_t offset, uint64_t page) {
  uint64_t top = 0;
  for (int i = 0; i < segments.count; ++i) {
    Elf64_Phdr segment = segments.get(i);
    if (!isLoaded(segment))
      continue;
    if ((offset + segment.p_offset) % page != segment.p_vaddr % page || segment.p_vaddr / page * page < top)
      return false;
    top = (segment.p_vaddr + segment.p_memsz + page - 1) / page * page;
  }
  return true;
}

/// A file to map the image from, and where it starts there.
tenon_status *backing(const CodeSource &source, int &fd, uint64_t &offset) {
  if (source.fd >= 0) {
    fd = source.fd;
    offset = source.code->offset();
    return nullptr;
  }
  fd = int(syscall(SYS_memfd_create, "tenon-code", 1u /*MFD_CLOEXEC*/));
  if (fd < 0)
    return fail(TENON_IO, "cannot create memory for code: %s", strerror(errno));
  offset = 0;
  for (uint64_t done = 0; done < source.code->size();) {
    ssize_t written = write(fd, source.bytes + done, source.code->size() - done);
    if (written <= 0 && errno != EINTR)
      return fail(TENON_IO, "cannot write code to memory: %s", strerror(errno));
    done += written > 0 ? written : 0;
  }
  return nullptr;
}

tenon_status *cannotMap(int error) {
  return fail(TENON_IO, "cannot map the code image: %s%s", strerror(error),
              error == EPERM || error == EACCES ? " (is its file system mounted noexec?)" : "");
}

tenon_status *mapSegments(const Segments &segments, int fd, uint64_t offset, uint64_t page, const Image &image) {
  for (int i = 0; i < segments.count; ++i) {
    Elf64_Phdr segment = segments.get(i);
    if (!isLoaded(segment))
      continue;
    uint64_t inPage = segment.p_vaddr % page;
    int protection = PROT_READ | ((segment.p_flags & PF_X) ? PROT_EXEC : 0);
    void *at = mmap(image.base + segment.p_vaddr - inPage, inPage + segment.p_filesz, protection,
                    MAP_PRIVATE | MAP_FIXED, fd, off_t(offset + segment.p_offset - inPage));
    if (at == MAP_FAILED)
      return cannotMap(errno);
  }
  return nullptr;
}

tenon_status *mapFromFile(const CodeSource &source, const Segments &segments, uint64_t page, const Image &image) {
  int fd = -1;
  uint64_t offset = 0;
  tenon_status *status = backing(source, fd, offset);
  if (!status)
    status = mapSegments(segments, fd, offset, page, image);
  if (fd >= 0 && source.fd < 0)
    close(fd);
  return status;
}

/// Copies the segments to memory, which becomes read-only before anything of it
/// runs. A page that constants and code share is executable.
tenon_status *copySegments(const Segments &segments, uint64_t page, const Image &image) {
  if (mprotect(image.base, image.bytes, PROT_READ | PROT_WRITE) != 0)
    return cannotMap(errno);
  for (int i = 0; i < segments.count; ++i)
    if (Elf64_Phdr segment = segments.get(i); isLoaded(segment))
      memcpy(image.base + segment.p_vaddr, segments.bytes + segment.p_offset, segment.p_filesz);
  auto *begin = reinterpret_cast<char *>(image.base);
  __builtin___clear_cache(begin, begin + image.bytes);
  if (mprotect(image.base, image.bytes, PROT_READ) != 0)
    return cannotMap(errno);
  for (int i = 0; i < segments.count; ++i) {
    Elf64_Phdr segment = segments.get(i);
    if (!isLoaded(segment) || !(segment.p_flags & PF_X))
      continue;
    uint64_t inPage = segment.p_vaddr % page;
    if (mprotect(image.base + segment.p_vaddr - inPage, inPage + segment.p_filesz, PROT_READ | PROT_EXEC) != 0)
      return cannotMap(errno);
  }
  return nullptr;
}

enum Entry { Main, ArenaSize, OutputDims, Derive, SpaceSizes, kEntries };

/// Entries are 0 where the code has none; those in `required` must be there.
tenon_status *checkEntries(const Segments &segments, const uint64_t (&entries)[kEntries],
                           std::initializer_list<Entry> required) {
  int found = 0, expected = 0;
  for (int i = 0; i < segments.count; ++i)
    if (Elf64_Phdr segment = segments.get(i); isLoaded(segment) && (segment.p_flags & PF_X))
      for (uint64_t entry : entries)
        found += entry != 0 && entry >= segment.p_vaddr && entry - segment.p_vaddr < segment.p_filesz;
  bool isComplete = true;
  for (Entry entry : required)
    isComplete &= entries[entry] != 0;
  for (uint64_t entry : entries)
    expected += entry != 0;
  return isComplete && found == expected ? nullptr : fail(TENON_CORRUPT, "an entry point lies outside the code image");
}

} // namespace

uint64_t machinePage() { return uint64_t(sysconf(_SC_PAGESIZE)); }

tenon_status *mapImage(const CodeSource &source, uint64_t page, Image &image) {
  Segments segments;
  uint64_t top;
  if (tenon_status *status = readHeader(source, segments))
    return status;
  if (tenon_status *status = checkSegments(segments, top))
    return status;
  const schema::Code &code = *source.code;
  uint64_t entries[kEntries] = {code.main_address(), code.arena_size_address(), code.output_dims_address(),
                                code.derive_address(), code.space_sizes_address()};
  if (tenon_status *status = source.isRegion ? checkEntries(segments, entries, {Main, ArenaSize})
                                             : checkEntries(segments, entries, {Main, ArenaSize, OutputDims}))
    return status;
  top = (top + page - 1) / page * page;
  void *base = mmap(nullptr, top, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED)
    return fail(TENON_OUT_OF_MEMORY, "cannot reserve %llu bytes for code: %s", (unsigned long long)top,
                strerror(errno));
  image.base = static_cast<uint8_t *>(base);
  image.bytes = top;
  bool inPlace = fitsPages(segments, source.fd >= 0 ? code.offset() : 0, page);
  if (tenon_status *status = inPlace ? mapFromFile(source, segments, page, image) : copySegments(segments, page, image))
    return status;
  auto at = [&](Entry entry) { return entries[entry] ? image.base + entries[entry] : nullptr; };
  image.main = reinterpret_cast<tenon_main_fn>(at(Main));
  image.arenaSize = reinterpret_cast<tenon_arena_size_fn>(at(ArenaSize));
  image.outputDims = reinterpret_cast<tenon_output_dims_fn>(at(OutputDims));
  image.derive = reinterpret_cast<tenon_derive_fn>(at(Derive));
  image.spaceSizes = reinterpret_cast<tenon_space_sizes_fn>(at(SpaceSizes));
  return nullptr;
}

void unmapImage(Image &image) {
  if (image.base)
    munmap(image.base, image.bytes);
  image = {};
}

} // namespace tenon::rt
