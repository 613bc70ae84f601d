#include "fuzz/tool/continuous.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "fuzz/tool/durable.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/fake_repository.h"
#include "fuzz/tool/fake_target.h"
#include "fuzz/tool/sha1.h"

namespace tool {
namespace {

// Where a slice wants its new inputs.
constexpr const char* kNewInputs = "for a; do case $a in */inputs) new=$a ;; esac; done\n";
constexpr const char* kLeakReport =
    "echo '==fencebench== ERROR: reference-leak: fence_driver#1 has a reference'\n"
    "echo '  held by fence_drv_array'\n"
    "echo 'SUMMARY: fencebench: reference-leak fence_driver'\n";
const std::string kInput("\0\0\0\1", 4);

// A leak that each input ends in; fuzzing leaves one.
std::string leaks() {
  return "printf '#2\\tINITED cov: 5 ft: 6 corp: 2/3b exec/s: 0 rss: 31Mb\\n'\n" +
         std::string(kLeakReport) + "if [ -d \"$last\" ]; then\n" +
         "  printf '\\0\\0\\0\\1' >\"${prefix}leak-" + sha1(kInput) + "\"\n" +
         "  echo 'stat::number_of_executed_units: 40'\nfi\nexit 77\n";
}

class ContinuousTest : public testing::Test {
 protected:
  ContinuousTest() {
    ::setenv("FENCEBENCH_BUILT", "1", 1);
    options_.targets = {"userq_fuzzer"};
    options_.sanitizers = {"asan"};
    options_.slice_seconds = 1;  // a single start
    options_.slices = 1;
    options_.store = checkout_.root() / "store";
    // Stands for `minimize` and `merge`, which have tests of their own: nothing gets smaller.
    options_.self = (checkout_.root() / "self").string();
    write_file(options_.self, "#!/bin/sh\nexit 1\n");
    fs::permissions(options_.self, fs::perms::owner_all);
    fs::create_directories(options_.store);
  }
  ~ContinuousTest() override { ::unsetenv("FENCEBENCH_BUILT"); }

  int run() {
    Continuous continuous(checkout_.project(), options_, progress_);
    return continuous.run();
  }
  bool commit(const std::string& title) { return repository_.commit("title", title, title); }
  Store store() { return Store(folder_.database()); }
  std::vector<std::string> told(const std::string& kind) {
    std::vector<std::string> texts;
    for (const Event& event : store().events(1000)) {
      if (event.kind == kind) texts.push_back(event.text);
    }
    return texts;
  }
  std::vector<std::string> corpus() const { return files_in(folder_.corpus() / "userq_fuzzer"); }

