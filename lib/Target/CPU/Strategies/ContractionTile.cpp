// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Choice, loops and stores of the contraction's register tile, and the packing
// of constant operands into column panels. ContractionTile.h has the terms.
#include "ContractionTile.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Target/CPU/Codegen.h"
#include "llvm/ADT/APFloat.h"

using namespace mlir;

namespace tenon::cpu {

TileShape chooseTile(int64_t rows, int64_t columns, const Machine &target, int64_t mostRows) {
  int64_t lanes = target.f32Lanes();
  TileShape tile{1, 2, lanes};
  auto padded = [&](int64_t width) { return (columns + width - 1) / width * width; };
  // An odd number of vectors holds the columns: pairs of them would leave a whole
  // vector idle in the last panel.
  if (columns > 0 && padded(lanes) < padded(2 * lanes))
    tile.vectors = 1;
  // Few rows need more vectors for enough independent sums: two multiply-add units of
  // a latency of four cycles keep eight of them busy. Twice the vectors may pad the
  // columns by an eighth more at most.
  while (rows > 0 && rows * tile.vectors < 8 && columns >= 2 * tile.vectors * lanes &&
         padded(2 * tile.vectors * lanes) * 8 <= padded(tile.vectors * lanes) * 9)
    tile.vectors *= 2;
  // Beside the accumulators, a tile of two vectors needs four registers: two vectors of columns and the
  // broadcast scalars of two rows.
  int64_t most = std::max<int64_t>(1, std::min((target.vectorRegisters - 4) / tile.vectors, mostRows));
  tile.rows = most;
  if (rows > 0 && rows < most) {
    tile.rows = rows;
  } else if (rows > 0) { // equal tiles rather than full ones and a small rest
    int64_t count = (rows + most - 1) / most;
    tile.rows = (rows + count - 1) / count;
  }
  return tile;
}

int64_t tilesInBlock(int64_t steps, int64_t columns, const TileShape &tile, const Machine &target) {
  if (columns > 0 && steps * columns * 4 <= target.l2Bytes / 4)
    return 1;
  // Bytes of two panels, and of the rows of one row tile.
  int64_t panels = 2 * steps * tile.columns() * 4, rows = steps * tile.rows * 4;
  // A quarter of the cache is left to results and whatever else passes through.
  int64_t part = std::max(target.l2Bytes / 4, target.l2Bytes * 3 / 4 - panels);
  return std::max<int64_t>(1, part / std::max<int64_t>(1, rows));
}

void eachRowTile(KernelContext &c, TileShape tile, Value first, Value extent, int64_t staticExtent,
                 function_ref<void(TileShape, Value)> body) {
  auto full = [&]() { body(tile, c.minS(first, c.sub(extent, c.index(tile.rows)))); };
  if (staticExtent >= tile.rows)
    return staticExtent % tile.rows ? full() : body(tile, first);
  if (tile.rows == 1)
    return body(tile, first);
  auto atLeast = [&](int64_t rows, function_ref<void()> enough, function_ref<void()> otherwise) {
    Value condition = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sge, extent, c.index(rows));
    auto choice = scf::IfOp::create(c.b, c.loc, condition, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(choice.thenBlock());
    enough();
    c.b.setInsertionPointToStart(choice.elseBlock());
    otherwise();
  };
  auto singles = [&]() { c.loop(first, extent, 1, [&](Value row) { body({1, tile.vectors, tile.lanes}, row); }); };
  // Fewer rows than a tile has: tiles of kFew, the last of which moves up, or single rows.
  atLeast(tile.rows, full, [&]() {
    constexpr int64_t kFew = 4;
    if (tile.rows <= kFew)
      return singles();
    atLeast(
        kFew,
        [&]() {
          c.loop(first, extent, kFew,
                 [&](Value row) { body({kFew, tile.vectors, tile.lanes}, c.minS(row, c.sub(extent, c.index(kFew)))); });
        },
        singles);
  });
}

/// Whether an op gives the root one of its operands, and so is no part of the epilogue.
static bool feedsRoot(Operation *op, Operation *root) {
  return llvm::any_of(root->getOperands(), [&](Value operand) { return operand.getDefiningOp() == op; });
}

bool rowsMerge(plan::KernelOp kernel, ArrayRef<AffineExpr> space) {
  // Whether a tensor, aligned with `space` at the last dimension, has all dimensions of the rows (`has`) or
  // broadcasts all of them (`lacks`). One whose dimension may turn out to broadcast at run time does not merge.
  auto merges = [&](Value tensor) {
    Exprs shape = shapeOf(tensor);
    bool has = false, lacks = false;
    for (size_t d = 0; d + 1 < space.size(); ++d) {
      if (space[d] == 1)
        continue;
      int64_t own = int64_t(d) + int64_t(shape.size()) - int64_t(space.size());
      (own >= 0 && shape[own] == space[d] ? has : lacks) = true;
      if (own >= 0 && shape[own] != space[d] && shape[own] != 1)
        return false;
    }
    return !(has && lacks);
  };
  Operation *root = kernel.getRootOp();
  auto isEpilogue = [&](Operation *user) { return user != root && !feedsRoot(user, root); };
  for (BlockArgument argument : kernel.getBody().getArguments())
    if (llvm::any_of(argument.getUsers(), isEpilogue) && !merges(argument))
      return false;
  return llvm::all_of(kernel.getBody().front().getTerminator()->getOperands(), merges);
}

BlockedUnit blockedOrder(KernelContext &c, Value unit, AffineExpr tiles, AffineExpr panels,
                         std::optional<int64_t> block) {
  Value tileCount = c.index(tiles);
  if (!block || constantOr(tiles, *block + 1) <= *block) {
    Value tile = c.remU(unit, tileCount);
    return {tile, c.divU(unit, tileCount), tile, tileCount};
  }
  // All blocks before the last have `block` row tiles, hence panels * block units.
  Value blockUnits = c.mul(c.index(panels), c.index(*block));
  Value firstTile = c.mul(c.divU(unit, blockUnits), c.index(*block)), within = c.remU(unit, blockUnits);
  Value inBlock = c.minS(c.index(*block), c.sub(tileCount, firstTile));
  Value number = c.remU(within, inBlock);
  return {c.add(firstTile, number), c.divU(within, inBlock), number, inBlock};
}

PanelFetch::PanelFetch(KernelContext &c, Value buffer, Value panel, AffineExpr panels, Value steps, int64_t width,
                       Value number, Value count)
    : c(c), buffer(buffer) {
  Value one = c.index(int64_t(1)), zero = c.index(int64_t(0));
  Value next = c.add(panel, one);
  Value more = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, next, c.index(panels));
  // After the last panel the next block of row tiles, if any, starts with the first panel.
  next = arith::SelectOp::create(c.b, c.loc, more, next, zero);
  share = c.divU(c.add(c.index(width), c.sub(count, one)), count);
  Value done = c.minS(c.mul(number, share), c.index(width));
  from = c.mul(steps, c.add(c.mul(next, c.index(width)), done));
}

