#include "fuzz/tool/campaign.h"

#include <gtest/gtest.h>

#include "fuzz/tool/fake_target.h"
#include "fuzz/tool/fuzz_report.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/sha1.h"
#include "fuzz/tool/signature.h"

namespace tool {
namespace {

// A leak in each execution of any input.
constexpr const char* kFindsALeak =
    "echo 'INFO: Seed: 77'\n"
    "echo '==fencebench== ERROR: reference-leak: fence_driver#1 has a reference'\n"
    "echo '  held by fence_drv_array'\n"
    "echo 'SUMMARY: fencebench: reference-leak fence_driver'\n"
    "echo 'fencebench: trace 0x00000000000000aa points=5'\n"
    "if [ -d \"$last\" ]; then\n"
    "  printf '\\0\\0\\0\\1' >\"${prefix}leak-0123\"\n"
    "  echo 'stat::number_of_executed_units: 40'\n"
    "fi\n"
    "exit 77\n";

class CampaignTest : public testing::Test {
 protected:
  static std::vector<JobSpec> specs(const std::string& target, uint64_t trials,
                                    std::optional<uint64_t> seed) {
    return job_specs({.targets = {target}, .sanitizers = {"asan"}, .trials = trials, .seed = seed});
  }
  CampaignOptions options(const std::string& target) {
    CampaignOptions made;
    made.specs = specs(target, 0, {});
    made.seconds = 5;
    made.jobs = 2;
    made.out = checkout_.root() / "out";
    fs::create_directories(made.out);
    return made;
  }
  FakeCheckout checkout_;
  Progress progress_;
};

TEST_F(CampaignTest, NothingFound) {
  checkout_.add_target("asan", "userq_fuzzer", kFindsNothing);
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  ASSERT_EQ(campaign.results().size(), 1u);
  JobResult result = campaign.results()[0];
  EXPECT_EQ(result.executions, 100u);
  EXPECT_EQ(result.edges, 5u);
  EXPECT_EQ(result.broken, "");
  EXPECT_TRUE(campaign.findings().empty());
  EXPECT_EQ(exit_code(campaign), kNothingFound);
}

TEST_F(CampaignTest, AFindingIsKeptAsTextThatSaysHowItWasRun) {
  checkout_.add_target("asan", "userq_fuzzer", kFindsALeak);
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  EXPECT_EQ(exit_code(campaign), kFound);
  ASSERT_EQ(campaign.findings().size(), 1u);
  const Finding& finding = campaign.findings()[0];
  EXPECT_EQ(finding.verdict.text(), "reference-leak fence_driver");
  EXPECT_EQ(finding.details, (std::vector<std::string>{"held by fence_drv_array"}));
  EXPECT_EQ(finding.executions, 40u);
  EXPECT_TRUE(finding.reproduced);
  EXPECT_EQ(finding.file.parent_path(), checkout_.root() / "out/findings/userq_fuzzer");

  Input input = load_input(finding.file);
  EXPECT_EQ(input.comment.found.size(), utc_now().size());
  input.comment.found.clear();
  EXPECT_EQ(input.comment, (FindingComment{.target = "userq_fuzzer",
                                           .sanitizer = "asan",
                                           .defect = "",
                                           .checks = "all",
                                           .seed = 77,
                                           .trace = "0x00000000000000aa",
                                           .verdict = "reference-leak fence_driver",
                                           .signature = finding.comment.signature}));
  EXPECT_EQ(finding.comment.signature, signature_of(finding.verdict, {}).id);
  EXPECT_TRUE(read_file(finding.report).starts_with("==fencebench== ERROR: reference-leak"));
}

TEST_F(CampaignTest, StepsAreKeptAsText) {
  checkout_.add_target("asan", "dma_fence_fuzzer", kFindsALeak);
  Campaign campaign(checkout_.project(), options("dma_fence_fuzzer"), progress_);
  campaign.run();
  ASSERT_EQ(campaign.findings().size(), 1u);
  EXPECT_EQ(campaign.findings()[0].file.extension(), ".steps");
  Input input = load_input(campaign.findings()[0].file);
  EXPECT_EQ(input.bytes, (std::vector<uint8_t>{0, 0, 0, 1}));
  EXPECT_EQ(input.comment.verdict, "reference-leak fence_driver");
}

TEST_F(CampaignTest, InputsWithoutATextAreKeptAsBytes) {
  checkout_.add_target("asan", "canary_fuzzer", kFindsALeak);
  Campaign campaign(checkout_.project(), options("canary_fuzzer"), progress_);
  campaign.run();
  ASSERT_EQ(campaign.findings().size(), 1u);
  Input input = load_input(campaign.findings()[0].file);
  EXPECT_FALSE(input.is_text);
  EXPECT_EQ(input.bytes, (std::vector<uint8_t>{0, 0, 0, 1}));
  EXPECT_EQ(input.comment.target, "canary_fuzzer");
}

TEST_F(CampaignTest, TrialsCountUpTheSeedAndOneVerdictIsOneFinding) {
  checkout_.add_target("asan", "userq_fuzzer",
                       std::string("echo \"INFO: Seed: $seed\"\n") + kFindsALeak);
  CampaignOptions three = options("userq_fuzzer");
  three.specs = specs("userq_fuzzer", 3, 10);
  Campaign campaign(checkout_.project(), three, progress_);
  campaign.run();
  ASSERT_EQ(campaign.results().size(), 3u);
  for (uint64_t i = 0; i < 3; i++) {
    EXPECT_EQ(campaign.results()[i].seed, 10 + i);
    EXPECT_EQ(campaign.results()[i].executions_to_finding, 40u);
    ASSERT_TRUE(campaign.results()[i].verdict);
  }
  ASSERT_EQ(campaign.findings().size(), 1u);
  EXPECT_EQ(campaign.findings()[0].count, 3u);
}

TEST_F(CampaignTest, KeepGoingStartsAgainUntilTheRunsAreUsedUp) {
  checkout_.add_target("asan", "userq_fuzzer", kFindsALeak);
  CampaignOptions going = options("userq_fuzzer");
  going.keep_going = true;
  going.runs = 100;  // 40 each: three starts
  Campaign campaign(checkout_.project(), going, progress_);
  campaign.run();
  EXPECT_EQ(campaign.results()[0].findings, 3u);
  EXPECT_EQ(campaign.results()[0].executions, 120u);
  EXPECT_EQ(campaign.results()[0].executions_to_finding, 40u);
  ASSERT_EQ(campaign.findings().size(), 1u);
  EXPECT_EQ(campaign.findings()[0].count, 3u);
}

TEST_F(CampaignTest, ADeathWithoutAReportIsNotDropped) {
  checkout_.add_target("asan", "userq_fuzzer",
                       "echo 'FATAL: unexpected memory mapping'\nexit 66\n");
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  JobResult result = campaign.results()[0];
  EXPECT_EQ(result.broken, "exit status 66 before it had loaded its corpus, without a report");
  EXPECT_EQ(result.last_words, (std::vector<std::string>{"FATAL: unexpected memory mapping"}));
  EXPECT_EQ(exit_code(campaign), kEnvironmentAtFault);
}

TEST_F(CampaignTest, EndingEarlyWithoutAWordIsNotDropped) {
  checkout_.add_target("asan", "userq_fuzzer", "exit 0\n");
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  EXPECT_NE(campaign.results()[0].broken, "");
  EXPECT_EQ(exit_code(campaign), kEnvironmentAtFault);
}

TEST_F(CampaignTest, AMissingBinaryIsNotDropped) {
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  EXPECT_TRUE(campaign.results()[0].broken.starts_with("cannot run '"));
  EXPECT_EQ(exit_code(campaign), kEnvironmentAtFault);
}

TEST_F(CampaignTest, AReportWithoutAnInputIsAFindingStill) {
  checkout_.add_target("asan", "userq_fuzzer",
                       "echo 'SUMMARY: AddressSanitizer: SEGV /x/y.cc:1:2 in f'\nexit 1\n");
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  ASSERT_EQ(campaign.findings().size(), 1u);
  EXPECT_TRUE(campaign.findings()[0].file.empty());
  EXPECT_TRUE(fs::exists(campaign.findings()[0].report));
  EXPECT_EQ(exit_code(campaign), kFound);
}

TEST_F(CampaignTest, AnInputThatDoesNotReproduceSaysSo) {
  checkout_.add_target("asan", "userq_fuzzer",
                       "if [ -f \"$last\" ]; then exit 0; fi\n" + std::string(kFindsALeak));
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  ASSERT_EQ(campaign.findings().size(), 1u);
  EXPECT_FALSE(campaign.findings()[0].reproduced);
  EXPECT_EQ(campaign.findings()[0].again, "clean");
  EXPECT_NE(read_file(campaign.findings()[0].file).find("Not seen again"), std::string::npos);
}

TEST_F(CampaignTest, SeedsArriveAsBytes) {
  fs::create_directories(checkout_.root() / "corpus/userq_fuzzer");
  write_file(checkout_.root() / "corpus/userq_fuzzer/a.fence",
             "device cpus=2 seq64=64\nt0: A = queue_create gfx\n");
  checkout_.add_target(
      "asan", "userq_fuzzer",
      "cp \"$last/a.fence\" \"$prefix../../../../seen\"\n" + std::string(kFindsNothing));
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  std::string seen = read_file(checkout_.root() / "out/seen");
  Input input = load_input(checkout_.root() / "corpus/userq_fuzzer/a.fence");
  EXPECT_EQ(std::vector<uint8_t>(seen.begin(), seen.end()), input.bytes);
}

// libFuzzer says nothing of it when the disk is full.
TEST_F(CampaignTest, OnlyWholeInputsGetIntoTheCorpus) {
  checkout_.add_target("asan", "userq_fuzzer",
                       "for a; do case $a in */inputs/userq_fuzzer/asan/*) new=$a ;; esac; done\n"
                       "printf whole >\"$new/" +
                           sha1("whole") + "\"\nprintf cut >\"$new/" + sha1("cut off") + "\"\n" +
                           kFindsNothing);
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  EXPECT_EQ(files_in(checkout_.root() / "out/corpus/userq_fuzzer/asan"),
            (std::vector<std::string>{sha1("whole")}));
  EXPECT_TRUE(campaign.results()[0].broken.starts_with(
      "1 new inputs could not be written whole and are lost; "));
  EXPECT_EQ(exit_code(campaign), kEnvironmentAtFault);
}

TEST_F(CampaignTest, WhatAKilledCampaignFoundIsTakenOver) {
  checkout_.add_target("asan", "userq_fuzzer", kFindsNothing);
  const CampaignOptions made = options("userq_fuzzer");
  const fs::path killed = made.out / ".fencebench-abcdef";
  fs::create_directories(killed / "inputs/userq_fuzzer/asan/1");
  write_file(killed / "inputs/userq_fuzzer/asan/1" / sha1("whole"), "whole");
  write_file(killed / "inputs/userq_fuzzer/asan/1" / sha1("cut off"), "cut");
  ScratchFolder of_another_that_lives(made.out);
  Campaign campaign(checkout_.project(), made, progress_);
  campaign.run();
  EXPECT_EQ(files_in(checkout_.root() / "out/corpus/userq_fuzzer/asan"),
            (std::vector<std::string>{sha1("whole")}));
  EXPECT_FALSE(fs::exists(killed));
  EXPECT_TRUE(fs::exists(of_another_that_lives.path()));
}

}  // namespace
}  // namespace tool
