#include "core/kernel/puzzles/puzzle.h"

#include "core/kernel/report.h"
#include "core/kernel/runtime.h"

namespace puzzles {

namespace {

constexpr uint64_t kMaxPoints = 20'000;  // the longest puzzle has a few hundred

bool found;
bool stuck;
uint64_t change_count;

void give_up(kernel::Verdict, const char*) {
  stuck = true;
  sched::abandon();
}

struct Thread {
  void (*body)(unsigned thread);
  unsigned number;
};

void start(void* arg) {
  const Thread& thread = *static_cast<Thread*>(arg);
  sched::point(sched::Point::kStep);
  thread.body(thread.number);
}

}  // namespace

void expect(bool holds) {
  if (!holds) found = true;
}

uint64_t changes() {
  sched::touch(&change_count, false);
  return change_count;
}
void note_change() {
  sched::touch(&change_count, true);
  ++change_count;
  sched::wake_all(&change_count);
}
void wait_for_change(uint64_t seen) {
  while (changes() == seen) sched::spin(&change_count, "a change", nullptr);
}

Outcome run(const Puzzle& puzzle, Version version, sched::Decider& decider) {
  const Program& program = *puzzle.program;
  Thread threads[sched::kMaxThreads];
  found = stuck = false;
  change_count = 0;
  kernel::set_report_handler(give_up);
  kernel::runtime_begin(1, &decider, kMaxPoints);
  program.set_up(puzzle.threads);
  for (unsigned i = 0; i < puzzle.threads; ++i) {
    threads[i] = {version == Version::kFaulty ? program.faulty : program.repaired, i};
    sched::spawn(i, {start, &threads[i], i + 1});
  }
  sched::set_preemptible(true);
  if (sched::run_all() && program.check != nullptr) program.check();
  kernel::runtime_discard();
  kernel::set_report_handler(nullptr);
  if (found) return Outcome::kFound;
  return stuck ? Outcome::kStuck : Outcome::kClean;
}

const Puzzle kAll[kPuzzles] = {
    {"reorder_3",
     "",
     3,
     "2 setters, 1 checker",
     {"5.5", "124", "163.5", "46334 (18/20)", nullptr},
     &kReorder},
    {"reorder_8",
     "reorder_10",
     8,
     "7 setters, 1 checker",
     {"5", "1567.5", "0/20", "0/20", nullptr},
     &kReorder},
    {"reorder_10",
     "",
     10,
     "9 setters, 1 checker",
     {"5", "1567.5", "0/20", "0/20", nullptr},
     &kReorder},
    {"reorder_100",
     "",
     100,
     "99 setters, 1 checker",
     {"5", "7447 (1/20)", "0/20", "0/20", nullptr},
     &kReorder},
    {"twostage_8",
     "twostage_20",
     8,
     "7 writers, 1 reader",
     {"18", "145.5", "162.5", "0/20", nullptr},
     &kTwostage},
    {"twostage_20",
     "",
     20,
     "19 writers, 1 reader",
     {"18", "145.5", "162.5", "0/20", nullptr},
     &kTwostage},
    {"twostage_100",
     "",
     100,
     "99 writers, 1 reader",
     {"25", "3125 (6/20)", "0/20", "0/20", nullptr},
     &kTwostage},
    {"wronglock",
     "",
     8,
     "1 with its lock, 7 with another",
     {"1", "49", "1", "29.5", nullptr},
     &kWronglock},
    {"bluetooth_driver",
     "",
     2,
     "1 request, 1 stop",
     {"45", "111", "42", "90.5", "9"},
     &kBluetoothDriver},
    {"account", "", 3, "1 check, 1 deposit, 1 withdrawal", {}, &kAccount},
    {"lazy", "", 3, "2 adders, 1 check", {}, &kLazy},
    {"aba_stack", "", 2, "1 pops, 1 pops twice and pushes", {}, &kAbaStack},
    {"safestack",
     "",
     3,
     "each pops and pushes twice",
     {"0/20", "0/20", "0/20", "0/20", "0/20"},
     &kSafestack},
};

}  // namespace puzzles
