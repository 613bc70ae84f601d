#include "core/kernel/puzzles/search.h"

#include "core/sched/explorer.h"

namespace puzzles {

namespace {

// No preemptions; counts the decision points.
class Length final : public sched::Decider {
 public:
  uint32_t next() override { return 1; }
  sched::Target decide(const sched::Choice& choice) override {
    points_ = choice.points;
    return sched::kStay;
  }
  uint32_t points() const { return points_; }

 private:
  uint32_t points_ = 1;
};

Search search_bounded(const Puzzle& puzzle, Version version, uint64_t limit) {
  Search search{};
  for (unsigned bound = 0; bound <= sched::Explorer::kMaxPreemptions; ++bound) {
    search.preemptions = bound;
    sched::Explorer explorer(bound, true);
    while (sched::Decider* decider = explorer.next()) {
      if (search.schedules == limit) return search;
      ++search.schedules;
      search.found = run(puzzle, version, *decider) == Outcome::kFound;
      if (search.found) return search;
    }
  }
  return search;
}

}  // namespace

Search search(const Puzzle& puzzle, Version version, const Searcher& searcher, uint64_t seed,
              uint64_t limit) {
  if (searcher.method == Method::kBounded) return search_bounded(puzzle, version, limit);
  Search search{};
  sched::Random seeds(seed);
  Length length;
  if (searcher.method == Method::kPct) {
    ++search.schedules;
    search.found = run(puzzle, version, length) == Outcome::kFound;
  }
  while (!search.found && search.schedules < limit) {
    ++search.schedules;
    Outcome outcome;
    if (searcher.method == Method::kPct) {
      sched::PctDecider pct(seeds.draw(), searcher.parameter, length.points());
      outcome = run(puzzle, version, pct);
    } else {
      sched::RandomDecider random(seeds.draw(), searcher.parameter);
      outcome = run(puzzle, version, random);
    }
    search.found = outcome == Outcome::kFound;
  }
  return search;
}

}  // namespace puzzles
