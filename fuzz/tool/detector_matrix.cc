#include "fuzz/tool/detector_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fuzz/tool/hunt_summary.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

struct Column {
  Detector detector;
  std::vector<std::string_view> kinds;   // of ours; of a sanitizer its name
  std::vector<std::string_view> builds;  // of a sanitizer: where it looks
};

const std::vector<Column>& columns() {
  static const std::vector<Column> kColumns = {
      {{"ledger", "references: never dropped, dropped twice, taken too late"},
       {"reference-leak", "refcount-underflow", "refcount-resurrect"},
       {}},
      {{"memory", "memory, slots and lists of our allocator"},
       {"object-leak", "double-free", "slot-leak", "list-corruption", "use-after-destroy"},
       {}},
      {{"locks", "lock order, interrupts, atomic context, who holds what"},
       {"lock-order-inversion", "irq-unsafe-lock", "sleep-in-atomic", "unlock-not-owner",
        "lock-destroyed-while-held", "lock-held-at-return"},
       {}},
      {{"RCU", "rules of RCU"}, {"rcu-misuse"}, {}},
      {{"progress", "deadlock, livelock, lost wakeup"},
       {"deadlock", "livelock", "lost-wakeup"},
       {}},
      {{"fences", "the contract of dma_fence"}, {"fence-contract"}, {}},
      {{"results", "errors, results and invariants against what is documented"},
       {"wrong-result", "wrong-errno", "warn-on"},
       {}},
      {{"ASan", "AddressSanitizer alone"}, {"AddressSanitizer"}, {"asan"}},
      {{"LSan", "LeakSanitizer alone"}, {"LeakSanitizer"}, {"asan"}},
      {{"UBSan", "UndefinedBehaviorSanitizer alone"}, {"UndefinedBehaviorSanitizer"}, {"asan"}},
      {{"TSan", "ThreadSanitizer alone"}, {"ThreadSanitizer"}, {"tsan"}},
      {{"MSan", "MemorySanitizer alone"}, {"MemorySanitizer"}, {"msan"}},
      {{"other", "none of these: time limits, signals"}, {}, {}},
  };
  return kColumns;
}

bool contains(const std::vector<std::string_view>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

void say(MatrixCell& cell, Seen seen, const std::string& words = "") {
  cell.seen = std::max(cell.seen, seen);
  if (!words.empty()) cell.words.push_back(words);
}

// In which builds a reproducer ended in a verdict; with our checkers comes first.
using Builds = std::map<std::pair<bool, std::string>, std::vector<std::string>>;

// All detectors that were on could have said something.
void add_replay(const Replay& replay, MatrixRow& row, Builds& builds) {
  row.replayed = true;
  const bool alone = replay.checks == "none";
  for (size_t i = 0; i + 1 < columns().size(); i++) {
    const Column& column = columns()[i];
    const bool ours = column.builds.empty();
    if (ours ? !alone : contains(column.builds, replay.build)) say(row.cells[i], Seen::kNo);
  }
  if (replay.verdict.empty()) return;
  say(row.cells[detector_of(replay.verdict)], Seen::kYes);
  std::vector<std::string>& names = builds[{alone, replay.verdict}];
  if (std::find(names.begin(), names.end(), replay.build) == names.end())
    names.push_back(replay.build);
}

void say_builds(const Builds& builds, MatrixRow& row) {
  for (const auto& [key, names] : builds) {
    const auto& [alone, verdict] = key;
    say(row.cells[detector_of(verdict)], Seen::kYes,
        fmt::format("{}{}: {}", join(names, ", "), alone ? " without our checkers" : "", verdict));
  }
}

// In how many trials each detector had the word.
void say_trials(const std::map<size_t, size_t>& trials, MatrixRow& row) {
  for (const auto& [detector, count] : trials)
    say(row.cells[detector], Seen::kHunting,
        fmt::format("in {} trial{}", count, count == 1 ? "" : "s"));
}

}  // namespace

const std::vector<Detector>& detectors() {
  static const std::vector<Detector> kDetectors = [] {
    std::vector<Detector> all;
    for (const Column& column : columns()) all.push_back(column.detector);
    return all;
  }();
  return kDetectors;
}

size_t detector_of(std::string_view verdict) {
  std::string_view word = trim(verdict);
  word = word.substr(0, word.find_first_of(": "));
  const std::vector<Column>& all = columns();
  for (size_t i = 0; i < all.size(); i++) {
    if (contains(all[i].kinds, word)) return i;
  }
  return all.size() - 1;
}

std::vector<MatrixRow> detector_matrix(const std::vector<Defect>& catalogue,
                                       const HuntResults& results) {
  std::map<std::string, MatrixRow> rows;
  const auto row_of = [&](const std::string& defect) -> MatrixRow& {
    MatrixRow& row = rows[defect];
    row.defect = defect;
    row.cells.resize(columns().size());
    return row;
  };
  const auto counts = [](const std::string& defect) {
    return !defect.empty() && !is_mutant(defect);
  };
  std::map<std::string, Builds> builds;
  for (const Replay& replay : results.replays) {
    if (counts(replay.defect)) add_replay(replay, row_of(replay.defect), builds[replay.defect]);
  }
  std::map<std::string, std::map<size_t, size_t>> trials;
  for (const Trial& trial : results.trials) {
    if (!counts(trial.defect)) continue;
    row_of(trial.defect);
    if (trial.detected && trial.error.empty()) trials[trial.defect][detector_of(trial.verdict)]++;
  }
  for (auto& [name, row] : rows) {
    say_builds(builds[name], row);
    say_trials(trials[name], row);
  }
  for (const Defect& defect : catalogue) {
    MatrixRow& row = row_of(defect.name);
    for (const std::string& expected : defect.detectors) {
      MatrixCell& cell = row.cells[detector_of(expected)];
      if (row.replayed && cell.seen < Seen::kExpected)
        say(cell, Seen::kExpected, "expected: " + expected);
    }
  }
  std::vector<MatrixRow> sorted;
  for (auto& [name, row] : rows) sorted.push_back(std::move(row));
  return sorted;
}

}  // namespace tool