  FakeCheckout checkout_;
  FakeRepository repository_{checkout_.root()};
  ContinuousOptions options_;
  StoreFolder folder_{checkout_.root() / "store"};
  Progress progress_;
};

using Names = std::vector<std::string>;

TEST_F(ContinuousTest, TakesOverWhatSlicesReach) {
  checkout_.add_target("asan", "userq_fuzzer",
                       std::string(kNewInputs) + "printf new >\"$new/" + sha1("new") + "\"\n" +
                           "printf cut >\"$new/" + sha1("cut short") + "\"\n" + kFindsNothing);
  options_.slices = 3;
  EXPECT_EQ(run(), kNothingFound);
  EXPECT_EQ(corpus(), (Names{sha1("new")}));
  ASSERT_EQ(store().jobs().size(), 1u);
  JobRecord job = store().jobs()[0];
  EXPECT_EQ(job.executions, 300u);
  EXPECT_EQ(job.edges, 5u);
  EXPECT_EQ(job.corpus, 1u);
  EXPECT_EQ(store().coverage(job.key).size(), 3u);
  EXPECT_TRUE(store().open_slices().empty());
  EXPECT_TRUE(fs::is_empty(folder_.work()));
  EXPECT_TRUE(fs::exists(folder_.page()));
  EXPECT_EQ(told("trouble").size(), 3u);  // one for each that was cut short
}

TEST_F(ContinuousTest, SeedsAreInTheCorpus) {
  checkout_.add_target("asan", "userq_fuzzer", kFindsNothing);
  fs::create_directories(checkout_.root() / "corpus/userq_fuzzer");
  fs::create_directories(checkout_.root() / "corpus/regressions");
  write_file(checkout_.root() / "corpus/userq_fuzzer/raw", "seed");
  write_file(checkout_.root() / "corpus/userq_fuzzer/wrong.fence", "t0: no_such_operation\n");
  write_file(checkout_.root() / "corpus/regressions/one.fence",
             "# fencebench: target=userq_fuzzer checks=all\nt0: A = queue_create gfx\n");
  write_file(checkout_.root() / "corpus/regressions/other.fence",
             "# fencebench: target=other_fuzzer checks=all\nt0: S = syncobj_create\n");
  EXPECT_EQ(run(), kNothingFound);
  EXPECT_EQ(corpus().size(), 2u);
  EXPECT_TRUE(fs::exists(folder_.corpus() / "userq_fuzzer" / sha1("seed")));
  ASSERT_EQ(told("trouble").size(), 1u);
  EXPECT_NE(told("trouble")[0].find("wrong.fence"), std::string::npos);
}

TEST_F(ContinuousTest, ABugIsFiledOnceWithItsFiles) {
  checkout_.add_target("asan", "userq_fuzzer", leaks());
  options_.slices = 3;
  EXPECT_EQ(run(), kFound);
  ASSERT_EQ(store().bugs().size(), 1u);
  Bug bug = store().bugs()[0];
  EXPECT_EQ(bug.verdict, "reference-leak fence_driver");
  EXPECT_EQ(bug.status, Bug::Status::kOpen);
  EXPECT_GE(bug.count, 2u);
  EXPECT_EQ(bug.details, (Names{"held by fence_drv_array"}));
  EXPECT_EQ(files_in(folder_.findings() / bug.signature),
            (Names{"first.fence", "report.txt", "reproducer.fence"}));
  const std::string text = read_file(folder_.root / bug.file);
  EXPECT_NE(text.find("signature=" + bug.signature), std::string::npos);
  EXPECT_TRUE(store().pending().empty());
  EXPECT_TRUE(files_in(folder_.incoming()).empty());
  EXPECT_EQ(told("finding").size(), 1u);

  // Called again it knows the bug.
  EXPECT_EQ(run(), kFound);
  EXPECT_EQ(store().bugs().size(), 1u);
  EXPECT_EQ(told("finding").size(), 1u);
}

TEST_F(ContinuousTest, WhatIsNotSeenAgainIsFiledAsThat) {
  checkout_.add_target("asan", "userq_fuzzer",
                       "if [ -d \"$last\" ]; then\n" + leaks() + "fi\n" + kFindsNothing);
  EXPECT_EQ(run(), kFound);
  ASSERT_EQ(store().bugs().size(), 1u);
  EXPECT_EQ(store().bugs()[0].status, Bug::Status::kUnreproducible);
  EXPECT_EQ(store().bugs()[0].verdict, "reference-leak fence_driver");
}

TEST_F(ContinuousTest, ABugGoesWithACommitAndComesBackWithAnother) {
  ASSERT_TRUE(repository_.init());
  ASSERT_TRUE(commit("one"));
  checkout_.add_target("asan", "userq_fuzzer", leaks());
  run();
  const std::string signature = store().bugs().at(0).signature;

  ASSERT_TRUE(commit("two"));
  checkout_.add_target("asan", "userq_fuzzer", kFindsNothing);
  EXPECT_EQ(run(), kNothingFound);
  EXPECT_EQ(store().bug(signature)->status, Bug::Status::kFixed);
  EXPECT_EQ(store().bug(signature)->fixed_commit.substr(0, 7),
            revision_of(checkout_.root()).id.substr(0, 7));
  EXPECT_EQ(told("fixed").size(), 1u);
  EXPECT_EQ(store().commits().size(), 2u);

  ASSERT_TRUE(commit("three"));
  checkout_.add_target("asan", "userq_fuzzer", leaks());
  EXPECT_EQ(run(), kFound);
  EXPECT_EQ(store().bug(signature)->status, Bug::Status::kOpen);
  EXPECT_EQ(told("reopened").size(), 1u);
  EXPECT_EQ(told("finding").size(), 1u);
}

TEST_F(ContinuousTest, BugsAreLookedAtAgainAtEachStart) {
  checkout_.add_target("asan", "userq_fuzzer", leaks());
  run();
  // As after a stop that came between the build and the look.
  checkout_.add_target("asan", "userq_fuzzer", kFindsNothing);
  EXPECT_EQ(run(), kNothingFound);
  EXPECT_EQ(store().bugs().at(0).status, Bug::Status::kFixed);
}

TEST_F(ContinuousTest, WhatAKilledProcessLeftIsTakenOver) {
  checkout_.add_target(
      "asan", "userq_fuzzer",
      "if [ ! -d \"$last\" ]; then\n" + std::string(kLeakReport) + "exit 77\nfi\n" + kFindsNothing);
  {
    Store before(folder_.database());
    const JobKey key = {"userq_fuzzer", "asan"};
    before.add_job(key);
    const fs::path work =
        folder_.work() / ("slice-" + std::to_string(before.begin_slice(key, "abc1234", 1)));
    fs::create_directories(work / "1" / "inputs");
    fs::create_directories(work / "1" / "artifacts");
    write_file(work / "1" / "inputs" / sha1("whole"), "whole");
    write_file(work / "1" / "inputs" / sha1("half written"), "half");
    write_file(work / "1" / "artifacts" / ("crash-" + sha1(kInput)), kInput);
    write_file(work / "1" / "artifacts" / ("crash-" + sha1("lost")), "lo");
    // Moved there, and killed before it was on record.
    fs::create_directories(folder_.incoming());
    write_file(folder_.incoming() / incoming_name(key, sha1("other")), "other");
    fs::create_directories(folder_.findings() / "x");
    write_file(folder_.findings() / "x" / "report.txt.unfinished-write", "half");
  }
  EXPECT_EQ(run(), kFound);
  EXPECT_EQ(corpus(), (Names{sha1("whole")}));
  EXPECT_TRUE(store().open_slices().empty());
  ASSERT_EQ(store().bugs().size(), 1u);
  EXPECT_EQ(store().bugs()[0].count, 2u);  // of the artifact and of what was not on record
  EXPECT_TRUE(files_in(folder_.findings() / "x").empty());
  ASSERT_FALSE(told("trouble").empty());
  EXPECT_EQ(told("trouble")[0],
            "fuzzing userq_fuzzer under asan was killed: 1 new inputs and 1 findings of it taken "
            "over, 2 half written ones left out");
}

TEST_F(ContinuousTest, AnInputOfTheCorpusThatFailsWaitsForTheNextBuild) {
  ASSERT_TRUE(repository_.init());
  ASSERT_TRUE(commit("one"));
  options_.slice_seconds = 2;  // a start that fails, and another one
  // Fails while it loads the corpus, for as long as the input is in there.
  checkout_.add_target("asan", "userq_fuzzer",
                       "if [ ! -d \"$last\" ] || [ -e \"$last/" + sha1(kInput) + "\" ]; then\n" +
                           kLeakReport +
                           "  [ -d \"$last\" ] && printf '\\0\\0\\0\\1' >\"${prefix}leak-" +
                           sha1(kInput) + "\"\n  exit 77\nfi\n" + kFindsNothing);
  fs::create_directories(folder_.corpus() / "userq_fuzzer");
  write_file(folder_.corpus() / "userq_fuzzer" / sha1(kInput), kInput);
  EXPECT_EQ(run(), kFound);
  EXPECT_TRUE(corpus().empty());
  EXPECT_EQ(store().jobs()[0].executions, 100u);  // it went on without that input
  EXPECT_EQ(store().bugs().size(), 1u);

  ASSERT_TRUE(commit("two"));
  checkout_.add_target("asan", "userq_fuzzer", kFindsNothing);
  run();
  EXPECT_EQ(corpus(), (Names{sha1(kInput)}));
}

TEST_F(ContinuousTest, AJobThatCannotStartHoldsNoOtherUp) {
  checkout_.add_target("asan", "userq_fuzzer", "echo 'no such library' >&2\nexit 127\n");
  checkout_.add_target("tsan", "userq_fuzzer", kFindsNothing);
  options_.sanitizers = {"asan", "tsan"};
  options_.slices = 4;
  EXPECT_EQ(run(), kNothingFound);
  std::vector<JobRecord> jobs = store().jobs();
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].trouble,
            "fuzzing userq_fuzzer under asan: exit status 127 before it had loaded its corpus; its "
            "last words: no such library");
  EXPECT_EQ(jobs[1].executions, 300u);  // all slices but one
  EXPECT_EQ(told("trouble").size(), 1u);
}

