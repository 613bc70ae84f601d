#include "fuzz/program/reduce.h"

namespace reduce {

namespace {

constexpr uint64_t kSmall = 4;    // up to here all numbers are tried
constexpr unsigned kFinest = 16;  // bits of a number below its highest that are looked at

}  // namespace

Anchor anchor_at(const Points& points, uint64_t position) {
  uint64_t before = 0;
  for (size_t i = 0; i < points.size(); before += points[i++].points) {
    if (position <= before || position > before + points[i].points) continue;
    Anchor anchor{points[i].op, static_cast<uint32_t>(position - before)};
    for (size_t k = 0; k < i; k++) {
      if (points[k].op == anchor.op) anchor.nth += points[k].points;
    }
    return anchor;
  }
  return {};
}

uint64_t position_of(const Points& points, const Anchor& anchor) {
  uint64_t before = 0;
  uint64_t last = 0;
  uint32_t seen = 0;
  for (const Span& span : points) {
    if (span.op == anchor.op) {
      if (anchor.nth <= seen + span.points) return before + anchor.nth - seen;
      seen += span.points;
      last = before + span.points;
    }
    before += span.points;
  }
  return last;
}

uint64_t count(const Points& points) {
  uint64_t sum = 0;
  for (const Span& span : points) sum += span.points;
  return sum;
}

std::vector<uint64_t> simpler_numbers(uint64_t number, uint64_t preset) {
  if (number == preset) return {};
  std::vector<uint64_t> simpler = {preset};
  auto add = [&](uint64_t value) {
    if (value < number && value != preset) simpler.push_back(value);
  };
  for (uint64_t value = 0; value <= kSmall; value++) add(value);
  uint64_t highest = number;
  while (highest & (highest - 1)) highest &= highest - 1;
  for (uint64_t step = highest, n = 0; step > 0 && n < kFinest; step /= 2, n++) {
    if (number - step > kSmall) add(number - step);
  }
  return simpler;
}

}  // namespace reduce
