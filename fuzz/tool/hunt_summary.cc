#include "fuzz/tool/hunt_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kMutant = "mutant-";
constexpr double kSignificant = 0.05;

double bound_of(const Trial& trial, Axis axis) {
  return axis == Axis::kSeconds ? trial.bound_seconds : static_cast<double>(trial.bound_executions);
}

double length_of(const Trial& trial, Axis axis) {
  return axis == Axis::kSeconds ? trial.seconds : static_cast<double>(trial.executions);
}

// Ours first: what the others are held against.
auto rank_of(const Way& way) {
  return std::tuple(way.configuration != "fencebench", way.configuration, way.corpus != "empty",
                    way.corpus);
}

Place place_of(const Trial& trial) { return {trial.defect, trial.target, trial.build}; }
Way way_of(const Trial& trial) { return {trial.configuration, trial.corpus}; }

using Samples = std::map<Place, std::map<Way, Sample>>;

void merge(const Sample& from, Sample& to) {
  to.trials += from.trials;
  to.detected += from.detected;
  to.reached += from.reached;
  to.triggered += from.triggered;
  to.broken += from.broken;
  to.bound = std::max(to.bound, from.bound);
  to.seconds.insert(to.seconds.end(), from.seconds.begin(), from.seconds.end());
  to.executions.insert(to.executions.end(), from.executions.begin(), from.executions.end());
  for (const auto& [verdict, count] : from.verdicts) to.verdicts[verdict] += count;
}

std::vector<Cell> cells_of(const Samples& samples, const std::vector<Way>& ways, Axis axis,
                           double bound) {
  std::vector<Cell> cells;
  for (const auto& [place, by_way] : samples) {
    for (const Way& way : ways) {
      const auto found = by_way.find(way);
      if (found == by_way.end()) continue;
      const Sample& sample = found->second;
      Cell cell = {place,
                   way,
                   sample,
                   kaplan_meier(sample.on(axis)),
                   median_survival(kaplan_meier(sample.seconds)),
                   median_survival(kaplan_meier(sample.executions)),
                   {}};
      cell.mean = restricted_mean(cell.curve, bound);
      cells.push_back(std::move(cell));
    }
  }
  return cells;
}

WaySummary over_all(const Samples& samples, const Way& way, const std::vector<Way>& ways, Axis axis,
                    double bound) {
  WaySummary summary;
  summary.way = way;
  summary.name = name_of(way, ways);
  std::map<std::string, std::pair<size_t, size_t>> by_defect;  // trials, detected
  for (const auto& [place, by_way] : samples) {
    const auto found = by_way.find(way);
    if (found == by_way.end()) continue;
    merge(found->second, summary.sample);
    by_defect[place.defect].first += found->second.trials;
    by_defect[place.defect].second += found->second.detected;
  }
  for (const auto& [defect, counts] : by_defect) {
    summary.defects++;
    summary.found += counts.second > 0;
    summary.always += counts.first > 0 && counts.second == counts.first;
  }
  summary.curve = kaplan_meier(summary.sample.on(axis));
  summary.median = median_survival(summary.curve);
  summary.mean = restricted_mean(summary.curve, bound);
  return summary;
}

Comparison compare(const Samples& samples, const Way& first, const Way& second, Axis axis,
                   double bound) {
  Comparison comparison;
  comparison.first = first;
  comparison.second = second;
  std::vector<double> p;
  double sum = 0;
  for (const auto& [place, by_way] : samples) {
    const auto a = by_way.find(first);
    const auto b = by_way.find(second);
    if (a == by_way.end() || b == by_way.end()) continue;
    if (a->second.trials == 0 || b->second.trials == 0) continue;
    // The pairs in which the second takes longer: they are those that the first wins.
    const RankTest test =
        rank_test(ranked_times(b->second.on(axis)), ranked_times(a->second.on(axis)));
    comparison.places.push_back({place, a->second.trials, b->second.trials, test, 1});
    p.push_back(test.p);
    sum += test.a12;
    merge(a->second, comparison.first_sample);
    merge(b->second, comparison.second_sample);
  }
  if (comparison.places.empty()) return comparison;
  const std::vector<double> adjusted = holm(p);
  for (size_t i = 0; i < adjusted.size(); i++) {
    PlaceComparison& place = comparison.places[i];
    place.adjusted_p = adjusted[i];
    if (adjusted[i] >= kSignificant) continue;
    (place.test.a12 > 0.5 ? comparison.better : comparison.worse)++;
  }
  comparison.mean_a12 = sum / static_cast<double>(comparison.places.size());
  const std::vector<Observation>& a = comparison.first_sample.on(axis);
  const std::vector<Observation>& b = comparison.second_sample.on(axis);
  comparison.first_mean = restricted_mean(kaplan_meier(a), bound);
  comparison.second_mean = restricted_mean(kaplan_meier(b), bound);
  comparison.pooled = rank_test(ranked_times(b), ranked_times(a));
  comparison.log_rank = log_rank(a, b);
  return comparison;
}