void PanelFetch::emit(Value step) const {
  memref::PrefetchOp::create(c.b, c.loc, buffer, ValueRange{c.mulAdd(step, share, from)}, /*isWrite=*/false,
                             /*localityHint=*/2, /*isDataCache=*/true);
}

std::vector<float> floatValues(ElementsAttr value) {
  Type element = cast<ShapedType>(value.getType()).getElementType();
  std::string bytes = weightBytes(value);
  std::vector<float> result;
  if (element.isF32()) {
    result.resize(bytes.size() / 4);
    memcpy(result.data(), bytes.data(), result.size() * 4);
  } else if (num::isCoded(element)) {
    const numerics::Format &format = *num::formatOf(element);
    size_t size = num::codeType(element).getWidth() / 8;
    for (size_t at = 0; at + size <= bytes.size(); at += size) {
      uint32_t code = 0;
      memcpy(&code, &bytes[at], size);
      result.push_back(float(format.decode(code)));
    }
  } else if (element.isF16() || element.isBF16()) {
    const llvm::fltSemantics &semantics = cast<FloatType>(element).getFloatSemantics();
    for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
      uint16_t bits;
      memcpy(&bits, bytes.data() + i, 2);
      llvm::APFloat number(semantics, llvm::APInt(16, bits));
      bool lost;
      number.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &lost);
      result.push_back(number.convertToFloat());
    }
  }
  return result;
}

void replaceByPacked(plan::KernelOp kernel, unsigned index, ArrayRef<int64_t> shape, std::vector<float> values,
                     StringRef layout) {
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float));
  replaceByPacked(kernel, index, RankedTensorType::get(shape, Float32Type::get(kernel.getContext())), bytes, layout);
}

void replaceByPacked(plan::KernelOp kernel, unsigned index, RankedTensorType type, ArrayRef<char> bytes,
                     StringRef layout) {
  replaceByPacked(kernel, index, type, HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 64), layout);
}

void replaceByPacked(plan::KernelOp kernel, unsigned index, RankedTensorType type, AsmResourceBlob blob,
                     StringRef layout) {
  OpBuilder b(kernel);
  auto attr = DenseResourceElementsAttr::get(type, "packed", std::move(blob));
  auto constant = graph::ConstantOp::create(b, kernel.getInputs()[index].getLoc(), type, attr);
  kernel->setOperand(index, constant);
  kernel.getBody().getArgument(index).setType(type);
  SmallVector<Attribute> layouts(kernel.getNumOperands(), b.getStringAttr(""));
  if (kernel.getPacked())
    layouts = llvm::to_vector(kernel.getPacked()->getValue());
  layouts[index] = b.getStringAttr(layout);
  kernel.setPackedAttr(b.getArrayAttr(layouts));
  SmallVector<Attribute> maps = llvm::to_vector(kernel.getArgShapes()->getValue());
  SmallVector<AffineExpr> dims;
  for (int64_t size : type.getShape())
    dims.push_back(getAffineConstantExpr(size, b.getContext()));
  maps[index] = AffineMapAttr::get(AffineMap::get(0, 0, dims, b.getContext()));
  kernel.setArgShapesAttr(b.getArrayAttr(maps));
}

