#include "fuzz/tool/hunt_results.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"

namespace tool {
namespace {

using nlohmann::json;

constexpr std::string_view kText =
    R"({"kind":"hunt","commit":"abc1234","date":"2026-11-20T16:05:00Z","cores":2,"bound_seconds":60,"bound_executions":0,"jobs":2}
{"kind":"trial","defect":"a-leak","target":"userq_fuzzer","build":"asan","configuration":"fencebench","corpus":"empty","trial":0,"seed":123,"bound_seconds":60,"bound_executions":0,"executions":1234,"seconds":0.53,"reached":12,"triggered":3,"detected":true,"verdict":"reference-leak fence_driver held by x","signature":"4cde770da1","finding":"f/1.fence","error":"","edges":17}
{"kind":"replay","defect":"a-leak","target":"userq_fuzzer","build":"asan","checks":"none","verdict":"LeakSanitizer","reached":1,"triggered":1}
{"kind":"weather","sky":"blue"}

)";

TEST(HuntResults, ReadsRecords) {
  const HuntResults results = parse_hunt(kText, "x.jsonl");
  EXPECT_TRUE(results.warnings.empty());
  EXPECT_EQ(results.whole_bytes, kText.size());
  ASSERT_EQ(results.runs.size(), 1u);
  EXPECT_EQ(results.runs[0].commit, "abc1234");
  EXPECT_EQ(results.runs[0].bound_seconds, 60);
  EXPECT_EQ(results.runs[0].jobs, 2u);
  ASSERT_EQ(results.trials.size(), 1u);
  const Trial& trial = results.trials[0];
  EXPECT_EQ(trial.defect, "a-leak");
  EXPECT_EQ(trial.seed, 123u);
  EXPECT_EQ(trial.executions, 1234u);
  EXPECT_EQ(trial.seconds, 0.53);
  EXPECT_EQ(trial.triggered, 3u);
  EXPECT_TRUE(trial.detected);
  EXPECT_EQ(trial.signature, "4cde770da1");
  EXPECT_EQ(trial.more, json({{"edges", 17}}));
  ASSERT_EQ(results.replays.size(), 1u);
  EXPECT_EQ(results.replays[0].checks, "none");
  EXPECT_EQ(results.replays[0].verdict, "LeakSanitizer");
}

TEST(HuntResults, WritesWhatItReads) {
  const HuntResults results = parse_hunt(kText, "x");
  const std::string text = record_line(to_json(results.runs[0])) +
                           record_line(to_json(results.trials[0])) +
                           record_line(to_json(results.replays[0]));
  const HuntResults again = parse_hunt(text, "x");
  ASSERT_EQ(again.trials.size(), 1u);
  EXPECT_EQ(to_json(again.runs[0]), to_json(results.runs[0]));
  EXPECT_EQ(to_json(again.trials[0]), to_json(results.trials[0]));
  EXPECT_EQ(to_json(again.trials[0])["edges"], 17);
  EXPECT_EQ(to_json(again.replays[0]), to_json(results.replays[0]));
}

TEST(HuntResults, HostileTextStaysOneLineOfAscii) {
  Trial trial;
  trial.target = "t";
  trial.configuration = "c";
  trial.verdict = "a\nb\x1b[31m \x80 \xe2\x80\xae";
  const std::string line = record_line(to_json(trial));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  for (const char c : line) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
  EXPECT_EQ(parse_hunt(line, "x").trials.size(), 1u);
}

// At whatever byte it was killed.
TEST(HuntResults, ATornLastLineIsTold) {
  const size_t second = kText.find('\n') + 1;
  const size_t third = kText.find('\n', second) + 1;
  for (size_t length = second + 1; length < third; length++) {
    const HuntResults results = parse_hunt(kText.substr(0, length), "x.jsonl");
    EXPECT_EQ(results.runs.size(), 1u);
    EXPECT_TRUE(results.trials.empty());
    EXPECT_EQ(results.whole_bytes, second);
    ASSERT_EQ(results.warnings.size(), 1u);
    EXPECT_TRUE(results.warnings[0].starts_with("x.jsonl:2: the last line is torn"));
  }
}

TEST(HuntResults, ABadLineInTheMiddleIsTold) {
  const HuntResults results = parse_hunt(
      "{\"kind\":\"tri{\"kind\":\"trial\"}\n[1]\n{\"x\":1}\n"
      "{\"kind\":\"trial\",\"target\":\"t\",\"configuration\":\"c\",\"seconds\":\"soon\"}\n"
      "{\"kind\":\"trial\",\"target\":\"t\"}\n"
      "{\"kind\":\"trial\",\"target\":\"t\",\"configuration\":\"c\",\"executions\":-1}\n"
      "{\"kind\":\"trial\",\"target\":\"t\",\"configuration\":\"c\"}\n",
      "x");
  EXPECT_EQ(results.warnings, (std::vector<std::string>{
                                  "x:1: is no JSON object, passed over",
                                  "x:2: is no JSON object, passed over",
                                  "x:3: does not say its kind, passed over",
                                  "x:4: 'seconds' is not a number, passed over",
                                  "x:5: 'configuration' is not given, passed over",
                                  "x:6: 'executions' is not a count, passed over",
                              }));
  EXPECT_EQ(results.trials.size(), 1u);
}

class HuntFiles : public testing::Test {
 protected:
  fs::path file(const char* name) const { return folder_.path() / name; }

 private:
  ScratchFolder folder_{testing::TempDir()};
};

TEST_F(HuntFiles, SeveralAreOne) {
  write_file(file("a"), kText);
  write_file(file("b"), std::string(kText) + "{\"kin");
  const HuntResults results = read_hunts({file("a"), file("b")});
  EXPECT_EQ(results.runs.size(), 2u);
  EXPECT_EQ(results.trials.size(), 2u);
  EXPECT_EQ(results.replays.size(), 2u);
  EXPECT_EQ(results.warnings.size(), 1u);
}

TEST_F(HuntFiles, SomethingElseIsNoResult) {
  write_file(file("a"), "name: x\n");
  EXPECT_THROW(read_hunts({file("a")}), UsageError);
  EXPECT_THROW(read_hunts({file("missing")}), UsageError);
}

TEST_F(HuntFiles, TheLogGoesOnBehindTheLastWholeLine) {
  Trial trial;
  trial.target = "t";
  trial.configuration = "c";
  {
    HuntLog log(file("log"));
    EXPECT_TRUE(log.before().trials.empty());
    log.append(to_json(trial));
  }
  write_file(file("log"), read_file(file("log")) + "{\"kind\":\"trial\",\"tar");
  {
    HuntLog log(file("log"));
    EXPECT_EQ(log.before().trials.size(), 1u);
    EXPECT_EQ(log.before().warnings.size(), 1u);
    log.append(to_json(trial));
  }
  const HuntResults results = read_hunts({file("log")});
  EXPECT_EQ(results.trials.size(), 2u);
  EXPECT_TRUE(results.warnings.empty());
  EXPECT_THROW(HuntLog(file("no/such/folder")), EnvironmentError);
}

}  // namespace
}  // namespace tool