TEST_F(ContinuousTest, ABugIsWhatItsMinimizedInputEndsIn) {
  // Any input but the empty program races with f, that one with g: once minimized it is the same.
  const std::string races =
      "if [ -d \"$last\" ] || [ $(wc -c <\"$last\") -gt 3 ]; then with=f; else with=g; fi\n"
      "echo 'WARNING: ThreadSanitizer: data race (pid=1)'\n"
      "echo '  Read of size 8 at 0x1 by thread T1:'\n"
      "echo '    #0 userq::h() core/userq/h.cc:1:1'\n"
      "echo '  Previous write of size 8 at 0x1 by thread T2:'\n"
      "echo \"    #0 userq::$with() core/userq/$with.cc:1:1\"\n"
      "echo 'SUMMARY: ThreadSanitizer: data race core/userq/h.cc:1:1 in userq::h()'\n"
      "if [ -d \"$last\" ]; then\n  printf '\\0\\0\\0\\1' >\"${prefix}crash-" +
      sha1(kInput) + "\"\nfi\nexit 66\n";
  checkout_.add_target("asan", "userq_fuzzer", races);
  write_file(
      options_.self,
      "#!/bin/sh\nfor a; do case $a in */first.fence) first=$a ;; */smaller.fence) out=$a ;; "
      "esac; done\ngrep '^# fencebench:' \"$first\" >\"$out\"\n");
  EXPECT_EQ(run(), kFound);
  ASSERT_EQ(store().bugs().size(), 1u);
  const Bug bug = store().bugs()[0];
  const std::string report = read_file(folder_.findings() / bug.signature / "report.txt");
  EXPECT_NE(report.find("userq::g()"), std::string::npos);
  EXPECT_NE(read_file(folder_.root / bug.file).find("signature=" + bug.signature),
            std::string::npos);
}

