// Feedback: which runs set which counters.
#include "fuzz/targets/feedback.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/sched/observer.h"
#include "core/sched/sched.h"

// The linker's: where the section begins and ends.
extern uint8_t first_counter asm("__start___libfuzzer_extra_counters");
extern uint8_t counters_end asm("__stop___libfuzzer_extra_counters");
extern uint32_t first_guard asm("__start___sancov_guards");
extern uint32_t guards_end asm("__stop___sancov_guards");

// Stands for the engine's, which no sanitizer watches either: logical threads call it in turn.
static unsigned edges;
extern "C" __attribute__((no_sanitize("thread"))) void __sanitizer_cov_trace_pc_guard(uint32_t*) {
  ++edges;
}

namespace {

using sched::Point;
using sched::Preemption;
using sched::Target;

constexpr Target kT0{0}, kT1{1}, kT2{2};
using Body = std::function<void()>;
using Counters = std::set<size_t>;

void touch(uint32_t object) { sched::point(Point::kLock, object); }

void returns() { sched::observe({.kind = sched::EventKind::kResult}); }

void changes_state(const char* what, const char* from, const char* to) {
  sched::observe({.kind = sched::EventKind::kState, .what = what, .role = to, .from_role = from});
}

// The counters that a run sets. Thread i, if it has something to do, works for the operation i + 1,
// whose kind is its tag.
Counters counters_of(std::vector<Body> threads, std::vector<Preemption> preemptions) {
  give_feedback([](uint32_t tag) { return static_cast<unsigned>(tag); });
  std::fill(&first_counter, &counters_end, uint8_t{0});
  feedback_run_begins();
  sched::ReplayDecider decider(preemptions.data(), preemptions.size());
  const sched::Config config{.decider = &decider};
  sched::begin(config);
  for (unsigned i = 0; i < threads.size(); ++i) {
    const auto run = [](void* body) { (*static_cast<Body*>(body))(); };
    if (threads[i]) sched::spawn(i, {run, &threads[i], i + 1});
  }
  sched::set_preemptible(true);
  sched::run_all();
  sched::set_observer(nullptr);
  Counters set;
  for (uint8_t* counter = &first_counter; counter != &counters_end; ++counter)
    if (*counter != 0) set.insert(static_cast<size_t>(counter - &first_counter));
  return set;
}

// Touches the object twice. It may be cut into at each of the two, before what it does there.
Body twice(uint32_t object) {
  return [object] {
    touch(object);
    touch(object);
  };
}

const std::vector<Preemption> kInTheMiddle = {{1, kT1}};

TEST(Feedback, OperationsThatInterleaveOnOneObjectSetACounter) {
  EXPECT_EQ(counters_of({twice(5), twice(5)}, kInTheMiddle).size(), 1u);
}

TEST(Feedback, OneAfterTheOtherSetsNone) {
  EXPECT_EQ(counters_of({twice(5), twice(5)}, {}), Counters{});
}

TEST(Feedback, InterleavedOnDifferentObjectsTheySetNone) {
  EXPECT_EQ(counters_of({twice(5), twice(6)}, kInTheMiddle), Counters{});
}

TEST(Feedback, WhatHasReturnedIsNotUnderWay) {
  const Body first = [] {
    touch(5);
    returns();
    sched::point(Point::kStep);
  };
  EXPECT_EQ(counters_of({first, twice(5)}, {{2, kT1}}), Counters{});
  EXPECT_EQ(counters_of({first, twice(5)}, {{1, kT1}}).size(), 1u);
}

TEST(Feedback, WhoIsCutIntoAndByWhomTellsCountersApart) {
  const Body late = [] {
    sched::point(Point::kStep);
    touch(5);
  };
  const Counters by_second = counters_of({late, twice(5)}, {{2, kT1}});
  const Counters by_first = counters_of({late, twice(5)}, {{1, kT1}, {1, kT0}});
  EXPECT_EQ(by_second.size(), 1u);
  EXPECT_EQ(by_first.size(), 1u);
  EXPECT_NE(by_second, by_first);
  EXPECT_NE(counters_of({late, {}, twice(5)}, {{2, kT2}}), by_second);
}

TEST(Feedback, ThreeAtATimeSetAnother) {
  const std::vector<Body> three = {twice(5), twice(5), twice(5)};
  const Counters pair = counters_of(three, {{1, kT1}, {2, kT0}});
  const Counters at_a_time = counters_of(three, {{1, kT1}, {1, kT2}});
  EXPECT_GT(at_a_time.size(), 1u);
  EXPECT_FALSE(std::includes(pair.begin(), pair.end(), at_a_time.begin(), at_a_time.end()));
  // The third one meets the second one otherwise than if there were no first.
  const Counters without_first = counters_of({{}, twice(5), twice(5)}, {{1, kT2}});
  EXPECT_FALSE(std::includes(at_a_time.begin(), at_a_time.end(), without_first.begin(),
                             without_first.end()));
}

TEST(Feedback, AStateTransitionSetsACounter) {
  const auto of = [](const char* what, const char* from, const char* to) {
    return counters_of({[=] { changes_state(what, from, to); }}, {});
  };
  const Counters mapped = of("queue", "unmapped", "mapped");
  EXPECT_EQ(mapped.size(), 1u);
  EXPECT_NE(of("queue", "mapped", "unmapped"), mapped);
  EXPECT_NE(of("queue", "unmapped", "hung"), mapped);
  EXPECT_NE(of("queue", "hung", "mapped"), mapped);
  EXPECT_NE(of("fence", "unmapped", "mapped"), mapped);
}

TEST(Feedback, StatesAndMeetingsHaveCountersOfTheirOwn) {
  const Counters both = counters_of({[] {
                                       touch(5);
                                       changes_state("queue", "unmapped", "mapped");
                                       touch(5);
                                     },
                                     twice(5)},
                                    kInTheMiddle);
  EXPECT_EQ(both.size(), 2u);
}

// As an engine that counts edges sees it: it numbers the guards.
TEST(Feedback, WhereThereAreGuardsACounterIsAnEdgeOnceARun) {
  edges = 0;
  counters_of({twice(5), twice(5)}, kInTheMiddle);
  EXPECT_EQ(edges, 0u);
  std::fill(&first_guard, &guards_end, uint32_t{1});
  counters_of({twice(5), twice(5)}, kInTheMiddle);
  EXPECT_EQ(edges, 1u);
  counters_of({twice(5), twice(5), twice(5)}, {{1, kT1}, {1, kT2}});
  EXPECT_GT(edges, 2u);
  std::fill(&first_guard, &guards_end, uint32_t{0});
}

// Such an engine does not clear our counters.
TEST(Feedback, WhereThereAreGuardsEachRunBeginsAnew) {
  std::fill(&first_guard, &guards_end, uint32_t{1});
  give_feedback([](uint32_t tag) { return static_cast<unsigned>(tag); });
  first_counter = 1;
  feedback_run_begins();
  EXPECT_EQ(first_counter, 0);
  std::fill(&first_guard, &guards_end, uint32_t{0});
  sched::set_observer(nullptr);
}

TEST(Feedback, TheSameRunSetsTheSameCounters) {
  const auto once = [] {
    return counters_of({twice(5), twice(5), twice(5)}, {{1, kT1}, {1, kT2}, {1, kT0}});
  };
  const Counters first = once();
  EXPECT_FALSE(first.empty());
  counters_of({twice(7), twice(7)}, kInTheMiddle);
  EXPECT_EQ(once(), first);
}

// What was under way when a run was given up is not in the next one.
TEST(Feedback, RunsKnowNothingOfEachOther) {
  counters_of({[] {
                touch(5);
                sched::abandon();
              }},
              {});
  EXPECT_EQ(counters_of({twice(6), twice(5)}, kInTheMiddle), Counters{});
}

TEST(Feedback, CountersDoNotDependOnAddresses) {
  const auto once = [](const std::string& what, int& location) {
    return counters_of({[&] {
                          sched::access(Point::kWrite, &location);
                          touch(5);
                          changes_state(what.c_str(), "pending", "signaled");
                          sched::access(Point::kWrite, &location);
                        },
                        [&] {
                          sched::access(Point::kWrite, &location);
                          touch(5);
                        }},
                       {{2, kT1}});
  };
  const std::string here = "a fence with a name", there = "a fence with a name";
  ASSERT_NE(here.c_str(), there.c_str());
  int places[64] = {};
  const Counters first = once(here, places[0]);
  EXPECT_EQ(first.size(), 2u);
  EXPECT_EQ(once(there, places[63]), first);
}

}  // namespace
