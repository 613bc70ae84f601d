#include "fuzz/tool/left_out.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"

namespace tool {
namespace {

TEST(LeftOut, ALineEachWithRowNameAndReason) {
  const std::vector<LeftOut> bugs =
      parse_left_out("# why\n\n72 | PRT-mapping-null-bo | the core has no PRT mappings\n", "f");
  ASSERT_EQ(bugs.size(), 1u);
  EXPECT_EQ(bugs[0].row, "72");
  EXPECT_EQ(bugs[0].name, "PRT-mapping-null-bo");
  EXPECT_EQ(bugs[0].why, "the core has no PRT mappings");
}

TEST(LeftOut, ALineWithoutAReasonIsNamed) {
  for (const char* text : {"a | b | c\n72 | name |\n", "a | b | c\n72 | name\n"}) {
    try {
      parse_left_out(text, "core/defects/left_out");
      FAIL() << text;
    } catch (const EnvironmentError& error) {
      EXPECT_NE(std::string(error.what()).find("core/defects/left_out:2:"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace tool
