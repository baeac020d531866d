// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Collecting the ledger from the IR.
#include "tenon/Pipelines/BuildLedger.h"

#include "LedgerMemory.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Analysis/NominalSizes.h"
#include "tenon/Conversion/ONNXToGraph/Passes.h"
#include "tenon/Dialect/Graph/IR/Symbols.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/xxhash.h"
#include <map>

using namespace mlir;

namespace tenon {
namespace {

constexpr StringLiteral kNodesAttr = "onnx.nodes";
constexpr StringLiteral kOutputsAttr = "onnx.outputs";
constexpr StringLiteral kHashAttr = "onnx.hash";
constexpr StringLiteral kNodeDevicesAttr = "onnx.devices";

/// What a value of the imported graph depends on, at most.
enum class Depends { Nothing, Shapes, Data };

class Dependences {
public:
  Depends of(Value value) {
    if (isa<NoneType>(value.getType()))
      return Depends::Nothing;
    Operation *op = value.getDefiningOp();
    if (!op)
      return Depends::Data;
    if (isa<onnxir::ConstantOp>(op))
      return Depends::Nothing;
    auto node = dyn_cast<onnxir::NodeOp>(op);
    return node ? of(node) : Depends::Data;
  }
  Depends of(onnxir::NodeOp node) {
    auto [it, isNew] = known.try_emplace(node, Depends::Data);
    if (!isNew)
      return it->second;
    Depends result = Depends::Nothing;
    if (node.getDomain().empty() && (node.getOpType() == "Shape" || node.getOpType() == "Size"))
      result = Depends::Shapes;
    else
      for (Value input : node.getInputs())
        result = std::max(result, of(input));
    return known[node] = result;
  }

private:
  DenseMap<Operation *, Depends> known;
};

/// Where values of the imported graph come from, as NodeRecord::inputs says it.
class Sources {
public:
  explicit Sources(ModuleOp imported) {
    imported.walk<WalkOrder::PreOrder>([&](onnxir::NodeOp node) { numbers.insert({node, int64_t(numbers.size())}); });
  }
  /// Weights are left out.
  SmallVector<int64_t> of(ValueRange values) const {
    llvm::SetVector<int64_t> sources;
    for (Value value : values) {
      auto argument = dyn_cast<BlockArgument>(value);
      if (argument && isa<func::FuncOp>(argument.getOwner()->getParentOp()))
        sources.insert(-1 - int64_t(argument.getArgNumber()));
      else if (auto node = value.getDefiningOp<onnxir::NodeOp>())
        sources.insert(numbers.lookup(node));
    }
    return sources.takeVector();
  }

private:
  DenseMap<Operation *, int64_t> numbers;
};

Fate fateOfAbsent(StringRef depends) {
  return depends == "nothing" ? Fate::Constant : depends == "shapes" ? Fate::Dimensions : Fate::Removed;
}

/// What became of ONNX nodes, by their names.
class NodeFates {
public:
  void addKernel(const KernelDescription &kernel) {
    for (const std::string &node : kernel.nodes)
      kernels[node].push_back(kernel.name);
  }
  /// Nodes that an op stands for outside of all kernels; those in kernels keep theirs.
  void addWithoutKernel(Location loc, Fate fate) {
    for (StringRef node : sourceNodes(loc))
      others.try_emplace(node, fate);
  }

  /// Of a node that recordNodes() has described.
  NodeRecord recordOf(DictionaryAttr node) const {
    NodeRecord record{node.getAs<StringAttr>("name").str(), node.getAs<StringAttr>("op").str(), Fate::Removed, {}};
    if (auto computed = kernels.find(record.name); computed != kernels.end()) {
      record.fate = Fate::Kernel;
      record.kernels = computed->second;
    } else if (auto other = others.find(record.name); other != others.end()) {
      record.fate = other->second;
    } else {
      record.fate = fateOfAbsent(node.getAs<StringAttr>("depends_on").getValue());
    }
    if (auto inputs = node.getAs<DenseI64ArrayAttr>("inputs"))
      llvm::append_range(record.inputs, inputs.asArrayRef());
    return record;
  }

