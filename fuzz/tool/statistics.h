// Statistics of times that end in an event or are cut off: how long until a bug is found, where a
// trial that did not find it within its bound says only that it takes longer.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tool {

struct Observation {
  double time;
  bool event;  // false: censored, the event is later than that
};

inline constexpr double kConfidence = 0.95;

// Both ends of a confidence interval. Nothing: the data do not bound it there.
struct Interval {
  std::optional<double> low;
  std::optional<double> high;
};

// ---- Kaplan-Meier
// --------------------------------------------------------------------------------

// The estimate falls at a time at which events are.
struct SurvivalStep {
  double time;
  size_t at_risk;  // just before
  size_t events;
  double survival;  // from here on: the share that still has no event
  // Of the survival. Greenwood's variance, on the scale of log(-log), so that the band stays
  // between 0 and 1. Where the survival is 0 there is no such scale: 0, and the high end before it.
  double low;
  double high;
};

struct SurvivalCurve {
  size_t subjects = 0;
  size_t events = 0;
  double last = 0;  // the largest time, of an event or censored
  std::vector<SurvivalStep> steps;
  std::vector<double> censored;  // times, ascending
};

SurvivalCurve kaplan_meier(std::span<const Observation> observations,
                           double confidence = kConfidence);

// The median: the first time at which no more than half have no event; the middle of the stretch
// in which it is exactly half. Its interval is where the band crosses one half.
struct Median {
  std::optional<double> value;  // nothing: not reached
  Interval interval;
};
Median median_survival(const SurvivalCurve& curve);

// The mean time up to `bound`, a subject without an event counting as `bound`: the area under the
// curve.
struct RestrictedMean {
  double bound = 0;
  double mean = 0;
  double error = 0;  // standard error
  Interval interval;
};
RestrictedMean restricted_mean(const SurvivalCurve& curve, double bound,
                               double confidence = kConfidence);

struct LogRank {
  double expected_first = 0;  // events of the first sample, were both alike
  double chi_squared = 0;     // 1 degree of freedom; 0 if nothing can be said
  double p = 1;
};
LogRank log_rank(std::span<const Observation> first, std::span<const Observation> second);

// ---- Mann-Whitney and Vargha-Delaney
// -------------------------------------------------------------

struct RankTest {
  // Pairs in which the first sample's value is the larger one; ties count one half.
  double u = 0;
  double p = 1;  // two-sided
  bool exact = false;
  // Vargha and Delaney: how likely a value of the first sample is larger than one of the second,
  // ties counting one half. 0.5: no difference.
  double a12 = 0.5;
};

// Exact for samples below 50 without ties; else by the normal distribution, corrected for ties and
// continuity.
RankTest rank_test(std::span<const double> first, std::span<const double> second);

// Values of times for rank_test(): what is censored is larger than any event, and alike.
std::vector<double> ranked_times(std::span<const Observation> observations);

// "negligible", "small", "medium", "large"
std::string_view magnitude_of(double a12);

// P values adjusted for their number (Holm), in the order given.
std::vector<double> holm(std::span<const double> p);

// ---- shares
// --------------------------------------------------------------------------------------

// Wilson's interval of the share `part` of `all`.
Interval share_interval(size_t part, size_t all, double confidence = kConfidence);

}  // namespace tool
