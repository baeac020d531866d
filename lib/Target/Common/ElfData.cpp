// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights can have gigabytes: they go to the file as they come, where LLVM's own writers
// would hold them in memory twice. What is written is the least that linkers take:
//
//   1 .rodata.tenon.weights    2 .rodata.tenon.manifest      both at multiples of 64
//   3 .data.rel.ro.tenon       the tenon_static_model (abi.h)
//   4 .rela of 3               its addresses
//   5 .note.GNU-stack          the stack is not executable
//   6 .symtab  7 .strtab  8 .shstrtab
#include "ElfData.h"

#include "Manifest.h"
#include "tenon/abi.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/MathExtras.h"

namespace tenon {
namespace {

namespace ELF = llvm::ELF;

constexpr uint64_t kAlign = 64;

enum Section : uint16_t {
  Null,
  Weights,
  Manifest,
  Table,
  Addresses,
  Stack,
  Symbols,
  SymbolNames,
  SectionNames,
  kCount
};

/// The relocation that is a 64-bit address; nothing for machines that are not known.
std::optional<uint32_t> addressRelocation(uint16_t machine) {
  switch (machine) {
  case ELF::EM_X86_64: return ELF::R_X86_64_64;
  case ELF::EM_AARCH64: return ELF::R_AARCH64_ABS64;
  case ELF::EM_RISCV: return ELF::R_RISCV_64;
  default: return std::nullopt;
  }
}

/// A list of zero-terminated names.
struct Names {
  std::string bytes = std::string(1, '\0');
  uint32_t add(llvm::StringRef name) {
    uint32_t at = bytes.size();
    bytes.append(name.data(), name.size()).push_back('\0');
    return at;
  }
};

class DataWriter {
public:
  DataWriter(const ElfMachine &machine, llvm::raw_fd_ostream &os) : machine(machine), os(os) {
    os.write_zeros(sizeof(ELF::Elf64_Ehdr)); // written last, when everything has its place
    symbols.push_back({});
    for (Section section : {Weights, Manifest}) {
      ELF::Elf64_Sym symbol = {};
      symbol.setBindingAndType(ELF::STB_LOCAL, ELF::STT_SECTION);
      symbol.st_shndx = section;
      symbols.push_back(symbol);
    }
  }

  void write(const Artifact &artifact, const StaticLibraryNames &names) {
    begin(Weights, ".rodata.tenon.weights", ELF::SHT_PROGBITS, ELF::SHF_ALLOC, kAlign);
    uint64_t hash = writeWeights(artifact, os);
    end(Weights);
    begin(Manifest, ".rodata.tenon.manifest", ELF::SHT_PROGBITS, ELF::SHF_ALLOC, kAlign);
    // Offset 0 of the weights' block; the code has no bytes in it.
    flatbuffers::DetachedBuffer manifest = buildManifest(artifact, {{0}, 0}, hash);
    os.write(reinterpret_cast<const char *>(manifest.data()), manifest.size());
    end(Manifest);
    writeTable(names);
    writeRest();
  }

private:
  void begin(Section section, llvm::StringRef name, uint32_t type, uint64_t flags, uint64_t align) {
    os.write_zeros(llvm::offsetToAlignment(os.tell(), llvm::Align(align)));
    headers[section].sh_name = sectionNames.add(name);
    headers[section].sh_type = type;
    headers[section].sh_flags = flags;
    headers[section].sh_addralign = align;
    headers[section].sh_offset = os.tell();
  }
  void end(Section section) { headers[section].sh_size = os.tell() - headers[section].sh_offset; }

  template <typename T>
  void put(const T &value) {
    os.write(reinterpret_cast<const char *>(&value), sizeof value);
  }

  /// A function of the code, which is hidden in what both are linked into.
  uint32_t function(const std::string &name) {
    ELF::Elf64_Sym symbol = {};
    symbol.st_name = symbolNames.add(name);
    symbol.setBindingAndType(ELF::STB_GLOBAL, ELF::STT_NOTYPE);
    symbol.st_other = ELF::STV_HIDDEN;
    symbols.push_back(symbol);
    return symbols.size() - 1;
  }

  void address(size_t field, uint32_t symbol) {
    ELF::Elf64_Rela relocation = {};
    relocation.r_offset = field;
    relocation.setSymbolAndType(symbol, *addressRelocation(machine.machine));
    relocations.push_back(relocation);
  }

