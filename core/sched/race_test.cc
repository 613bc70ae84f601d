// TSan judges logical threads: a counter without a lock is reported on every replay, one under a
// lock never. The test runs itself again with TSan told to report every race and to go on.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "core/sched/sanitizer.h"
#include "core/sched/sched.h"

namespace {

#if defined(FENCEBENCH_TSAN)

constexpr int kReplays = 1000;
constexpr char kChild[] = "FENCEBENCH_RACE_TEST_CHILD";

int counter;
const sched::Context* lock_owner;
bool locked;
int reports;

// A lock as a primitive would build it: waiting through the executor, ordering through TSan's
// edges. What it keeps is the executor's kind of state, so TSan does not look at it.
__attribute__((no_sanitize("thread"))) void lock() {
  sched::point(sched::Point::kLock);
  while (lock_owner != nullptr) sched::spin(&lock_owner, "counter_lock", lock_owner);
  lock_owner = sched::current();
  __tsan_acquire(&lock_owner);
}
__attribute__((no_sanitize("thread"))) void unlock() {
  __tsan_release(&lock_owner);
  lock_owner = nullptr;
  sched::wake_all(&lock_owner);
  sched::point(sched::Point::kUnlock);
}

void increment(void*) {
  for (int i = 0; i < 4; ++i) {
    if (locked) lock();
    const int before = counter;
    sched::point(sched::Point::kStep);
    counter = before + 1;
    if (locked) unlock();
  }
}

// Replays in which TSan reported at least one race.
int replays_with_report() {
  const sched::Preemption preemptions[] = {{2, sched::Target{1}}, {3, sched::Target{0}}};
  int found = 0;
  for (int i = 0; i < kReplays; ++i) {
    sched::ReplayDecider replay(preemptions, 2);
    sched::Config config{.decider = &replay};
    sched::begin(config);
    counter = reports = 0;
    sched::spawn(0, {increment, nullptr, 0});
    sched::spawn(1, {increment, nullptr, 0});
    sched::set_preemptible(true);
    sched::run_all();
    if (reports > 0) ++found;
    if (locked && counter != 8) std::abort();
  }
  return found;
}

// Runs this executable again for one mode; its exit status tells whether the count was as expected.
int run_child(const char* mode) {
  const pid_t child = fork();
  if (child == 0) {
    setenv(kChild, mode, 1);
    setenv("TSAN_OPTIONS",
           "halt_on_error=0:exitcode=0:suppress_equal_stacks=0:suppress_equal_addresses=0:"
           "report_bugs=1:log_path=/dev/null:atexit_sleep_ms=0",
           1);
    execl("/proc/self/exe", "sched_test", "--gtest_filter=RaceChild.*", nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(RaceChild, CountsReports) {
  const char* mode = std::getenv(kChild);
  locked = mode == nullptr || mode[0] == 'l';  // unlocked only as the child of the test below
  EXPECT_EQ(replays_with_report(), locked ? 0 : kReplays);
}

TEST(Race, UnlockedCounterIsReportedOnEachOfThousandReplays) {
  EXPECT_EQ(run_child("unlocked"), 0);
}
TEST(Race, LockedCounterIsNeverReported) { EXPECT_EQ(run_child("locked"), 0); }

#endif

}  // namespace

#if defined(FENCEBENCH_TSAN)
// Called with TSan's own locks held: must not be instrumented itself.
extern "C" __attribute__((no_sanitize("thread"))) void __tsan_on_report(void*) { ++reports; }
#endif
