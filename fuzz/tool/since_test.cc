#include "fuzz/tool/since.h"

#include <gtest/gtest.h>

namespace tool {
namespace {

using End = Bisection::End;

History history(size_t count) {
  History made;
  for (size_t i = 0; i < count; i++) {
    const std::string number = std::to_string(i);
    made.commits.push_back({"full" + number, "c" + number, "2026-11-20", "title " + number});
  }
  return made;
}

// `states`: a letter for each commit: g(ood), b(ad), s(kipped), x (stopped).
Origin search(const std::string& states) {
  return search_history(history(states.size()), [&](const Commit& commit) {
    const char state = states[std::stoul(commit.name.substr(1))];
    return Probe{.trial = state == 'g'   ? Trial::kGood
                          : state == 'b' ? Trial::kBad
                          : state == 's' ? Trial::kSkip
                                         : Trial::kStop,
                 .what = state == 's' ? "does not build" : "clean"};
  });
}

TEST(Since, NamesTheCommitAndTheOneBefore) {
  const std::string text = to_text(search("gggggbbbb"));
  EXPECT_TRUE(
      text.starts_with("began with c5 title 5 (2026-11-20)\n"
                       "before it  c4 title 4 (2026-11-20)\n"))
      << text;
  EXPECT_EQ(to_json(search("gggggbbbb"))["began_with"][0]["commit"], "full5");
}

TEST(Since, SkippedOnesStayInDoubtAndAreSaid) {
  const Origin origin = search("ggsssbb");
  const std::string text = to_text(origin);
  EXPECT_TRUE(text.starts_with("began with one of 4, which cannot be told apart:\n")) << text;
  EXPECT_NE(text.find("  c3 title 3 (2026-11-20): skipped, does not build\n"), std::string::npos);
  EXPECT_NE(text.find("before them c1 title 1"), std::string::npos);
  EXPECT_EQ(to_json(origin)["began_with"].size(), 4u);
  EXPECT_NE(text.find("3 of them in vain"), std::string::npos);
}

TEST(Since, EndsThatDoNotFitAreSaid) {
  EXPECT_TRUE(to_text(search("bbbb")).starts_with("older than c0 title 0"));
  EXPECT_TRUE(to_text(search("gggg")).starts_with("not there at HEAD, c3 title 3"));
  EXPECT_TRUE(to_text(search("ggbs")).starts_with("cannot be told: HEAD, c3 title 3"));
  EXPECT_TRUE(to_text(search("sgbb")).starts_with("cannot be told: the good end, c0 title 0"));
}

TEST(Since, AStoppedSearchSaysHowFarItCame) {
  EXPECT_TRUE(to_text(search("ggggxbbbb"))
                  .starts_with("stopped before it was found: it lies after c0 and not after c8\n"));
  EXPECT_TRUE(to_text(search("ggx")).starts_with("stopped before it was found\n"));
}

TEST(Since, HostileTitlesAreMadeHarmless) {
  History nasty = history(2);
  nasty.commits[1].title = "\x1b[2J<script>\xe2\x80\xae";
  const Origin origin = search_history(nasty, [](const Commit& commit) {
    return Probe{.trial = commit.name == "c0" ? Trial::kGood : Trial::kBad, .what = "clean"};
  });
  EXPECT_EQ(to_text(origin).find_first_of("\x1b\xe2"), std::string::npos);
  EXPECT_EQ(to_json(origin).dump().find("\xe2\x80\xae"), std::string::npos);
}

TEST(Since, WhatWasLeftOutIsSaid) {
  Origin origin = search("gb");
  origin.dirty = true;
  origin.history.common_ancestor = true;
  const std::string text = to_text(origin);
  EXPECT_NE(text.find("changes that are not committed were left out"), std::string::npos);
  EXPECT_NE(text.find("is no ancestor of HEAD"), std::string::npos);
}

}  // namespace
}  // namespace tool
