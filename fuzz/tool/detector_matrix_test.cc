#include "fuzz/tool/detector_matrix.h"

#include <gtest/gtest.h>

#include <regex>

#include "fuzz/tool/files.h"
#include "fuzz/tool/project.h"

namespace tool {
namespace {

size_t column(std::string_view name) {
  for (size_t i = 0; i < detectors().size(); i++) {
    if (detectors()[i].name == name) return i;
  }
  ADD_FAILURE() << name;
  return 0;
}

Replay replay(const std::string& build, const std::string& checks, const std::string& verdict) {
  return {.defect = "a",
          .target = "userq_fuzzer",
          .build = build,
          .checks = checks,
          .verdict = verdict};
}

TEST(DetectorMatrix, KnowsWhoSays) {
  EXPECT_EQ(detector_of("reference-leak fence_driver held by x"), column("ledger"));
  EXPECT_EQ(detector_of("deadlock"), column("progress"));
  EXPECT_EQ(detector_of("AddressSanitizer: heap-use-after-free in f"), column("ASan"));
  EXPECT_EQ(detector_of("ThreadSanitizer data-race"), column("TSan"));
  EXPECT_EQ(detector_of("LeakSanitizer"), column("LSan"));
  EXPECT_EQ(detector_of("libFuzzer: timeout"), column("other"));
  EXPECT_EQ(detector_of(""), column("other"));
}

// Each verdict of the checkers has a column.
TEST(DetectorMatrix, HasAColumnForEachVerdict) {
  const std::string text = read_file(Project::find().root() / "core/kernel/verdicts.def");
  const std::regex verdict("\nVERDICT\\(\\w+, \"([^\"]+)\"");
  size_t count = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), verdict), end; at != end; ++at) {
    const std::string name = (*at)[1];
    if (name == "canary" || name == "nondeterminism") continue;
    EXPECT_NE(detector_of(name), column("other")) << name;
    count++;
  }
  EXPECT_GT(count, 10u);
}

TEST(DetectorMatrix, SaysWhoSawIt) {
  HuntResults results;
  results.replays = {replay("asan", "all", "reference-leak x"),
                     replay("asan", "none", "LeakSanitizer: leak in f"),
                     replay("tsan", "none", "")};
  results.trials = {{.defect = "a",
                     .target = "userq_fuzzer",
                     .build = "asan",
                     .configuration = "fencebench",
                     .detected = true,
                     .verdict = "deadlock"},
                    {.defect = "", .target = "userq_fuzzer", .configuration = "fencebench"},
                    {.defect = "mutant-x-1", .target = "t", .configuration = "fencebench"}};
  Defect defect;
  defect.name = "a";
  defect.detectors = {"reference-leak", "ThreadSanitizer data-race", "MemorySanitizer x"};
  Defect other;
  other.name = "b";
  other.detectors = {"deadlock"};
  const std::vector<MatrixRow> matrix = detector_matrix({defect, other}, results);
  ASSERT_EQ(matrix.size(), 2u);
  const MatrixRow& row = matrix[0];
  EXPECT_EQ(row.defect, "a");
  EXPECT_EQ(row.cells[column("ledger")].seen, Seen::kYes);
  EXPECT_EQ(row.cells[column("ledger")].words, std::vector<std::string>{"asan: reference-leak x"});
  EXPECT_EQ(row.cells[column("LSan")].seen, Seen::kYes);
  EXPECT_EQ(row.cells[column("LSan")].words,
            std::vector<std::string>{"asan without our checkers: LeakSanitizer: leak in f"});
  EXPECT_EQ(row.cells[column("ASan")].seen, Seen::kNo);
  EXPECT_EQ(row.cells[column("TSan")].seen, Seen::kExpected);
  EXPECT_EQ(row.cells[column("MSan")].seen, Seen::kExpected);
  EXPECT_EQ(row.cells[column("locks")].seen, Seen::kNo);
  EXPECT_EQ(row.cells[column("progress")].seen, Seen::kHunting);
  EXPECT_EQ(row.cells[column("progress")].words, std::vector<std::string>{"in 1 trial"});
  EXPECT_EQ(row.cells[column("other")].seen, Seen::kNotTried);
  EXPECT_FALSE(matrix[1].replayed);
  EXPECT_EQ(matrix[1].cells[column("progress")].seen, Seen::kNotTried);
}

}  // namespace
}  // namespace tool
