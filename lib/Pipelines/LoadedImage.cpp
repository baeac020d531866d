// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs code that this process has compiled itself. The runtime's loader reads
// artifacts, checks what they say of themselves, and has a pool of threads;
// nothing of that is needed here, and the compiler stays free of the runtime.
#include "LoadedImage.h"

#include "tenon/abi.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/MathExtras.h"
#include <cfenv>
#include <cstdlib>
#include <cstring>
#include <memory>

using namespace mlir;

namespace tenon {
namespace {

constexpr size_t kAlign = 64;

int32_t launch(void *, uint32_t, tenon_kernel_fn kernel, void *const *buffers, uint32_t, const int64_t *symbols,
               int64_t total, int64_t) {
  kernel(buffers, symbols, 0, total);
  return 0;
}
int32_t checkFailed(void *, int32_t, int64_t, int64_t) { return -1; }
int32_t redZones(void *, void *const *, uint32_t) { return 0; }
int32_t launchScratch(void *, uint32_t, tenon_scratch_kernel_fn kernel, void *const *buffers, uint32_t,
                      const int64_t *symbols, int64_t total, int64_t, int64_t scratchBytes) {
  std::unique_ptr<void, decltype(&std::free)> scratch(std::aligned_alloc(kAlign, llvm::alignTo(scratchBytes, kAlign)),
                                                      std::free);
  if (!scratch)
    return -1;
  kernel(buffers, symbols, 0, total, scratch.get());
  return 0;
}

constexpr tenon_host_api kApi = {sizeof(tenon_host_api),
                                 TENON_ABI_VERSION,
                                 launch,
                                 checkFailed,
                                 redZones,
                                 launchScratch,
                                 nullptr,
                                 nullptr,
                                 nullptr,
                                 nullptr,
                                 nullptr};

/// Keeps denormals and rounds to nearest while it lives, whatever the calling
/// program has set.
class DefaultFloats {
public:
  DefaultFloats() {
    std::fegetenv(&saved);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloats() { std::fesetenv(&saved); }
  DefaultFloats(const DefaultFloats &) = delete;
  DefaultFloats &operator=(const DefaultFloats &) = delete;

private:
  std::fenv_t saved;
};

} // namespace

std::optional<LoadedImage> LoadedImage::load(const ModuleCode &code) {
  auto file = llvm::object::ELF64LEFile::create(code.image);
  if (!file)
    return llvm::consumeError(file.takeError()), std::nullopt;
  auto headers = file->program_headers();
  if (!headers)
    return llvm::consumeError(headers.takeError()), std::nullopt;
  uint64_t end = 0;
  for (const auto &segment : *headers)
    if (segment.p_type == llvm::ELF::PT_LOAD)
      end = std::max<uint64_t>(end, segment.p_vaddr + segment.p_memsz);
  std::error_code error;
  LoadedImage loaded;
  using llvm::sys::Memory;
  loaded.memory = llvm::sys::OwningMemoryBlock(
      Memory::allocateMappedMemory(end, nullptr, Memory::MF_READ | Memory::MF_WRITE, error));
  if (error)
    return std::nullopt;
  auto *base = static_cast<char *>(loaded.memory.base());
  for (const auto &segment : *headers)
    if (segment.p_type == llvm::ELF::PT_LOAD)
      std::memcpy(base + segment.p_vaddr, code.image.data() + segment.p_offset, segment.p_filesz);
  if (Memory::protectMappedMemory(loaded.memory.getMemoryBlock(), Memory::MF_READ | Memory::MF_EXEC))
    return std::nullopt;
  loaded.mainAddress = code.mainAddress;
  loaded.arenaSizeAddress = code.arenaSizeAddress;
  return loaded;
}

bool LoadedImage::run(ArrayRef<const void *> inputs, ArrayRef<void *> outputs) const {
  auto *base = static_cast<char *>(memory.base());
  auto main = reinterpret_cast<tenon_main_fn>(base + mainAddress);
  auto arenaSize = reinterpret_cast<tenon_arena_size_fn>(base + arenaSizeAddress);
  size_t bytes = size_t(arenaSize(nullptr)) / kAlign * kAlign + kAlign;
  std::unique_ptr<void, decltype(&std::free)> arena(std::aligned_alloc(kAlign, bytes), std::free);
  if (!arena)
    return false;
  alignas(kAlign) uint8_t weights[kAlign] = {};
  DefaultFloats floats;
  return main(&kApi, nullptr, const_cast<void *const *>(inputs.data()), outputs.data(), weights,
              static_cast<uint8_t *>(arena.get()), nullptr) == 0;
}

} // namespace tenon
