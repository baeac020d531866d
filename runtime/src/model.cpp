// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models: opening artifacts, and what can be asked of them.
#include "element.h"
#include "internal.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace tenon::rt;
using tenon::schema::Manifest;

namespace {

void destroy(tenon_model *model) {
  closeDevices(*model);
  if (model->program)
    model->driver->unload(model->program);
  if (model->kernelNodes)
    for (uint32_t i = 0; i < model->manifest->kernels()->size(); ++i)
      free(model->kernelNodes[i]);
  free(model->kernelNodes);
  free(model->dims);
  free(model->dimNames);
  free(model->firstDims);
  free(model->weightMemory);
  free(model->manifestMemory);
  if (model->mapped)
    munmap(const_cast<uint8_t *>(model->file), model->fileBytes);
  if (model->fd >= 0)
    close(model->fd);
  free(model);
}

bool describeKernels(tenon_model &model) {
  const auto *kernels = model.manifest->kernels();
  model.kernelNodes = static_cast<char **>(calloc(kernels->size() + 1, sizeof(char *)));
  if (!model.kernelNodes)
    return false;
  for (uint32_t i = 0; i < kernels->size(); ++i) {
    size_t bytes = 1;
    for (const auto *node : *kernels->Get(i)->nodes())
      bytes += node->size() + 1;
    char *text = static_cast<char *>(malloc(bytes));
    if (!text)
      return false;
    char *end = text;
    for (const auto *node : *kernels->Get(i)->nodes()) {
      if (end != text)
        *end++ = '\n';
      memcpy(end, node->c_str(), node->size());
      end += node->size();
    }
    *end = 0;
    model.kernelNodes[i] = text;
  }
  return true;
}

bool describe(tenon_model &model) {
  const Manifest &m = *model.manifest;
  size_t count = 1, tensors = m.inputs()->size() + size_t(m.outputs()->size());
  for (const auto *list : {m.inputs(), m.outputs()})
    for (const auto *tensor : *list)
      count += tensor->dims()->size();
  model.dims = static_cast<int64_t *>(malloc(count * sizeof(int64_t)));
  model.dimNames = static_cast<const char **>(malloc(count * sizeof(char *)));
  model.firstDims = static_cast<size_t *>(malloc((tensors + 1) * sizeof(size_t)));
  if (!model.dims || !model.dimNames || !model.firstDims)
    return false;
  size_t at = 0, *first = model.firstDims;
  for (const auto *list : {m.inputs(), m.outputs()})
    for (const auto *tensor : *list) {
      *first++ = at;
      for (const auto *dim : *tensor->dims()) {
        model.dims[at] = dim->symbol() >= 0 ? -1 : dim->value();
        model.dimNames[at++] = dim->symbol() >= 0 ? m.symbols()->Get(dim->symbol())->name()->c_str() : "";
      }
    }
  return describeKernels(model);
}

const char *kindOf(mode_t mode) {
  return S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

tenon_status *mapFile(tenon_model &model, const char *path) {
  // Opening a pipe would wait for who writes to it; opening a terminal could make
  // it the process's own.
  model.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (model.fd < 0)
    return fail(TENON_IO, "cannot open %s: %s", path, strerror(errno));
  struct stat info;
  if (fstat(model.fd, &info) != 0)
    return fail(TENON_IO, "cannot look at %s: %s", path, strerror(errno));
  if (!S_ISREG(info.st_mode))
    return fail(TENON_IO, "%s is %s, not a regular file", path, kindOf(info.st_mode));
  if (info.st_size == 0)
    return fail(TENON_CORRUPT, "%s is empty", path);
  model.fileBytes = info.st_size;
  void *file = mmap(nullptr, model.fileBytes, PROT_READ, MAP_PRIVATE, model.fd, 0);
  if (file == MAP_FAILED)
    return fail(TENON_IO, "cannot map %s: %s", path, strerror(errno));
  model.file = static_cast<const uint8_t *>(file);
  model.mapped = true;
  return nullptr;
}

/// Gives out what has been opened, or undoes it.
tenon_status *finish(tenon_model *made, tenon_status *status, const char *name, tenon_model **model) {
  if (!status && !describe(*made))
    status = fail(TENON_OUT_OF_MEMORY, "cannot allocate the description of %s", name);
  if (status)
    destroy(made);
  else
    *model = made;
  return status;
}

tenon_model *allocate() {
  void *memory = malloc(sizeof(tenon_model));
  return memory ? new (memory) tenon_model() : nullptr;
}

/// Fills a caller's struct as far as the caller's version of it goes.
template <typename Info>
tenon_status *give(Info from, Info *to) {
  from.size = to->size;
  memcpy(to, &from, to->size < sizeof from ? to->size : sizeof from);
  return nullptr;
}

/// Refuses a query without a model, or with no struct to fill.
template <typename Info>
tenon_status *checkQuery(const char *function, const tenon_model *model, const Info *info) {
  if (!model || !info)
    return fail(TENON_INVALID_ARGUMENT, "%s: model and info must not be NULL", function);
  if (info->size <= sizeof info->size)
    return fail(TENON_INVALID_ARGUMENT, "%s: info->size is %zu; set it to the size of the struct", function,
                info->size);
  return nullptr;
}

tenon_status *describeTensor(const char *function, const tenon_model *model, bool isOutput, int32_t index,
                             tenon_tensor_info *info) {
  if (tenon_status *status = checkQuery(function, model, info))
    return status;
  const auto *list = isOutput ? model->manifest->outputs() : model->manifest->inputs();
  if (tenon_status *status = checkIndex(isOutput ? "output" : "input", index, list->size()))
    return status;
  size_t at = model->firstDims[index + (isOutput ? model->manifest->inputs()->size() : 0)];
  const auto *tensor = list->Get(index);
  return give({0, tensor->name()->c_str(), tensor->dtype(), int32_t(tensor->dims()->size()), model->dims + at,
               model->dimNames + at, tensor->default_offset() >= 0},
              info);
}

const tenon::schema::Kernel *kernelAt(const tenon_model *model, int32_t index) {
  if (!model || index < 0 || uint32_t(index) >= model->manifest->kernels()->size())
    return nullptr;
  return model->manifest->kernels()->Get(index);
}

const char *textOf(const flatbuffers::String *text, const char *otherwise = "") {
  return text ? text->c_str() : otherwise;
}

} // namespace

tenon_tensor tenon::rt::defaultOf(const tenon_model &model, const schema::Tensor &input) {
  const auto *dims = input.default_dims();
  size_t bytes = elementBytes(input.dtype());
  for (int64_t size : *dims)
    bytes *= size_t(size);
  return {const_cast<uint8_t *>(model.weights) + input.default_offset(), input.dtype(), int32_t(dims->size()),
          reinterpret_cast<const int64_t *>(dims->Data()), bytes};
}

tenon_status *tenon::rt::checkIndex(const char *what, int32_t index, uint32_t count) {
  if (index >= 0 && uint32_t(index) < count)
    return nullptr;
  return fail(TENON_INVALID_ARGUMENT, "%s %d does not exist; there are %u %ss", what, index, count, what);
}

TENON_API tenon_status *tenon_model_load(const char *path, const tenon_load_options *options, tenon_model **model) {
  if (!path || !model)
    return fail(TENON_INVALID_ARGUMENT, "tenon_model_load: path and model must not be NULL");
  *model = nullptr;
  tenon_model *made = allocate();
  if (!made)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a model");
  tenon_status *status = mapFile(*made, path);
  return finish(made, status ? status : openArtifact(*made, path, options), path, model);
}

TENON_API tenon_status *tenon_model_load_buffer(const void *data, size_t bytes, const tenon_load_options *options,
                                                tenon_model **model) {
  if (!data || !model)
    return fail(TENON_INVALID_ARGUMENT, "tenon_model_load_buffer: data and model must not be NULL");
  *model = nullptr;
  tenon_model *made = allocate();
  if (!made)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a model");
  made->file = static_cast<const uint8_t *>(data);
  made->fileBytes = bytes;
  return finish(made, openArtifact(*made, "the buffer", options), "the buffer", model);
}

TENON_API tenon_status *tenon_model_from_static(const tenon_static_model *linked, const tenon_load_options *options,
                                                tenon_model **model) {
  if (!linked || !model)
    return fail(TENON_INVALID_ARGUMENT, "tenon_model_from_static: linked and model must not be NULL");
  *model = nullptr;
  if (linked->size < sizeof *linked)
    return fail(TENON_VERSION, "the linked model has a description of %llu bytes, this runtime expects %zu or more",
                (unsigned long long)linked->size, sizeof *linked);
  if (!linked->manifest || !linked->weights || !linked->main || !linked->arena_size || !linked->output_dims)
    return fail(TENON_CORRUPT, "the linked model lacks a required part");
  tenon_model *made = allocate();
  if (!made)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a model");
  return finish(made, openLinked(*made, *linked, "the linked model", options), "the linked model", model);
}

TENON_API void tenon_model_free(tenon_model *model) {
  if (model && __atomic_sub_fetch(&model->references, 1, __ATOMIC_ACQ_REL) == 0)
    destroy(model);
}

TENON_API const char *tenon_version(void) { return TENON_VERSION_TEXT; }
TENON_API const char *tenon_driver_name(int32_t index) {
  const Driver *driver = driverAt(index);
  return driver ? driver->name : nullptr;
}

TENON_API int32_t tenon_model_num_inputs(const tenon_model *model) {
  return model ? model->manifest->inputs()->size() : 0;
}
TENON_API int32_t tenon_model_num_outputs(const tenon_model *model) {
  return model ? model->manifest->outputs()->size() : 0;
}
TENON_API int32_t tenon_model_num_symbols(const tenon_model *model) {
  return model ? model->manifest->symbols()->size() : 0;
}
TENON_API int32_t tenon_model_num_kernels(const tenon_model *model) {
  return model ? model->manifest->kernels()->size() : 0;
}

TENON_API tenon_status *tenon_model_input(const tenon_model *model, int32_t index, tenon_tensor_info *info) {
  return describeTensor(__func__, model, false, index, info);
}
TENON_API tenon_status *tenon_model_output(const tenon_model *model, int32_t index, tenon_tensor_info *info) {
  return describeTensor(__func__, model, true, index, info);
}
TENON_API tenon_status *tenon_model_symbol(const tenon_model *model, int32_t index, tenon_symbol_info *info) {
  if (tenon_status *status = checkQuery(__func__, model, info))
    return status;
  const auto *symbols = model->manifest->symbols();
  if (tenon_status *status = checkIndex("symbol", index, symbols->size()))
    return status;
  const auto *symbol = symbols->Get(index);
  return give({0, symbol->name()->c_str(), symbol->min(), symbol->max(), symbol->divisor()}, info);
}

TENON_API tenon_status *tenon_model_input_default(const tenon_model *model, int32_t index, tenon_tensor *tensor) {
  if (!model || !tensor)
    return fail(TENON_INVALID_ARGUMENT, "%s: model and tensor must not be NULL", __func__);
  if (tenon_status *status = checkIndex("input", index, model->manifest->inputs()->size()))
    return status;
  const auto *input = model->manifest->inputs()->Get(index);
  if (input->default_offset() < 0)
    return fail(TENON_INVALID_ARGUMENT, "input '%s' has no default", input->name()->c_str());
  *tensor = defaultOf(*model, *input);
  return nullptr;
}
TENON_API int32_t tenon_model_num_fixed_inputs(const tenon_model *model) {
  return model && model->manifest->fixed_inputs() ? int32_t(model->manifest->fixed_inputs()->size()) : 0;
}
TENON_API const char *tenon_model_fixed_input(const tenon_model *model, int32_t index) {
  if (index < 0 || index >= tenon_model_num_fixed_inputs(model))
    return nullptr;
  return model->manifest->fixed_inputs()->Get(index)->c_str();
}

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
TENON_API int32_t tenon_model_kernel_num_buffers(const tenon_model *model, int32_t index) {
  const auto *kernel = kernelAt(model, index);
  return kernel && kernel->buffers() ? int32_t(kernel->buffers()->size()) : 0;
}
TENON_API tenon_status *tenon_model_kernel_buffer(const tenon_model *model, int32_t kernel, int32_t index,
                                                  tenon_buffer_info *info) {
  if (tenon_status *status = checkQuery(__func__, model, info))
    return status;
  if (tenon_status *status = checkIndex("kernel", kernel, model->manifest->kernels()->size()))
    return status;
  const auto *buffers = model->manifest->kernels()->Get(kernel)->buffers();
  if (tenon_status *status = checkIndex("buffer", index, buffers ? buffers->size() : 0))
    return status;
  const auto *buffer = buffers->Get(index);
  return give({0, buffer->name()->c_str(), buffer->dtype(), buffer->is_output(), buffer->weight_offset()}, info);
}

TENON_API int32_t tenon_model_num_devices(const tenon_model *model) {
  return model && model->manifest->devices() ? int32_t(model->manifest->devices()->size()) : 0;
}
TENON_API tenon_status *tenon_model_device(const tenon_model *model, int32_t index, tenon_device_info *info) {
  if (tenon_status *status = checkQuery(__func__, model, info))
    return status;
  if (tenon_status *status = checkIndex("device", index, uint32_t(tenon_model_num_devices(model))))
    return status;
  const auto *device = model->manifest->devices()->Get(index);
  return give({0, device->name()->c_str(), device->spec()->c_str(), device->mb_per_s(), device->latency_ns(),
               device->driver()->c_str()},
              info);
}
TENON_API int32_t tenon_model_kernel_device(const tenon_model *model, int32_t kernel) {
  const auto *described = kernelAt(model, kernel);
  if (!described || described->region() < 0)
    return -1;
  return int32_t(model->manifest->regions()->Get(described->region())->device());
}

TENON_API const char *tenon_model_ledger(const tenon_model *model) {
  return model ? textOf(model->manifest->ledger(), "{}") : nullptr;
}
TENON_API const char *tenon_model_plan(const tenon_model *model) {
  return model ? textOf(model->manifest->plan()) : nullptr;
}
TENON_API const char *tenon_model_target(const tenon_model *model) {
  return model ? textOf(model->manifest->target()) : nullptr;
}
TENON_API const char *tenon_model_producer(const tenon_model *model) {
  return model ? textOf(model->manifest->producer()) : nullptr;
}
TENON_API const char *tenon_model_driver(const tenon_model *model) { return model ? model->driver->name : nullptr; }
TENON_API uint64_t tenon_model_weight_bytes(const tenon_model *model) {
  return model ? model->manifest->weights_size() : 0;
}
TENON_API uint64_t tenon_model_code_bytes(const tenon_model *model) { return model ? model->codeBytes : 0; }
TENON_API uint64_t tenon_model_stack_bytes(const tenon_model *model) { return model ? model->code->stack_bytes() : 0; }