  /// Of the nodes that the locations in kernels name, where nothing else is known of them.
  std::vector<NodeRecord> namedByKernels(ArrayRef<KernelDescription> inOrder) const {
    std::vector<NodeRecord> records;
    llvm::StringSet<> listed;
    for (const KernelDescription &kernel : inOrder)
      for (const std::string &node : kernel.nodes)
        if (listed.insert(node).second)
          records.push_back({node, "", Fate::Kernel, kernels.find(node)->second});
    return records;
  }

private:
  llvm::StringMap<std::vector<std::string>> kernels; ///< that compute a node
  llvm::StringMap<Fate> others;
};

/// Collects notes, merging those that several kernels share.
class NoteCollector {
public:
  void add(const Note &note, const KernelDescription &kernel) {
    LedgerNote &entry = entries.try_emplace(note, LedgerNote{note, {}, {}}).first->second;
    if (entry.kernels.empty() || entry.kernels.back() != kernel.name) {
      entry.kernels.push_back(kernel.name);
      entry.nodes.insert(entry.nodes.end(), kernel.nodes.begin(), kernel.nodes.end());
    }
  }
  std::vector<LedgerNote> take() {
    std::vector<LedgerNote> notes;
    for (auto &[key, note] : entries)
      notes.push_back(std::move(note));
    return notes;
  }

private:
  std::map<Note, LedgerNote> entries;
};

/// Whether a note says why an op is where it is (TN4220 to TN4226).
bool isOfPlacement(const Note &note) { return StringRef(note.code).starts_with("TN422"); }

void noteKernel(plan::KernelOp kernel, const KernelDescription &description, NoteCollector &notes) {
  SmallVector<Note> found(description.notes.begin(), description.notes.end());
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    SmallVector<Note> notesOfOp;
    collectNotes(op.getLoc(), notesOfOp);
    // A change of layout has the location of what it surrounds, but a place of its own.
    for (const Note &note : notesOfOp)
      if (!isa<graph::TransposeOp>(op) || isOfPlacement(note))
        found.push_back(note);
  }
  for (const Note &note : found)
    notes.add(note, description);
}

} // namespace

/// In pieces, so that a large file need not be in memory.
constexpr uint64_t kHashPiece = 16 << 20;

static uint64_t hashPiece(uint64_t seed, StringRef piece) {
  uint64_t parts[] = {seed, llvm::xxh3_64bits(piece)};
  return llvm::xxh3_64bits(ArrayRef(reinterpret_cast<const uint8_t *>(parts), sizeof parts));
}
static std::string hashText(uint64_t hash) { return llvm::utohexstr(hash, /*LowerCase=*/true, 16); }

std::string hashModel(StringRef bytes) {
  uint64_t hash = bytes.size();
  for (; !bytes.empty(); bytes = bytes.drop_front(std::min<size_t>(kHashPiece, bytes.size())))
    hash = hashPiece(hash, bytes.take_front(kHashPiece));
  return hashText(hash);
}

std::string hashModelFile(StringRef path) {
  uint64_t size = 0;
  if (llvm::sys::fs::file_size(path, size))
    return "";
  uint64_t hash = size;
  for (uint64_t at = 0; at < size; at += kHashPiece) {
    auto piece = llvm::MemoryBuffer::getFileSlice(path, std::min(kHashPiece, size - at), at);
    if (!piece)
      return "";
    hash = hashPiece(hash, (*piece)->getBuffer());
  }
  return hashText(hash);
}

void recordNodes(ModuleOp imported, StringRef modelHash) {
  imported->setAttr(kHashAttr, StringAttr::get(imported.getContext(), modelHash));
  Builder b(imported.getContext());
  Dependences dependences;
  Sources sources(imported);
  SmallVector<Attribute> nodes;
  imported->walk<WalkOrder::PreOrder>([&](onnxir::NodeOp node) {
    static constexpr StringLiteral names[] = {"nothing", "shapes", "data"};
    nodes.push_back(
        b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(node.getName())),
                             b.getNamedAttr("op", b.getStringAttr(node.getQualifiedType())),
                             b.getNamedAttr("inputs", b.getDenseI64ArrayAttr(sources.of(node.getInputs()))),
                             b.getNamedAttr("depends_on", b.getStringAttr(names[int(dependences.of(node))]))}));
  });
  imported->setAttr(kNodesAttr, b.getArrayAttr(nodes));
  for (auto func : imported.getOps<func::FuncOp>())
    if (func.getName() == "main")
      imported->setAttr(kOutputsAttr, b.getDenseI64ArrayAttr(sources.of(func.front().getTerminator()->getOperands())));
}

