// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Collecting the ledger from the IR.
#include "tenon/Pipelines/Ledger.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Conversion/ONNXToGraph/Passes.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/xxhash.h"
#include <map>

using namespace mlir;

namespace tenon {
namespace {

constexpr StringLiteral kNodesAttr = "onnx.nodes";
constexpr StringLiteral kHashAttr = "onnx.hash";

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

Fate fateOfAbsent(StringRef depends) {
  return depends == "nothing" ? Fate::Constant : depends == "shapes" ? Fate::Dimensions : Fate::Removed;
}

/// The schedule's facts are separated by commas (Strategy::describe).
std::string tileOf(StringRef schedule) {
  SmallVector<StringRef> facts;
  schedule.split(facts, ',');
  for (StringRef fact : facts)
    if (auto at = fact.find("tile "); at != StringRef::npos)
      return fact.drop_front(at + 5).str();
  return "";
}

int64_t vectorBitsOf(StringRef schedule) {
  SmallVector<StringRef> match;
  int64_t lanes = 0, bits = 0;
  if (llvm::Regex("([0-9]+)-bit").match(schedule, &match) && !match[1].getAsInteger(10, bits))
    return bits;
  if (llvm::Regex("([0-9]+) lanes of ([0-9]+) bits").match(schedule, &match) && !match[1].getAsInteger(10, lanes) &&
      !match[2].getAsInteger(10, bits))
    return lanes * bits;
  return 0;
}

/// Collects notes, merging those that several kernels share.
class NoteCollector {
public:
  void add(const Note &note, const cpu::KernelInfo &kernel) {
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

std::string precisionOf(plan::KernelOp kernel) {
  Operation *root = kernel.getRootOp();
  Type stored = getElementTypeOrSelf(root ? root->getResult(0).getType() : kernel.getResult(0).getType());
  Type computed = cpu::computeType(stored);
  return num::isReal(stored) && stored != computed ? num::nameOf(stored) + " in " + num::nameOf(computed)
                                                   : num::nameOf(stored);
}

/// Ops whose results are some of their operands' values, or rounded by themselves.
bool needsNoRounding(Operation &op) {
  if (auto unary = dyn_cast<graph::UnaryOp>(op))
    return llvm::is_contained({graph::UnaryKind::relu, graph::UnaryKind::abs, graph::UnaryKind::neg}, unary.getKind());
  if (auto binary = dyn_cast<graph::BinaryOp>(op))
    return llvm::is_contained({graph::BinaryKind::max, graph::BinaryKind::min}, binary.getKind());
  return isa<graph::ConstantOp, graph::CastOp, graph::QuantizeOp, graph::DequantizeOp, graph::SelectOp, graph::ExpandOp,
             graph::TransposeOp, graph::SliceOp, graph::ConcatOp>(op);
}

/// The type that ONNX rounds a value inside the kernel to and the kernel does
/// not; null if there is none.
Type unroundedType(plan::KernelOp kernel) {
  for (Operation &op : kernel.getBody().front().without_terminator())
    for (Value result : op.getResults()) {
      Type element = getElementTypeOrSelf(result.getType());
      bool isInner = llvm::any_of(result.getUsers(), [](Operation *user) { return !isa<plan::YieldOp>(user); });
      if (isa<FloatType>(element) && cpu::computeType(element) != element && isInner && !needsNoRounding(op))
        return element;
    }
  return {};
}

void noteKernel(plan::KernelOp kernel, const cpu::KernelInfo &info, NoteCollector &notes) {
  if (StringRef(info.schedule).contains("scalar"))
    notes.add({"TN5101", "scalar code: " + info.strategy + " (" + info.schedule + ")"}, info);
  if (Type narrow = unroundedType(kernel))
    notes.add({"TN5102", num::nameOf(narrow) + " values between fused operators stay " +
                             num::nameOf(cpu::computeType(narrow)) + ", where ONNX rounds each"},
              info);
  SmallVector<Note> found;
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (!isa<graph::TransposeOp>(op)) // a change of layout has the location of what it surrounds
      collectNotes(op.getLoc(), found);
  for (const Note &note : found)
    notes.add(note, info);
}

} // namespace

StringRef fateName(Fate fate) {
  static constexpr StringLiteral names[] = {"kernel", "view", "constant", "dimensions", "removed"};
  return names[int(fate)];
}

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
  SmallVector<Attribute> nodes;
  imported->walk<WalkOrder::PreOrder>([&](onnxir::NodeOp node) {
    static constexpr StringLiteral names[] = {"nothing", "shapes", "data"};
    nodes.push_back(
        b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(node.getName())),
                             b.getNamedAttr("op", b.getStringAttr(node.getQualifiedType())),
                             b.getNamedAttr("depends_on", b.getStringAttr(names[int(dependences.of(node))]))}));
  });
  imported->setAttr(kNodesAttr, b.getArrayAttr(nodes));
}

Ledger buildLedger(ModuleOp plan, ArrayRef<cpu::KernelInfo> kernels) {
  Ledger ledger;
  if (auto hash = plan->getAttrOfType<StringAttr>(kHashAttr))
    ledger.modelHash = hash.str();
  if (auto sizes = plan->getAttrOfType<DictionaryAttr>(onnxtograph::kNominalAttr))
    for (NamedAttribute size : sizes)
      ledger.nominalSizes.push_back({size.getName().str(), cast<IntegerAttr>(size.getValue()).getInt()});
  NoteCollector notes;
  llvm::StringMap<std::vector<std::string>> kernelsOf;
  llvm::StringMap<Fate> others;
  const cpu::KernelInfo *next = kernels.begin();
  plan.walk([&](Operation *op) {
    if (auto kernel = dyn_cast<plan::KernelOp>(op)) {
      const cpu::KernelInfo &info = *next++;
      ledger.kernels.push_back({info.name, kernel.getDevice().str(), info.strategy, info.schedule, precisionOf(kernel),
                                tileOf(info.schedule), vectorBitsOf(info.schedule), info.work, info.estimate,
                                info.nodes});
      for (const std::string &node : info.nodes)
        kernelsOf[node].push_back(info.name);
      noteKernel(kernel, info, notes);
    } else if (isa<plan::ViewOp, graph::ConstantOp>(op) && !op->getParentOfType<plan::KernelOp>()) {
      for (StringRef node : sourceNodes(op->getLoc()))
        others.try_emplace(node, isa<plan::ViewOp>(op) ? Fate::View : Fate::Constant);
    }
  });
  ledger.notes = notes.take();
  if (!plan->hasAttr(kNodesAttr)) { // IR written by hand: the names that its locations give
    llvm::StringSet<> listed;
    for (const KernelRecord &kernel : ledger.kernels)
      for (const std::string &node : kernel.nodes)
        if (listed.insert(node).second)
          ledger.nodes.push_back({node, "", Fate::Kernel, kernelsOf[node]});
  }
  if (auto nodes = plan->getAttrOfType<ArrayAttr>(kNodesAttr))
    for (auto node : nodes.getAsRange<DictionaryAttr>()) {
      NodeRecord record{node.getAs<StringAttr>("name").str(), node.getAs<StringAttr>("op").str(), Fate::Removed, {}};
      if (auto it = kernelsOf.find(record.name); it != kernelsOf.end()) {
        record.fate = Fate::Kernel;
        record.kernels = it->second;
      } else {
        auto other = others.find(record.name);
        record.fate =
            other != others.end() ? other->second : fateOfAbsent(node.getAs<StringAttr>("depends_on").getValue());
      }
      ledger.nodes.push_back(std::move(record));
    }
  return ledger;
}

} // namespace tenon
