// What the files of the executor share: the state of a run and small questions about it. Internal:
// whoever uses the executor includes sched.h.
//
// deterministic.cc runs contexts, choose.cc says who goes on. Both are compiled without TSan
// instrumentation; no other file may include this one.
#pragma once

#include <cstdint>

#include "core/sched/fiber.h"
#include "core/sched/fingerprint.h"
#include "core/sched/observer.h"
#include "core/sched/sched.h"
#include "core/sched/timer_queue.h"

namespace sched {

constexpr unsigned kIrq0 = kMaxThreads + 1;
constexpr unsigned kSoftirq = kIrq0 + kMaxCpus;
constexpr unsigned kWorker0 = kSoftirq + 1;
constexpr unsigned kMaxPendingIrqs =
    64;  // a line that is raised again while this many wait is lost
constexpr unsigned kMaxTaken = 4096;
constexpr uint64_t kNever = ~uint64_t{0};

enum class State : uint8_t { kIdle, kRunnable, kSpinning, kSleeping };

struct Slot {
  Context context;
  State state;
  bool woken;
  Job job;
  const void* channel;
  const char* what;
  const Context* owner;
  Timer timer;  // deadline of a sleep
  Fiber fiber;
};

struct PendingIrq {
  Job job;
  const Context* raiser;  // a softirq or worker whose own CPU must have interrupts enabled, too
};

struct Cpu {
  Slot* occupant;     // the thread whose turn it is on this CPU
  Slot* interrupted;  // whoever ran in the executor when the interrupt came; goes on after it
  PendingIrq pending[kMaxPendingIrqs];
  unsigned pending_head, pending_count;
};

struct Engine {
  // What every scheduling point touches, on one cache line.
  alignas(64) Slot* running;  // change it with set_running()
  const void* location;       // of an access(), until its point takes it
  uint64_t hash, points;
  uint64_t attention;        // point() takes the slow path from this count on
  uint64_t decision_points;  // points that count towards preemptions
  bool preemptible;
  bool watched;   // an observer or a fingerprint wants every point
  bool asking;    // the decider is being asked
  bool choosing;  // the executor looks for the context that goes on
  bool abandoned;
  bool ready;  // fibers exist

  Config config;
  Slot slots[kContexts];
  Cpu cpus[kMaxCpus];
  Fiber main;
  Slot* last_thread;
  Slot* abandoner;

  uint64_t switches;
  uint64_t decision_at;
  unsigned pending_irqs;
  Preemption taken[kMaxTaken];
  unsigned taken_count;
  uint64_t taken_at;

  const Job* lane_jobs;
  const uint8_t* lane_cpus;
  unsigned lane_count, lane_next;

  uint64_t now;
  TimerQueue timers;
};

extern Engine engine;
extern Fingerprint fingerprint;

// --- deterministic.cc ---

// The context begins the job; it runs when it is its turn.
void start(Slot& slot, const Job& job);
// Emits an event about `slot` and `other`; nullptr: nobody. Call it if observed(kind).
void tell(EventKind kind, const Slot* slot, const Slot* other);
// `where`: what the context that cannot go on waits for; nullptr: that of the first one that waits.
[[noreturn]] void stuck(Stuck kind, const char* where);

// --- choose.cc ---

// The context that goes on after a wait or an end of the running one; nullptr: nobody has anything
// left to do.
Slot* successor();
// The same if nobody is asked.
Slot* pick();
// Asks the decider at a decision point. The context that it wants to go on, or nullptr.
Slot* decide(bool waits);
// Ask it again after so many decision points.
void decide_after(uint32_t points);
// An interrupt that may come now, begun; or nullptr.
Slot* deliver_irq();

// --- both ---

inline bool is_thread(const Slot& slot) { return slot.context.kind == Kind::kThread; }
inline bool irq_active(unsigned cpu) { return engine.slots[kIrq0 + cpu].state != State::kIdle; }
inline bool occupies(const Slot* slot) {
  return slot != nullptr && (slot->state == State::kRunnable || slot->state == State::kSpinning);
}

inline bool irqs_enabled(unsigned cpu) {
  const Slot* occupant = engine.cpus[cpu].occupant;
  return !irq_active(cpu) && !(occupies(occupant) && occupant->context.irq_off > 0);
}

// Whether a runnable slot may have the processor now.
inline bool can_run(const Slot& slot) {
  if (slot.state != State::kRunnable) return false;
  if (!is_thread(slot)) return true;
  const Cpu& cpu = engine.cpus[slot.context.cpu];
  if (irq_active(slot.context.cpu)) return false;
  const Slot* occupant = cpu.occupant;
  return occupant == &slot || !occupies(occupant) ||
         (occupant->context.irq_off == 0 && occupant->context.preempt_off == 0);
}

// Who does what happens now: while it looks for the next context, the executor itself.
inline unsigned actor() {
  return engine.running == nullptr || engine.choosing ? Fingerprint::kExecutor
                                                      : engine.running->context.id;
}

// To be called when what it depends on has changed.
inline void update_attention() {
  uint64_t at = engine.config.max_points;
  if (engine.pending_irqs > 0) at = 0;
  if (engine.preemptible && engine.decision_at != kNever) {
    const uint64_t left = engine.decision_at > engine.decision_points
                              ? engine.decision_at - engine.decision_points
                              : 0;
    if (engine.points + left < at) at = engine.points + left;
  }
  engine.attention = at;
}

}  // namespace sched
