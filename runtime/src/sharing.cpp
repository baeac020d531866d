// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FlatBuffers lets any number of references point at one list or text, so that a
// few kilobytes can describe terabytes. The compiler writes each part once; a
// manifest that refers to parts again and again is refused before anything is
// done for each reference.
#include "sharing.h"

#include <cstring>

namespace tenon::rt {
namespace {

using List = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::Table>>;

/// Counts the entries of lists in bytes that nobody has verified. Stops at the
/// first that is malformed: the verifier, which goes the same way, stops there too.
class EntryCounter {
  using Code = schema::Code;
  using Kernel = schema::Kernel;
  using Manifest = schema::Manifest;
  using Region = schema::Region;

public:
  EntryCounter(const uint8_t *bytes, size_t size, size_t most)
      : verifier(bytes, size, /*max_depth=*/64, /*max_tables=*/flatbuffers::uoffset_t(most + 1)), most(most) {}

  bool count(const flatbuffers::Table &manifest) {
    if (!manifest.VerifyTableStart(verifier))
      return false;
    for (auto field : {Manifest::VT_INPUTS, Manifest::VT_OUTPUTS, Manifest::VT_SYMBOLS, Manifest::VT_CHECKS,
                       Manifest::VT_FIXED_INPUTS, Manifest::VT_DEVICES})
      if (!list(manifest, field))
        return false;
    return eachOf(manifest, Manifest::VT_VARIANTS, {Code::VT_FEATURES}) &&
           eachOf(manifest, Manifest::VT_KERNELS, {Kernel::VT_NODES, Kernel::VT_BUFFERS}) && regions(manifest);
  }
  bool tooMany() const { return entries > most; }

private:
  /// Counts a list that the table may have.
  bool list(const flatbuffers::Table &table, flatbuffers::voffset_t field, const List **found = nullptr) {
    if (!table.VerifyOffset(verifier, field))
      return false;
    const auto *list = table.GetPointer<const List *>(field);
    if (!verifier.VerifyVector(list))
      return false;
    entries += list ? list->size() : 0;
    if (found)
      *found = list;
    return !tooMany();
  }

  /// Counts a list of tables, and the lists that each of these has.
  bool eachOf(const flatbuffers::Table &table, flatbuffers::voffset_t field,
              std::initializer_list<flatbuffers::voffset_t> inner) {
    const List *tables = nullptr;
    if (!list(table, field, &tables))
      return false;
    for (flatbuffers::uoffset_t i = 0; tables && i < tables->size(); ++i) {
      const flatbuffers::Table *entry = tables->Get(i);
      if (!entry->VerifyTableStart(verifier))
        return false;
      for (flatbuffers::voffset_t of : inner)
        if (!list(*entry, of))
          return false;
      verifier.EndTable();
    }
    return true;
  }

  /// Counts the regions and the features of their code.
  bool regions(const flatbuffers::Table &manifest) {
    const List *tables = nullptr;
    if (!list(manifest, Manifest::VT_REGIONS, &tables))
      return false;
    for (flatbuffers::uoffset_t i = 0; tables && i < tables->size(); ++i) {
      const flatbuffers::Table *region = tables->Get(i);
      if (!region->VerifyTableStart(verifier) || !region->VerifyOffset(verifier, Region::VT_CODE))
        return false;
      if (const auto *code = region->GetPointer<const flatbuffers::Table *>(Region::VT_CODE)) {
        if (!code->VerifyTableStart(verifier) || !list(*code, Code::VT_FEATURES))
          return false;
        verifier.EndTable();
      }
      verifier.EndTable();
    }
    return true;
  }

  flatbuffers::Verifier verifier;
  uint64_t entries = 0, most;
};

/// Sums what descriptions of the manifest's parts take.
struct Sum {
  uint64_t bytes = 0;

  void text(const flatbuffers::String *text) { bytes += text ? text->size() + 1 : 0; }
  template <typename Texts>
  void texts(const Texts *texts) {
    if (texts)
      for (const auto *one : *texts)
        text(one);
  }
  void code(const schema::Code *code) {
    if (!code)
      return;
    text(code->device());
    text(code->triple());
    texts(code->features());
  }
  template <typename Tensors>
  void tensors(const Tensors *tensors) {
    if (!tensors)
      return;
    for (const auto *tensor : *tensors) {
      text(tensor->name());
      bytes += tensor->dims() ? tensor->dims()->size() * sizeof(schema::Dim) : 0;
      bytes += tensor->default_dims() ? tensor->default_dims()->size() * sizeof(int64_t) : 0;
    }
  }
};

} // namespace

bool hasBoundedLists(const uint8_t *bytes, size_t size) {
  // Each entry of a list that is there once takes four bytes.
  const size_t most = size / sizeof(flatbuffers::uoffset_t);
  if (size < 2 * sizeof(flatbuffers::uoffset_t))
    return true; // the verifier refuses it
  flatbuffers::Verifier whole(bytes, size);
  flatbuffers::uoffset_t root = whole.VerifyOffset(size_t(0));
  if (!root)
    return true;
  EntryCounter counter(bytes, size, most);
  counter.count(*reinterpret_cast<const flatbuffers::Table *>(bytes + root));
  return !counter.tooMany();
}

bool hasBoundedTexts(const schema::Manifest &m, size_t size) {
  Sum sum;
  for (const auto *text : {m.producer(), m.model(), m.target(), m.ledger(), m.plan()})
    sum.text(text);
  sum.tensors(m.inputs());
  sum.tensors(m.outputs());
  if (m.symbols())
    for (const auto *symbol : *m.symbols())
      sum.text(symbol->name());
  if (m.variants())
    for (const auto *code : *m.variants())
      sum.code(code);
  if (m.kernels())
    for (const auto *kernel : *m.kernels()) {
      sum.text(kernel->name());
      sum.text(kernel->strategy());
      sum.texts(kernel->nodes());
      if (kernel->buffers())
        for (const auto *buffer : *kernel->buffers())
          sum.text(buffer->name());
    }
  sum.texts(m.fixed_inputs());
  if (m.checks())
    for (const auto *check : *m.checks()) {
      sum.text(check->node());
      sum.text(check->text());
    }
  if (m.devices())
    for (const auto *device : *m.devices())
      for (const auto *text : {device->name(), device->driver(), device->spec()})
        sum.text(text);
  if (m.regions())
    for (const auto *region : *m.regions()) {
      sum.text(region->name());
      sum.code(region->code());
    }
  return sum.bytes <= size;
}

} // namespace tenon::rt