TEST_F(ContinuousTest, WhatItsTextLeavesOutIsFiledAsBytes) {
  // Only these very bytes fail, not those that their text stands for.
  checkout_.add_target("asan", "userq_fuzzer",
                       "if [ -d \"$last\" ] || [ \"$(sha1sum <\"$last\" | cut -c1-40)\" = " +
                           sha1(kInput) + " ]; then\n" + leaks() + "fi\n");
  EXPECT_EQ(run(), kFound);
  ASSERT_EQ(store().bugs().size(), 1u);
  Bug bug = store().bugs()[0];
  EXPECT_EQ(bug.status, Bug::Status::kOpen);
  EXPECT_EQ(read_file(folder_.root / bug.file), kInput);
  EXPECT_EQ(files_in(folder_.findings() / bug.signature),
            (Names{"first.bin", "first.json", "report.txt", "reproducer.bin", "reproducer.json"}));
}

TEST_F(ContinuousTest, WhatEndsATargetWithoutAnInputIsFiledWithTheEmptyOne) {
  checkout_.add_target("asan", "userq_fuzzer", std::string(kLeakReport) + "exit 77\n");
  EXPECT_EQ(run(), kFound);
  ASSERT_EQ(store().bugs().size(), 1u);
  EXPECT_EQ(store().bugs()[0].verdict, "reference-leak fence_driver");
  EXPECT_EQ(store().bugs()[0].status, Bug::Status::kOpen);
  EXPECT_EQ(store().jobs()[0].trouble,
            "fuzzing userq_fuzzer under asan: exit status 77 before it had loaded its corpus, "
            "reference-leak fence_driver");
}

TEST_F(ContinuousTest, HostileFilesInTheCorpusAreSetAside) {
  checkout_.add_target("asan", "userq_fuzzer", kFindsNothing);
  const fs::path folder = folder_.corpus() / "userq_fuzzer";
  fs::create_directories(folder / "<b>folder</b>");
  write_file(folder / "\x1b[31mred\n", "an input");
  write_file(folder / "empty", "");
  EXPECT_EQ(run(), kNothingFound);
  EXPECT_EQ(corpus(), (Names{sha1("an input")}));
  EXPECT_EQ(told("trouble").size(), 2u);
  EXPECT_TRUE(fs::exists(folder_.aside() / "userq_fuzzer" / "empty-1"));
}

TEST_F(ContinuousTest, OnlyOneWorksOnAStore) {
  StoreLock other(folder_);
  EXPECT_THROW(run(), EnvironmentError);
}

TEST_F(ContinuousTest, HowItStandsIsOneLine) {
  checkout_.add_target("asan", "userq_fuzzer", leaks());
  Continuous continuous(checkout_.project(), options_, progress_);
  continuous.run();
  EXPECT_TRUE(continuous.status().starts_with("stopped: 40 executions in "));
  EXPECT_TRUE(continuous.status().ends_with("0 inputs; bugs: 1 open, 0 fixed"));
}

TEST(NextJob, TheLowestTurnIsNext) {
  EXPECT_EQ(next_job({{10, 1}, {5, 1}, {5, 1}}), 1u);
  EXPECT_EQ(next_job({{10, 1}, {5, 1, false}, {5, 1}}), 2u);
  EXPECT_EQ(next_job({{10, 1, false}}), std::nullopt);
  EXPECT_EQ(next_job({}), std::nullopt);
}

TEST(NextJob, EachGetsItsShareAndTheHeaviestComesFirst) {
  std::vector<Candidate> jobs = {{0, 12}, {0, 6}, {0, 1}};  // weights 1, 2, 12
  std::vector<int> slices(3);
  EXPECT_EQ(next_job(jobs), 2u);
  for (int i = 0; i < 1500; i++) {
    const size_t next = *next_job(jobs);
    jobs[next].turn += jobs[next].slice;
    slices[next]++;
  }
  EXPECT_EQ(slices, (std::vector<int>{100, 200, 1200}));
}

}  // namespace
}  // namespace tool
