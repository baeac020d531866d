// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code for the toy device on random sizes, around and beyond what a tile holds, executed
// and compared with loops. Values are small whole numbers, so that float sums are exact.
#include "ToyDevice.h"

#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <cstring>
#include <random>

using namespace tenon::testing;

namespace {

template <typename T>
Bytes bytesOf(const std::vector<T> &values) {
  Bytes bytes(values.size() * sizeof(T));
  memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <typename T>
std::vector<T> valuesOf(const Bytes &bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

class Toy : public ::testing::Test {
protected:
  size_t below(size_t most) { return random() % most; }
  size_t size() { return 1 + below(70); }
  template <typename T>
  std::vector<T> numbers(size_t count, int least, int most) {
    std::vector<T> values(count);
    for (T &value : values)
      value = T(least + int(below(size_t(most - least + 1))));
    return values;
  }
  /// The outputs, of which each has this many bytes.
  std::vector<Bytes> run(const std::string &text, const std::vector<Bytes> &inputs, const std::vector<size_t> &bytes) {
    std::string errors;
    std::optional<ToyProgram> program = compileForToy(text, errors);
    EXPECT_TRUE(program) << errors << text;
    if (!program)
      return std::vector<Bytes>(bytes.size());
    std::vector<Bytes> outputs = device.run(*program, inputs, bytes, errors);
    EXPECT_EQ(errors, "") << text;
    outputs.resize(bytes.size());
    return outputs;
  }

  /// A product of random sizes, transposed in all ways.
  template <typename In, typename Out>
  void product(const char *in, const char *out, int least, int most) {
    for (int round = 0; round < 40; ++round) {
      size_t m = size(), n = size(), k = size();
      bool ta = round & 1, tb = round & 2;
      std::vector<In> a = numbers<In>(m * k, least, most), b = numbers<In>(k * n, least, most);
      std::string text =
          llvm::formatv("func.func @main(%a: tensor<{0}x{1}x{2}>, %b: tensor<{3}x{4}x{2}>) -> tensor<{5}x{6}x{7}> {{\n"
                        "%0 = graph.matmul %a, %b {{{8}{9}{10}} : (tensor<{0}x{1}x{2}>, tensor<{3}x{4}x{2}>) -> "
                        "tensor<{5}x{6}x{7}>\nreturn %0 : tensor<{5}x{6}x{7}>\n}",
                        ta ? k : m, ta ? m : k, in, tb ? n : k, tb ? k : n, m, n, out, ta ? "transpose_lhs" : "",
                        ta && tb ? ", " : "", tb ? "transpose_rhs" : "");
      std::vector<Out> expected(m * n);
      for (size_t i = 0; i < m; ++i)
        for (size_t j = 0; j < n; ++j)
          for (size_t l = 0; l < k; ++l)
            expected[i * n + j] += Out(a[ta ? l * m + i : i * k + l]) * Out(b[tb ? j * k + l : l * n + j]);
      std::vector<Bytes> outputs = run(text, {bytesOf(a), bytesOf(b)}, {m * n * sizeof(Out)});
      ASSERT_EQ(valuesOf<Out>(outputs[0]), expected) << text;
    }
  }

  std::mt19937 random{1};
  ToyDevice device;
};

TEST_F(Toy, ProductsInFloat) { product<float, float>("f32", "f32", -8, 8); }

TEST_F(Toy, ProductsInInt8) { product<int8_t, int32_t>("i8", "i32", -128, 127); }

TEST_F(Toy, ElementwiseWithRepeatedOperands) {
  for (int round = 0; round < 40; ++round) {
    size_t d = 1 + below(6), h = size(), w = size();
    std::vector<float> x = numbers<float>(d * h * w, -9, 9), y = numbers<float>(h * w, -9, 9),
                       z = numbers<float>(w, -9, 9), s = numbers<float>(1, -9, 9);
    std::string full = llvm::formatv("tensor<{0}x{1}x{2}xf32>", d, h, w),
                plane = llvm::formatv("tensor<{0}x{1}xf32>", h, w), row = llvm::formatv("tensor<1x{0}xf32>", w),
                scalar = "tensor<f32>";
    // The second result is read again, and both operands of an addition may be one value.
    std::string text = llvm::formatv(
        "func.func @main(%x: {0}, %y: {1}, %z: {2}, %s: {3}) -> ({0}, {0}) {{\n"
        "%0 = graph.binary add %x, %y : ({0}, {1}) -> {0}\n%1 = graph.unary relu %0 : ({0}) -> {0}\n"
        "%2 = graph.binary add %z, %1 : ({2}, {0}) -> {0}\n%3 = graph.binary add %2, %2 : ({0}, {0}) -> {0}\n"
        "%4 = graph.binary add %3, %x : ({0}, {0}) -> {0}\n%5 = graph.binary add %4, %s : ({0}, {3}) -> {0}\n"
        "return %5, %1 : {0}, {0}\n}",
        full, plane, row, scalar);
    std::vector<float> last(x.size()), middle(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      middle[i] = std::max(0.0f, x[i] + y[i % y.size()]);
      last[i] = 2 * (middle[i] + z[i % w]) + x[i] + s[0];
    }
    size_t bytes = x.size() * sizeof(float);
    std::vector<Bytes> outputs = run(text, {bytesOf(x), bytesOf(y), bytesOf(z), bytesOf(s)}, {bytes, bytes});
    ASSERT_EQ(valuesOf<float>(outputs[0]), last) << text;
    ASSERT_EQ(valuesOf<float>(outputs[1]), middle) << text;
  }
}

TEST_F(Toy, LayersWithWeights) {
  for (int round = 0; round < 10; ++round) {
    size_t batch = size(), in = size(), hidden = size();
    std::vector<float> x = numbers<float>(batch * in, -4, 4);
    std::string text = llvm::formatv(
        "func.func @main(%x: tensor<{0}x{1}xf32>) -> tensor<{0}x{2}xf32> {{\n"
        "%w = graph.constant dense<2.0> : tensor<{1}x{2}xf32>\n%b = graph.constant dense<-3.0> : tensor<{2}xf32>\n"
        "%0 = graph.matmul %x, %w : (tensor<{0}x{1}xf32>, tensor<{1}x{2}xf32>) -> tensor<{0}x{2}xf32>\n"
        "%1 = graph.binary add %0, %b : (tensor<{0}x{2}xf32>, tensor<{2}xf32>) -> tensor<{0}x{2}xf32>\n"
        "%2 = graph.unary relu %1 : (tensor<{0}x{2}xf32>) -> tensor<{0}x{2}xf32>\nreturn %2 : tensor<{0}x{2}xf32>\n}",
        batch, in, hidden);
    std::vector<float> expected(batch * hidden);
    for (size_t i = 0; i < expected.size(); ++i) {
      float sum = -3;
      for (size_t l = 0; l < in; ++l)
        sum += 2 * x[i / hidden * in + l];
      expected[i] = std::max(0.0f, sum);
    }
    std::vector<Bytes> outputs = run(text, {bytesOf(x)}, {expected.size() * sizeof(float)});
    ASSERT_EQ(valuesOf<float>(outputs[0]), expected) << text;
  }
}

TEST_F(Toy, CopiesOfAnyType) {
  std::vector<int64_t> x = numbers<int64_t>(4000, -1000, 1000);
  std::vector<Bytes> outputs =
      run("func.func @main(%x: tensor<40x100xi64>) -> (tensor<4000xi64>, tensor<40x100xi64>) {\n"
          "%0 = graph.flatten %x {begin = 0, end = 2} : (tensor<40x100xi64>) -> tensor<4000xi64>\n"
          "return %0, %x : tensor<4000xi64>, tensor<40x100xi64>\n}",
          {bytesOf(x)}, {32000, 32000});
  EXPECT_EQ(valuesOf<int64_t>(outputs[0]), x);
  EXPECT_EQ(valuesOf<int64_t>(outputs[1]), x);
}

TEST_F(Toy, WhatIsNotANumberStaysSo) {
  std::vector<float> x{NAN, -INFINITY, -1, 0, INFINITY};
  std::vector<Bytes> outputs =
      run("func.func @main(%x: tensor<5xf32>) -> tensor<5xf32> {\n"
          "%0 = graph.unary relu %x : (tensor<5xf32>) -> tensor<5xf32>\nreturn %0 : tensor<5xf32>\n}",
          {bytesOf(x)}, {20});
  std::vector<float> y = valuesOf<float>(outputs[0]);
  ASSERT_EQ(y.size(), 5u);
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(std::vector<float>(y.begin() + 1, y.end()), (std::vector<float>{0, 0, 0, INFINITY}));
}

} // namespace
