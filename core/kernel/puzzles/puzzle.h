// Scheduling puzzles: small programs with one bug that only some schedules show. They are those of
// SCTBench that other tools were measured with, written anew from their descriptions on our
// primitives, so that deciders can be compared (decider_bench.cc); and a stack with the ABA bug.
//
// Each access to a shared variable and each lock operation is a scheduling point, and so is the
// start of each thread. Threads exist from the beginning instead of being created one by one.
// Memory is sequentially consistent, as in the published runs.
#pragma once

#include <cstdint>

#include "core/sched/sched.h"

namespace puzzles {

// Median schedules to the first bug over the trials that found it, with how many did if not all
// 20, as published for trials of five minutes; nullptr if we know of no figure.
struct Published {
  const char* rff;  // reads-from fuzzing
  const char* pct;  // depth 3
  const char* pos;  // partial order sampling
  const char* q_learning;
  const char* period;
};

struct Program {
  void (*set_up)(unsigned threads);
  void (*faulty)(unsigned thread);    // what thread 0..threads-1 does
  void (*repaired)(unsigned thread);  // the nearest correct program
  void (*check)();                    // after the last thread; may be nullptr
};

struct Puzzle {
  const char* name;   // the published one with the number of threads that run here
  const char* of;     // the published one, if that has another number of threads; else ""
  unsigned threads;   // may be more than sched::kMaxThreads: then it cannot run (see fits())
  const char* roles;  // what the threads do
  Published published;
  const Program* program;
};

inline constexpr unsigned kPuzzles = 13;
extern const Puzzle kAll[kPuzzles];
inline bool fits(const Puzzle& puzzle) { return puzzle.threads <= sched::kMaxThreads; }

enum class Version : uint8_t { kFaulty, kRepaired };
enum class Outcome : uint8_t {
  kClean,
  kFound,
  kStuck,  // a deadlock or livelock, or whatever else a checker of the kernel finds
};

// One schedule of a puzzle.
Outcome run(const Puzzle& puzzle, Version version, sched::Decider& decider);

// --- for puzzles ---

// [context] The puzzle's assertion. If it does not hold, the bug is found; the run goes on.
void expect(bool holds);

// For loops that try until it works: instead of trying again with nothing changed, which would keep
// a thread of high priority busy for ever, a thread waits. Whoever changes something that such a
// loop looks at notes it at once; what changes() was when the loop looked last, wait_for_change()
// takes, and returns as soon as there was another change. [context]
uint64_t changes();
void note_change();
void wait_for_change(uint64_t seen);

extern const Program kReorder, kTwostage, kWronglock, kBluetoothDriver, kAccount, kLazy, kAbaStack,
    kSafestack;

}  // namespace puzzles