void recordDevices(ModuleOp placed) {
  llvm::MapVector<StringRef, StringRef> devices; // an empty one stands for several
  placed.walk([&](Operation *op) {
    auto device = op->getAttrOfType<StringAttr>(plan::kDeviceAttr);
    if (!device)
      return;
    for (StringRef node : sourceNodes(op->getLoc())) {
      auto [known, isNew] = devices.insert({node, device.getValue()});
      if (!isNew && known->second != device.getValue())
        known->second = "";
    }
  });
  Builder b(placed.getContext());
  SmallVector<NamedAttribute> entries;
  for (auto [node, device] : devices)
    if (!node.empty() && !device.empty())
      entries.push_back(b.getNamedAttr(node, b.getStringAttr(device)));
  if (!entries.empty())
    placed->setAttr(kNodeDevicesAttr, b.getDictionaryAttr(entries));
}

/// What was predicted of the plan, and the sizes that this is true of.
static void recordPredictions(ModuleOp plan, Ledger &ledger) {
  if (auto predictions = plan->getAttrOfType<ArrayAttr>(plan::kPredictionsAttr))
    for (auto prediction : predictions.getAsRange<DictionaryAttr>())
      ledger.predictions.push_back(
          {prediction.getAs<StringAttr>("plan").str(), prediction.getAs<FloatAttr>("seconds").getValueAsDouble()});
  if (auto sizes = plan->getAttrOfType<DictionaryAttr>(onnxtograph::kNominalAttr))
    for (NamedAttribute size : sizes)
      ledger.nominalSizes.push_back({size.getName().str(), cast<IntegerAttr>(size.getValue()).getInt()});
  for (auto [symbol, size] : llvm::zip_equal(graph::readSymbols(plan), nominalSizes(plan)))
    if (!symbol.isDerived() && !symbol.name.empty())
      ledger.expectedSizes.push_back({symbol.name, size});
}

/// The kernels of all programs with their notes; what they and the ops around them make of
/// ONNX nodes.
static void recordKernels(ModuleOp module, ArrayRef<KernelDescription> kernels, Ledger &ledger, NodeFates &fates) {
  NoteCollector notes;
  llvm::StringMap<const KernelDescription *> descriptions;
  for (const KernelDescription &description : kernels)
    descriptions[description.name] = &description;
  module.walk([&](Operation *op) {
    if (auto kernel = dyn_cast<plan::KernelOp>(op)) {
      const KernelDescription &info = *descriptions.at(kernel.getName());
      ledger.kernels.push_back(info);
      fates.addKernel(info);
      noteKernel(kernel, info, notes);
    } else if (isa<plan::ViewOp, graph::ConstantOp>(op) && !op->getParentOfType<plan::KernelOp>()) {
      fates.addWithoutKernel(op->getLoc(), isa<plan::ViewOp>(op) ? Fate::View : Fate::Constant);
    }
  });
  ledger.notes = notes.take();
}

Ledger buildLedger(ModuleOp module, ArrayRef<KernelDescription> kernels) {
  Ledger ledger;
  NodeFates fates;
  ModuleOp plan = plan::programsOf(module).host;
  recordPredictions(plan, ledger);
  recordKernels(module, kernels, ledger, fates);
  if (auto hash = plan->getAttrOfType<StringAttr>(kHashAttr))
    ledger.modelHash = hash.str();
  if (auto outputs = plan->getAttrOfType<DenseI64ArrayAttr>(kOutputsAttr))
    llvm::append_range(ledger.outputs, outputs.asArrayRef());
  ledger.transfers = transfersOf(plan);
  ledger.memory = memoryOf(module);
  if (!plan->hasAttr(kNodesAttr)) // IR written by hand
    ledger.nodes = fates.namedByKernels(ledger.kernels);
  if (auto nodes = plan->getAttrOfType<ArrayAttr>(kNodesAttr))
    for (auto node : nodes.getAsRange<DictionaryAttr>())
      ledger.nodes.push_back(fates.recordOf(node));
  if (auto devices = plan->getAttrOfType<DictionaryAttr>(kNodeDevicesAttr))
    for (NodeRecord &node : ledger.nodes)
      if (auto device = devices.getAs<StringAttr>(node.name))
        node.device = device.str();
  return ledger;
}

} // namespace tenon
