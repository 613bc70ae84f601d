// The search for the first bad one in a row of revisions, of which some cannot be tried.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

namespace tool {

enum class Trial {
  kGood,
  kBad,
  kSkip,  // it cannot be said of this one
  kStop,  // the search is to end
};

struct Bisection {
  enum class End {
    kFound,    // between `good` and `bad`
    kNotBad,   // the last one is good
    kNotGood,  // the first one is bad
    kUnknown,  // the first or the last one cannot be tried
    kStopped,
  };
  End end = End::kUnknown;
  // With kFound: everything up to `good` that was tried is good, `bad` is bad, and what lies
  // between them (nothing, if all goes well) cannot be tried.
  size_t good = 0;
  size_t bad = 0;
  size_t tried = 0;
};

// Of `count` revisions, the oldest first, of which the first should be good and the last bad; at
// least two. `probe` is asked once for each index at most: for both ends first, the bad one before
// the good one, then in the middle, or, if that is skipped, beside it.
Bisection bisect(size_t count, const std::function<Trial(size_t)>& probe);

// How many probes are left at most if none is skipped, with `between` revisions between both ends.
size_t probes_left(size_t between);

}  // namespace tool
