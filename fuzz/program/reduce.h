// Makes an input smaller, step by step, as long as a predicate keeps holding: what the minimizers
// of all input forms share. Pure: the same answers of the predicate give the same result.
//
// An input is operations and a schedule that counts scheduling points. Whatever is taken away from
// the operations moves the points, and a preemption would then come at another place and seem to
// need the operation. So a candidate that fails is tried once more with its preemptions back at the
// operation and the point of it at which they were; where those are comes from the `points` of a
// run. Without them, a few smaller counts are tried.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace reduce {

// So many scheduling points in a row belonged to operation `op` (from 1; 0: to none).
struct Span {
  uint32_t op;
  uint32_t points;
};
// A run from its first point that counts to its last one.
using Points = std::vector<Span>;

struct Limits {
  uint64_t questions = 100'000;  // at most so many calls of the predicate
  std::function<bool()> stop;    // true: no more of them; empty: never
};

template <typename Input>
struct Result {
  Input input;
  uint64_t questions = 0;  // calls of the predicate
  bool minimal = false;    // false: the limits ended the search before its fixpoint
};

// One input on the way to a smaller one. Remembers where its operations and preemptions come from.
template <typename Input>
struct Candidate {
  explicit Candidate(Input from) : input(std::move(from)) {
    for (size_t i = 0; i < input.ops.size(); i++) ops.push_back(i);
    for (size_t i = 0; i < input.schedule.size(); i++) preemptions.push_back(i);
  }

  void drop_ops(size_t begin, size_t end) {
    erase(input.ops, begin, end);
    erase(ops, begin, end);
  }
  void move_op(size_t from, size_t to) {
    move(input.ops, from, to);
    move(ops, from, to);
  }
  // Those that follow stay where they are, or come earlier by as much as these waited.
  void drop_preemptions(size_t begin, size_t end, bool others_stay) {
    auto& schedule = input.schedule;
    if (others_stay && end < schedule.size()) {
      for (size_t i = begin; i < end; i++) schedule[end].after += std::max(schedule[i].after, 1u);
    }
    erase(schedule, begin, end);
    erase(preemptions, begin, end);
  }

  // Preemption `index` waits for fewer points; the next one comes when it came, or earlier.
  void shorten_wait(size_t index, uint32_t after, bool others_stay) {
    auto& schedule = input.schedule;
    if (others_stay && index + 1 < schedule.size())
      schedule[index + 1].after += schedule[index].after - after;
    schedule[index].after = after;
    moved = true;
  }

  Input input;
  std::vector<size_t> ops;          // operation i of `input` is ops[i] of the original
  std::vector<size_t> preemptions;  // likewise
  bool moved = false;               // a preemption is meant to come at another place

 private:
  template <typename T>
  static void erase(std::vector<T>& list, size_t begin, size_t end) {
    list.erase(list.begin() + static_cast<ptrdiff_t>(begin),
               list.begin() + static_cast<ptrdiff_t>(end));
  }
  template <typename T>
  static void move(std::vector<T>& list, size_t from, size_t to) {
    auto at = [&](size_t i) { return list.begin() + static_cast<ptrdiff_t>(i); };
    if (from < to) std::rotate(at(from), at(from + 1), at(to + 1));
    if (to < from) std::rotate(at(to), at(from), at(from + 1));
  }
};

// The point at which a preemption takes effect: the `nth` (from 1) of an operation (as in Span).
struct Anchor {
  uint32_t op = 0;
  uint32_t nth = 0;  // 0: not known
  bool operator==(const Anchor&) const = default;
};

// Points are counted from 1.
Anchor anchor_at(const Points& points, uint64_t position);
// 0: it is not there. An operation that has become shorter: its last point.
uint64_t position_of(const Points& points, const Anchor& anchor);
uint64_t count(const Points& points);

// Ways to write a number more simply, the simplest first: `preset`, small ones, then less and less
// below it. For numbers up to 65535 the last one is one less.
std::vector<uint64_t> simpler_numbers(uint64_t number, uint64_t preset = 0);

// Model says what an input form is made of:
//   Input     the input: vectors `ops` and `schedule`; elements of the latter have a number `after`
//   Edit      one step towards a simpler input
//   static std::vector<Edit> edits(const Input&, bool nearby)   all steps, the most rewarding
//   first;
//             nearby: also those that shorten the wait of a preemption for a removed operation
//   static void apply(Candidate<Input>&, const Edit&)
//   static std::vector<uint64_t> measure(const Input&)  what is simpler is less; each step must be
//   static std::string key(const Input&)                tells inputs apart
//   static uint32_t longest_wait                        the largest `after`
template <typename Model>
class Reducer {
 public:
  using Input = typename Model::Input;
  using Predicate = std::function<bool(const Input&)>;
  // The points of a run with the input; empty: not known.
  using PointsOf = std::function<Points(const Input&)>;

  Reducer(Predicate holds, PointsOf points, Limits limits)
      : holds_(std::move(holds)), points_of_(std::move(points)), limits_(std::move(limits)) {}

  // The predicate must hold for `input`.
  Result<Input> run(Input input) {
    adopt(std::move(input));
    std::string before;
    do {
      before = Model::key(best_);
      drop_schedule();
      drop_runs(best_.ops.size(), [this](auto... run) { return drop_ops(run...); });
      drop_runs(best_.schedule.size(), [this](auto... run) { return drop_preemptions(run...); });
      take_steps();
    } while (!out_of_questions_ && Model::key(best_) != before);
    return {best_, questions_, !out_of_questions_};
  }

