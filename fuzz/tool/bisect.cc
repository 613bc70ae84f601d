#include "fuzz/tool/bisect.h"

#include <set>

namespace tool {
namespace {

// The one nearest to the middle of those strictly between both that was not skipped.
std::optional<size_t> next_probe(size_t good, size_t bad, const std::set<size_t>& skipped) {
  const size_t middle = good + (bad - good) / 2;
  for (size_t away = 0; away < bad - good; away++) {
    for (const bool up : {false, true}) {
      if (!up && away > middle) continue;
      const size_t index = up ? middle + away : middle - away;
      if (index > good && index < bad && !skipped.contains(index)) return index;
    }
  }
  return {};
}

}  // namespace

size_t probes_left(size_t between) {
  size_t probes = 0;
  for (; between > 0; between /= 2) probes++;
  return probes;
}

Bisection bisect(size_t count, const std::function<Trial(size_t)>& probe) {
  using End = Bisection::End;
  Bisection result{.end = End::kUnknown, .good = 0, .bad = count - 1, .tried = 0};
  std::set<size_t> skipped;
  auto ask = [&](size_t index) {
    result.tried++;
    return probe(index);
  };
  // Without it at the end there is nothing to look for: that is asked first.
  const Trial last = ask(result.bad);
  if (last != Trial::kBad) {
    result.end = last == Trial::kGood   ? End::kNotBad
                 : last == Trial::kStop ? End::kStopped
                                        : End::kUnknown;
    return result;
  }
  const Trial first = ask(result.good);
  if (first != Trial::kGood) {
    result.end = first == Trial::kBad    ? End::kNotGood
                 : first == Trial::kStop ? End::kStopped
                                         : End::kUnknown;
    return result;
  }
  while (const auto index = next_probe(result.good, result.bad, skipped)) {
    switch (ask(*index)) {
      case Trial::kGood:
        result.good = *index;
        break;
      case Trial::kBad:
        result.bad = *index;
        break;
      case Trial::kSkip:
        skipped.insert(*index);
        break;
      case Trial::kStop:
        result.end = End::kStopped;
        return result;
    }
  }
  result.end = End::kFound;
  return result;
}

}  // namespace tool
