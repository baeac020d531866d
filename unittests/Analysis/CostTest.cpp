// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What ops are said to cost, worked out by hand.
#include "tenon/Interfaces/Cost.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Analysis/NominalSizes.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Graph/IR/Work.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace tenon;

namespace {

struct CostTest : ::testing::Test {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  hw::Device chip;

  CostTest() {
    context.loadDialect<func::FuncDialect, graph::GraphDialect>();
    chip.units = {{"core", 2, 1000, {{"f32", 10}, {"i8", 40}}}};
    chip.memories = {{"near", 1000, 100, 1, 1}, {"far", 0, 10, 1, 1}};
    chip.kernelLaunchNs = 500;
  }

  /// The ops of a function, without its return.
  std::vector<Operation *> parse(StringRef text) {
    module = parseSourceString<ModuleOp>(text, &context);
    std::vector<Operation *> ops;
    if (module)
      for (Operation &op : (*module->getOps<func::FuncOp>().begin()).getBody().front().without_terminator())
        ops.push_back(&op);
    return ops;
  }
};

TEST_F(CostTest, WorkByKindAndFormat) {
  std::vector<Operation *> ops = parse(R"(
    func.func @main(%x: tensor<1x6x4x4xf32>, %w: tensor<6x1x3x3xf32>, %a: tensor<2x8xi8>, %b: tensor<8x3xi8>) -> tensor<2x3xi32> {
      %0 = graph.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>, group = 6 : i64} : (tensor<1x6x4x4xf32>, tensor<6x1x3x3xf32>) -> tensor<1x6x4x4xf32>
      %1 = graph.unary exp %0 : (tensor<1x6x4x4xf32>) -> tensor<1x6x4x4xf32>
      %2 = graph.unary relu %1 : (tensor<1x6x4x4xf32>) -> tensor<1x6x4x4xf32>
      %3 = graph.softmax %2 {axis = 3 : i64} : (tensor<1x6x4x4xf32>) -> tensor<1x6x4x4xf32>
      %4 = graph.matmul %a, %b : (tensor<2x8xi8>, tensor<8x3xi8>) -> tensor<2x3xi32>
      return %4 : tensor<2x3xi32>
    })");
  ASSERT_EQ(ops.size(), 5u);
  auto text = [](Operation *op) {
    std::string all;
    for (const graph::Work &work : graph::workOf(op))
      all += (work.kind + "." + work.format + " " + std::to_string(int64_t(work.operations)) + "/" +
              std::to_string(work.inner) + " ")
                 .str();
    return all;
  };
  EXPECT_EQ(text(ops[0]), "depthwise.f32 1728/6 ");
  EXPECT_EQ(text(ops[1]), "function.f32 96/0 ");
  EXPECT_EQ(text(ops[2]), "elementwise.f32 96/0 ");
  EXPECT_EQ(text(ops[3]), "reduction.f32 192/0 function.f32 96/0 ");
  EXPECT_EQ(text(ops[4]), "contraction.i8 96/3 ");
}

TEST_F(CostTest, KernelsReadAndWriteWhatCrossesTheirBorder) {
  std::vector<Operation *> ops = parse(R"(
    func.func @main(%x: tensor<100xf32>) -> tensor<100xf32> {
      %0 = graph.unary abs %x : (tensor<100xf32>) -> tensor<100xf32>
      %1 = graph.unary neg %0 : (tensor<100xf32>) -> tensor<100xf32>
      return %1 : tensor<100xf32>
    })");
  ASSERT_EQ(ops.size(), 2u);
  CostTerms both = costTerms(ops, chip), one = costTerms(ops[0], chip);
  EXPECT_EQ(both, (CostTerms{{"bytes.near", 800}, {"elementwise.f32", 200}, {"launch", 1}}));
  EXPECT_EQ(one, (CostTerms{{"bytes.near", 800}, {"elementwise.f32", 100}, {"launch", 1}}));
  // 8 us for the bytes, 0.01 us for the operations, 0.5 us for the launch.
  EXPECT_NEAR(secondsOf(both, chip), 8.51e-6, 1e-12);
  chip.memories[0].bytes = 700; // too small for it
  EXPECT_EQ(costTerms(ops, chip).at("bytes.far"), 800);
}

