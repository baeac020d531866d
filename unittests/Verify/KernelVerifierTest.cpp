// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// KernelVerifier fed by hand: what a faulty memory plan or host program would
// do to a kernel's buffers, which no model on disk can be made to do.
#include "tenon/Verify/KernelVerifier.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace tenon;
using reference::Tensor;

namespace {

struct VerifyTest : ::testing::Test {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  std::unique_ptr<KernelVerifier> verifier;
  // y = softmax(x^T): two kernels.
  float x[6] = {1, 2, 3, 4, 5, 6}, t[6] = {1, 4, 2, 5, 3, 6}, y[6];

  void SetUp() override {
    llvm::SmallString<128> path;
    int fd;
    ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("verify", "onnxtxt", fd, path));
    llvm::FileRemover remover(path);
    llvm::raw_fd_ostream(fd, /*shouldClose=*/true) << R"(
      <ir_version: 8, opset_import: ["ai.onnx" : 17]>
      main (float[2,3] x) => (float[3,2] y) {
        t = Transpose<perm = [1, 0]>(x)
        y = Softmax(t)
      })";
    verifier = KernelVerifier::create(context, path, {});
    ASSERT_TRUE(verifier);
    ASSERT_EQ(verifier->getChecks().size(), 2u);
    softmax();
    verifier->beginRun(
        {Tensor::borrow(Float32Type::get(&context), {2, 3}, ArrayRef(reinterpret_cast<char *>(x), sizeof x))});
  }
  /// What a right kernel makes of t, whatever t is.
  void softmax() {
    for (int row = 0; row < 3; ++row) {
      float a = std::exp(t[2 * row]), b = std::exp(t[2 * row + 1]);
      y[2 * row] = a / (a + b);
      y[2 * row + 1] = b / (a + b);
    }
  }
};

TEST_F(VerifyTest, RightKernelsAgree) {
  verifier->observe(0, {x, t}, nullptr);
  verifier->observe(1, {t, y}, nullptr);
  for (const KernelCheck &check : verifier->getChecks()) {
    EXPECT_TRUE(check.ok()) << check.kernel;
    EXPECT_EQ(check.runs, 1u);
    EXPECT_EQ(check.elements, 6u);
  }
}

TEST_F(VerifyTest, WrongValueIsFoundWithItsPlace) {
  t[3] = 7;
  softmax();
  verifier->observe(0, {x, t}, nullptr);
  verifier->observe(1, {t, y}, nullptr);
  const KernelCheck &check = verifier->getChecks()[0];
  EXPECT_EQ(check.difference.wrong, 1u);
  EXPECT_EQ(check.difference.index, (reference::Shape{1, 1}));
  EXPECT_EQ(check.difference.found, "7");
  EXPECT_EQ(check.difference.expected, "5");
  EXPECT_TRUE(verifier->getChecks()[1].ok()) << "errors must not cascade";
}

TEST_F(VerifyTest, OverwrittenInputIsFound) {
  verifier->observe(0, {x, t}, nullptr);
  t[0] = 9; // another kernel wrote where t lives
  softmax();
  verifier->observe(1, {t, y}, nullptr);
  EXPECT_TRUE(verifier->getChecks()[1].difference.ok()) << "right on what it read";
  EXPECT_NE(verifier->getChecks()[1].overwritten, "");
  EXPECT_FALSE(verifier->getChecks()[1].ok());
}

TEST_F(VerifyTest, NotANumberAgreesWithItself) {
  x[0] = t[0] = std::nanf("");
  x[1] = t[2] = INFINITY;
  verifier->beginRun(
      {Tensor::borrow(Float32Type::get(&context), {2, 3}, ArrayRef(reinterpret_cast<char *>(x), sizeof x))});
  verifier->observe(0, {x, t}, nullptr);
  EXPECT_TRUE(verifier->getChecks()[0].ok());
}

} // namespace
