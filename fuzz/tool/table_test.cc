#include "fuzz/tool/table.h"

#include <gtest/gtest.h>

#include "fuzz/tool/terminal.h"

namespace tool {
namespace {

TEST(Table, AlignsColumns) {
  Table table({"target", "executions>", "edges>", "note"});
  table.row({"userq_fuzzer", "1,234,567", "12", "caf\xc3\xa9"});
  table.row({"a", "8", "1,200", ""});
  EXPECT_EQ(table.text(),
            "target        executions  edges  note\n"
            "userq_fuzzer   1,234,567     12  caf\xc3\xa9\n"
            "a                      8  1,200\n");
}

TEST(Table, MissingCellsAreEmpty) {
  Table table({"a", "b"});
  table.row({"x"});
  EXPECT_EQ(table.text(), "a  b\nx\n");
}

TEST(Terminal, FitNeverCutsACharacter) {
  EXPECT_EQ(fit("abcdef", 3), "abc");
  EXPECT_EQ(fit("abc", 3), "abc");
  EXPECT_EQ(fit("a\xc3\xa9"
                "b",
                2),
            "a\xc3\xa9");
  EXPECT_EQ(fit("abc", 0), "");
}

}  // namespace
}  // namespace tool