ContractionTile::Accumulators ContractionTile::zero() {
  Value zero = c.constant(c.b.getF32Type(), 0, shape.lanes);
  return Accumulators(shape.rows * shape.vectors, zero);
}

ContractionTile::Accumulators ContractionTile::contract(Accumulators accumulators, Value count, const OperandReader &a,
                                                        ArrayRef<Value> rowOffsets, Value rowStride,
                                                        const OperandReader &b, Value columnOffset, Value columnStride,
                                                        ArrayRef<Value> valid, ArrayRef<Value> masks,
                                                        function_ref<void(Value)> each) {
  return c.loop(c.index(int64_t(0)), count, 1, accumulators, [&](Value step, ValueRange current) {
    SmallVector<Value> next;
    SmallVector<Value> columns;
    if (each)
      each(step);
    Value at = c.mulAdd(step, columnStride, columnOffset);
    for (int64_t v = 0; v < shape.vectors; ++v)
      columns.push_back(b.load(c.add(at, c.index(v * shape.lanes)), shape.lanes, masks.empty() ? Value() : masks[v]));
    for (int64_t r = 0; r < shape.rows; ++r) {
      Value scalar = a.load(c.mulAdd(step, rowStride, rowOffsets[r]), 1);
      if (!valid.empty())
        scalar = arith::SelectOp::create(c.b, c.loc, valid[r], scalar, c.constant(c.b.getF32Type(), 0, 1));
      Value row = c.broadcast(scalar, shape.lanes);
      for (int64_t v = 0; v < shape.vectors; ++v)
        next.push_back(vector::FMAOp::create(c.b, c.loc, row, columns[v], current[r * shape.vectors + v]));
    }
    return next;
  });
}

LogicalResult ContractionTile::finish(const Accumulators &accumulators, Value rootResult, Exprs space,
                                      function_ref<SmallVector<Value>(Value)> rowIndex, Value column, Value columnCount,
                                      int64_t staticColumns, bool merged, function_ref<Value(Value, Value)> bias) {
  SmallVector<std::pair<unsigned, unsigned>> groups;
  if (merged && space.size() > 1)
    groups = {{0, space.size() - 2}, {space.size() - 1, space.size() - 1}};
  ElementEmitter emitter(c, std::move(space), std::move(groups));
  LogicalResult result = success();
  auto storeRow = [&](Value row, Value column, Value value, Value mask) {
    SmallVector<Value> index = rowIndex(row);
    index.push_back(column);
    if (bias)
      value = arith::AddFOp::create(c.b, c.loc, value, bias(column, mask));
    emitter.setPoint(index, shape.lanes, mask);
    emitter.define(rootResult, value);
    if (failed(emitter.storeYields()))
      result = failure();
  };
  // The tile goes through a stack buffer [rows][columns], so that an epilogue is emitted
  // once, in a loop, and not once an accumulator; only the shortest ones (the root and up
  // to two ops more) are stored from registers, if no store needs a mask.
  unsigned epilogue = 0;
  for (Operation &op : c.kernel.getBody().front().without_terminator())
    epilogue += !isa<graph::ConstantOp>(op) && !feedsRoot(&op, c.kernel.getRootOp());
  bool aligned = staticColumns > 0 && staticColumns % shape.columns() == 0;
  if (epilogue <= 3 && aligned) {
    for (int64_t r = 0; r < shape.rows; ++r)
      for (int64_t v = 0; v < shape.vectors; ++v)
        storeRow(c.index(r), c.add(column, c.index(v * shape.lanes)), accumulators[r * shape.vectors + v], {});
    return result;
  }
  Value buffer;
  {
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointAfter(c.begin.getDefiningOp()); // once a call, not once a tile
    auto type = MemRefType::get({shape.rows * shape.columns()}, c.b.getF32Type());
    buffer = memref::AllocaOp::create(c.b, c.loc, type, c.b.getI64IntegerAttr(64));
  }
  for (int64_t i = 0; i < shape.rows * shape.vectors; ++i)
    vector::StoreOp::create(c.b, c.loc, accumulators[i], buffer, ValueRange{c.index(i * shape.lanes)});
  auto vectorType = VectorType::get({shape.lanes}, c.b.getF32Type());
  c.loop(c.index(int64_t(0)), c.index(shape.rows), 1, [&](Value row) {
    Value limit = c.minS(c.index(shape.columns()), c.sub(columnCount, column));
    int64_t extent = aligned ? shape.columns() : -1;
    c.vectorLoop(c.index(int64_t(0)), limit, shape.lanes, extent, [&](Value at, Value mask) {
      Value value = vector::LoadOp::create(c.b, c.loc, vectorType, buffer,
                                           ValueRange{c.mulAdd(row, c.index(shape.columns()), at)});
      storeRow(row, c.add(column, at), value, mask);
    });
  });
  return result;
}

} // namespace tenon::cpu
