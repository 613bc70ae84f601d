#include "fuzz/tool/statistics.h"

#include <algorithm>
#include <array>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace tool {
namespace {

constexpr size_t kExactBelow = 50;
constexpr double kHalf = 0.5;
// Products of fractions are one half only nearly.
constexpr double kNearly = 1e-9;

double z_of(double confidence) {
  return boost::math::quantile(boost::math::normal(), (1 + confidence) / 2);
}

double normal_tail(double z) {
  return boost::math::cdf(boost::math::complement(boost::math::normal(), z));
}

std::vector<Observation> by_time(std::span<const Observation> observations) {
  std::vector<Observation> sorted(observations.begin(), observations.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const Observation& a, const Observation& b) { return a.time < b.time; });
  return sorted;
}

// What is at one time.
struct Moment {
  double time = 0;
  size_t at_risk = 0;
  size_t events = 0;
};

std::vector<Moment> moments_of(std::span<const Observation> observations) {
  const std::vector<Observation> sorted = by_time(observations);
  std::vector<Moment> moments;
  for (size_t i = 0; i < sorted.size(); i++) {
    if (moments.empty() || moments.back().time != sorted[i].time)
      moments.push_back({sorted[i].time, sorted.size() - i, 0});
    moments.back().events += sorted[i].event;
  }
  return moments;
}

// How often each value of U comes of two samples without ties: as many ways as there are to choose
// the ranks.
std::vector<double> ways_of_u(size_t first, size_t second) {
  std::vector<double> ways(first * second + 1, 0);
  ways[0] = 1;
  // The Gaussian binomial coefficient, a factor after the other: (1 - q^(second + i)) / (1 - q^i).
  for (size_t i = 1; i <= first; i++) {
    for (size_t u = ways.size(); u-- > second + i;) ways[u] -= ways[u - second - i];
    for (size_t u = i; u < ways.size(); u++) ways[u] += ways[u - i];
  }
  return ways;
}

double exact_p(double u, size_t first, size_t second) {
  const std::vector<double> ways = ways_of_u(first, second);
  const double all = std::accumulate(ways.begin(), ways.end(), 0.0);
  const auto mirrored = static_cast<double>(first * second) - u;
  const auto end = static_cast<size_t>(std::min(u, mirrored)) + 1;
  const double tail = std::accumulate(ways.begin(), ways.begin() + static_cast<long>(end), 0.0);
  return std::min(1.0, 2 * tail / all);
}

double approximate_p(double u, double first, double second, double ties) {
  const double all = first + second;
  const double variance = first * second / 12 * (all + 1 - ties / (all * (all - 1)));
  const double distance = std::abs(u - first * second / 2) - kHalf;
  if (variance <= 0 || distance <= 0) return 1;
  return std::min(1.0, 2 * normal_tail(distance / std::sqrt(variance)));
}

// The first time from which on `of` is at most one half; where it is exactly that, the middle of
// the stretch.
template <typename Of>
std::optional<double> crossing(const std::vector<SurvivalStep>& steps, const Of& of) {
  for (size_t i = 0; i < steps.size(); i++) {
    if (of(steps[i]) > kHalf + kNearly) continue;
    if (std::abs(of(steps[i]) - kHalf) <= kNearly) {
      for (size_t k = i + 1; k < steps.size(); k++) {
        if (of(steps[k]) < of(steps[i])) return (steps[i].time + steps[k].time) / 2;
      }
    }
    return steps[i].time;
  }
  return {};
}

}  // namespace

SurvivalCurve kaplan_meier(std::span<const Observation> observations, double confidence) {
  const double z = z_of(confidence);
  SurvivalCurve curve;
  curve.subjects = observations.size();
  for (const Observation& observation : by_time(observations)) {
    curve.last = observation.time;
    curve.events += observation.event;
    if (!observation.event) curve.censored.push_back(observation.time);
  }
  double survival = 1;
  double greenwood = 0;
  double high = 1;
  for (const Moment& moment : moments_of(observations)) {
    if (moment.events == 0) continue;
    const auto events = static_cast<double>(moment.events);
    const auto at_risk = static_cast<double>(moment.at_risk);
    survival *= 1 - events / at_risk;
    SurvivalStep step = {moment.time, moment.at_risk, moment.events, survival, 0, high};
    if (moment.events < moment.at_risk) {
      greenwood += events / (at_risk * (at_risk - events));
      const double log = std::log(survival);
      const double spread = std::exp(z * std::sqrt(greenwood) / log);
      step.low = std::pow(survival, 1 / spread);
      step.high = high = std::pow(survival, spread);
    } else {
      step.survival = survival = 0;
    }
    curve.steps.push_back(step);
  }
  return curve;
}