void add_mutant(const Trial& trial, Axis axis,
                std::map<std::string, std::map<std::string, Sample>>& by_operator) {
  std::string name = operator_of(trial.defect);
  const auto given = trial.more.is_object() ? trial.more.find("operator") : trial.more.end();
  if (given != trial.more.end() && given->is_string()) name = given->get<std::string>();
  by_operator[name][trial.defect].add(trial, axis);
}

}  // namespace

Axis axis_of(const std::vector<Trial>& trials) {
  bool by_executions = false;
  for (const Trial& trial : trials) {
    if (trial.bound_seconds > 0) return Axis::kSeconds;
    by_executions |= trial.bound_executions > 0;
  }
  return by_executions ? Axis::kExecutions : Axis::kSeconds;
}

std::vector<Way> ways_of(const std::vector<Trial>& trials) {
  std::set<Way> set;
  for (const Trial& trial : trials) set.insert(way_of(trial));
  std::vector<Way> ways(set.begin(), set.end());
  std::sort(ways.begin(), ways.end(),
            [](const Way& a, const Way& b) { return rank_of(a) < rank_of(b); });
  return ways;
}

std::string name_of(const Way& way, const std::vector<Way>& all) {
  const bool differ = std::any_of(
      all.begin(), all.end(), [&](const Way& other) { return other.corpus != all.front().corpus; });
  if (!differ) return way.configuration;
  return fmt::format("{} from {}", way.configuration,
                     way.corpus == "empty" ? "nothing" : way.corpus);
}

void Sample::add(const Trial& trial, Axis axis) {
  if (!trial.error.empty()) {
    broken++;
    return;
  }
  trials++;
  detected += trial.detected;
  // Whoever detects it was there, whether or not the counters lived to tell.
  reached += trial.reached > 0 || trial.detected;
  triggered += trial.triggered > 0 || trial.detected;
  bound = std::max(bound, bound_of(trial, axis));
  seconds.push_back({trial.seconds, trial.detected});
  executions.push_back({static_cast<double>(trial.executions), trial.detected});
  if (trial.detected) verdicts[trial.verdict]++;
}

double Sample::share() const {
  return trials == 0 ? 0 : static_cast<double>(detected) / static_cast<double>(trials);
}

size_t MutationOperator::killed() const {
  return static_cast<size_t>(std::count_if(mutants.begin(), mutants.end(),
                                           [](const Mutant& mutant) { return mutant.killed(); }));
}

bool is_mutant(std::string_view defect) { return defect.starts_with(kMutant); }

std::string operator_of(std::string_view mutant) {
  if (is_mutant(mutant)) mutant.remove_prefix(kMutant.size());
  std::vector<std::string> words;
  for (const std::string& word : split(mutant, '-')) {
    if (to_number(word)) break;
    words.push_back(word);
  }
  return join(words, "-");
}

HuntSummary summarize(const std::vector<Trial>& trials) {
  HuntSummary summary;
  summary.axis = axis_of(trials);
  Samples samples, correct;
  std::map<std::string, std::map<std::string, Sample>> mutants;
  std::vector<Trial> on_defects;
  double longest = 0;
  for (const Trial& trial : trials) {
    if (!is_mutant(trial.defect))
      summary.bound = std::max(summary.bound, bound_of(trial, summary.axis));
    longest = std::max(longest, length_of(trial, summary.axis));
    if (is_mutant(trial.defect)) {
      add_mutant(trial, summary.axis, mutants);
    } else if (trial.defect.empty()) {
      correct[place_of(trial)][way_of(trial)].add(trial, summary.axis);
      summary.correct.add(trial, summary.axis);
    } else {
      samples[place_of(trial)][way_of(trial)].add(trial, summary.axis);
      on_defects.push_back(trial);
    }
  }
  if (summary.bound <= 0) summary.bound = longest;
  summary.ways = ways_of(on_defects);
  summary.cells = cells_of(samples, summary.ways, summary.axis, summary.bound);
  summary.correct_cells = cells_of(correct, ways_of(trials), summary.axis, summary.bound);
  for (const Way& way : summary.ways)
    summary.over_all.push_back(over_all(samples, way, summary.ways, summary.axis, summary.bound));
  for (size_t i = 0; i < summary.ways.size(); i++) {
    for (size_t k = i + 1; k < summary.ways.size(); k++) {
      Comparison comparison =
          compare(samples, summary.ways[i], summary.ways[k], summary.axis, summary.bound);
      if (!comparison.places.empty()) summary.comparisons.push_back(std::move(comparison));
    }
  }
  for (auto& [name, by_name] : mutants) {
    MutationOperator all;
    all.name = name;
    for (auto& [mutant, sample] : by_name) {
      merge(sample, all.sample);
      all.mutants.push_back({mutant, std::move(sample)});
    }
    summary.mutants.push_back(std::move(all));
  }
  return summary;
}

}  // namespace tool
