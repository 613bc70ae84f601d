#include "fuzz/tool/nearest.h"

#include <fmt/format.h>

#include <algorithm>

#include "fuzz/program/suggest.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/strings.h"

namespace tool {

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr size_t kShortestBeginning = 3;
  if (word.size() >= kShortestBeginning) {
    for (const std::string& candidate : known) {
      if (candidate.starts_with(word)) return candidate;
    }
  }
  return std::string(program::nearest(word, {known.begin(), known.end()}));
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  if (known.empty()) return "; there are none";
  std::string best = nearest(word, known);
  if (!best.empty()) return fmt::format("; did you mean '{}'?", best);
  return "; known: " + join(known, ", ");
}

void require_known(std::string_view kind, std::string_view word,
                   const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), word) != known.end()) return;
  throw UsageError(
      fmt::format("unknown {} '{}'{}", kind, printable(word), suggestion(word, known)));
}

}  // namespace tool
