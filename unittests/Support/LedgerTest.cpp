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
