// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declarations of chips: the shipped ones, and what people may write.
#include "mlir/AsmParser/AsmParser.h"
#include "tenon/Dialect/Hw/IR/Hw.h"
#include "tenon/Interfaces/Target.h"
#include "tenon/Pipelines/RegisterTargets.h"
#include <gtest/gtest.h>

using namespace tenon;

namespace {

std::string textOf(const hw::Device &device) {
  std::string text;
  llvm::raw_string_ostream os(text);
  hw::print(device, os);
  return text;
}

/// What is wrong with a text, a problem a line.
std::string problemsOf(llvm::StringRef text) {
  std::vector<std::string> problems;
  std::optional<hw::Device> device = hw::parseDevice(text, "f", problems);
  EXPECT_EQ(device.has_value(), problems.empty()) << text.str();
  std::string all;
  for (const std::string &problem : problems)
    all += problem + "\n";
  return all;
}

TEST(DeviceTest, ShippedOnesAreRight) {
  TargetRegistry targets;
  registerTargets(targets);
  ASSERT_FALSE(hw::shippedDevices().empty());
  for (const hw::ShippedDevice &shipped : hw::shippedDevices()) {
    std::vector<std::string> problems;
    std::optional<hw::Device> device = hw::parseDevice(shipped.text, shipped.file, problems);
    ASSERT_TRUE(device) << problems.front();
    EXPECT_EQ(shipped.file.str(), device->family + "-" + device->name + ".yaml");
    for (const std::unique_ptr<TargetFamily> &family : targets.getFamilies())
      if (family->device() == device->family)
        EXPECT_EQ(family->check(*device), std::vector<std::string>());
    EXPECT_EQ(problemsOf(textOf(*device)), "");
    std::optional<hw::Device> again = hw::parseDevice(textOf(*device), "again", problems);
    EXPECT_EQ(textOf(*again), textOf(*device));
  }
}

TEST(DeviceTest, TextsComeBackAsTheyWere) {
  hw::Device device;
  device.name = "a.b-c_1";
  device.family = "cpu";
  device.summary = "with: a colon, \"quotes\", a \\ and # no comment";
  device.features = {"+x", "sse4.1"};
  device.links = {{"host", "network", 7, 0}};
  device.formats = {{"contraction", {"f32", "!num"}}};
  device.rates = {{"function", {{"f32", 700}, {"f16", 20}}}, {"other", {}}};
  std::vector<std::string> problems;
  std::optional<hw::Device> read = hw::parseDevice(textOf(device), "f", problems);
  ASSERT_TRUE(read) << problems.front();
  EXPECT_EQ(read->summary, device.summary);
  EXPECT_EQ(read->features, device.features);
  EXPECT_EQ(read->rates, device.rates);
  EXPECT_EQ(textOf(*read), textOf(device));
}

/// A chip through an attribute and its text.
hw::Device throughText(mlir::MLIRContext &context, const hw::Device &device) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << mlir::Attribute(hw::DeviceAttr::get(&context, device));
  auto read = llvm::dyn_cast_or_null<hw::DeviceAttr>(mlir::parseAttribute(text, &context));
  EXPECT_TRUE(read) << text;
  return read ? read.toDevice() : hw::Device();
}

TEST(DeviceTest, AttributesSayWhatFilesDo) {
  mlir::MLIRContext context;
  context.loadDialect<hw::HwDialect>();
  for (const hw::ShippedDevice &shipped : hw::shippedDevices()) {
    std::vector<std::string> problems;
    std::optional<hw::Device> device = hw::parseDevice(shipped.text, shipped.file, problems);
    ASSERT_TRUE(device) << problems.front();
    EXPECT_EQ(textOf(throughText(context, *device)), textOf(*device));
  }
  // What no shipped chip has: texts that need quotes, orders that are not those of names,
  // entries without numbers.
  hw::Device odd;
  odd.name = "a.b-c_1";
  odd.family = "toy";
  odd.summary = "a \"quote\", a \\, \xc3\xa9";
  odd.features = {"sse4.1", "+x y"};
  odd.units = {{"u", 3, 7, {{"f32", 2}, {"a \"b\"", 1}}}, {"v", 1, 1, {}}};
  odd.memories = {{"near", 1, 2, 3, 4}, {"far", 0, 1, 0, 4096}};
  odd.links = {{"host", "far", 7, 0}, {"near", "network", 1, 2}};
  odd.formats = {{"window", {"f32", "!num"}}, {"contraction", {}}};
  odd.rates = {{"function", {{"f32", 700}, {"f16", 20}}}, {"depthwise", {}}};
  odd.kernelLaunchNs = 5;
  odd.limits = {{"z", 0}, {"a.b", 7}};
  EXPECT_EQ(textOf(throughText(context, odd)), textOf(odd));
  hw::Device bare;
  bare.name = "bare";
  bare.family = "toy";
  EXPECT_EQ(textOf(throughText(context, bare)), textOf(bare));
}

TEST(DeviceTest, AllProblemsAreTold) {
  EXPECT_EQ(problemsOf("name: a b\ndevice: cpu\nlimit: 3\nlinks: 7\n"),
            "f:1:7: name: found 'a b', allowed are letters, digits, '_', '-' and '.'\n"
            "f:3:1: chip: found the key 'limit', allowed are name, device, summary, triple, features, units, memories, "
            "links, formats, rates, launch, limits\n"
            "f:4:8: links: found a value, allowed is a list\n");
  EXPECT_EQ(problemsOf("name: a\ndevice: cpu\nlinks: [{from: l1, to: host, mb_per_s: 1, latency_ns: -1}]\n"),
            "f:3:55: latency_ns: found '-1', allowed is a whole number of 0 to 1125899906842624\n");
  EXPECT_EQ(problemsOf("name: a\ndevice: cpu\nlinks: [{from: l1, to: host, mb_per_s: 1, latency_ns: 1}]\n"),
            "f:1:1: links: found 'l1', allowed are host, network and the chip's memories\n");
  EXPECT_EQ(problemsOf("name: a\ndevice: cpu\nrates: {exp: {f32: 1}, function: {f32: 0}, other: 3}\n"),
            "f:3:9: rates: found the key 'exp', allowed are contraction, depthwise, elementwise, function, reduction, "
            "window, movement, recurrence, quantize, other\n"
            "f:3:40: rates.function.f32: found '0', allowed is a whole number of 1 to 1125899906842624\n"
            "f:3:51: rates.other: found a value, allowed is a mapping of keys\n");
  EXPECT_EQ(problemsOf("device: cpu\n"), "f:1:1: chip: 'name' is missing\n");
}

TEST(DeviceTest, NoTextIsTooOdd) {
  for (const char *text : {"", "\n", "---", "--- a\n--- b", "- a", "a", "*a", "&a", "{", "[", "name: &x [*x]", "? a",
                           "!!map", "name: 'a", "a: b: c", "\t", "\xff\xfe", "%YAML 9"})
    EXPECT_NE(problemsOf(text), "") << text;
  EXPECT_NE(problemsOf(std::string(100000, '[')), "");
  // Cut anywhere, and with any byte another one: refused or read, and nothing else.
  llvm::StringRef whole = hw::shippedDevices().front().text;
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string text = whole.take_front(i).str();
    problemsOf(text);
    for (char c : {'{', ']', ':', '\n', '"', '\0', '-', '\t'}) {
      text = whole.str();
      text[i] = c;
      problemsOf(text);
    }
  }
}

} // namespace
