// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every exactly rounded op in every element type, compiled and by the reference:
// all values of 16 bits, and special and random ones of the others.
#include "tenon/Pipelines/NativeConstants.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Dialect/Graph/IR/ExactOps.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Reference/Evaluator.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace tenon;
using reference::Tensor;

namespace {

constexpr int64_t kCount = 65536 + 5, kFew = 4096 + 5; // no multiples of a vector

const char *const kFloats[] = {"f64", "f32", "f16", "bf16"};
const char *const kIntegers[] = {"i8", "ui16", "i32", "ui32", "i64", "ui64"};
const char *const kNarrow[] = {"i4", "ui2", "f8E4M3FN", "f8E5M2FNUZ", "f4E2M1FN"};

struct NativeConstantsTest : ::testing::Test {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  std::shared_ptr<simplify::ConstantEvaluator> native = nativeConstants();
  reference::Evaluator plain;
  std::mt19937_64 random{1};

  NativeConstantsTest() { loadTenonDialects(context); }

  static unsigned widthOf(Type element) {
    return num::formatOf(element) ? num::formatOf(element)->width() : element.getIntOrFloatBitWidth();
  }
  /// Values that meet: few bits, exponents near 0.
  static uint64_t near0(unsigned width, uint64_t bits) {
    double value = (double(bits % 4001) - 2000) / 8;
    return width == 32 ? llvm::bit_cast<uint32_t>(float(value)) : llvm::bit_cast<uint64_t>(value);
  }
  /// In the middle of two f16 or two bf16, normal or denormal, or one bit beside it.
  static uint64_t closeToTie(unsigned width, uint64_t bits) {
    bool half = bits >> 40 & 1;
    uint32_t from =
        half ? (bits & 0x80ffe000) + 0x33000000 + (bits >> 33 & 7) * 0x01000000 : uint32_t(bits) & 0xffff0000;
    unsigned lost = half ? 13 + (bits >> 50) % 9 : 16; // denormals lose more
    from = (from >> lost << lost) | 1u << (lost - 1);
    int beside = int(bits >> 42 & 3) - 1;
    return width == 32 ? uint64_t(from) + beside
                       : llvm::bit_cast<uint64_t>(double(llvm::bit_cast<float>(from))) + beside;
  }

  /// Values that arithmetic treats in ways of their own, then random ones; the
  /// first of 16 bits are all there are. `stride` brings others to the same place.
  Tensor values(Type element, ArrayRef<int64_t> shape, uint64_t stride = 1) {
    Tensor tensor(element, shape);
    size_t size = tensor.getElementBytes();
    unsigned width = widthOf(element);
    uint64_t mask = width == 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1;
    std::vector<uint64_t> special;
    if (auto type = dyn_cast<FloatType>(element); type && width >= 32) {
      const llvm::fltSemantics &semantics = type.getFloatSemantics();
      using llvm::APFloat;
      for (APFloat value :
           {APFloat::getZero(semantics), APFloat::getInf(semantics), APFloat::getQNaN(semantics),
            APFloat::getSNaN(semantics), APFloat::getLargest(semantics), APFloat::getSmallest(semantics),
            APFloat::getSmallestNormalized(semantics), APFloat(semantics, "1"), APFloat(semantics, "0.5"),
            APFloat(semantics, "2.5"), APFloat(semantics, "127.5"), APFloat(semantics, "65519.99"),
            APFloat(semantics, "2147483648"), APFloat(semantics, "9223372036854775808"),
            APFloat(semantics, "18446744073709551616"), APFloat(semantics, "1e-7"), APFloat(semantics, "1e-40")})
        for (int sign = 0; sign < 2; ++sign, value.changeSign())
          for (int step = -1; step < 2; ++step)
            special.push_back(value.bitcastToAPInt().getZExtValue() + step);
    } else if (width >= 32) {
      for (uint64_t edge : {uint64_t(0), uint64_t(1) << (width - 1), uint64_t(width), uint64_t(1) << 24,
                            uint64_t(1) << 31, uint64_t(1) << 53})
        for (int step = -1; step < 2; ++step)
          special.push_back(edge + step);
    }
    bool isFloat = isa<FloatType>(element);
    auto integer = dyn_cast<IntegerType>(element);
    for (int64_t i = 0, e = tensor.getNumElements(); i < e; ++i) {
      uint64_t bits = i * stride + i / 65536;
      if (!special.empty()) {
        uint64_t at = i / (stride == 1 ? 1 : special.size());
        bool isSpecial = size_t(i) < special.size() * special.size();
        bits = isSpecial ? special[at % special.size()] : random();
        if (!isSpecial && i % 4 < 2 && isFloat)
          bits = i % 4 ? closeToTie(width, bits) : near0(width, bits);
      }
      bits &= mask;
      if (integer && width < 8 && width > 1 && !integer.isUnsigned())
        bits = uint64_t(int64_t(bits << (64 - width)) >> (64 - width));
      memcpy(tensor.getMutableBytes().data() + i * size, &bits, size);
    }
    return tensor;
  }

