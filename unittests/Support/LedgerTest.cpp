// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ledgers out of artifacts that anyone may have written.
#include "tenon/Support/Ledger.h"
#include <gtest/gtest.h>

using namespace tenon;

namespace {

TEST(LedgerTest, GoesThroughJson) {
  Ledger ledger;
  ledger.nodes.push_back({"a [\"{\\ name", "Add", Fate::Kernel, {"k"}});
  ledger.notes.push_back({{"TN5101", "a text]}]"}, {"k"}, {"a"}});
  std::string json;
  llvm::raw_string_ostream(json) << llvm::json::Value(ledger.toJson());
  std::optional<Ledger> read = Ledger::fromJson(json);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->nodes.size(), 1u);
  EXPECT_EQ(read->nodes[0].name, ledger.nodes[0].name);
  EXPECT_EQ(read->notes[0].text, "a text]}]");
}

TEST(LedgerTest, EdgesTimesAndMemoryGoThroughJson) {
  Ledger ledger;
  ledger.nodes.push_back({"a", "Add", Fate::Kernel, {"k"}, {-1, -2}});
  ledger.outputs = {0};
  ledger.kernels.resize(1);
  ledger.kernels[0].name = "k";
  ledger.kernels[0].seconds = 1.5e-6;
  ledger.kernels[0].cost["launch"] = 1;
  ledger.transfers.push_back({"host", "toy", "a", 64});
  ledger.memory.push_back(
      {"toy", "toy_0", 128, 100, 1, {"k", "submit toy_0"}, {{"k", 36, 64, 0, 1}, {"k", 64, -1, 1, 1}}});
  std::string json;
  llvm::raw_string_ostream(json) << llvm::json::Value(ledger.toJson());
  std::optional<Ledger> read = Ledger::fromJson(json);
  ASSERT_TRUE(read);
  std::string again;
  llvm::raw_string_ostream(again) << llvm::json::Value(read->toJson());
  EXPECT_EQ(again, json);
  EXPECT_EQ(read->nodes[0].inputs, ledger.nodes[0].inputs);
  EXPECT_EQ(read->kernels[0].seconds, 1.5e-6);
  EXPECT_EQ(read->kernels[0].cost, ledger.kernels[0].cost);
  ASSERT_EQ(read->memory.size(), 1u);
  EXPECT_EQ(read->memory[0].peak, 100u);
  ASSERT_EQ(read->memory[0].buffers.size(), 2u);
  EXPECT_EQ(read->memory[0].buffers[1].offset, -1);
  EXPECT_EQ(read->transfers[0].bytes, 64u);
}

TEST(LedgerTest, OlderOnesAreRead) {
  std::optional<Ledger> read =
      Ledger::fromJson("{\"nodes\":[{\"node\":\"a\",\"operator\":\"Add\",\"became\":\"kernel\",\"kernels\":[\"k\"]}],"
                       "\"kernels\":[{\"kernel\":\"k\"}]}");
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->nodes[0].inputs.empty() && read->outputs.empty() && read->memory.empty());
  EXPECT_EQ(read->kernels[0].seconds, 0);
}

TEST(LedgerTest, DepthIsBounded) {
  for (const char *begin : {"[", "{\"a\":", "{\"nodes\":[{\"kernels\":[", "[ ", "[\"]\",", "[\"\\\"]\","}) {
    std::string json;
    for (int i = 0; i < 1000000; ++i)
      json += begin;
    EXPECT_FALSE(Ledger::fromJson(json)) << begin;
    EXPECT_FALSE(Ledger::fromJson("{\"nodes\":" + json)) << begin;
  }
  for (const char *text : {"", "]", "}{", "{", "nonsense", "[]", "\"", "\"\\"})
    EXPECT_FALSE(Ledger::fromJson(text)) << text;
  EXPECT_TRUE(Ledger::fromJson("{}"));
}

} // namespace
