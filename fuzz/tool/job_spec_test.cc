#include "fuzz/tool/job_spec.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"

namespace tool {
namespace {

TEST(Configuration, OursIsTheFirst) {
  EXPECT_EQ(configurations().front(), configuration_of(Engine::kLibFuzzer));
  EXPECT_TRUE(configurations().front().target_options.empty());
  EXPECT_EQ(configuration_of(Engine::kAfl).engine, Engine::kAfl);
}

TEST(Configuration, UnknownNameIsRefusedWithTheNearest) {
  try {
    configuration_of("fencebenhc");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("fencebench"), std::string::npos) << error.what();
  }
}

TEST(JobSpecs, TrialsOfOneCombinationFollowEachOtherAndCountUpTheSeed) {
  JobMatrix matrix{.defects = {"a", "b"},
                   .targets = {"userq_fuzzer"},
                   .sanitizers = {"asan", "tsan"},
                   .trials = 2,
                   .seed = 7};
  const std::vector<JobSpec> specs = job_specs(matrix);
  ASSERT_EQ(specs.size(), 8u);
  EXPECT_EQ(specs[0].defect, "a");
  EXPECT_EQ(specs[0].sanitizer, "asan");
  EXPECT_EQ(specs[0].trial, 1u);
  EXPECT_EQ(specs[0].seed, 7u);
  EXPECT_EQ(specs[1].trial, 2u);
  EXPECT_EQ(specs[1].seed, 8u);
  EXPECT_EQ(specs[2].sanitizer, "tsan");
  EXPECT_EQ(specs[2].seed, 7u);
  EXPECT_EQ(specs[4].defect, "b");
}

TEST(JobSpecs, WithoutTrialsThereIsOneJobWhoseSeedIsTheEngines) {
  JobMatrix matrix{.targets = {"userq_fuzzer"}, .sanitizers = {"asan"}};
  const std::vector<JobSpec> specs = job_specs(matrix);
  ASSERT_EQ(specs.size(), 1u);
  EXPECT_EQ(specs[0].trial, 0u);
  EXPECT_FALSE(specs[0].seed);
}

}  // namespace
}  // namespace tool
