#include "fuzz/tool/afl_run.h"

#include <gtest/gtest.h>

#include "fuzz/tool/campaign.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/fake_afl.h"
#include "fuzz/tool/fake_target.h"
#include "fuzz/tool/fuzz_report.h"
#include "fuzz/tool/sha1.h"

namespace tool {
namespace {

// Finds two inputs, one of which it was given, and ends well.
constexpr const char* kAflFindsNothing =
    "echo 'All set and ready to roll!'\n"
    "printf seed >\"$out/queue/id:000000,time:0,execs:0,orig:seed\"\n"
    "printf new >\"$out/queue/id:000001,src:000000,time:20,execs:30,op:x\"\n"
    "printf 'execs_done : 100\\nedges_found : 5\\ncorpus_count : 2\\nstability : 100.00%%\\n' "
    ">$out/fuzzer_stats\n"
    "echo \"We're done here. Have a nice day!\"\n";

const std::string kCrashes =
    "printf '\\0\\0\\0\\1' >\"$out/crashes/id:000000,sig:06,src:000000,time:1500,execs:40,op:x\"\n"
    "printf '\\0\\0\\0\\2' >\"$out/crashes/id:000001,sig:06,src:000000,time:1600,execs:50,op:x\"\n"
    "echo about crashes >$out/crashes/README.txt\n";

constexpr const char* kLeaks =
    "echo '==fencebench== ERROR: reference-leak: fence_driver#1 has a reference'\n"
    "echo 'SUMMARY: fencebench: reference-leak fence_driver'\n"
    "echo 'fencebench: trace 0x00000000000000aa points=5'\n"
    "kill -ABRT $$\n";

class AflRunTest : public testing::Test {
 protected:
  static std::vector<JobSpec> specs(const std::string& target, const std::string& sanitizer,
                                    Engine engine, std::optional<uint64_t> seed) {
    return job_specs({.targets = {target},
                      .sanitizers = {sanitizer},
                      .configurations = {configuration_of(engine)},
                      .seed = seed});
  }
  CampaignOptions options(const std::string& target) {
    CampaignOptions made;
    made.specs = specs(target, "asan", Engine::kAfl, {});
    made.seconds = 5;
    made.jobs = 2;
    made.out = checkout_.root() / "out";
    fs::create_directories(made.out);
    return made;
  }
  EngineStart start(const std::string& target) {
    EngineStart made{.project = checkout_.project(),
                     .target = target,
                     .sanitizer = "asan",
                     .defect = "",
                     .checks = "all",
                     .folder = checkout_.root() / "start",
                     .corpus = checkout_.root() / "corpus-of-it",
                     .seeds = {},
                     .seconds = {},
                     .runs = {},
                     .seed = {}};
    fs::create_directories(made.folder);
    return made;
  }
  FakeCheckout checkout_;
  Progress progress_;
};

bool has(const std::vector<std::string>& argv, const std::string& flag, const std::string& value) {
  for (size_t i = 0; i + 1 < argv.size(); i++)
    if (argv[i] == flag && argv[i + 1] == value) return true;
  return false;
}

TEST_F(AflRunTest, TheCommandSaysHowLongAndWithWhichSeed) {
  FakeAfl afl("");
  EngineStart given = start("userq_fuzzer");
  given.seconds = 60;
  given.runs = 1000;
  given.seed = 7;
  const Command command = AflRun(given).command();
  EXPECT_EQ(command.argv[0], (afl.folder() / "afl-fuzz").string());
  EXPECT_TRUE(has(command.argv, "-V", "60"));
  EXPECT_TRUE(has(command.argv, "-E", "1000"));
  EXPECT_TRUE(has(command.argv, "-s", "7"));
  EXPECT_TRUE(has(command.argv, "-t", "25000"));
  EXPECT_EQ(command.argv.back(),
            checkout_.project().binary("afl-asan", "userq_fuzzer", "").string());
  EXPECT_EQ(command.cwd, given.folder);
}

TEST_F(AflRunTest, AFindingIsASignal) {
  FakeAfl afl("");
  Command command = AflRun(start("userq_fuzzer")).command();
  for (const char* variable : {"ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    EXPECT_TRUE(command.env[variable]->ends_with("symbolize=0:abort_on_error=1")) << variable;
  }
  EXPECT_FALSE(command.env["MSAN_OPTIONS"]);
  EXPECT_EQ(command.env["FENCEBENCH_OPTIONS"],
            "checks=all:leak_check=1:die_with_parent=1:conflicts=conflicts");
}

TEST_F(AflRunTest, EachFormOfInputsHasItsMutator) {
  EXPECT_EQ(afl_mutator("userq_fuzzer"), "afl_mutate_programs");
  EXPECT_EQ(afl_mutator("dma_fence_fuzzer"), "afl_mutate_steps");
  EXPECT_EQ(afl_mutator("program_fuzzer"), "afl_mutate_language");
  EXPECT_EQ(afl_mutator("ioctl_fuzzer"), "");
  FakeAfl afl("");
  Command programs = AflRun(start("userq_fuzzer")).command();
  EXPECT_EQ(programs.env["AFL_CUSTOM_MUTATOR_ONLY"], "1");
  EXPECT_EQ(fs::read_symlink(programs.cwd / *programs.env["AFL_CUSTOM_MUTATOR_LIBRARY"]),
            checkout_.root() / "build/release/fuzz/targets/afl_mutate_programs.so");
}

TEST_F(AflRunTest, OthersAreMutatedByAfl) {
  FakeAfl afl("");
  Command bytes = AflRun(start("ioctl_fuzzer")).command();
  EXPECT_FALSE(bytes.env.contains("AFL_CUSTOM_MUTATOR_LIBRARY"));
  EXPECT_FALSE(bytes.env.contains("AFL_CUSTOM_MUTATOR_ONLY"));
}

TEST_F(AflRunTest, ItStartsFromItsCorpusAndAllOthers) {
  FakeAfl afl("");
  EngineStart given = start("userq_fuzzer");
  given.seeds = {checkout_.root() / "other", checkout_.root() / "seeds"};
  for (const fs::path& folder : {given.corpus, given.seeds[0], given.seeds[1]}) {
    fs::create_directories(folder);
    write_file(folder / "x", folder.filename().string());
  }
  AflRun(given).command();
  for (const char* content : {"corpus-of-it", "other", "seeds"})
    EXPECT_TRUE(fs::exists(given.folder / "in" / sha1(content))) << content;
}

TEST_F(AflRunTest, WithoutAnyInputItHasOneToStartFrom) {
  FakeAfl afl("");
  const EngineStart given = start("userq_fuzzer");
  AflRun(given).command();
  EXPECT_EQ(files_in(given.folder / "in").size(), 1u);
}

TEST_F(AflRunTest, WhereThereIsNoneTheMessageSaysWhatToInstall) {
  FakeAfl afl("");
  fs::remove(afl.folder() / "afl-fuzz");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  std::string message;
  try {
    find_afl();
  } catch (const EnvironmentError& error) {
    message = error.what();
  }
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_NE(message.find("apt-get install afl++"), std::string::npos) << message;
}

TEST_F(AflRunTest, AJobsFiguresComeFromItsFiles) {
  FakeAfl afl(kAflFindsNothing);
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  const JobResult result = campaign.results()[0];
  EXPECT_EQ(result.broken, "");
  EXPECT_EQ(result.executions, 100u);
  EXPECT_EQ(result.edges, 5u);
  EXPECT_EQ(result.corpus, 2u);
  EXPECT_EQ(result.stability, 100.0);
  EXPECT_EQ(exit_code(campaign), kNothingFound);
}

TEST_F(AflRunTest, WhatIsNewComesIntoTheCorpusByContent) {
  FakeAfl afl(kAflFindsNothing);
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  EXPECT_EQ(files_in(checkout_.root() / "out/corpus/userq_fuzzer/afl"),
            (std::vector<std::string>{sha1("new")}));
}

TEST_F(AflRunTest, CrashesAreExecutedAgainAndOneBugIsOneFinding) {
  FakeAfl afl(kCrashes + kAflFindsNothing);
  checkout_.add_target("afl-asan", "userq_fuzzer", kLeaks);
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  EXPECT_EQ(campaign.results()[0].findings, 2u);
  EXPECT_EQ(campaign.results()[0].executions_to_finding, 40u);
  EXPECT_EQ(campaign.results()[0].seconds_to_finding, 1.5);
  ASSERT_EQ(campaign.findings().size(), 1u);
  const Finding& finding = campaign.findings()[0];
  EXPECT_EQ(finding.verdict.text(), "reference-leak fence_driver");
  EXPECT_EQ(finding.count, 2u);
  EXPECT_EQ(finding.comment.sanitizer, "asan");
  EXPECT_EQ(finding.comment.trace, "0x00000000000000aa");
  EXPECT_TRUE(finding.reproduced);
  EXPECT_EQ(finding.file.extension(), ".fence");
  EXPECT_EQ(exit_code(campaign), kFound);
}

// afl-fuzz goes on without it, or gives up if it is the only one.
TEST_F(AflRunTest, AnInputThatFailsBeforeItHasBegunIsAFinding) {
  const std::string kTries =
      "for input in in/*; do\n"
      "  echo \"[*] Attempting dry run with 'id:000000,time:0,execs:0,orig:${input#in/}'...\"\n"
      "done\n"
      "echo '[!] WARNING: Test case results in a crash, skipping'\n";
  checkout_.add_target("afl-asan", "userq_fuzzer", kLeaks);
  for (const std::string& end : {std::string(kAflFindsNothing), std::string("exit 1\n")}) {
    FakeAfl afl(kTries + end);
    Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
    campaign.run();
    EXPECT_EQ(campaign.results()[0].broken, "");
    ASSERT_EQ(campaign.findings().size(), 1u);
    EXPECT_EQ(campaign.findings()[0].verdict.text(), "reference-leak fence_driver");
  }
}

TEST_F(AflRunTest, ACrashThatDoesNotHappenAgainIsKept) {
  FakeAfl afl(kCrashes + kAflFindsNothing);
  checkout_.add_target("afl-asan", "userq_fuzzer", "exit 0\n");
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  ASSERT_EQ(campaign.findings().size(), 1u);
  EXPECT_EQ(campaign.findings()[0].verdict.text(), "AFL++: crash");
  EXPECT_FALSE(campaign.findings()[0].reproduced);
  EXPECT_TRUE(fs::exists(campaign.findings()[0].file));
}

TEST_F(AflRunTest, AnEarlyEndIsNotDropped) {
  FakeAfl afl("printf '\\033[1;91m[-] PROGRAM ABORT : \\033[0mno good\\n'\nexit 1\n");
  Campaign campaign(checkout_.project(), options("userq_fuzzer"), progress_);
  campaign.run();
  const JobResult result = campaign.results()[0];
  EXPECT_EQ(result.broken, "exit status 1 before it had loaded its corpus, without a report");
  EXPECT_EQ(result.last_words, (std::vector<std::string>{"[-] PROGRAM ABORT : no good"}));
  EXPECT_EQ(exit_code(campaign), kEnvironmentAtFault);
}

TEST_F(AflRunTest, LibFuzzerStartsFromWhatAflFound) {
  fs::create_directories(checkout_.root() / "out/corpus/userq_fuzzer/afl");
  write_file(checkout_.root() / "out/corpus/userq_fuzzer/afl" / sha1("new"), "new");
  checkout_.add_target("asan", "userq_fuzzer",
                       "for folder; do ls \"$folder\"; done >\"$prefix../../../../seen\"\n"
                       "printf '#2\\tINITED cov: 5\\n'\n"
                       "echo 'Done 100 runs in 1 second(s)'\n");
  CampaignOptions given = options("userq_fuzzer");
  given.specs = specs("userq_fuzzer", "asan", Engine::kLibFuzzer, {});
  Campaign campaign(checkout_.project(), given, progress_);
  campaign.run();
  EXPECT_NE(read_file(checkout_.root() / "out/seen").find(sha1("new")), std::string::npos);
}

#if defined(FENCEBENCH_AFL_TARGET)
TEST_F(AflRunTest, TheRealOneRuns) {
  const Project& project = checkout_.project();
  const fs::path target = project.binary("afl-release", "allocator_fuzzer", "");
  const fs::path mutators = project.build_folder("release") / "fuzz/targets";
  fs::create_directories(target.parent_path());
  fs::create_directories(mutators);
  fs::create_symlink(FENCEBENCH_AFL_TARGET, target);
  fs::create_symlink(FENCEBENCH_AFL_MUTATOR, mutators / "afl_mutate_steps.so");
  CampaignOptions given = options("allocator_fuzzer");
  given.specs = specs("allocator_fuzzer", "release", Engine::kAfl, 1);
  given.seconds = 2;
  Campaign campaign(project, given, progress_);
  campaign.run();
  const JobResult result = campaign.results()[0];
  EXPECT_EQ(result.broken, "") << read_file(result.log);
  EXPECT_GT(result.executions, 0u);
  EXPECT_GT(result.edges, 0u);
  EXPECT_EQ(result.stability, 100.0);
  EXPECT_FALSE(files_in(checkout_.root() / "out/corpus/allocator_fuzzer/afl").empty());
}
#endif

}  // namespace
}  // namespace tool