  void writeTable(const StaticLibraryNames &names) {
    begin(Table, ".data.rel.ro.tenon", ELF::SHT_PROGBITS, ELF::SHF_ALLOC | ELF::SHF_WRITE, alignof(uint64_t));
    tenon_static_model table = {};
    table.size = sizeof table;
    table.manifest_bytes = headers[Manifest].sh_size;
    table.weight_bytes = headers[Weights].sh_size;
    table.code_bytes = machine.bytes;
    put(table);
    end(Table);
    address(offsetof(tenon_static_model, manifest), Manifest); // a section's symbol has its number
    address(offsetof(tenon_static_model, weights), Weights);
    for (auto [name, field] : {std::pair("tenon_main", offsetof(tenon_static_model, main)),
                               std::pair("tenon_derive", offsetof(tenon_static_model, derive)),
                               std::pair("tenon_arena_size", offsetof(tenon_static_model, arena_size)),
                               std::pair("tenon_output_dims", offsetof(tenon_static_model, output_dims))})
      address(field, function(names.prefix() + name));
    ELF::Elf64_Sym model = {};
    model.st_name = symbolNames.add(names.name + "_model");
    model.setBindingAndType(ELF::STB_GLOBAL, ELF::STT_OBJECT);
    model.st_shndx = Table;
    model.st_size = sizeof table;
    symbols.push_back(model);
  }

  void writeRest() {
    begin(Addresses, ".rela.data.rel.ro.tenon", ELF::SHT_RELA, ELF::SHF_INFO_LINK, alignof(ELF::Elf64_Rela));
    headers[Addresses].sh_entsize = sizeof(ELF::Elf64_Rela);
    headers[Addresses].sh_link = Symbols;
    headers[Addresses].sh_info = Table;
    for (const ELF::Elf64_Rela &relocation : relocations)
      put(relocation);
    end(Addresses);
    begin(Stack, ".note.GNU-stack", ELF::SHT_PROGBITS, 0, 1);
    begin(Symbols, ".symtab", ELF::SHT_SYMTAB, 0, alignof(ELF::Elf64_Sym));
    headers[Symbols].sh_entsize = sizeof(ELF::Elf64_Sym);
    headers[Symbols].sh_link = SymbolNames;
    headers[Symbols].sh_info = Manifest + 1; // behind the last local symbol
    for (const ELF::Elf64_Sym &symbol : symbols)
      put(symbol);
    end(Symbols);
    begin(SymbolNames, ".strtab", ELF::SHT_STRTAB, 0, 1);
    os << symbolNames.bytes;
    end(SymbolNames);
    begin(SectionNames, ".shstrtab", ELF::SHT_STRTAB, 0, 1);
    os << sectionNames.bytes;
    end(SectionNames);
    os.write_zeros(llvm::offsetToAlignment(os.tell(), llvm::Align(alignof(ELF::Elf64_Shdr))));
    ELF::Elf64_Ehdr header = {};
    memcpy(header.e_ident, ELF::ElfMagic, 4);
    header.e_ident[ELF::EI_CLASS] = ELF::ELFCLASS64;
    header.e_ident[ELF::EI_DATA] = ELF::ELFDATA2LSB;
    header.e_ident[ELF::EI_VERSION] = ELF::EV_CURRENT;
    header.e_type = ELF::ET_REL;
    header.e_machine = machine.machine;
    header.e_version = ELF::EV_CURRENT;
    header.e_shoff = os.tell();
    header.e_flags = machine.flags;
    header.e_ehsize = sizeof header;
    header.e_shentsize = sizeof(ELF::Elf64_Shdr);
    header.e_shnum = kCount;
    header.e_shstrndx = SectionNames;
    for (const ELF::Elf64_Shdr &section : headers)
      put(section);
    os.pwrite(reinterpret_cast<const char *>(&header), sizeof header, 0);
  }

  const ElfMachine &machine;
  llvm::raw_fd_ostream &os;
  ELF::Elf64_Shdr headers[kCount] = {};
  Names sectionNames, symbolNames;
  std::vector<ELF::Elf64_Sym> symbols;
  std::vector<ELF::Elf64_Rela> relocations;
};

} // namespace

std::optional<ElfMachine> readMachine(llvm::StringRef object) {
  auto file = llvm::object::ELF64LEFile::create(object);
  auto sections = file ? file->sections() : file.takeError();
  if (!sections) {
    llvm::consumeError(sections.takeError());
    return std::nullopt;
  }
  ElfMachine machine{uint16_t(file->getHeader().e_machine), uint32_t(file->getHeader().e_flags)};
  for (const auto &section : *sections)
    if (section.sh_flags & ELF::SHF_ALLOC)
      machine.bytes += section.sh_size;
  return addressRelocation(machine.machine) ? std::optional(machine) : std::nullopt;
}

void writeElfData(const Artifact &artifact, const ElfMachine &machine, const StaticLibraryNames &names,
                  llvm::raw_fd_ostream &os) {
  DataWriter(machine, os).write(artifact, names);
}

} // namespace tenon
