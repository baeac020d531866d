// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loading and describing artifacts. File layout: docs/Runtime/artifact.md.
#include "internal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace tenon::rt;
using tenon::schema::Manifest;

#define TENON_API extern "C" __attribute__((visibility("default")))

namespace {

// magic, version, manifest size, manifest offset, hash of the manifest.
struct Header {
  char magic[8];
  uint32_t version;
  uint32_t manifestSize;
  uint64_t manifestOffset;
  uint64_t manifestHash;
};
constexpr char kMagic[8] = {'T', 'E', 'N', 'O', 'N', 0, 1, 0};
constexpr uint32_t kOldestVersion = 1, kNewestVersion = 1;

void destroy(tenon_model *model) {
  unmapImage(model->image);
  if (model->kernelNodes && model->manifest && model->manifest->kernels())
    for (uint32_t i = 0; i < model->manifest->kernels()->size(); ++i)
      free(model->kernelNodes[i]);
  free(model->kernelNodes);
  free(model->dims);
  free(model->dimNames);
  if (model->file)
    munmap(const_cast<uint8_t *>(model->file), model->fileBytes);
  if (model->fd >= 0)
    close(model->fd);
  free(model);
}

bool inFile(const tenon_model &model, uint64_t offset, uint64_t size) {
  return offset <= model.fileBytes && size <= model.fileBytes - offset;
}

bool complete(const flatbuffers::Vector<flatbuffers::Offset<tenon::schema::Tensor>> *tensors, int symbols) {
  if (!tensors)
    return false;
  for (const auto *tensor : *tensors) {
    if (!tensor->name() || !tensor->dims() || tensor->dims()->size() > 64)
      return false;
    for (const auto *dim : *tensor->dims())
      if (dim->symbol() >= symbols)
        return false;
  }
  return true;
}

tenon_status *checkManifest(const tenon_model &model) {
  const Manifest &m = *model.manifest;
  if (!m.symbols() || !m.variants() || !m.kernels() || !complete(m.inputs(), m.symbols()->size()) ||
      !complete(m.outputs(), m.symbols()->size()))
    return fail(TENON_CORRUPT, "the manifest lacks a required part");
  if (m.abi_version() != TENON_ABI_VERSION)
    return fail(TENON_VERSION, "the artifact's code uses ABI version %u; this runtime has %d: recompile the model",
                m.abi_version(), TENON_ABI_VERSION);
  if (m.weights_offset() % 64 != 0 || !inFile(model, m.weights_offset(), m.weights_size()))
    return fail(TENON_CORRUPT, "the weights lie outside the file");
  for (const auto *kernel : *m.kernels())
    if (!kernel->name() || !kernel->strategy() || !kernel->nodes())
      return fail(TENON_CORRUPT, "a kernel's description is incomplete");
  for (const auto *symbol : *m.symbols())
    if (!symbol->name() || symbol->divisor() < 1)
      return fail(TENON_CORRUPT, "a symbol's description is incomplete");
  return nullptr;
}

void describe(tenon_model &model) {
  const Manifest &m = *model.manifest;
  size_t count = 1;
  for (const auto *list : {m.inputs(), m.outputs()})
    for (const auto *tensor : *list)
      count += tensor->dims()->size();
  model.dims = static_cast<int64_t *>(malloc(count * sizeof(int64_t)));
  model.dimNames = static_cast<const char **>(malloc(count * sizeof(char *)));
  model.kernelNodes = static_cast<char **>(calloc(m.kernels()->size() + 1, sizeof(char *)));
  if (!model.dims || !model.dimNames || !model.kernelNodes)
    return;
  size_t at = 0;
  for (const auto *list : {m.inputs(), m.outputs()})
    for (const auto *tensor : *list)
      for (const auto *dim : *tensor->dims()) {
        model.dims[at] = dim->symbol() >= 0 ? -1 : dim->value();
        model.dimNames[at++] = dim->symbol() >= 0 ? m.symbols()->Get(dim->symbol())->name()->c_str() : "";
      }
  for (uint32_t i = 0; i < m.kernels()->size(); ++i) {
    size_t bytes = 1;
    for (const auto *node : *m.kernels()->Get(i)->nodes())
      bytes += node->size() + 1;
    char *text = static_cast<char *>(malloc(bytes));
    if (!text)
      return;
    char *end = text;
    for (const auto *node : *m.kernels()->Get(i)->nodes()) {
      if (end != text)
        *end++ = '\n';
      memcpy(end, node->c_str(), node->size());
      end += node->size();
    }
    *end = 0;
    model.kernelNodes[i] = text;
  }
}

tenon_status *load(tenon_model &model, const char *path, const tenon_load_options *options) {
  model.fd = open(path, O_RDONLY | O_CLOEXEC);
  if (model.fd < 0)
    return fail(TENON_IO, "cannot open %s: %s", path, strerror(errno));
  struct stat info;
  if (fstat(model.fd, &info) != 0 || !S_ISREG(info.st_mode))
    return fail(TENON_IO, "%s is not a regular file", path);
  model.fileBytes = info.st_size;
  if (model.fileBytes < sizeof(Header))
    return fail(TENON_CORRUPT, "%s has %zu bytes, too few for a tenon artifact", path, model.fileBytes);
  void *file = mmap(nullptr, model.fileBytes, PROT_READ, MAP_PRIVATE, model.fd, 0);
  if (file == MAP_FAILED)
    return fail(TENON_IO, "cannot map %s: %s", path, strerror(errno));
  model.file = static_cast<const uint8_t *>(file);

  Header header;
  memcpy(&header, model.file, sizeof header);
  if (memcmp(header.magic, kMagic, sizeof kMagic) != 0)
    return fail(TENON_CORRUPT, "%s is not a tenon artifact (its first bytes are not TENON)", path);
  if (header.version < kOldestVersion || header.version > kNewestVersion)
    return fail(TENON_VERSION, "%s has format version %u; this runtime reads %u to %u", path, header.version,
                kOldestVersion, kNewestVersion);
  if (header.manifestOffset % 8 != 0 || !inFile(model, header.manifestOffset, header.manifestSize))
    return fail(TENON_CORRUPT, "the manifest lies outside %s (truncated file?)", path);
  const uint8_t *bytes = model.file + header.manifestOffset;
  if (XXH3_64bits(bytes, header.manifestSize) != header.manifestHash)
    return fail(TENON_CORRUPT, "the manifest of %s does not match its hash", path);
  flatbuffers::Verifier verifier(bytes, header.manifestSize);
  if (!tenon::schema::VerifyManifestBuffer(verifier))
    return fail(TENON_CORRUPT, "the manifest of %s is malformed", path);
  model.manifest = tenon::schema::GetManifest(bytes);
  if (tenon_status *status = checkManifest(model))
    return status;
  model.weights = model.file + model.manifest->weights_offset();
  if (options && options->size >= sizeof(tenon_load_options) && options->check_weights &&
      XXH3_64bits(model.weights, model.manifest->weights_size()) != model.manifest->weights_hash())
    return fail(TENON_CORRUPT, "the weights of %s do not match their hash", path);

  const char *missing = "any code";
  for (const auto *code : *model.manifest->variants()) {
    if (!code->triple() || !code->features() || code->offset() % 4096 != 0 || !inFile(model, code->offset(), code->size()))
      return fail(TENON_CORRUPT, "a code section lies outside %s", path);
    if (const char *feature = missingFeature(*code)) {
      missing = feature;
      continue;
    }
    if (XXH3_64bits(model.file + code->offset(), code->size()) != code->hash())
      return fail(TENON_CORRUPT, "the code of %s does not match its hash", path);
    if (tenon_status *status = mapImage(model.fd, model.file, model.fileBytes, *code, model.image))
      return status;
    describe(model);
    if (!model.kernelNodes)
      return fail(TENON_OUT_OF_MEMORY, "cannot allocate the model's description");
    return nullptr;
  }
  return fail(TENON_UNSUPPORTED_CPU, "%s was compiled for %s; this processor lacks %s: compile it for this machine", path,
              model.manifest->target() ? model.manifest->target()->c_str() : "another target", missing);
}

tenon_status *info(const tenon_model *model, bool isOutput, int32_t index, tenon_tensor_info *result) {
  const auto *list = isOutput ? model->manifest->outputs() : model->manifest->inputs();
  if (index < 0 || uint32_t(index) >= list->size())
    return fail(TENON_INVALID_ARGUMENT, "%s %d does not exist; the model has %u", isOutput ? "output" : "input", index,
                list->size());
  size_t at = 0;
  if (isOutput)
    for (const auto *tensor : *model->manifest->inputs())
      at += tensor->dims()->size();
  for (int32_t i = 0; i < index; ++i)
    at += list->Get(i)->dims()->size();
  const auto *tensor = list->Get(index);
  result->name = tensor->name()->c_str();
  result->dtype = tensor->dtype();
  result->rank = tensor->dims()->size();
  result->dims = model->dims + at;
  result->dim_names = model->dimNames + at;
  return nullptr;
}

const tenon::schema::Kernel *kernelAt(const tenon_model *model, int32_t index) {
  const auto *kernels = model->manifest->kernels();
  return index >= 0 && uint32_t(index) < kernels->size() ? kernels->Get(index) : nullptr;
}

} // namespace