 private:
  void adopt(Input input) {
    best_ = std::move(input);
    measure_ = Model::measure(best_);
    best_points_.clear();
    if (points_of_ && !best_.schedule.empty()) best_points_ = points_of_(best_);
  }

  // Asks, once for each input.
  bool holds(const Input& input) {
    std::string key = Model::key(input);
    if (rejected_.contains(key)) return false;
    if (out_of_questions_ || questions_ >= limits_.questions || (limits_.stop && limits_.stop())) {
      out_of_questions_ = true;
      return false;
    }
    questions_++;
    if (holds_(input)) return true;
    rejected_.insert(std::move(key));
    return false;
  }

  bool keep(const Input& input) {
    if (!holds(input)) return false;
    adopt(input);
    return true;
  }

  bool attempt(const Candidate<Input>& candidate) {
    if (!(Model::measure(candidate.input) < measure_)) return false;
    auto too_long = [](const auto& preemption) { return preemption.after > Model::longest_wait; };
    const auto& schedule = candidate.input.schedule;
    if (std::any_of(schedule.begin(), schedule.end(), too_long)) return false;
    if (keep(candidate.input)) return true;
    if (out_of_questions_ || best_points_.empty() || schedule.empty() || candidate.moved)
      return false;
    return keep(anchored(candidate));
  }

  // Operation `op` of the best input (as in Span) in the candidate; 0: it is gone.
  static uint32_t survivor(const Candidate<Input>& candidate, uint32_t op) {
    auto found = std::find(candidate.ops.begin(), candidate.ops.end(), size_t{op} - 1);
    return found == candidate.ops.end() ? 0
                                        : static_cast<uint32_t>(found - candidate.ops.begin()) + 1;
  }

  // Where preemption `index` of the candidate took effect before, in the candidate's operations; if
  // that one is gone, where the next one goes on.
  Anchor wanted(const Candidate<Input>& candidate, size_t index) const {
    uint64_t position = 0;
    for (size_t i = 0; i <= candidate.preemptions[index]; i++) {
      position += std::max<uint64_t>(best_.schedule[i].after, 1);
    }
    for (uint64_t last = count(best_points_); position <= last; position++) {
      Anchor anchor = anchor_at(best_points_, position);
      if (anchor.op != 0) anchor.op = survivor(candidate, anchor.op);
      if (anchor.op != 0) return anchor;
    }
    return {};
  }

  // The candidate with its preemptions where they were before. One after the other, as the points
  // beyond a preemption are known only once it comes at its place.
  Input anchored(const Candidate<Input>& candidate) {
    Input input = candidate.input;
    uint64_t previous = 0;
    for (size_t i = 0; i < input.schedule.size(); i++) {
      uint32_t& after = input.schedule[i].after;
      uint64_t position = previous + std::max<uint64_t>(after, 1);
      Anchor anchor = wanted(candidate, i);
      if (anchor.nth != 0 && anchor_at(points_of_(input), position) != anchor) {
        Input so_far = input;
        so_far.schedule.resize(i);
        uint64_t there = position_of(points_of_(so_far), anchor);
        if (there > previous && there - previous <= Model::longest_wait) position = there;
        after = static_cast<uint32_t>(position - previous);
      }
      previous = position;
    }
    return input;
  }

  void drop_schedule() {
    if (best_.schedule.empty()) return;
    Candidate<Input> candidate(best_);
    candidate.drop_preemptions(0, best_.schedule.size(), false);
    attempt(candidate);
  }

  bool drop_ops(size_t begin, size_t end) {
    Candidate<Input> candidate(best_);
    candidate.drop_ops(begin, end);
    return attempt(candidate);
  }

  bool drop_preemptions(size_t begin, size_t end) {
    Candidate<Input> candidate(best_);
    candidate.drop_preemptions(begin, end, true);
    return attempt(candidate);
  }

  // Halves, quarters, ... down to pairs; single ones are steps.
  template <typename Drop>
  void drop_runs(size_t size, Drop drop) {
    for (size_t length = size / 2; length >= 2; length /= 2) {
      for (size_t end = size; end >= length;) {
        bool dropped = drop(end - length, end);
        if (dropped) size -= length;
        end -= std::min(end, length);
      }
    }
  }

  // Until a whole round of steps has been in vain.
  void take_steps() {
    std::vector<typename Model::Edit> edits;
    auto list = [&] { edits = Model::edits(best_, best_points_.empty()); };
    list();
    size_t at = 0;
    size_t in_vain = 0;
    while (in_vain < edits.size() && !out_of_questions_) {
      if (at >= edits.size()) at = 0;
      Candidate<Input> candidate(best_);
      Model::apply(candidate, edits[at]);
      if (attempt(candidate)) {
        list();
        in_vain = 0;
      } else {
        at++;
        in_vain++;
      }
    }
  }

  Predicate holds_;
  PointsOf points_of_;
  Limits limits_;
  Input best_;
  std::vector<uint64_t> measure_;
  Points best_points_;  // empty: not known, or not needed
  std::unordered_set<std::string> rejected_;
  uint64_t questions_ = 0;
  bool out_of_questions_ = false;
};

// Every input that is one step simpler, by a step that does not look at the points of a run.
template <typename Model>
std::vector<typename Model::Input> steps(const typename Model::Input& input) {
  const std::vector<uint64_t> measure = Model::measure(input);
  std::vector<typename Model::Input> simpler;
  for (const typename Model::Edit& edit : Model::edits(input, false)) {
    Candidate<typename Model::Input> candidate(input);
    Model::apply(candidate, edit);
    if (Model::measure(candidate.input) < measure) simpler.push_back(std::move(candidate.input));
  }
  return simpler;
}

}  // namespace reduce
