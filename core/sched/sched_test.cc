// The rules of sched.h, one by one. Jobs write what they do into a log; the log is the assertion.
#include "core/sched/sched.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace {

using sched::Point;
using sched::Preemption;
using sched::Target;

// What the jobs write: shared by all of them without a lock, so nothing in it may be visible to
// TSan, not even the library functions that std::string calls.
class Log {
 public:
  Log& operator+=(char c) {
    if (size_ + 1 < sizeof text_) text_[size_++] = c;
    return *this;
  }
  Log& operator+=(const char* text) {
    while (*text != 0) *this += *text++;
    return *this;
  }
  void clear() {
    while (size_ > 0) text_[--size_] = 0;
  }
  const char* text() const { return text_; }

 private:
  char text_[256] = {};
  size_t size_ = 0;
};

std::string stuck_text;
std::string stuck_where;
int stuck_kind;

struct Scenario {
  std::vector<std::function<void()>> threads;
  std::vector<Preemption> preemptions;
  unsigned cpus = 2;
  uint64_t max_points = 10'000;
  sched::Source softirq{};
  sched::Source worker{};

  // False: the run was stuck, see stuck_text.
  bool operator()() {
    sched::ReplayDecider replay(preemptions.data(), preemptions.size());
    sched::Config config{.cpus = cpus,
                         .max_points = max_points,
                         .decider = &replay,
                         .softirq = softirq,
                         .worker = worker};
    config.on_stuck = [](sched::Stuck kind, const char* where) {
      stuck_kind = static_cast<int>(kind);
      stuck_where = where;
      stuck_text.clear();
      for (unsigned id = 0; id < sched::kContexts; ++id) {
        const sched::Activity activity = sched::activity(id);
        if (activity.what == nullptr) continue;
        stuck_text +=
            std::string(sched::context(id).name) +
            (activity.state == sched::Activity::State::kSpinning ? " spins on " : " sleeps on ") +
            activity.what + (activity.owner ? std::string(" of ") + activity.owner->name : "") +
            "; ";
      }
      sched::abandon();
    };
    sched::begin(config);
    for (unsigned i = 0; i < threads.size(); ++i)
      sched::spawn(i,
                   {[](void* f) { (*static_cast<std::function<void()>*>(f))(); }, &threads[i], i});
    sched::set_preemptible(true);
    return sched::run_all();
  }
};

void points(int n) {
  for (int i = 0; i < n; ++i) sched::point(Point::kStep);
}

TEST(Sched, ThreadsRunOneAfterTheOtherWithoutPreemptions) {
  Log log;
  Scenario run;
  for (char c : {'a', 'b', 'c'})
    run.threads.push_back([&log, c] {
      for (int i = 0; i < 3; ++i) log += c, sched::point(Point::kStep);
    });
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "aaabbbccc");
}

TEST(Sched, PreemptionsSwitchAfterTheGivenNumberOfPoints) {
  Log log;
  Scenario run;
  for (char c : {'a', 'b'})
    run.threads.push_back([&log, c] {
      for (int i = 0; i < 4; ++i) log += c, sched::point(Point::kStep);
    });
  run.preemptions = {{2, Target{1}}, {1, Target{0}}};
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "aabaabbb");
}

TEST(Sched, PreemptionToAFinishedThreadIsIgnored) {
  Log log;
  Scenario run;
  run.threads.push_back([&] { log += 'a', points(3), log += 'a'; });
  run.preemptions = {{1, Target{5}}, {1, Target::kWorker}, {1, Target::kSoftirq}};
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "aa");
}

TEST(Sched, SameInputSameTrace) {
  auto once = [] {
    Scenario run;
    for (int t = 0; t < 3; ++t) run.threads.push_back([] { points(20); });
    run.preemptions = {{3, Target{1}}, {4, Target{2}}, {5, Target{0}}};
    run();
    return sched::trace();
  };
  const sched::Trace first = once(), second = once();
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_EQ(first.points, 60u);
  EXPECT_NE(first.hash, 0u);
}

TEST(Sched, WhatARandomDeciderDidReplaysFromItsRecord) {
  auto body = [](Log* log, char c) {
    return [log, c] {
      for (int i = 0; i < 30; ++i) *log += c, sched::point(Point::kStep);
    };
  };
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Log random_log, replay_log;
    std::vector<std::function<void()>> threads;
    for (char c : {'a', 'b', 'c'}) threads.push_back(body(&random_log, c));
    sched::RandomDecider random(seed, 8);
    sched::Config config{.decider = &random};
    sched::begin(config);
    for (unsigned i = 0; i < 3; ++i)
      sched::spawn(i,
                   {[](void* f) { (*static_cast<std::function<void()>*>(f))(); }, &threads[i], i});
    sched::set_preemptible(true);
    ASSERT_TRUE(sched::run_all());
    const sched::Trace trace = sched::trace();
    unsigned count;
    const Preemption* taken = sched::taken_preemptions(&count);
    Scenario run;
    run.preemptions.assign(taken, taken + count);
    for (char c : {'a', 'b', 'c'}) run.threads.push_back(body(&replay_log, c));
    ASSERT_TRUE(run());
    EXPECT_STREQ(random_log.text(), replay_log.text());
    EXPECT_EQ(trace.hash, sched::trace().hash) << "seed " << seed;
  }
}

