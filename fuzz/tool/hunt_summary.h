// What the trials of a hunt come to: for each defect and way of hunting it, for each way over all
// defects, for pairs of ways, and for mutants.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/hunt_results.h"
#include "fuzz/tool/statistics.h"

namespace tool {

// What bounds the trials, and so what is measured until a defect is detected.
enum class Axis { kSeconds, kExecutions };
Axis axis_of(const std::vector<Trial>& trials);

// A way of hunting. Targets and builds belong to the defect: some show only in one.
struct Way {
  std::string configuration;
  std::string corpus;
  auto operator<=>(const Way&) const = default;
};

// Those that occur, our own from an empty corpus first.
std::vector<Way> ways_of(const std::vector<Trial>& trials);
// "fencebench", or "fencebench from seeds" where the ways differ in that.
std::string name_of(const Way& way, const std::vector<Way>& all);

// Where a way was tried on a defect.
struct Place {
  std::string defect;
  std::string target;
  std::string build;
  auto operator<=>(const Place&) const = default;
};

// Trials that count together. One with an error says nothing and is only counted.
struct Sample {
  size_t trials = 0;
  size_t detected = 0;
  size_t reached = 0;    // trials in which the faulty code ran
  size_t triggered = 0;  // and failed
  size_t broken = 0;     // with an error
  double bound = 0;      // the largest, on the axis
  std::vector<Observation> seconds;
  std::vector<Observation> executions;
  std::map<std::string, size_t> verdicts;  // of the detections

  void add(const Trial& trial, Axis axis);
  const std::vector<Observation>& on(Axis axis) const {
    return axis == Axis::kSeconds ? seconds : executions;
  }
  double share() const;  // detected
};

// One row: a defect, hunted in one way, with what the table shows.
struct Cell {
  Place place;
  Way way;
  Sample sample;
  SurvivalCurve curve;  // on the axis
  Median seconds;
  Median executions;
  RestrictedMean mean;  // on the axis, up to the bound
};

// A way over all defects.
struct WaySummary {
  Way way;
  std::string name;
  Sample sample;
  SurvivalCurve curve;
  Median median;
  RestrictedMean mean;
  size_t defects = 0;
  size_t found = 0;   // defects detected in at least one trial
  size_t always = 0;  // in each
};

// Two ways on one defect. A12 is how likely the first needs less than the second.
struct PlaceComparison {
  Place place;
  size_t first_trials = 0;
  size_t second_trials = 0;
  RankTest test;
  double adjusted_p = 1;  // for the number of defects
};

struct Comparison {
  Way first;
  Way second;
  std::vector<PlaceComparison> places;  // where both were tried
  size_t better = 0;                    // places where the first is, by the adjusted p
  size_t worse = 0;
  double mean_a12 = 0.5;  // of the places
  Sample first_sample;    // all trials at these places
  Sample second_sample;
  RestrictedMean first_mean;
  RestrictedMean second_mean;
  RankTest pooled;
  LogRank log_rank;
};

// Mutants of the core: a defect by the name of mutant-OPERATOR-NUMBER...
struct Mutant {
  std::string name;
  Sample sample;
  bool killed() const { return sample.detected > 0; }
};
struct MutationOperator {
  std::string name;
  std::vector<Mutant> mutants;
  size_t killed() const;
  Sample sample;
};
bool is_mutant(std::string_view defect);
// "mutant-drop-put-017" -> "drop-put"
std::string operator_of(std::string_view mutant);

struct HuntSummary {
  Axis axis = Axis::kSeconds;
  double bound = 0;  // of trials on defects and on the correct core, the largest
  std::vector<Way> ways;
  std::vector<Cell> cells;           // of defects, by place and way
  std::vector<WaySummary> over_all;  // by way
  std::vector<Comparison> comparisons;
  Sample correct;  // trials on the core as it is
  std::vector<Cell> correct_cells;
  std::vector<MutationOperator> mutants;
};

HuntSummary summarize(const std::vector<Trial>& trials);

}  // namespace tool
