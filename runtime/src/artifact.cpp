// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verification of artifacts, in an order in which nothing is used before it has
// been checked: header, manifest's hash, its structure, its contents, code.
// The layout is in docs/Runtime/artifact.md.
#include "element.h"
#include "internal.h"
#include "sharing.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

using tenon::schema::Manifest;

namespace tenon::rt {
namespace {

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t manifestSize;
  uint64_t manifestOffset;
  uint64_t manifestHash;
};
static_assert(sizeof(Header) == 32);
constexpr char kMagic[8] = {'T', 'E', 'N', 'O', 'N', 0, 1, 0};
constexpr uint32_t kMostDerivedSymbols = 1u << 24;
constexpr uint32_t kOldestVersion = 1, kNewestVersion = 1;
constexpr uint64_t kPage = 4096, kAlign = 64;

/// Takes bytes as the model's manifest once its structure has been verified.
tenon_status *verifyManifest(tenon_model &model, const uint8_t *bytes, size_t size, const char *name) {
  const char *shared = "the manifest of %s refers to one part many times, which no compiler writes";
  if (!hasBoundedLists(bytes, size))
    return fail(TENON_CORRUPT, shared, name);
  flatbuffers::Verifier verifier(bytes, size);
  if (!schema::VerifyManifestBuffer(verifier))
    return fail(TENON_CORRUPT, "the manifest of %s is malformed", name);
  model.manifest = schema::GetManifest(bytes);
  return hasBoundedTexts(*model.manifest, size) ? nullptr : fail(TENON_CORRUPT, shared, name);
}

tenon_status *readManifest(tenon_model &model, const char *name) {
  Header header;
  if (model.fileBytes < sizeof header)
    return fail(TENON_CORRUPT, "%s has %zu bytes, too few for a tenon artifact", name, model.fileBytes);
  memcpy(&header, model.file, sizeof header);
  if (memcmp(header.magic, kMagic, sizeof kMagic) != 0)
    return fail(TENON_CORRUPT, "%s is not a tenon artifact (its first bytes are not TENON)", name);
  if (header.version < kOldestVersion || header.version > kNewestVersion)
    return fail(TENON_VERSION, "%s has format version %u; this runtime reads %u to %u", name, header.version,
                kOldestVersion, kNewestVersion);
  if (header.manifestOffset % 8 != 0 || !inFile(model, header.manifestOffset, header.manifestSize))
    return fail(TENON_CORRUPT, "the manifest lies outside %s (truncated file?)", name);
  // A copy of its own: aligned, and out of reach of whoever writes to the file
  // after it has been verified.
  model.manifestMemory = malloc(size_t(header.manifestSize) + 1);
  if (!model.manifestMemory)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate the manifest's %u bytes", header.manifestSize);
  auto *bytes = static_cast<uint8_t *>(model.manifestMemory);
  memcpy(bytes, model.file + header.manifestOffset, header.manifestSize);
  if (XXH3_64bits(bytes, header.manifestSize) != header.manifestHash)
    return fail(TENON_CORRUPT, "the manifest of %s does not match its hash", name);
  return verifyManifest(model, bytes, header.manifestSize, name);
}

using Tensors = flatbuffers::Vector<flatbuffers::Offset<schema::Tensor>>;

/// A dimension is a size (of an output also -1: the code computes it), or -1 and
/// a symbol.
bool hasValue(const schema::Dim &dim, int symbols, bool ofInput) {
  if (dim.symbol() < -1 || dim.symbol() >= symbols)
    return false;
  if (dim.symbol() >= 0)
    return dim.value() == -1;
  return dim.value() >= (ofInput ? 0 : -1);
}

tenon_status *checkTensors(const Manifest &m, bool areInputs, const char *name) {
  for (const auto *tensor : areInputs ? *m.inputs() : *m.outputs()) {
    // FlatBuffers' verifier leaves the alignment of structs in vectors alone.
    if (!tensor->name() || !tensor->dims() || tensor->dims()->size() > 64 ||
        // A scalar's empty vector ends where nothing needs alignment.
        (tensor->dims()->size() && reinterpret_cast<uintptr_t>(tensor->dims()->Data()) % alignof(schema::Dim) != 0))
      return fail(TENON_CORRUPT, "the manifest of %s describes an input or output without name or shape", name);
    if (!elementBytes(tensor->dtype()))
      return fail(TENON_DTYPE, "'%s' of %s has ONNX element type %d, which this runtime cannot hold",
                  tensor->name()->c_str(), name, tensor->dtype());
    for (const auto *dim : *tensor->dims())
      if (!hasValue(*dim, int(m.symbols()->size()), areInputs))
        return fail(TENON_CORRUPT,
                    "the manifest of %s: '%s' has a dimension that nothing gives a value (size %lld, symbol %d of %u)",
                    name, tensor->name()->c_str(), (long long)dim->value(), dim->symbol(), m.symbols()->size());
  }
  return nullptr;
}

tenon_status *checkSymbols(const Manifest &m, const char *name) {
  for (const auto *symbol : *m.symbols()) {
    if (!symbol->name() || symbol->divisor() < 1)
      return fail(TENON_CORRUPT, "the manifest of %s describes a symbol without name or with divisor %lld", name,
                  (long long)symbol->divisor());
    if (symbol->min() > symbol->max() || symbol->max() < 0)
      return fail(TENON_CORRUPT, "the manifest of %s gives the dimension '%s' no size: from %lld to %lld", name,
                  symbol->name()->c_str(), (long long)symbol->min(), (long long)symbol->max());
  }
  return nullptr;
}

/// Symbols get their values from the inputs' shapes.
tenon_status *checkOutputSymbols(const Manifest &m, const char *name) {
  auto *given = static_cast<bool *>(calloc(m.symbols()->size() + 1, sizeof(bool)));
  if (!given)
    return fail(TENON_OUT_OF_MEMORY, "cannot allocate a list of %u symbols", m.symbols()->size());
  for (const auto *input : *m.inputs())
    for (const auto *dim : *input->dims())
      if (dim->symbol() >= 0)
        given[dim->symbol()] = true;
  tenon_status *status = nullptr;
  for (const auto *output : *m.outputs())
    for (const auto *dim : *output->dims())
      if (!status && dim->symbol() >= 0 && !given[dim->symbol()])
        status = fail(TENON_CORRUPT, "the manifest of %s: '%s' has the dimension '%s', which no input has", name,
                      output->name()->c_str(), m.symbols()->Get(dim->symbol())->name()->c_str());
  free(given);
  return status;
}

/// Whether the default of an optional input has its shape and lies in the weights.
bool hasDefaultInRange(const schema::Tensor &input, const Manifest &m) {
  const auto *dims = input.default_dims();
  if (!dims || dims->size() != input.dims()->size() || input.default_offset() % int64_t(kAlign) != 0 ||
      (dims->size() && reinterpret_cast<uintptr_t>(dims->Data()) % alignof(int64_t) != 0))
    return false;
  size_t bytes = elementBytes(input.dtype());
  for (uint32_t d = 0; d < dims->size(); ++d) {
    const auto *declared = input.dims()->Get(d);
    int64_t size = dims->Get(d);
    if (size < 0 || (declared->symbol() < 0 && declared->value() != size) ||
        __builtin_mul_overflow(bytes, size_t(size), &bytes))
      return false;
  }
  auto offset = uint64_t(input.default_offset());
  return offset <= m.weights_size() && bytes <= m.weights_size() - offset;
}

/// What is wrong with the description of a kernel, or null. Its buffers are what
/// it reads and then what it writes.
const char *faultOf(const schema::Kernel &kernel, uint64_t weights) {
  if (!kernel.name() || !kernel.strategy() || !kernel.nodes())
    return "without name, strategy or nodes";
  bool writes = false;
  if (kernel.buffers())
    for (const auto *buffer : *kernel.buffers()) {
      if (!buffer->name())
        return "with a buffer without a name";
      if (writes && !buffer->is_output())
        return "that reads a buffer after those that it writes";
      writes = buffer->is_output();
      int64_t at = buffer->weight_offset();
      if (at < -1 || (at >= 0 && (uint64_t(at) > weights || writes)))
        return "with a weight outside of the weights";
    }
  return nullptr;
}

/// Codes that a check may have: errors of a run, those of later versions too.
bool complete(const schema::Check &check) {
  return check.node() && check.text() && check.code() >= TENON_RUN && check.code() < 8000;
}

tenon_status *takeWeights(tenon_model &model, const char *name, bool check) {
  const Manifest &m = *model.manifest;
  const uint8_t *weights = model.file + m.weights_offset();
  if (check && XXH3_64bits(weights, m.weights_size()) != m.weights_hash())
    return fail(TENON_CORRUPT, "the weights of %s do not match their hash", name);
  if (reinterpret_cast<uintptr_t>(weights) % kAlign != 0) {
    size_t bytes = (m.weights_size() + kAlign) / kAlign * kAlign;
    model.weightMemory = aligned_alloc(kAlign, bytes);
    if (!model.weightMemory)
      return fail(TENON_OUT_OF_MEMORY, "cannot allocate %zu bytes for the weights", bytes);
    memcpy(model.weightMemory, weights, m.weights_size());
    weights = static_cast<const uint8_t *>(model.weightMemory);
  }
  model.weights = weights;
  return nullptr;
}

/// The driver for a variant: the one asked for, or the one that takes it.
const Driver *driverFor(const Driver *asked, const schema::Code &code) {
  if (asked)
    return asked->accepts(code) ? asked : nullptr;
  for (int i = 0; const Driver *driver = driverAt(i); ++i)
    if (driver->computes && driver->accepts(code))
      return driver;
  return nullptr;
}

tenon_status *noDriver(const char *name) {
  char names[128] = "";
  size_t used = 0;
  for (int i = 0; const Driver *driver = driverAt(i); ++i)
    if (used < sizeof names)
      used += size_t(snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", driver->name));
  return fail(TENON_NO_DRIVER, "there is no driver '%s'; this runtime has %s", name, names);
}

/// Takes the first variant that this machine can run.
tenon_status *takeCode(tenon_model &model, const char *name, const Driver *asked) {
  tenon_status *why = nullptr; // the first refusal: of the variant that was wanted most
  for (const auto *code : *model.manifest->variants()) {
    const Driver *driver = driverFor(asked, *code);
    if (!driver)
      continue;
    if (tenon_status *refusal = driver->check(*code)) {
      if (why)
        tenon_status_free(refusal);
      else
        why = refusal;
      continue;
    }
    tenon_status_free(why);
    if (!matchesHash(model, *code))
      return fail(TENON_CORRUPT, "the code of %s does not match its hash", name);
    CodeSource source = {model.fd, model.file + code->offset(), code, model.manifest};
    if (tenon_status *status = driver->load(source, &model.program))
      return status;
    model.driver = driver;
    model.code = code;
    model.codeBytes = code->size();
    return nullptr;
  }
  const char *target = model.manifest->target() ? model.manifest->target()->c_str() : "another target";
  tenon_status *status =
      why ? fail(TENON_UNSUPPORTED_CPU, "%s was compiled for %s: %s; compile it for this machine", name, target,
                 tenon_status_text(why) + sizeof "[TN7005]")
          : fail(TENON_NO_DRIVER, "%s was compiled for %s; no driver of this runtime takes its code", name, target);
  tenon_status_free(why);
  return status;
}

} // namespace

bool inFile(const tenon_model &model, uint64_t offset, uint64_t size) {
  return offset <= model.fileBytes && size <= model.fileBytes - offset;
}

bool matchesHash(const tenon_model &model, const schema::Code &code) {
  return XXH3_64bits(model.file + code.offset(), code.size()) == code.hash();
}

tenon_status *checkManifest(const tenon_model &model, const char *name) {
  const Manifest &m = *model.manifest;
  if (m.abi_version() < TENON_OLDEST_ABI_VERSION || m.abi_version() > TENON_ABI_VERSION)
    return fail(TENON_VERSION, "the code of %s uses ABI version %u; this runtime has %d to %d: compile the model again",
                name, m.abi_version(), TENON_OLDEST_ABI_VERSION, TENON_ABI_VERSION);
  if (!m.inputs() || !m.outputs() || !m.symbols() || !m.variants() || !m.kernels())
    return fail(TENON_CORRUPT, "the manifest of %s lacks a required part", name);
  // A model has as many sizes as its nodes need; a damaged number asks for memory.
  if (m.derived_symbols() > kMostDerivedSymbols)
    return fail(TENON_CORRUPT, "the manifest of %s asks for %u derived sizes, expected at most %u", name,
                m.derived_symbols(), kMostDerivedSymbols);
  if (tenon_status *status = checkSymbols(m, name))
    return status;
  if (tenon_status *status = checkTensors(m, true, name))
    return status;
  if (tenon_status *status = checkTensors(m, false, name))
    return status;
  if (tenon_status *status = checkOutputSymbols(m, name))
    return status;
  for (const auto *input : *m.inputs())
    if (input->default_offset() >= 0 && !hasDefaultInRange(*input, m))
      return fail(TENON_CORRUPT,
                  "the manifest of %s: the default of input '%s' does not fit it, or lies outside the weights", name,
                  input->name()->c_str());
  for (const auto *kernel : *m.kernels())
    if (const char *fault = faultOf(*kernel, m.weights_size()))
      return fail(TENON_CORRUPT, "the manifest of %s describes a kernel %s", name, fault);
  if (m.checks())
    for (const auto *check : *m.checks())
      if (!complete(*check))
        return fail(TENON_CORRUPT, "the manifest of %s describes a check incompletely", name);
  if (m.weights_offset() % kAlign != 0 || !inFile(model, m.weights_offset(), m.weights_size()))
    return fail(TENON_CORRUPT, "the weights lie outside %s", name);
  for (const auto *code : *m.variants())
    if (!code->triple() || !code->features() || code->offset() % kPage != 0 ||
        !inFile(model, code->offset(), code->size()))
      return fail(TENON_CORRUPT, "a code image lies outside %s", name);
  return checkDevices(model, name);
}

tenon_status *openArtifact(tenon_model &model, const char *name, const tenon_load_options *options) {
  const char *driverName = TENON_FIELD(options, driver, nullptr);
  const Driver *driver = driverName ? findDriver(driverName) : nullptr;
  if (driverName && !driver)
    return noDriver(driverName);
  if (tenon_status *status = readManifest(model, name))
    return status;
  if (tenon_status *status = checkManifest(model, name))
    return status;
  if (tenon_status *status = takeWeights(model, name, TENON_FIELD(options, check_weights, 0) != 0))
    return status;
  if (tenon_status *status = takeCode(model, name, driver))
    return status;
  return openDevices(model, name);
}

tenon_status *openLinked(tenon_model &model, const tenon_static_model &linked, const char *name,
                         const tenon_load_options *options) {
  const char *driver = TENON_FIELD(options, driver, nullptr);
  if (driver && strcmp(driver, kLinkedDriver.name) != 0)
    return fail(TENON_NO_DRIVER, "the driver '%s' takes no code that is linked into the program; leave it out", driver);
  // Offsets of the weights are from the first one; nothing else lies in the model's memory.
  model.file = linked.weights;
  model.fileBytes = linked.weight_bytes;
  if (tenon_status *status = verifyManifest(model, linked.manifest, linked.manifest_bytes, name))
    return status;
  if (tenon_status *status = checkManifest(model, name))
    return status;
  const auto *variants = model.manifest->variants();
  if (variants->size() != 1 || (model.manifest->devices() && model.manifest->devices()->size()))
    return fail(TENON_CORRUPT, "the manifest of %s is not that of a linked model", name);
  if (tenon_status *status = takeWeights(model, name, TENON_FIELD(options, check_weights, 0) != 0))
    return status;
  if (tenon_status *status = kLinkedDriver.check(*variants->Get(0)))
    return status;
  model.driver = &kLinkedDriver;
  model.code = variants->Get(0);
  model.codeBytes = linked.code_bytes;
  return linkProgram(linked, &model.program);
}

} // namespace tenon::rt
