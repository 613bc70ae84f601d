// What a hunt came to, for people and for machines.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fuzz/tool/hunt.h"
#include "fuzz/tool/hunt_summary.h"

namespace tool {

// One line for a core whose trials in one configuration are over.
std::string group_line(const TrialGroup& group, const std::vector<Trial>& trials);

// The table of all groups, what was not found and what the catalogue says to that, what the correct
// core came to, and how the configurations compare.
std::string hunt_text(const HuntSummary& summary, const std::vector<Trial>& trials,
                      const std::vector<Defect>& catalogue);

// Candidates for a fix, the best first: which verdicts remain on the core with each.
struct Candidate {
  std::string label;
  size_t trials = 0;
  size_t detected = 0;
  uint64_t executions = 0;
  struct Remaining {
    std::string verdict;
    size_t trials = 0;
    std::string finding{};              // file, or empty
    std::vector<std::string> reason{};  // what the report says of it
  };
  std::vector<Remaining> remaining{};  // the most frequent first
  std::string broken{};                // it does not build
};
std::vector<Candidate> rank_candidates(const Hunt& hunt);
std::string candidates_text(const Project& project, const std::vector<Candidate>& candidates);

nlohmann::json json_result(const Hunt& hunt, const HuntSummary& summary, int code);
nlohmann::json json_result(const std::vector<Candidate>& candidates, int code);

}  // namespace tool