// --- interrupts ---

Log* irq_log;
void irq_handler(void* arg) {
  *irq_log += static_cast<const char*>(arg);
  sched::point(Point::kStep);
  *irq_log += '.';
}
char irq_arg[] = "I";

TEST(Sched, InterruptRunsOnTopOfItsCpuAndToItsEnd) {
  Log log;
  irq_log = &log;
  Scenario run;
  run.threads.push_back([&] {
    log += 'a';
    sched::raise_irq(0, {irq_handler, irq_arg, 0});
    log += 'b';
    sched::point(Point::kStep);
    log += 'c';
  });
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "abI.c");
}

TEST(Sched, InterruptComesBeforeAPreemptionAtTheSamePoint) {
  Log log;
  irq_log = &log;
  Scenario run;
  run.threads = {[&] {
                   sched::raise_irq(0, {irq_handler, irq_arg, 0});
                   sched::point(Point::kStep);
                   log += 'a';
                 },
                 [&] { log += 'b'; }};
  run.preemptions = {{1, Target{1}}};
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "I.ba");
}

TEST(Sched, InterruptWaitsUntilItsCpuEnablesInterrupts) {
  Log log;
  irq_log = &log;
  Scenario run;
  run.threads.push_back([&] {
    ++sched::current()->irq_off;
    sched::raise_irq(0, {irq_handler, irq_arg, 0});
    points(3);
    log += 'a';
    --sched::current()->irq_off;
    sched::point(Point::kIrqEnable);
    log += 'b';
  });
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "aI.b");
}

TEST(Sched, InterruptOnAnotherCpuArrivesAtOnce) {
  Log log;
  irq_log = &log;
  Scenario run;
  run.threads.push_back([&] {
    ++sched::current()->irq_off;
    sched::raise_irq(1, {irq_handler, irq_arg, 0});
    sched::point(Point::kStep);
    log += 'a';
    --sched::current()->irq_off;
  });
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "I.a");
}

TEST(Sched, InterruptsOfTheLaneComeWhenTheScheduleSaysSoAndElseWhenIdle) {
  Log log;
  irq_log = &log;
  const sched::Job jobs[] = {{irq_handler, irq_arg, 7}, {irq_handler, irq_arg, 8}};
  const uint8_t cpus[] = {0, 1};
  std::vector<Preemption> list = {{2, Target::kIrq}};
  sched::ReplayDecider replay(list.data(), list.size());
  sched::Config config{.decider = &replay};
  sched::begin(config);
  std::function<void()> body = [&] {
    for (int i = 0; i < 4; ++i) log += 'a', sched::point(Point::kStep);
  };
  sched::spawn(0, {[](void* f) { (*static_cast<std::function<void()>*>(f))(); }, &body, 0});
  sched::set_irq_lane(jobs, cpus, 2);
  sched::set_preemptible(true);
  EXPECT_TRUE(sched::run_all());
  EXPECT_STREQ(log.text(), "aaI.aaI.");
}

TEST(Sched, ThreadWithPreemptionDisabledKeepsItsCpuButNotTheOthers) {
  Log log;
  Scenario run;
  run.threads = {[&] {
                   ++sched::current()->preempt_off;
                   log += 'a', points(2), log += 'a';
                   --sched::current()->preempt_off;
                 },
                 [&] { log += 'b'; }, [&] { log += 'c'; }};
  run.preemptions = {{1, Target{2}}, {1, Target{1}}};  // thread 2 shares CPU 0 with thread 0
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "abac");
}

// --- waiting ---

TEST(Sched, SleepersWakeAndTimeMovesOnlyWhenIdle) {
  static char channel;
  Log log;
  Scenario run;
  run.threads = {[&] {
                   sched::prepare_to_sleep();
                   log += sched::sleep(&channel, "channel", nullptr, sched::kForever) ? 'w' : 't';
                   EXPECT_EQ(sched::now(), 0u);
                   sched::prepare_to_sleep();
                   log += sched::sleep(&channel, "channel", nullptr, 500) ? 'w' : 't';
                   EXPECT_EQ(sched::now(), 500u);
                 },
                 [&] { points(5), sched::wake_all(&channel), log += 'b'; }};
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "bwt");
}

