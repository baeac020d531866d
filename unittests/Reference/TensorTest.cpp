// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Storage, rounding and movement of reference tensors.
#include "tenon/Reference/Tensor.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir;
using namespace tenon::reference;

namespace {

struct TensorTest : ::testing::Test {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  Builder b{&context};
  double round(Type type, double value, bool saturate = true) {
    tenon::numerics::Encoding how;
    how.overflow = saturate ? tenon::numerics::Overflow::Saturate : tenon::numerics::Overflow::NonFinite;
    return Tensor::fromDoubles(type, {1}, {value}, how).toDoubles()[0];
  }
};

TEST_F(TensorTest, RoundsHalfPrecisionOnce) {
  // 1 + 2^-11 is a tie, and the double just above it is not.
  EXPECT_EQ(round(b.getF16Type(), 1 + std::ldexp(1, -11)), 1);
  EXPECT_EQ(round(b.getF16Type(), 1 + std::ldexp(1, -11) + std::ldexp(1, -40)), 1 + std::ldexp(1, -10));
  EXPECT_EQ(round(b.getBF16Type(), 1 + std::ldexp(1, -8)), 1);
  EXPECT_EQ(round(b.getBF16Type(), 1 + std::ldexp(1, -8) + std::ldexp(1, -40)), 1 + std::ldexp(1, -7));
  EXPECT_TRUE(std::isinf(round(b.getF16Type(), 65520)));
  EXPECT_TRUE(std::isnan(round(b.getBF16Type(), NAN)));
}

TEST_F(TensorTest, SaturatesSmallFloats) {
  Type e4m3 = Float8E4M3FNType::get(&context), e5m2 = Float8E5M2Type::get(&context);
  EXPECT_EQ(round(e4m3, 1000), 448);
  EXPECT_EQ(round(e4m3, -INFINITY), -448);
  EXPECT_TRUE(std::isnan(round(e4m3, 1000, false)));
  EXPECT_EQ(round(e5m2, 1e6), 57344);
  EXPECT_TRUE(std::isinf(round(e5m2, 1e6, false)));
  EXPECT_TRUE(std::isnan(round(e4m3, NAN)));
}

TEST_F(TensorTest, WrapsIntegers) {
  EXPECT_EQ(Tensor::fromInts(b.getI8Type(), {2}, {200, -129}).toInts(), (std::vector<int64_t>{-56, 127}));
  EXPECT_EQ(Tensor::fromInts(b.getIntegerType(4), {2}, {7, 8}).toInts(), (std::vector<int64_t>{7, -8}));
  Type ui64 = b.getIntegerType(64, /*isSigned=*/false);
  EXPECT_EQ(Tensor::fromInts(ui64, {1}, {-1}).toDoubles()[0], 18446744073709551616.0);
}

// By way of the nearest double these would be halfway between two floats.
TEST_F(TensorTest, RoundsIntegersOnce) {
  int64_t above = (int64_t(1) << 60) + (int64_t(1) << 36) + 1;
  double up = 0x1p60 + 0x1p37;
  EXPECT_EQ(Tensor::fromInts(b.getF32Type(), {2}, {above, -above}).toDoubles(), (std::vector<double>{up, -up}));
  int64_t below = (int64_t(1) << 60) + 3 * (int64_t(1) << 36) - 1; // a double would be a tie to the even number above
  EXPECT_EQ(Tensor::fromInts(b.getF32Type(), {1}, {below}).toDoubles()[0], up);
  EXPECT_EQ(Tensor::fromInts(b.getF64Type(), {1}, {above}).toDoubles()[0], double(above));
  EXPECT_EQ(Tensor::fromInts(b.getBF16Type(), {1}, {(int64_t(1) << 60) + (int64_t(1) << 52) + 1}).toDoubles()[0],
            0x1p60 + 0x1p53);
  int64_t top = int64_t(0xC000008000000001); // 2^63 + 2^62 + 2^39 + 1 as unsigned
  EXPECT_EQ(Tensor::fromInts(b.getF32Type(), {1}, {top}, /*isUnsigned=*/true).toDoubles()[0], 0x1.8p63 + 0x1p40);
}

TEST_F(TensorTest, AttributesRoundTrip) {
  for (int64_t count : {0, 1, 16, 17, 100})
    for (Type type : {Type(b.getI1Type()), Type(b.getF32Type()), Type(b.getIntegerType(4)), Type(b.getI64Type())}) {
      std::vector<int64_t> values(count);
      for (int64_t i = 0; i < count; ++i)
        values[i] = i % 2;
      Tensor tensor = Tensor::fromInts(type, {count}, values);
      auto back = Tensor::fromAttribute(tensor.toAttribute());
      ASSERT_TRUE(back);
      EXPECT_EQ(back->getType(), tensor.getType());
      EXPECT_EQ(back->toInts(), values);
    }
}

TEST_F(TensorTest, StridedTransposesAndBroadcasts) {
  Tensor x = Tensor::fromInts(b.getI64Type(), {2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(x.strided({3, 2}, {1, 3}).toInts(), (std::vector<int64_t>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(x.strided({2}, {-3}, 5).toInts(), (std::vector<int64_t>{6, 3}));
  Tensor row = Tensor::fromInts(b.getI64Type(), {1, 2}, {7, 8});
  EXPECT_EQ(row.broadcast({2, 2, 2}).toInts(), (std::vector<int64_t>{7, 8, 7, 8, 7, 8, 7, 8}));
  EXPECT_FALSE(broadcastShapes({2, 3}, {2}));
}

} // namespace