Median median_survival(const SurvivalCurve& curve) {
  // Where the survival is 0 the band is none.
  std::vector<SurvivalStep> banded = curve.steps;
  if (!banded.empty() && banded.back().survival == 0) banded.pop_back();
  return {crossing(curve.steps, [](const SurvivalStep& step) { return step.survival; }),
          {crossing(banded, [](const SurvivalStep& step) { return step.low; }),
           crossing(banded, [](const SurvivalStep& step) { return step.high; })}};
}

RestrictedMean restricted_mean(const SurvivalCurve& curve, double bound, double confidence) {
  // Areas from each step to the bound, the last one first.
  double area = 0;
  double variance = 0;
  double end = bound;
  for (size_t i = curve.steps.size(); i-- > 0;) {
    const SurvivalStep& step = curve.steps[i];
    if (step.time >= bound) continue;
    area += step.survival * (end - step.time);
    end = step.time;
    const auto events = static_cast<double>(step.events);
    const auto at_risk = static_cast<double>(step.at_risk);
    if (step.events < step.at_risk)
      variance += area * area * events / (at_risk * (at_risk - events));
  }
  const double mean = area + end;
  const double error = std::sqrt(variance);
  const double reach = z_of(confidence) * error;
  return {bound, mean, error, {std::max(0.0, mean - reach), std::min(bound, mean + reach)}};
}

LogRank log_rank(std::span<const Observation> first, std::span<const Observation> second) {
  std::vector<Observation> both(first.begin(), first.end());
  both.insert(both.end(), second.begin(), second.end());
  const std::vector<Observation> ours = by_time(first);
  size_t gone = 0;  // of the first sample, before the moment
  double observed = 0, expected = 0, variance = 0;
  for (const Observation& observation : first) observed += observation.event;
  for (const Moment& moment : moments_of(both)) {
    while (gone < ours.size() && ours[gone].time < moment.time) gone++;
    if (moment.events == 0) continue;
    const auto all = static_cast<double>(moment.at_risk);
    const auto events = static_cast<double>(moment.events);
    const double share = static_cast<double>(ours.size() - gone) / all;
    expected += events * share;
    if (all > 1) variance += events * share * (1 - share) * (all - events) / (all - 1);
  }
  if (variance <= 0) return {expected, 0, 1};
  const double chi_squared = (observed - expected) * (observed - expected) / variance;
  return {expected, chi_squared,
          boost::math::cdf(boost::math::complement(boost::math::chi_squared(1), chi_squared))};
}

RankTest rank_test(std::span<const double> first, std::span<const double> second) {
  if (first.empty() || second.empty()) return {};
  struct Value {
    double value;
    bool of_first;
  };
  std::vector<Value> all;
  for (const double value : first) all.push_back({value, true});
  for (const double value : second) all.push_back({value, false});
  std::sort(all.begin(), all.end(),
            [](const Value& a, const Value& b) { return a.value < b.value; });
  const auto m = static_cast<double>(first.size());
  const auto n = static_cast<double>(second.size());
  double ranks = 0;  // of the first sample, in all
  double ties = 0;   // the sum of t^3 - t
  for (size_t i = 0; i < all.size();) {
    size_t end = i;
    double ours = 0;
    for (; end < all.size() && all[end].value == all[i].value; end++) ours += all[end].of_first;
    const auto alike = static_cast<double>(end - i);
    ranks += ours * (static_cast<double>(i + end + 1) / 2);
    ties += alike * alike * alike - alike;
    i = end;
  }
  RankTest test;
  test.u = ranks - m * (m + 1) / 2;
  test.a12 = test.u / (m * n);
  test.exact = ties == 0 && first.size() < kExactBelow && second.size() < kExactBelow;
  test.p =
      test.exact ? exact_p(test.u, first.size(), second.size()) : approximate_p(test.u, m, n, ties);
  return test;
}

std::vector<double> ranked_times(std::span<const Observation> observations) {
  std::vector<double> values;
  for (const Observation& observation : observations)
    values.push_back(observation.event ? observation.time
                                       : std::numeric_limits<double>::infinity());
  return values;
}

// Vargha and Delaney 2000, where they set 0.56, 0.64 and 0.71 beside Cohen's small, medium and
// large.
std::string_view magnitude_of(double a12) {
  const double distance = std::abs(a12 - kHalf) + kNearly;
  if (distance < 0.06) return "negligible";
  if (distance < 0.14) return "small";
  if (distance < 0.21) return "medium";
  return "large";
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); i++) {
    largest = std::max(largest, std::min(1.0, p[order[i]] * static_cast<double>(p.size() - i)));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

Interval share_interval(size_t part, size_t all, double confidence) {
  if (all == 0) return {};
  const double z = z_of(confidence);
  const auto n = static_cast<double>(all);
  const double share = static_cast<double>(part) / n;
  const double middle = share + z * z / (2 * n);
  const double reach = z * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  const double scale = 1 + z * z / n;
  return {std::max(0.0, (middle - reach) / scale), std::min(1.0, (middle + reach) / scale)};
}

}  // namespace tool
