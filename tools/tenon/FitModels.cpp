// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models for `tenon bench --fit-target` where none are given: graphs of ops side by side, each
// a kernel, of sizes that fill the caches differently. Constants are of one value, which no
// kernel's time depends on.
#include "FitTarget.h"

#include "llvm/Support/FormatVariadic.h"

namespace tenon::driver {
namespace {

/// "1x64x28x28xf32"
std::string shape(llvm::ArrayRef<int64_t> sizes, llvm::StringRef element = "f32") {
  std::string text;
  for (int64_t size : sizes)
    text += std::to_string(size) + "x";
  return "tensor<" + text + element.str() + ">";
}

/// A function whose ops each read an input of their own and make an output. Of those that
/// are added it takes every second one, so that two such models do the same kinds of work.
class Model {
public:
  explicit Model(unsigned part) : part(part) {}
  void add(llvm::StringRef op, const std::string &input, const std::string &output) {
    if (added++ % 2 != part)
      return;
    std::string number = std::to_string(count++);
    inputs += (inputs.empty() ? "%x" : ", %x") + number + ": " + input;
    outputs += (outputs.empty() ? "" : ", ") + output;
    results += (results.empty() ? "%y" : ", %y") + number;
    std::string line = op.str();
    for (size_t at; (at = line.find('#')) != std::string::npos;)
      line.replace(at, 1, number);
    body += line + "\n";
  }
  std::string text() const {
    return "func.func @main(" + inputs + ") -> (" + outputs + ") {\n" + body + "return " + results + " : " + outputs +
           "\n}\n";
  }

private:
  std::string inputs, outputs, results, body;
  unsigned part, added = 0, count = 0;
};

void convolution(Model &model, int64_t channels, int64_t filters, int64_t size, int64_t window, bool isDepthwise) {
  int64_t pad = window / 2;
  std::string x = shape({1, channels, size, size}), y = shape({1, filters, size, size}),
              w = shape({filters, isDepthwise ? 1 : channels, window, window});
  model.add(llvm::formatv("%w# = graph.constant dense<0.01> : {0}\n"
                          "%y# = graph.conv %x#, %w# {{dilations = array<i64: 1, 1>, pads = array<i64: {1}, {1}, {1}, "
                          "{1}>, strides = array<i64: 1, 1>, group = {2} : i64} : ({3}, {0}) -> {4}",
                          w, pad, isDepthwise ? channels : 1, x, y)
                .str(),
            x, y);
}

void product(Model &model, int64_t m, int64_t k, int64_t n) {
  std::string x = shape({m, k}), w = shape({k, n}), y = shape({m, n});
  model.add(llvm::formatv("%w# = graph.constant dense<0.01> : {0}\n"
                          "%y# = graph.matmul %x#, %w# : ({1}, {0}) -> {2}",
                          w, x, y)
                .str(),
            x, y);
}

/// An op from a tensor to one of the same or another shape.
void simple(Model &model, llvm::StringRef op, const std::string &x, const std::string &y) {
  model.add(llvm::formatv("%y# = graph.{0} : ({1}) -> {2}", op, x, y).str(), x, y);
}

std::string convolutions(unsigned part, bool isDepthwise) {
  Model model(part);
  for (auto [channels, filters, size] : {std::array<int64_t, 3>{16, 32, 56},
                                         {32, 32, 28},
                                         {64, 64, 28},
                                         {64, 128, 14},
                                         {128, 128, 14},
                                         {256, 256, 7},
                                         {24, 48, 40}})
    for (int64_t window : {isDepthwise ? 5 : 1, 3})
      convolution(model, isDepthwise ? 4 * channels : channels, isDepthwise ? 4 * channels : filters, size, window,
                  isDepthwise);
  return model.text();
}

std::string products(unsigned part) {
  Model model(part);
  for (auto [m, k, n] : {std::array<int64_t, 3>{1, 512, 512},
                         {1, 768, 3072},
                         {16, 256, 256},
                         {64, 384, 384},
                         {128, 768, 768},
                         {128, 256, 1024},
                         {32, 1024, 512},
                         {200, 64, 200}})
    product(model, m, k, n);
  return model.text();
}

std::string elementwise(unsigned part) {
  Model model(part);
  for (int64_t count : {20000, 100000, 400000, 1500000}) {
    std::string x = shape({count});
    for (llvm::StringRef op : {"unary relu %x#", "unary hard_swish %x#", "unary exp %x#", "unary tanh %x#",
                               "unary erf %x#", "unary sigmoid %x#"})
      simple(model, op, x, x);
    // More work for the same bytes, so that one is told from the other.
    std::string many;
    static constexpr const char *kChain[] = {"mul %x#, %x#",     "add %x#, %c0_#",   "max %x#, %c1_#",
                                             "sub %c2_#, %c0_#", "mul %c3_#, %c1_#", "add %c4_#, %c2_#",
                                             "min %c5_#, %x#"};
    for (auto [i, op] : llvm::enumerate(kChain))
      many += llvm::formatv("%c{0}_# = graph.binary {1} : ({2}, {2}) -> {2}\n", i, op, x);
    for (int both = 0; both < 2; ++both)
      model.add(llvm::formatv("{0}%y# = graph.binary add %c6_#, %x# : ({1}, {1}) -> {1}", many, x).str(), x, x);
  }
  return model.text();
}

std::string rows(unsigned part) {
  Model model(part);
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{64, 256}, {128, 768}, {1024, 128}, {512, 1024}}) {
    std::string x = shape({rows, columns});
    simple(model, "softmax %x# {axis = 1 : i64}", x, x);
    simple(model, "norm layer %x# {axis = 1 : i64, epsilon = 1.0e-5 : f32}", x, x);
    simple(model, "reduce mean %x# {axes = array<i64: 1>, keep_dims}", x, shape({rows, 1}));
    simple(model, "reduce sum %x# {axes = array<i64: 0>, keep_dims}", x, shape({1, columns}));
  }
  return model.text();
}

std::string windows(unsigned part) {
  Model model(part);
  for (auto [channels, size] : {std::pair<int64_t, int64_t>{16, 112}, {64, 56}, {128, 28}, {256, 14}})
    for (llvm::StringRef kind : {"max", "average"})
      for (int64_t window : {2, 3})
        simple(model,
               llvm::formatv("pool {0} %x# {{dilations = array<i64: 1, 1>, kernel = array<i64: {1}, {1}>, pads = "
                             "array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>}",
                             kind, window)
                   .str(),
               shape({1, channels, size, size}),
               shape({1, channels, (size - window) / 2 + 1, (size - window) / 2 + 1}));
  return model.text();
}

std::string movements(unsigned part) {
  Model model(part);
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{128, 256}, {512, 512}, {1024, 768}, {3136, 64}}) {
    std::string x = shape({rows, columns});
    simple(model, "transpose %x# {perm = array<i64: 1, 0>}", x, shape({columns, rows}));
  }
  return model.text();
}

} // namespace

std::vector<std::pair<std::string, std::string>> builtInModels() {
  std::vector<std::pair<std::string, std::string>> models;
  for (unsigned part : {0u, 1u}) {
    models.push_back({"convolutions", convolutions(part, false)});
    models.push_back({"depthwise", convolutions(part, true)});
    models.push_back({"products", products(part)});
    models.push_back({"elementwise", elementwise(part)});
    models.push_back({"rows", rows(part)});
    models.push_back({"windows", windows(part)});
    models.push_back({"movements", movements(part)});
  }
  return models; // an odd number of each part, so that every second model has one of each kind
}

} // namespace tenon::driver
