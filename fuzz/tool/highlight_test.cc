#include "fuzz/tool/highlight.h"

#include <gtest/gtest.h>

#include <regex>

namespace tool {
namespace {

std::string without_colours(const std::string& text) {
  return std::regex_replace(text, std::regex("\x1b\\[[0-9;]*m"), "");
}

TEST(Highlight, OnlyAddsColours) {
  std::string text =
      "# a comment: t0 12\n"
      "device cpus=2 seq64=64\n"
      "t0: A = queue_create gfx\n"
      "t1: wait B syncobjs=[S] num_fences=1  # end\n"
      "schedule: 31>t1 4>irq 2>t0\n";
  std::string coloured = highlight(text);
  EXPECT_NE(coloured, text);
  EXPECT_EQ(without_colours(coloured), text);
}

TEST(Highlight, ColoursByKind) {
  EXPECT_EQ(highlight("t0: wait A"), "\x1b[32mt0\x1b[0m: \x1b[1mwait\x1b[0m \x1b[33mA\x1b[0m");
  EXPECT_EQ(highlight("# t0"), "\x1b[2m# t0\x1b[0m");
  EXPECT_EQ(highlight(""), "");
}

}  // namespace
}  // namespace tool
