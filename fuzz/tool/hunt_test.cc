#include "fuzz/tool/hunt.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/fake_repository.h"
#include "fuzz/tool/fake_target.h"
#include "fuzz/tool/hunt_report.h"

namespace tool {
namespace {

// After 40 executions, which is told to `started` of the checkout.
constexpr const char* kFindsALeak =
    "echo x >>\"$FENCEBENCH_TEST_STARTED\"\n"
    "echo '==fencebench== ERROR: reference-leak: fence_driver#1 has a reference'\n"
    "echo '  held by fence_drv_array'\n"
    "echo 'SUMMARY: fencebench: reference-leak fence_driver'\n"
    "if [ -d \"$last\" ]; then\n"
    "  printf '\\0\\0\\0\\1' >\"${prefix}leak-0123\"\n"
    "  echo 'stat::number_of_executed_units: 40'\n"
    "fi\n"
    "exit 77\n";

// What a target with canary=FILE leaves: reached 7 times, first in run 2, triggered never.
constexpr const char* kReaches =
    "file=${FENCEBENCH_OPTIONS##*canary=}\n"
    "printf '\\7\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\144\\0\\0\\0\\0\\0\\0\\0' "
    ">\"$file\"\n"
    "printf '\\2\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >>\"$file\"\n";

class HuntTest : public testing::Test {
 protected:
  HuntTest() {
    ::setenv("FENCEBENCH_BUILT", "1", 1);
    started_ = checkout_.root() / "started";
    ::setenv("FENCEBENCH_TEST_STARTED", started_.c_str(), 1);
    options_.configurations = {configurations().front()};
    options_.trials = 3;
    options_.seed = 5;
    options_.runs = 100;
    options_.jobs = 2;
    options_.out = checkout_.root() / "out/hunt";
  }
  ~HuntTest() override {
    ::unsetenv("FENCEBENCH_BUILT");
    ::unsetenv("FENCEBENCH_TEST_STARTED");
  }
  void quarry(const std::string& defect, const std::string& script) {
    checkout_.add_target("asan", "userq_fuzzer", script, defect);
    options_.quarries.push_back(
        {.defect = defect, .label = defect, .targets = {"userq_fuzzer"}, .sanitizers = {"asan"}});
  }
  std::vector<Trial> hunt() {
    Hunt hunt(checkout_.project(), options_, progress_);
    hunt.on_group_end = [&](const TrialGroup& group, const std::vector<Trial>& trials) {
      lines_.push_back(group_line(group, trials));
    };
    hunt.run();
    candidates_ = rank_candidates(hunt);
    return hunt.trials();
  }
  size_t started() const {
    std::error_code error;
    const auto size = fs::file_size(started_, error);
    return error ? 0 : size / 2;
  }
  FakeCheckout checkout_;
  FakeRepository repository_{checkout_.root()};
  Progress progress_;
  HuntOptions options_;
  fs::path started_;
  std::vector<std::string> lines_;
  std::vector<Candidate> candidates_;
};

TEST_F(HuntTest, EachTrialIsARecordWithItsSeed) {
  quarry("last-fence-leak", kFindsALeak);
  quarry("", kFindsNothing);
  hunt();
  const HuntResults results = read_hunts({results_file(options_.out)});
  ASSERT_EQ(results.runs.size(), 1u);
  EXPECT_EQ(results.runs[0].bound_executions, 100u);
  ASSERT_EQ(results.trials.size(), 6u);
  std::set<uint64_t> seeds;
  for (const Trial& trial : results.trials) {
    seeds.insert(trial.seed);
    EXPECT_EQ(trial.detected, trial.defect == "last-fence-leak");
    EXPECT_EQ(trial.executions, trial.detected ? 40u : 100u);
    EXPECT_EQ(trial.verdict, trial.detected ? "reference-leak fence_driver" : "");
    EXPECT_EQ(trial.corpus, "empty");
    EXPECT_EQ(trial.bound_executions, 100u);
  }
  EXPECT_EQ(seeds, (std::set<uint64_t>{5, 6, 7}));
  EXPECT_EQ(lines_.size(), 2u);
}

TEST_F(HuntTest, HowFarItCameIsRecordedThoughNothingWasFound) {
  quarry("last-fence-leak", std::string(kReaches) + kFindsNothing);
  options_.trials = 1;
  const std::vector<Trial> trials = hunt();
  ASSERT_EQ(trials.size(), 1u);
  EXPECT_EQ(trials[0].reached, 7u);
  EXPECT_EQ(trials[0].triggered, 0u);
  EXPECT_EQ(trials[0].more.at("reached_after"), 2u);
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_NE(lines_[0].find("reached, never triggered"), std::string::npos) << lines_[0];
}

TEST_F(HuntTest, GoesOnWhereItStood) {
  quarry("last-fence-leak", kFindsALeak);
  options_.trials = 2;
  hunt();
  const size_t before = started();
  options_.trials = 3;
  // As a kill leaves it.
  const fs::path file = results_file(options_.out);
  write_file(file, read_file(file) + "{\"kind\":\"trial\",\"defect\":\"last-fe");
  EXPECT_EQ(hunt().size(), 3u);
  // One trial, and its finding once more.
  EXPECT_EQ(started(), before + 2);
  EXPECT_EQ(read_hunts({file}).trials.size(), 3u);
  EXPECT_EQ(hunt().size(), 3u);
  EXPECT_EQ(started(), before + 2);
}

TEST_F(HuntTest, OtherBoundsAreOtherTrials) {
  quarry("last-fence-leak", kFindsALeak);
  options_.trials = 1;
  hunt();
  options_.runs = 200;
  EXPECT_EQ(hunt().size(), 1u);
  EXPECT_EQ(read_hunts({results_file(options_.out)}).trials.size(), 2u);
}

TEST_F(HuntTest, ResultsOfAnotherCommitAreNotAddedTo) {
  quarry("last-fence-leak", kFindsALeak);
  ASSERT_TRUE(repository_.init());
  ASSERT_TRUE(repository_.commit("file", "first", "first"));
  hunt();
  ASSERT_TRUE(repository_.commit("file", "second", "second"));
  try {
    hunt();
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("--out"), std::string::npos) << error.what();
  }
}

TEST_F(HuntTest, OnceEachStopsAtTheFirst) {
  quarry("last-fence-leak", kFindsALeak);
  quarry("", kFindsNothing);
  options_.once_each = true;
  options_.jobs = 1;
  const std::vector<Trial> trials = hunt();
  EXPECT_EQ(std::count_if(trials.begin(), trials.end(),
                          [](const Trial& trial) { return trial.detected; }),
            1);
  EXPECT_EQ(trials.size(), 4u);
  // And when it goes on, too.
  EXPECT_EQ(hunt().size(), 4u);
}

TEST_F(HuntTest, ATargetThatDiesWithoutAReportIsToldAndDoneAgain) {
  quarry("last-fence-leak", "exit 3\n");
  options_.trials = 1;
  const std::vector<Trial> trials = hunt();
  ASSERT_EQ(trials.size(), 1u);
  EXPECT_FALSE(trials[0].detected);
  EXPECT_NE(trials[0].error.find("exit status 3"), std::string::npos) << trials[0].error;
  checkout_.add_target("asan", "userq_fuzzer", kFindsALeak, "last-fence-leak");
  EXPECT_TRUE(hunt().at(0).detected);
}

TEST_F(HuntTest, CandidatesComeTheBestFirstWithTheReason) {
  quarry("bad", kFindsALeak);
  quarry("good", kFindsNothing);
  hunt();
  ASSERT_EQ(candidates_.size(), 2u);
  EXPECT_EQ(candidates_[0].label, "good");
  EXPECT_TRUE(candidates_[0].remaining.empty());
  EXPECT_EQ(candidates_[1].detected, 3u);
  ASSERT_EQ(candidates_[1].remaining.size(), 1u);
  EXPECT_EQ(candidates_[1].remaining[0].trials, 3u);
  EXPECT_EQ(candidates_[1].remaining[0].reason,
            (std::vector<std::string>{"held by fence_drv_array"}));
  const std::string text = candidates_text(checkout_.project(), candidates_);
  EXPECT_LT(text.find("good"), text.find("bad"));
  EXPECT_NE(text.find("repro"), std::string::npos);
}

#if defined(FENCEBENCH_REAL_TARGET)
// The real engine: bounded by executions, a hunt is the same every time.
TEST_F(HuntTest, BoundedByExecutionsItIsTheSameEveryTime) {
  const fs::path binary = checkout_.project().binary("asan", "allocator_fuzzer", "");
  fs::create_directories(binary.parent_path());
  fs::create_symlink(FENCEBENCH_REAL_TARGET, binary);
  options_.quarries = {
      {.defect = "", .label = "", .targets = {"allocator_fuzzer"}, .sanitizers = {"asan"}}};
  options_.trials = 1;
  options_.runs = 3000;
  std::vector<std::string> corpora;
  for (const char* out : {"a", "b"}) {
    options_.out = checkout_.root() / out;
    const std::vector<Trial> trials = hunt();
    ASSERT_EQ(trials.size(), 1u);
    EXPECT_EQ(trials[0].error, "");
    EXPECT_EQ(trials[0].executions, 3000u);
    std::string features;
    for (const std::string& line : {read_file(options_.out / "logs/allocator_fuzzer-asan-1.log")})
      features += line.substr(line.find("DONE"), 40);
    corpora.push_back(features.substr(0, features.find("lim")));
  }
  EXPECT_EQ(corpora[0], corpora[1]);
}
#endif

}  // namespace
}  // namespace tool
