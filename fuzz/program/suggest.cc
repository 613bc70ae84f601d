#include "fuzz/program/suggest.h"

#include <algorithm>

namespace program {

namespace {

constexpr size_t kLongestWord = 64;  // longer ones are no slip of the pen

size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the table: two up for swapped neighbours, one up, the current one.
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); j++) row[j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); j++) {
      size_t replace = above[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > kLongestWord) return {};
  std::string_view best;
  size_t best_distance = word.size() < 3 ? 1 : word.size() / 3 + 1;  // the largest still accepted
  for (std::string_view candidate : candidates) {
    size_t distance = edit_distance(word, candidate);
    if (distance >= candidate.size()) continue;  // nothing in common
    if (distance < best_distance || (distance == best_distance && best.empty())) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::string_view what,
                         const std::vector<std::string_view>& candidates) {
  std::string_view best = nearest(word, candidates);
  if (!best.empty()) return ", did you mean '" + std::string(best) + "'?";
  std::string text = ": " + std::string(what) + (candidates.size() == 1 ? " is " : " are ");
  for (size_t i = 0; i < candidates.size(); i++) {
    if (i) text += i + 1 == candidates.size() ? " and " : ", ";
    text += candidates[i];
  }
  return text;
}

}  // namespace program
