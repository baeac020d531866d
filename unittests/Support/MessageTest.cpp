// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How messages are shown.
#include "tenon/Support/Message.h"
#include <gtest/gtest.h>

using namespace tenon;

namespace {

TEST(MessageTest, ControlCharactersAreEscaped) {
  EXPECT_EQ(escaped("plain, 'quoted' \\ text"), "plain, 'quoted' \\ text");
  EXPECT_EQ(escaped("a\nb\rc\td\x1b[1m\x7f"), "a\\nb\\rc\\td\\x1b[1m\\x7f");
  EXPECT_EQ(escaped(llvm::StringRef("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(escaped("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(escaped("\xc2\x9b"), "\\xc2\\x9b");          // a control sequence in one character
  EXPECT_EQ(escaped("\xe2\x80\xae"), "\\xe2\\x80\\xae"); // turns the direction of what follows
  for (const char *none : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x9f"})
    EXPECT_EQ(escaped(none).substr(0, 2), "\\x") << escaped(none);
  std::string once = escaped("\x1b\n");
  EXPECT_EQ(escaped(once), once);
}

TEST(MessageTest, LongWordsAreCutInTheMiddle) {
  EXPECT_EQ(shown("two  words "), "two  words ");
  std::string text = shown("begin" + std::string(1000, 'x') + "end is one word of [TN1234]");
  EXPECT_LT(text.size(), 320u);
  EXPECT_EQ(text.find("beginxxx"), 0u);
  EXPECT_NE(text.find("xxx...xxx"), std::string::npos);
  EXPECT_NE(text.find("xxxend is one word of [TN1234]"), std::string::npos);
  std::string many;
  for (int i = 0; i < 10000; ++i)
    many += "word ";
  EXPECT_LT(shown("first " + many + "last").size(), 4100u);
  EXPECT_NE(shown("first " + many + "last").find("last"), std::string::npos);
  std::string wide;
  for (int i = 0; i < 1000; ++i)
    wide += "\xe2\x82\xac";
  for (const char *shift : {"", "a", "ab"})
    EXPECT_EQ(shown(shift + wide).find("\\x"), std::string::npos) << "a character was cut in two";
}

struct Printed {
  std::vector<std::string> lines;
  ProblemPrinter printer{[this](llvm::StringRef line) { lines.push_back(line.str()); }};
};

TEST(MessageTest, EqualProblemsAreCounted) {
  for (int count : {3, 4, 5, 6, 1000}) {
    Printed printed;
    for (int i = 0; i < count; ++i) {
      printed.printer.add("error: m.onnx: ", "[TN1041] tensor 'w" + std::to_string(i) + "': the file 'f' is absent",
                          {"a note"});
      printed.printer.add("error: m.onnx: ", "[TN1012] node" + std::to_string(i) + " (Add, opset 17): has 1 inputs");
      printed.printer.add("warning: ", "[TN1041] tensor 'w': the file 'f' is absent");
    }
    printed.printer.finish();
    bool all = count <= 5;
    EXPECT_EQ(printed.lines.size(), size_t(all ? 4 * count : 4 * 3 + 3)) << count;
    std::string last = "error: [TN1041] and " + std::to_string(count - 3) + " more like it";
    EXPECT_EQ(llvm::is_contained(printed.lines, last), !all);
  }
}

TEST(MessageTest, DifferentProblemsAreNotCounted) {
  Printed printed;
  for (const char *op : {"Abs", "Ceil", "Exp", "Floor", "Log", "Neg", "Sin", "Tan"})
    printed.printer.add("error: ", std::string("[TN1010] n (") + op + ", opset 17): no such operator");
  for (const char *name : {"a", "b", "it's", "c d", "e/f", "g'h", "i", "j"}) // names, whatever they hold
    printed.printer.add("error: ", std::string("[TN1010] ") + name + " (Abs, opset 17): no such operator");
  for (int code = 1001; code < 1009; ++code)
    printed.printer.add("error: ", "[TN" + std::to_string(code) + "] the same words");
  printed.printer.finish();
  EXPECT_EQ(printed.lines.size(), 8 + 2 + 1 + 8u);
  EXPECT_EQ(printed.lines.back().find("error: "), 0u);
}

} // namespace