  /// An element as unsigned bits; all NaNs of a float of 16 bits and more are one.
  static uint64_t bitsOf(const Tensor &tensor, int64_t i) {
    uint64_t bits = 0;
    memcpy(&bits, tensor.getBytes().data() + i * tensor.getElementBytes(), tensor.getElementBytes());
    auto type = dyn_cast<FloatType>(tensor.getElementType());
    if (type && type.getWidth() >= 16 &&
        llvm::APFloat(type.getFloatSemantics(), llvm::APInt(type.getWidth(), bits)).isNaN())
      return ~uint64_t(0);
    return bits;
  }

  /// Runs both on an op, given as text with the operands %0, %1... of these types.
  void compare(const std::string &op, ArrayRef<Tensor> operands) {
    std::string arguments;
    for (auto [i, operand] : llvm::enumerate(operands)) {
      llvm::raw_string_ostream(arguments) << (i ? ", " : "") << "%a" << i << ": " << operand.getType();
    }
    auto module = parseSourceString<ModuleOp>("func.func @f(" + arguments + ") {\n%r = " + op + "\nreturn }", &context);
    ASSERT_TRUE(module) << op;
    Operation *first = &(*module->getOps<func::FuncOp>().begin()).front().front();
    ASSERT_TRUE(graph::isExactlyRounded(first)) << op;
    std::optional<SmallVector<Tensor>> actual = native->evaluate(first, operands);
    reference::Results expected = plain.evaluateInTiles(first, operands);
    ASSERT_TRUE(succeeded(expected)) << op;
    ASSERT_TRUE(actual) << "not compiled: " << op;
    const Tensor &a = actual->front(), &b = expected->front();
    ASSERT_EQ(a.getType(), b.getType()) << op;
    if (a.getBytes() == b.getBytes()) // which says it all, and fast
      return;
    int64_t wrong = 0;
    for (int64_t i = 0, e = a.getNumElements(); i < e; ++i)
      if (bitsOf(a, i) != bitsOf(b, i) && ++wrong == 1)
        ADD_FAILURE() << op << "\nat " << i
                      << llvm::formatv(": {0:x} instead of {1:x}", bitsOf(a, i), bitsOf(b, i)).str() << " for "
                      << llvm::formatv("{0:x} {1:x}", bitsOf(operands[0], i),
                                       operands.size() > 1 && operands[1].getNumElements() > i ? bitsOf(operands[1], i)
                                                                                               : 0)
                             .str();
    EXPECT_EQ(wrong, 0) << op;
  }