TENON_API tenon_status *tenon_model_load(const char *path, const tenon_load_options *options, tenon_model **model) {
  if (!path || !model)
    return fail(TENON_INVALID_ARGUMENT, "tenon_model_load: path and model must not be NULL");
  *model = nullptr;
  void *memory = malloc(sizeof(tenon_model));
  if (!memory)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a model");
  auto *made = new (memory) tenon_model();
  if (tenon_status *status = load(*made, path, options)) {
    destroy(made);
    return status;
  }
  *model = made;
  return nullptr;
}

TENON_API void tenon_model_free(tenon_model *model) {
  if (model && __atomic_sub_fetch(&model->references, 1, __ATOMIC_ACQ_REL) == 0)
    destroy(model);
}

TENON_API int32_t tenon_model_num_inputs(const tenon_model *model) { return model->manifest->inputs()->size(); }
TENON_API int32_t tenon_model_num_outputs(const tenon_model *model) { return model->manifest->outputs()->size(); }
TENON_API tenon_status *tenon_model_input(const tenon_model *model, int32_t index, tenon_tensor_info *result) {
  return info(model, false, index, result);
}
TENON_API tenon_status *tenon_model_output(const tenon_model *model, int32_t index, tenon_tensor_info *result) {
  return info(model, true, index, result);
}
TENON_API int32_t tenon_model_num_kernels(const tenon_model *model) { return model->manifest->kernels()->size(); }
TENON_API const char *tenon_model_kernel_name(const tenon_model *model, int32_t index) {
  const auto *kernel = kernelAt(model, index);
  return kernel ? kernel->name()->c_str() : nullptr;
}
TENON_API const char *tenon_model_kernel_strategy(const tenon_model *model, int32_t index) {
  const auto *kernel = kernelAt(model, index);
  return kernel ? kernel->strategy()->c_str() : nullptr;
}
TENON_API const char *tenon_model_kernel_nodes(const tenon_model *model, int32_t index) {
  return kernelAt(model, index) ? model->kernelNodes[index] : nullptr;
}
TENON_API const char *tenon_model_ledger(const tenon_model *model) {
  return model->manifest->ledger() ? model->manifest->ledger()->c_str() : "{}";
}
TENON_API const char *tenon_model_target(const tenon_model *model) {
  return model->manifest->target() ? model->manifest->target()->c_str() : "";
}
TENON_API const char *tenon_model_producer(const tenon_model *model) {
  return model->manifest->producer() ? model->manifest->producer()->c_str() : "";
}
TENON_API uint64_t tenon_model_weight_bytes(const tenon_model *model) { return model->manifest->weights_size(); }
TENON_API uint64_t tenon_model_code_bytes(const tenon_model *model) {
  return model->manifest->variants()->Get(0)->size();
}