TEST_F(CostTest, VectorsAreFilled) {
  std::vector<Operation *> ops = parse(R"(
    func.func @main(%a: tensor<2x8xf32>, %b: tensor<8x9xf32>) -> tensor<2x9xf32> {
      %0 = graph.matmul %a, %b : (tensor<2x8xf32>, tensor<8x9xf32>) -> tensor<2x9xf32>
      return %0 : tensor<2x9xf32>
    })");
  ASSERT_EQ(ops.size(), 1u);
  EXPECT_EQ(costTerms(ops, chip).at("contraction.f32"), 288);
  chip.limits = {{"vector_bits", 256}}; // 8 lanes: 9 columns take two vectors
  EXPECT_EQ(costTerms(ops, chip).at("contraction.f32"), 512);
}

TEST_F(CostTest, RatesByKindAndFormat) {
  EXPECT_DOUBLE_EQ(secondsPer("contraction.f32", chip), 1 / 20e9); // two cores of 10 a cycle
  EXPECT_DOUBLE_EQ(secondsPer("contraction.i8", chip), 1 / 80e9);
  EXPECT_DOUBLE_EQ(secondsPer("contraction.f16", chip), 1 / 20e9);
  EXPECT_DOUBLE_EQ(secondsPer("bytes.near", chip), 1e-8);
  EXPECT_DOUBLE_EQ(secondsPer("bytes.nowhere", chip), 0);
  chip.rates = {{"contraction", {{"i8", 3000}, {"f32", 1000}}}};
  EXPECT_DOUBLE_EQ(secondsPer("contraction.f32", chip), 1 / 2e9); // a unit's
  EXPECT_DOUBLE_EQ(secondsPer("contraction.i8", chip), 1 / 6e9);
  EXPECT_DOUBLE_EQ(secondsPer("contraction.f16", chip), 1 / 2e9);
  EXPECT_DOUBLE_EQ(secondsPer("elementwise.f32", chip), 1 / 20e9);
  for (const char *term : {"contraction.f32", "contraction.f16", "function.f32", "bytes.far", "launch"}) {
    setSecondsPer(term, 2e-9, chip);
    EXPECT_DOUBLE_EQ(secondsPer(term, chip), 2e-9) << term;
  }
  EXPECT_DOUBLE_EQ(secondsPer("contraction.i8", chip), 1 / 6e9);
}

TEST_F(CostTest, OpenSizesAreNominal) {
  std::vector<Operation *> ops = parse(R"(
    module attributes {graph.symbols = [{name = "n", min = 0 : i64, max = 9223372036854775807 : i64, divisor = 1 : i64},
        {name = "m", min = 40 : i64, max = 50 : i64, divisor = 1 : i64}], graph.nominal_sizes = {n = 5 : i64}} {
      func.func @main(%x: tensor<?x?xf32> {graph.shape = affine_map<()[s0, s1] -> (s0, s1)>}) -> tensor<?x?xf32> {
        %0 = graph.unary abs %x {graph.shape = affine_map<()[s0, s1] -> (s0, s1)>} : (tensor<?x?xf32>) -> tensor<?x?xf32>
        return %0 : tensor<?x?xf32>
      }
    })");
  ASSERT_EQ(ops.size(), 1u);
  SmallVector<int64_t> sizes = nominalSizes(*module);
  EXPECT_EQ(sizes, (SmallVector<int64_t>{5, 40}));
  IRMapping copies;
  OwningOpRef<Operation *> copy = atSizes(ops[0]->getParentOp(), sizes, &copies);
  EXPECT_EQ(costTerms(copies.lookup(ops[0]), chip).at("elementwise.f32"), 200);
  EXPECT_EQ(costTerms(ops[0], chip).count("elementwise.f32"), 0u); // not known
}

} // namespace
