// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of onnxruntime's domain com.microsoft that exporters emit; the
// attention operators are in Attention.cpp.
#include "HandlerRegistry.h"
#include "NodeContext.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

/// Sum of input, skip and optional bias, normalised; output 3 is the sum.
LogicalResult skipNorm(NodeContext &c, graph::NormKind kind, Value scale, Value shift, Value bias, double epsilon) {
  Value sum = c.add(c.input(0), c.input(1));
  if (bias)
    sum = c.add(sum, bias);
  Value y = c.create<graph::NormOp>(c.elementType(sum), kind, sum, scale, shift, uint64_t(c.rank(sum) - 1),
                                    APFloat(c.real("epsilon", epsilon)));
  return c.set({y, Value(), Value(), sum});
}

LogicalResult convertEmbedLayerNorm(NodeContext &c) {
  Value ids = c.input(0), segments = c.input(1), words = c.input(2), positions = c.input(3);
  if (!words || !positions || !c.input(5) || !c.input(6))
    return c.error(Problem::range, "inputs word_embedding, position_embedding, gamma and beta are required");
  if (!segments != !c.input(4))
    return c.error(Problem::range, "inputs segment_ids and segment_embedding must be given together");
  c.ignore({"mask_index_type"}); // for ONNX Runtime's shape inference
  Value sum = c.gather(words, ids, 0);
  // Positions 0.. of the sequence unless given.
  Value place =
      c.input(8) ? c.gather(positions, c.input(8), 0) : c.slice(positions, 0, Extent(0), Extent::dimOf(ids, 1));
  sum = c.add(sum, place);
  if (segments)
    sum = c.add(sum, c.gather(c.input(4), segments, 0));
  Value y = c.create<graph::NormOp>(c.elementType(sum), graph::NormKind::layer, sum, c.input(5), c.input(6),
                                    uint64_t(2), APFloat(c.real("epsilon", 1e-12)));
  Value maskIndex;
  if (c.uses(1)) {
    Type i32 = c.builder.getI32Type();
    if (c.input(7))
      maskIndex = c.reduce(ReduceKind::sum, c.cast(c.input(7), i32), {1}, false);
    else
      maskIndex = c.create<graph::FillOp>(i32, c.shapeOf(Extent::dimOf(ids, 0)), c.scalar(i32, 0));
  }
  return c.set({y, maskIndex, sum});
}

LogicalResult convertFusedMatMul(NodeContext &c) {
  if (int64_t a = c.integer("transBatchA", 0), b = c.integer("transBatchB", 0); a || b)
    return c.error(Problem::unsupported, "attributes transBatchA and transBatchB have no form");
  Value y = c.matmul(c.input(0), c.input(1), c.integer("transA", 0), c.integer("transB", 0));
  float alpha = c.real("alpha", 1);
  return c.set(alpha == 1 ? y : c.mul(y, c.scalarLike(y, alpha)));
}

/// A constant of `rows` strings of `count` codes of `bits` bits each, from bytes
/// that hold `stride` of them a row, the first in the lowest bits. Null if
/// `packed` is no constant of so many bytes.
Value unpackCodes(NodeContext &c, Value packed, unsigned bits, int64_t rows, int64_t stride, int64_t count) {
  auto constant = packed.getDefiningOp<graph::ConstantOp>();
  if (!constant)
    return {};
  int64_t rowBytes = llvm::divideCeil(stride * bits, 8);
  ArrayRef<char> bytes;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue())) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      bytes = blob->getData();
  } else if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue())) {
    bytes = dense.getRawData();
  }
  bool isSplat = bytes.size() == 1;
  if (!isSplat && int64_t(bytes.size()) != rows * rowBytes)
    return {};
  auto type = RankedTensorType::get({rows, count}, c.builder.getIntegerType(bits, /*isSigned=*/false));
  AsmResourceBlob codes = HeapAsmResourceBlob::allocate(rows * count, 64, /*dataIsMutable=*/true);
  MutableArrayRef<char> out = codes.getMutableData();
  auto byte = [&](int64_t at) { return unsigned(uint8_t(bytes[isSplat ? 0 : at])); };
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < count; ++i) {
      int64_t bit = i * bits, at = row * rowBytes + bit / 8;
      unsigned pair = byte(at) | (bit % 8 + bits > 8 ? byte(at + 1) << 8 : 0);
      out[row * count + i] = pair >> (bit % 8) & ((1u << bits) - 1);
    }
  return c.constant(DenseResourceElementsAttr::get(type, "codes", std::move(codes)));
}

/// Weights that are computed: bytes [N, blocks, bytes of a block] are unpacked,
/// shifted by the zero point and scaled as ops.
Value dequantizeComputed(NodeContext &c, int64_t bits, int64_t k, int64_t n, int64_t block) {
  Value scales = c.input(2), zeros = c.input(3);
  Type element = c.elementType(scales);
  int64_t blocks = llvm::divideCeil(k, block);
  auto unpack = [&](Value bytes) { // the first code in the low bits
    int64_t rank = c.rank(bytes);
    SmallVector<Value> parts;
    for (int64_t shift = 0; shift < 8; shift += bits) {
      Value code = c.binary(BinaryKind::shift_right, bytes, c.scalarLike(bytes, shift));
      parts.push_back(
          c.unsqueeze(c.binary(BinaryKind::bitwise_and, code, c.scalarLike(bytes, (1 << bits) - 1)), {rank}));
    }
    return c.flatten(c.concat(parts, rank), rank - 1, rank + 1);
  };
  Value w = c.cast(unpack(c.reshape(c.input(1), {n, blocks, -1})), element);
  Value zero = c.scalar(element, 1 << (bits - 1));
  if (zeros && c.isFloat(zeros))
    zero = c.cast(c.reshape(zeros, {n, blocks, 1}), element);
  else if (zeros) // rows are padded to whole bytes
    zero = c.unsqueeze(c.cast(c.slice(unpack(c.reshape(zeros, {n, -1})), 1, 0, blocks), element), {2});
  w = c.flatten(c.mul(c.sub(w, zero), c.reshape(scales, {n, blocks, 1})), 1, 3);
  return blocks * block == k ? w : c.slice(w, 1, 0, k);
}