TEST(Sched, AWakeUpBeforeTheSleepIsNotLost) {
  bool woken = false;
  Scenario run;
  run.threads = {[&] {
                   sched::prepare_to_sleep();
                   sched::point(Point::kStep);  // thread 1 wakes us here
                   woken = sched::sleep(&woken, "", nullptr, sched::kForever);
                 },
                 [] { sched::wake(sched::context(0)); }};
  run.preemptions = {{1, Target{1}}};
  EXPECT_TRUE(run());
  EXPECT_TRUE(woken);
}

TEST(Sched, NothingRunnableIsADeadlockAndSaysWhoWaits) {
  static char a, b;
  Scenario run;
  run.threads = {[] { sched::spin(&a, "lock a", &sched::context(1)); },
                 [] { sched::spin(&b, "lock b", &sched::context(0)); }};
  EXPECT_FALSE(run());
  EXPECT_EQ(stuck_kind, static_cast<int>(sched::Stuck::kDeadlock));
  EXPECT_EQ(stuck_where, "lock a");
  EXPECT_EQ(stuck_text, "t0 spins on lock a of t1; t1 spins on lock b of t0; ");
}

TEST(Sched, AnInterruptThatWaitsForTheThreadBelowIsADeadlockAtOnce) {
  static char lock;
  Scenario run;
  run.threads = {[] {
                   sched::raise_irq(
                       0,
                       {[](void*) { sched::spin(&lock, "lock", &sched::context(0)); }, nullptr, 0});
                   points(2);
                 },
                 [] { points(1000); }};
  EXPECT_FALSE(run());
  EXPECT_EQ(stuck_where, "lock");
  EXPECT_LT(sched::trace().points, 10u);
}

TEST(Sched, EndlessRunIsALivelock) {
  Scenario run;
  run.max_points = 500;
  run.threads = {[] {
    for (;;) sched::point(Point::kStep);
  }};
  EXPECT_FALSE(run());
  EXPECT_EQ(stuck_kind, static_cast<int>(sched::Stuck::kLivelock));
}

TEST(Sched, ARunAfterAnAbandonedOneIsClean) {
  static char never;
  Scenario stuck_run;
  stuck_run.threads = {[] {
    sched::prepare_to_sleep();
    sched::sleep(&never, "never", nullptr, sched::kForever);
  }};
  EXPECT_FALSE(stuck_run());
  Log log;
  Scenario run;
  run.threads = {[&] { log += 'a'; }};
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "a");
}

// --- softirqs, workers, timers ---

int jobs_left;
Log* job_log;
bool take_job(sched::Job* job) {
  if (jobs_left == 0) return false;
  --jobs_left;
  *job = {[](void*) { *job_log += 'j', sched::point(Point::kStep), *job_log += '.'; }, nullptr, 0};
  return true;
}

TEST(Sched, SoftirqsAndWorkersRunWhenNamedAndWhenIdle) {
  for (Target target : {Target::kSoftirq, Target::kWorker}) {
    Log log;
    job_log = &log;
    jobs_left = 2;
    Scenario run;
    (target == Target::kSoftirq ? run.softirq : run.worker).take = take_job;
    run.threads = {[&] {
      for (int i = 0; i < 3; ++i) log += 'a', sched::point(Point::kStep);
    }};
    run.preemptions = {{1, target}};
    EXPECT_TRUE(run());
    const std::string text = log.text();
    EXPECT_TRUE(text == "aj.aaj." || text == "ajj..aa" || text == "aj.j.aa") << text;
  }
}

TEST(Sched, APreemptionMayLetTimePass) {
  static Log log;
  log.clear();
  sched::Timer timer;
  timer.fire = [](sched::Timer*) { log += '!'; };
  Scenario run;
  run.threads = {[&] {
    sched::timer_start(timer, 20);
    for (int i = 0; i < 3; ++i) log += 'a', sched::point(Point::kStep);
    EXPECT_EQ(sched::now(), 20u);
  }};
  run.preemptions = {{2, Target::kTimer}, {1, Target::kTimer}};  // the second finds no timer
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "aa!a");
}

TEST(Sched, TimersFireInOrderOfTimeThenOfStart) {
  static Log log;
  log.clear();
  sched::Timer timers[3];
  timers[0].fire = [](sched::Timer*) { log += 'a'; };
  timers[1].fire = [](sched::Timer*) { log += 'b'; };
  timers[2].fire = [](sched::Timer*) { log += 'c'; };
  Scenario run;
  run.threads = {[&] {
    sched::timer_start(timers[0], 20);
    sched::timer_start(timers[1], 10);
    sched::timer_start(timers[2], 10);
    EXPECT_TRUE(sched::timer_cancel(timers[2]));
    EXPECT_FALSE(sched::timer_cancel(timers[2]));
    sched::timer_start(timers[2], 10);
  }};
  EXPECT_TRUE(run());
  EXPECT_STREQ(log.text(), "bca");
  EXPECT_EQ(sched::now(), 20u);
}

}  // namespace
