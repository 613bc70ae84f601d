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

void say(MatrixCell& cell, Seen seen, const std::string& words) {
  cell.seen = std::max(cell.seen, seen);
  if (!words.empty() && std::find(cell.words.begin(), cell.words.end(), words) == cell.words.end())
    cell.words.push_back(words);
}

// All detectors that were on and could have said something.
void add_replay(const Replay& replay, MatrixRow& row) {
  row.replayed = true;
  for (size_t i = 0; i + 1 < columns().size(); i++) {
    const Column& column = columns()[i];
    const bool ours = column.builds.empty();
    if (ours ? replay.checks != "none" : contains(column.builds, replay.build))
      say(row.cells[i], Seen::kNo, "");
  }
  if (replay.verdict.empty()) return;
  say(row.cells[detector_of(replay.verdict)], Seen::kYes,
      fmt::format("{}{}: {}", replay.build, replay.checks == "none" ? " without our checkers" : "",
                  replay.verdict));
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
  for (const Replay& replay : results.replays) {
    if (counts(replay.defect)) add_replay(replay, row_of(replay.defect));
  }
  std::map<std::pair<std::string, std::string>, size_t> hunted;  // defect and words
  std::map<std::pair<std::string, std::string>, size_t> column;
  for (const Trial& trial : results.trials) {
    if (!counts(trial.defect)) continue;
    MatrixRow& row = row_of(trial.defect);
    if (!trial.detected || !trial.error.empty()) continue;
    const size_t detector = detector_of(trial.verdict);
    say(row.cells[detector], Seen::kHunting, "");
    const std::pair key(trial.defect, detectors()[detector].name);
    hunted[key]++;
    column[key] = detector;
  }
  for (const auto& [key, count] : hunted)
    say(rows[key.first].cells[column[key]], Seen::kHunting,
        fmt::format("in {} trial{}", count, count == 1 ? "" : "s"));
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
