#include "fuzz/tool/html.h"

#include <gtest/gtest.h>

namespace tool {
namespace {

TEST(Html, LeavesNoMarkup) {
  EXPECT_EQ(html("<b a='1' c=\"2\">&amp;"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;");
  EXPECT_EQ(html("a\nb\x1b[31m"), "a\\x0ab\\x1b[31m");
  EXPECT_EQ(html("größer"), "größer");
}

TEST(Html, CutsBetweenCharacters) {
  EXPECT_EQ(html("abc", 3), "abc");
  EXPECT_EQ(html("abcd", 3), "abc…");
  EXPECT_EQ(html("aäb", 2), "a…");
  EXPECT_EQ(html("\x80\x80\x80", 2), "…");
}

// The example of the specification: alert('Hello, world.');
TEST(Html, NamesAScriptByItsHash) {
  EXPECT_EQ(script_source("ab39cb72c44ec7818008fd9d9b4502282cc21be1e267582eaba6590e86ff4e78"),
            "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
}

TEST(Html, PlacesAreFilledOnce) {
  EXPECT_EQ(fill_places("a @X@ @Y@ b@c @Z@ @", {{"X", "@Y@"}, {"Y", "2"}}), "a @Y@ 2 b@c @Z@ @");
}

}  // namespace
}  // namespace tool