/// Block-quantized constant weights become a constant [N, K] of `bits`-bit
/// integers with a scale for each block of K; null if an input is no constant
/// of the size that it should have.
Value dequantizeConstant(NodeContext &c, int64_t bits, int64_t k, int64_t n, int64_t block) {
  int64_t blocks = llvm::divideCeil(k, block);
  Value codes = unpackCodes(c, c.input(1), bits, n, blocks * block, k), zero = c.input(3);
  if (!codes)
    return {};
  if (!zero)
    zero = c.scalarLike(codes, 1 << (bits - 1));
  else if (c.isFloat(zero))
    zero = c.reshape(zero, {n, blocks});
  else if (zero = unpackCodes(c, zero, bits, n, blocks, blocks); !zero)
    return {};
  Value scales = c.reshape(c.input(2), {n, blocks});
  return c.create<graph::DequantizeOp>(c.elementType(scales), codes, scales, zero, uint64_t(1), uint64_t(block));
}

LogicalResult convertMatMulNBits(NodeContext &c) {
  int64_t bits = c.integer("bits", 4), block = c.integer("block_size", 32), k = c.integer("K", 0),
          n = c.integer("N", 0);
  c.ignore({"accuracy_level"}); // the least precision: f32 is enough for all
  if (int64_t order = c.integer("weight_prepacked", 0))
    return c.error(Problem::unsupported,
                   "attribute weight_prepacked = " + Twine(order) + ", expected 0; export for the CPU");
  if (bits < 2 || bits > 8)
    return c.error(Problem::unsupported, "attribute bits = " + Twine(bits) + ", expected 2 to 8");
  if (block < 16 || !llvm::isPowerOf2_64(block) || k < 1 || n < 1)
    return c.error(Problem::range, "attributes K = " + Twine(k) + ", N = " + Twine(n) +
                                       ", block_size = " + Twine(block) +
                                       ", expected sizes above 0 and a block_size that is a power of two, 16 or more");
  if (c.input(4)) { // which block each step of K is of: only the plain order has a form
    Ints order = c.constantInts(c.input(4), "g_idx");
    for (auto [step, number] : llvm::enumerate(ArrayRef(order).take_front(k)))
      if (number != int64_t(step) / block)
        return c.error(Problem::unsupported, "input g_idx puts step " + Twine(step) + " of K into block " +
                                                 Twine(number) + ", expected " + Twine(int64_t(step) / block) +
                                                 "; export without act_order");
  }
  Value w = dequantizeConstant(c, bits, k, n, block);
  if (!w && 8 % bits != 0)
    return c.error(Problem::notConstant,
                   "inputs B and zero_points must be constants of " +
                       Twine(n * int64_t(llvm::divideCeil(k, block)) * (block * bits / 8)) + " and " +
                       Twine(n * int64_t(llvm::divideCeil(llvm::divideCeil(k, block) * bits, 8))) +
                       " bytes where bits = " + Twine(bits));
  if (!w)
    w = dequantizeComputed(c, bits, k, n, block);
  Value y = c.matmul(c.input(0), w, false, true);
  return c.set(c.input(5) ? c.add(y, c.input(5)) : y);
}

} // namespace

void tenon::onnxtograph::addContrib(HandlerRegistry &registry) {
  registry.add(kMicrosoft, "Gelu", 1, 1, [](NodeContext &c) { return c.set(c.unary(UnaryKind::gelu, c.input(0))); });
  registry.add(kMicrosoft, "FastGelu", 1, 1, [](NodeContext &c) {
    Value x = c.input(1) ? c.add(c.input(0), c.input(1)) : c.input(0);
    return c.set(c.unary(UnaryKind::gelu_tanh, x));
  });
  registry.add(kMicrosoft, "BiasGelu", 1, 2,
               [](NodeContext &c) { return c.set(c.unary(UnaryKind::gelu, c.add(c.input(0), c.input(1)))); });
  registry.add(kMicrosoft, "BiasAdd", 1, 3,
               [](NodeContext &c) { return c.set(c.add(c.add(c.input(0), c.input(1)), c.input(2))); });
  registry.add(kMicrosoft, "QuickGelu", 1, 1,
               [](NodeContext &c) { return c.set(c.unary(UnaryKind::swish, c.input(0), c.real("alpha", 1.702))); });
  registry.add(kMicrosoft, "SkipLayerNormalization", 1, 3, [](NodeContext &c) {
    return skipNorm(c, graph::NormKind::layer, c.input(2), c.input(3), c.input(4), 1e-12);
  });
  registry.add(kMicrosoft, "SkipSimplifiedLayerNormalization", 1, 3,
               [](NodeContext &c) { return skipNorm(c, graph::NormKind::rms, c.input(2), {}, c.input(3), 1e-5); });
  registry.add(kMicrosoft, "EmbedLayerNormalization", 1, 1, convertEmbedLayerNorm);
  registry.add(kMicrosoft, "FusedMatMul", 1, 2, convertFusedMatMul);
  registry.add(kMicrosoft, "MatMulNBits", 1, 3, convertMatMulNBits);
}