  Type parse(const std::string &text) { return parseType(text, &context); }
  /// As many as one operand needs: types of 8 bits have their values many times over in a few.
  static int64_t countOf(Type element) { return widthOf(element) <= 8 ? kFew : kCount; }
  std::string tensor(const std::string &element, const std::string &shape = std::to_string(kCount)) {
    return "tensor<" + shape + "x" + element + ">";
  }
  void unary(const std::string &kind, const std::string &element, const std::string &result) {
    compare("graph.unary " + kind + " %a0 : (" + tensor(element) + ") -> " + tensor(result),
            {values(parse(element), {kCount})});
  }
  void binary(const std::string &kind, const std::string &element, const std::string &result) {
    compare("graph.binary " + kind + " %a0, %a1 : (" + tensor(element) + ", " + tensor(element) + ") -> " +
                tensor(result),
            {values(parse(element), {kCount}), values(parse(element), {kCount}, 31337)});
  }
};

TEST_F(NativeConstantsTest, UnaryOfFloats) {
  for (std::string element : kFloats) {
    for (const char *kind : {"abs", "neg", "floor", "ceil", "round_even", "sqrt"})
      unary(kind, element, element);
    if (element != "bf16")
      unary("reciprocal", element, element);
    for (const char *kind : {"is_nan", "is_inf", "is_pos_inf", "is_neg_inf"})
      unary(kind, element, "i1");
  }
}

TEST_F(NativeConstantsTest, UnaryOfIntegers) {
  for (std::string element : kIntegers)
    for (const char *kind : {"abs", "neg", "sign", "bitwise_not", "relu"})
      unary(kind, element, element);
  unary("logical_not", "i1", "i1");
}

TEST_F(NativeConstantsTest, BinaryOfFloats) {
  for (std::string element : kFloats) {
    for (const char *kind : {"add", "sub"})
      binary(kind, element, element);
    if (element != "bf16")
      for (const char *kind : {"mul", "div"})
        binary(kind, element, element);
    for (const char *kind : {"eq", "ne", "lt", "le", "gt", "ge"})
      binary(kind, element, "i1");
  }
}

TEST_F(NativeConstantsTest, BinaryOfIntegers) {
  for (std::string element : kIntegers) {
    for (const char *kind : {"add", "sub", "mul", "div", "min", "max", "bitwise_and", "bitwise_or", "bitwise_xor",
                             "shift_left", "shift_right"})
      binary(kind, element, element);
    for (const char *kind : {"eq", "lt", "ge"})
      binary(kind, element, "i1");
  }
  for (const char *kind : {"logical_and", "logical_or", "logical_xor"})
    binary(kind, "i1", "i1");
}

TEST_F(NativeConstantsTest, Casts) {
  SmallVector<std::string> types(std::begin(kFloats), std::end(kFloats));
  types.append({"i8", "ui16", "i32", "ui64", "i1"});
  SmallVector<std::string> all(types);
  all.append(std::begin(kNarrow), std::end(kNarrow));
  for (const std::string &from : all)
    for (const std::string &to : all) {
      bool isNarrow = !llvm::is_contained(types, from) && !llvm::is_contained(types, to);
      Type source = parse(from), target = parse(to);
      bool isLong = isa<IntegerType>(source) && source.getIntOrFloatBitWidth() == 64;
      int64_t count = countOf(source);
      if (from != to && !isNarrow &&
          !(isLong && (num::isCoded(target) || target.isBF16()))) // the reference takes two steps
        compare("graph.cast %a0 : (" + tensor(from, std::to_string(count)) + ") -> " +
                    tensor(to, std::to_string(count)),
                {values(source, {count})});
    }
}

TEST_F(NativeConstantsTest, Select) {
  for (std::string element : {"f64", "f32", "f16", "bf16", "i1", "i8", "ui16", "i64", "i4", "f8E4M3FN"}) {
    std::string x = tensor(element, "37x1801");
    Tensor data = values(parse(element), {37, 1801});
    compare("graph.select %a0, %a1, %a2 : (tensor<37x1xi1>, " + x + ", " + x + ") -> " + x,
            {values(parse("i1"), {37, 1}), data, values(parse(element), {37, 1801}, 7)});
  }
}

TEST_F(NativeConstantsTest, Broadcast) {
  for (std::string left : {"300x7x", "1x7x", "7x", "300x1x", ""})
    compare("graph.binary sub %a0, %a1 : (tensor<" + left + "f32>, tensor<300x7xf32>) -> tensor<300x7xf32>",
            {values(parse("f32"), llvm::cast<ShapedType>(parse("tensor<" + left + "f32>")).getShape()),
             values(parse("f32"), {300, 7}, 7)});
}

TEST_F(NativeConstantsTest, Dequantize) {
  for (std::string real : {"f32", "f16"})
    for (std::string code : {"i8", "ui8", "i4", "ui4", "i2", "i16", "ui16"}) {
      if (real == "f16" && StringRef(code).ends_with("16"))
        continue;
      std::string x = tensor(code, "512x128"), y = tensor(real, "512x128");
      Tensor codes = values(parse(code), {512, 128});
      auto parameters = [&](ArrayRef<int64_t> shape) {
        return SmallVector<Tensor>{codes, values(parse(real), shape, 3), values(parse(code), shape)};
      };
      auto op = [&](const std::string &shape, const std::string &attributes, bool hasZero) {
        return "graph.dequantize %a0, %a1" + std::string(hasZero ? ", %a2" : "") + " {" + attributes + "} : (" + x +
               ", tensor<" + shape + real + ">" + (hasZero ? ", tensor<" + shape + code + ">" : "") + ") -> " + y;
      };
      compare(op("", "axis = 1 : i64", true),
              {codes, Tensor::fromDoubles(parse(real), {}, {0.0173}), values(parse(code), {}, 1)});
      compare(op("512x", "axis = 0 : i64", true), parameters({512}));
      compare(op("512x4x", "axis = 1 : i64, block_size = 32 : i64", true), parameters({512, 4}));
      compare(op("128x", "axis = -1 : i64", false), {codes, values(parse(real), {128}, 5)});
    }
}

TEST_F(NativeConstantsTest, Quantize) {
  for (std::string real : {"f32", "f16"})
    for (std::string code : {"i8", "ui8", "i4", "ui4", "i16", "ui16"}) {
      std::string x = tensor(real, "512x130"), y = tensor(code, "512x130");
      Tensor data = values(parse(real), {512, 130});
      auto op = [&](const std::string &shape, const std::string &attributes) {
        return "graph.quantize %a0, %a1, %a2 {" + attributes + "} : (" + x + ", tensor<" + shape + real + ">, tensor<" +
               shape + code + ">) -> " + y;
      };
      compare(op("", "axis = 1 : i64"),
              {data, Tensor::fromDoubles(parse(real), {}, {0.0173}), values(parse(code), {}, 1)});
      compare(op("512x", "axis = 0 : i64"), {data, values(parse(real), {512}, 3), values(parse(code), {512})});
      compare(op("130x", "axis = 1 : i64"), {data, values(parse(real), {130}, 3), values(parse(code), {130})});
    }
}

// Runs of elements with one scale, that are and are not shorter than a program's chunk.
TEST_F(NativeConstantsTest, RunsAlongAnAxis) {
  for (int64_t inner : {511, 512, 4095, 4096, 4097, 9000}) {
    std::string shape = "2x3x" + std::to_string(inner);
    std::string f32 = tensor("f32", shape), i8 = tensor("i8", shape);
    Tensor codes = values(parse("i8"), {2, 3, inner}), reals = values(parse("f32"), {2, 3, inner});
    Tensor scale = Tensor::fromDoubles(parse("f32"), {3}, {0.5, 0.0173, 3}), zero = values(parse("i8"), {3}, 77);
    for (const char *axis : {"1", "-2"}) {
      std::string attributes = " {axis = " + std::string(axis) + " : i64} : (";
      compare("graph.dequantize %a0, %a1, %a2" + attributes + i8 + ", tensor<3xf32>, tensor<3xi8>) -> " + f32,
              {codes, scale, zero});
      compare("graph.dequantize %a0, %a1" + attributes + i8 + ", tensor<3xf32>) -> " + f32, {codes, scale});
      compare("graph.quantize %a0, %a1, %a2" + attributes + f32 + ", tensor<3xf32>, tensor<3xi8>) -> " + i8,
              {reals, scale, zero});
    }
  }
}

TEST_F(NativeConstantsTest, FormsDoNotDependOnSizes) {
  auto formOf = [&](const std::string &shape, const std::string &kind) {
    std::string x = tensor("f32", shape), code = "func.func @f(%a: " + x + ", %b: tensor<f32>) {\n%r = graph.binary " +
                                                 kind + " %a, %b : (" + x + ", tensor<f32>) -> " + x + "\nreturn }";
    auto module = parseSourceString<ModuleOp>(code, &context);
    return native->formOf(&(*module->getOps<func::FuncOp>().begin()).front().front());
  };
  EXPECT_EQ(formOf("3x5", "add"), formOf("7", "add"));
  EXPECT_NE(formOf("3x5", "add"), formOf("3x5", "sub"));
}

} // namespace
