#include "fuzz/tool/afl_files.h"

#include <gtest/gtest.h>

namespace tool {
namespace {

constexpr std::string_view kStats =
    "start_time        : 1795190434\n"
    "execs_done        : 110600\n"
    "execs_per_sec     : 5527.24\n"
    "corpus_count      : 662\n"
    "stability         : 99.53%\n"
    "saved_crashes     : 0\n"
    "peak_rss_mb       : 31\n"
    "edges_found       : 1544\n"
    "afl_version       : ++4.04c\n"
    "command_line      : afl-fuzz -i in -- x:y execs_done : 7\n";

TEST(AflFiles, StatsAreRead) {
  const AflStats stats = parse_fuzzer_stats(kStats);
  EXPECT_EQ(stats.executions, 110600u);
  EXPECT_EQ(stats.edges, 1544u);
  EXPECT_EQ(stats.corpus, 662u);
  EXPECT_EQ(stats.rss_mb, 31u);
  EXPECT_EQ(stats.stability, 99.53);
}

TEST(AflFiles, WhatIsNotThereIsZero) {
  EXPECT_EQ(parse_fuzzer_stats("").executions, 0u);
  EXPECT_FALSE(parse_fuzzer_stats("").stability);
}

TEST(AflFiles, AHalfWrittenLineDoesNotCount) {
  EXPECT_EQ(parse_fuzzer_stats("edges_found : 3\nexecs_done : 110").executions, 0u);
  EXPECT_EQ(parse_fuzzer_stats("edges_found : 3\nexecs_done : 110").edges, 3u);
}

TEST(AflFiles, StabilityIsAPercentage) {
  for (const char* text : {"stability : 100.00\n", "stability : x%\n", "stability : -1.0%\n",
                           "stability : 101%\n", "stability : nan%\n", "stability : %\n"}) {
    EXPECT_FALSE(parse_fuzzer_stats(text).stability) << text;
  }
  EXPECT_EQ(parse_fuzzer_stats("stability : 100.00%\n").stability, 100.0);
}

TEST(AflFiles, TheLastLineOfThePlotCountsByItsColumns) {
  const auto stats = parse_plot_data(
      "# relative_time, cycles_done, corpus_count, total_execs, edges_found\n"
      "5, 0, 10, 1000, 50\n"
      "10, 0, 12, 2000, 60\n"
      "15, 0, 99");
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->executions, 2000u);
  EXPECT_EQ(stats->corpus, 12u);
  EXPECT_EQ(stats->edges, 60u);
}

TEST(AflFiles, APlotWithoutALineSaysNothing) {
  EXPECT_FALSE(parse_plot_data(""));
  EXPECT_FALSE(parse_plot_data("# relative_time, total_execs\n"));
}

TEST(AflFiles, NamesTellWhenAnInputWasFound) {
  const auto name =
      parse_afl_name("id:000012,sig:06,src:000003+000056,time:4567,execs:890,op:havoc,rep:2,+cov");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->id, 12u);
  EXPECT_EQ(name->seconds, 4.567);
  EXPECT_EQ(name->executions, 890u);
  EXPECT_FALSE(name->from_input);
}

TEST(AflFiles, WhatItStartedFromIsMarkedWhateverItIsCalled) {
  const auto name = parse_afl_name("id:000001,time:0,execs:0,orig:a,id:7,execs:9");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->id, 1u);
  EXPECT_EQ(name->executions, 0u);
  EXPECT_TRUE(name->from_input);
}

TEST(AflFiles, OtherFilesHaveNoSuchName) {
  for (const char* name : {"README.txt", "", "id", "id:", "id:x,execs:1", ".state"}) {
    EXPECT_FALSE(parse_afl_name(name)) << name;
  }
}

}  // namespace
}  // namespace tool
