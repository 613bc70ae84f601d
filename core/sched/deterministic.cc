// The deterministic backend of sched.h: every context is a pooled fiber.
//
// This file is compiled without TSan instrumentation: what it reads and writes is invisible to
// TSan, and the only memory ordering it makes is that of spawn and join.

#include <cstdio>
#include <cstdlib>

#include "core/sched/fiber.h"
#include "core/sched/sanitizer.h"
#include "core/sched/sched.h"
#include "core/sched/timer_queue.h"

namespace sched {

namespace {

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
  Config config;
  Slot slots[kContexts];
  Cpu cpus[kMaxCpus];
  Fiber main;
  Slot* running;
  Slot* last_thread;
  Slot* abandoner;
  bool abandoned;
  bool preemptible;
  bool ready;  // fibers exist

  uint64_t hash, points, switches;
  uint64_t attention;        // point() takes the slow path from this count on
  uint64_t decision_points;  // points that count towards preemptions
  uint64_t decision_at;
  Preemption decision;
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

Engine engine;
char spawn_edge, join_edge;  // addresses that stand for the spawn and join edges

const char* const kNames[kContexts] = {
    "t0",   "t1",   "t2",   "t3",   "t4",      "t5",       "t6",       "t7",       "main",
    "irq0", "irq1", "irq2", "irq3", "softirq", "kworker0", "kworker1", "kworker2", "kworker3"};

bool is_thread(const Slot& slot) { return slot.context.kind == Kind::kThread; }
bool irq_active(unsigned cpu) { return engine.slots[kIrq0 + cpu].state != State::kIdle; }
bool occupies(const Slot* slot) {
  return slot != nullptr && (slot->state == State::kRunnable || slot->state == State::kSpinning);
}

bool irqs_enabled(unsigned cpu) {
  const Slot* occupant = engine.cpus[cpu].occupant;
  return !irq_active(cpu) && !(occupies(occupant) && occupant->context.irq_off > 0);
}

// Whether a runnable slot may have the processor now.
bool can_run(const Slot& slot) {
  if (slot.state != State::kRunnable) return false;
  if (!is_thread(slot)) return true;
  const Cpu& cpu = engine.cpus[slot.context.cpu];
  if (irq_active(slot.context.cpu)) return false;
  const Slot* occupant = cpu.occupant;
  return occupant == &slot || !occupies(occupant) ||
         (occupant->context.irq_off == 0 && occupant->context.preempt_off == 0);
}

void mix(uint64_t value) {
  uint64_t h = (engine.hash ^ value) * 0x9e3779b97f4a7c15;
  engine.hash = h ^ (h >> 32);
}

// --- switching ---

void update_attention() {
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

void switch_to(Slot* next) {
  Slot* self = engine.running;
  if (next == self) return;
  ++engine.switches;
  mix(0x100 + (next ? next->context.id : kContexts));
  engine.running = next;
  if (next != nullptr && is_thread(*next)) {
    engine.last_thread = next;
    engine.cpus[next->context.cpu].occupant = next;
  }
  fiber_switch(self ? self->fiber : engine.main, next ? next->fiber : engine.main);
}

void start(Slot& slot, const Job& job) {
  slot.job = job;
  slot.state = State::kRunnable;
  slot.context.tag = job.tag;
  slot.context.irq_off = slot.context.kind == Kind::kIrq ? 1 : 0;
  slot.context.preempt_off = 0;
}

// Takes out the oldest one that may come now.
bool take_irq(Cpu& cpu, Job* job) {
  for (unsigned i = 0; i < cpu.pending_count; ++i) {
    PendingIrq& pending = cpu.pending[(cpu.pending_head + i) % kMaxPendingIrqs];
    if (pending.raiser != nullptr && pending.raiser->irq_off > 0) continue;
    *job = pending.job;
    for (; i > 0; --i)
      cpu.pending[(cpu.pending_head + i) % kMaxPendingIrqs] =
          cpu.pending[(cpu.pending_head + i - 1) % kMaxPendingIrqs];
    cpu.pending_head = (cpu.pending_head + 1) % kMaxPendingIrqs;
    --cpu.pending_count;
    --engine.pending_irqs;
    return true;
  }
  return false;
}

Slot* deliver_irq() {
  if (engine.pending_irqs == 0) return nullptr;
  Job job;
  for (unsigned i = 0; i < engine.config.cpus; ++i) {
    if (!irqs_enabled(i) || !take_irq(engine.cpus[i], &job)) continue;
    Slot& irq = engine.slots[kIrq0 + i];
    start(irq, job);
    engine.cpus[i].interrupted = engine.running;
    update_attention();
    return &irq;
  }
  return nullptr;
}

bool raise_from_lane() {
  if (engine.lane_next == engine.lane_count) return false;
  const unsigned i = engine.lane_next++;
  raise_irq(engine.lane_cpus[i], engine.lane_jobs[i]);
  return true;
}

// A started softirq or worker that can go on, or else a new job for an idle one.
Slot* pick_softirq() {
  Slot& slot = engine.slots[kSoftirq];
  if (slot.state == State::kRunnable) return &slot;
  Job job;
  if (slot.state != State::kIdle || !engine.config.softirq.take ||
      !engine.config.softirq.take(&job))
    return nullptr;
  start(slot, job);
  return &slot;
}

Slot* pick_worker() {
  Slot* idle = nullptr;
  Slot* self = nullptr;
  for (unsigned i = 0; i < kMaxWorkers; ++i) {
    Slot& slot = engine.slots[kWorker0 + i];
    if (slot.state == State::kIdle && idle == nullptr) idle = &slot;
    if (slot.state != State::kRunnable) continue;
    if (&slot != engine.running) return &slot;
    self = &slot;
  }
  Job job;
  if (idle == nullptr || !engine.config.worker.take || !engine.config.worker.take(&job))
    return self;
  start(*idle, job);
  return idle;
}

bool fire_next_timer() {
  Timer* timer = engine.timers.pop();
  if (timer == nullptr) return false;
  if (timer->expires > engine.now) engine.now = timer->expires;
  timer->fire(timer);
  return true;
}

// `where`: what the context that cannot go on waits for; nullptr: that of the first one that waits.
[[noreturn]] void stuck(Stuck kind, const char* where) {
  for (const Slot& slot : engine.slots)
    if (where == nullptr) where = slot.what;
  if (engine.config.on_stuck) engine.config.on_stuck(kind, where ? where : "");
  std::fprintf(stderr, "fencebench: %s\n", kind == Stuck::kDeadlock ? "deadlock" : "livelock");
  std::abort();
}

// The context that goes on when the running one cannot; nullptr: nobody has anything left to do.
Slot* pick() {
  for (;;) {
    for (unsigned i = 0; i < kMaxCpus; ++i)
      if (engine.slots[kIrq0 + i].state == State::kRunnable) return &engine.slots[kIrq0 + i];
    if (Slot* irq = deliver_irq()) return irq;
    const unsigned from = engine.last_thread ? engine.last_thread->context.id : 0;
    for (unsigned i = 0; i <= kMaxThreads; ++i) {
      Slot& slot = engine.slots[(from + i) % (kMaxThreads + 1)];
      if (can_run(slot)) return &slot;
    }
    if (raise_from_lane()) continue;
    if (Slot* softirq = pick_softirq()) return softirq;
    if (Slot* worker = pick_worker()) return worker;
    if (fire_next_timer()) continue;
    for (const Slot& slot : engine.slots)
      if (slot.state != State::kIdle) stuck(Stuck::kDeadlock, nullptr);
    return nullptr;
  }
}

// Body of every pooled fiber: one job after another.
void context_main(void* arg) {
  Slot& slot = *static_cast<Slot*>(arg);
  for (;;) {
    tsan_acquire(&spawn_edge);
    slot.job.run(slot.job.arg);
    tsan_release(&join_edge);
    slot.state = State::kIdle;
    slot.job = {};  // a stale pointer here would hide a leak from LeakSanitizer
    slot.context.irq_off = slot.context.preempt_off = 0;
    Slot* next = nullptr;
    if (slot.context.kind == Kind::kIrq) {
      Slot* interrupted = engine.cpus[slot.context.cpu].interrupted;
      next = deliver_irq();
      if (next != nullptr)
        engine.cpus[next->context.cpu].interrupted = interrupted;
      else if (interrupted != nullptr && can_run(*interrupted))
        next = interrupted;
      if (engine.pending_irqs == 0) update_attention();
    }
    if (next == nullptr) next = pick();
    if (next != &slot) switch_to(next);
  }
}

// --- decisions ---

void fetch_decision() {
  if (engine.config.decider == nullptr || !engine.config.decider->next(engine.decision)) {
    engine.decision_at = kNever;
    return;
  }
  engine.decision_at = engine.decision_points + engine.decision.after;
}

// Whom a preemption switches to. `effect` tells whether it changed anything: an interrupt that is
// raised while its CPU has interrupts disabled stays pending.
Slot* resolve(Target target, bool* effect) {
  switch (target) {
    case Target::kIrq:
      *effect = raise_from_lane();
      return deliver_irq();
    case Target::kSoftirq:
      return pick_softirq();
    case Target::kWorker:
      return pick_worker();
    case Target::kTimer:
      *effect = fire_next_timer();
      return nullptr;
    default: {
      Slot& slot = engine.slots[static_cast<unsigned>(target)];
      return can_run(slot) ? &slot : nullptr;
    }
  }
}

// Kept out of point(): its local variables would cost every scheduling point an ASan stack frame.
__attribute__((noinline)) void attend() {
  if (engine.points > engine.config.max_points) stuck(Stuck::kLivelock, nullptr);
  Slot* next = nullptr;
  if (engine.preemptible && engine.decision_points >= engine.decision_at) {
    bool effect = false;
    next = resolve(engine.decision.to, &effect);
    if (next != nullptr && next != engine.running) effect = true;
    if (effect && engine.taken_count < kMaxTaken) {
      engine.taken[engine.taken_count++] = {
          static_cast<uint32_t>(engine.decision_points - engine.taken_at), engine.decision.to};
      engine.taken_at = engine.decision_points;
    }
    fetch_decision();
  }
  // Interrupts come first, then whatever the preemption wants.
  if (Slot* irq = deliver_irq()) {
    if (next != nullptr) engine.cpus[irq->context.cpu].interrupted = next;
    next = irq;
  }
  update_attention();
  if (next != nullptr) switch_to(next);
}

void wake_slot(Slot& slot) {
  if (slot.state == State::kIdle) return;
  if (slot.state == State::kSleeping) timer_cancel(slot.timer);
  slot.woken = true;
  slot.state = State::kRunnable;
}

void sleep_timeout(Timer* timer) {
  for (Slot& slot : engine.slots)
    if (&slot.timer == timer) slot.state = State::kRunnable;  // woken stays false
}

void create_contexts() {
  fiber_adopt_thread(engine.main);
  for (unsigned i = 0; i < kContexts; ++i) {
    Slot& slot = engine.slots[i];
    const Kind kind = i < kIrq0      ? Kind::kThread
                      : i < kSoftirq ? Kind::kIrq
                      : i < kWorker0 ? Kind::kSoftirq
                                     : Kind::kWorker;
    slot.context = {kind, static_cast<uint8_t>(i), 0, kNames[i], 0, 0, 0};
    slot.timer.fire = sleep_timeout;
    fiber_create(slot.fiber, kNames[i], context_main, &slot);
  }
  engine.ready = true;
}

// Waiting without a wake-up to come back from: an interrupt cannot wait for what it interrupted.
bool waits_for_itself(const Slot& self, const Context* owner) {
  if (owner == nullptr) return false;
  if (owner == &self.context) return true;
  const Slot* below = engine.cpus[self.context.cpu].occupant;
  return self.context.kind == Kind::kIrq && below != nullptr && owner == &below->context;
}

void wait_on(Slot& self, const void* channel, const char* what, const Context* owner) {
  self.channel = channel;
  self.what = what;
  self.owner = owner;
  if (waits_for_itself(self, owner)) stuck(Stuck::kDeadlock, what);
  switch_to(pick());
  self.channel = nullptr;
  self.what = nullptr;
  self.owner = nullptr;
}

// The join edge of a context that will not get to its end: what it did happens before the clean-up.
void join_unfinished([[maybe_unused]] Slot& slot) {
#if defined(FENCEBENCH_TSAN)
  switch_tsan_fiber(slot.fiber.tsan);
  tsan_release(&join_edge);
  switch_tsan_fiber(engine.main.tsan);
  tsan_acquire(&join_edge);
#endif
}

}  // namespace

void begin(const Config& config) {
  if (!engine.ready) create_contexts();
  engine.config = config;
  for (unsigned i = 0; i < kContexts; ++i) {
    Slot& slot = engine.slots[i];
    if (is_thread(slot))
      slot.context.cpu = static_cast<uint8_t>(i == kMainThread ? 0 : i % config.cpus);
    if (slot.context.kind == Kind::kIrq) slot.context.cpu = static_cast<uint8_t>(i - kIrq0);
    slot.state = State::kIdle;
    slot.timer.armed = false;
    slot.woken = false;
    slot.channel = nullptr;
    slot.what = nullptr;
    slot.owner = nullptr;
    slot.job = {};
  }
  for (Cpu& cpu : engine.cpus) {
    cpu.occupant = cpu.interrupted = nullptr;
    cpu.pending_head = cpu.pending_count = 0;
  }
  engine.running = nullptr;
  engine.last_thread = nullptr;
  engine.abandoned = engine.preemptible = false;
  engine.hash = engine.points = engine.switches = 0;
  engine.decision_points = engine.taken_at = 0;
  engine.pending_irqs = engine.taken_count = 0;
  engine.lane_count = engine.lane_next = 0;
  engine.now = 0;
  engine.timers.clear();
  fetch_decision();
  update_attention();
}

bool idle(unsigned id) { return engine.slots[id].state == State::kIdle; }

Activity activity(unsigned id) {
  const Slot& slot = engine.slots[id];
  switch (slot.state) {
    case State::kIdle:
      return {Activity::State::kIdle, nullptr, nullptr};
    case State::kRunnable: {
      const bool running = &slot == engine.running;
      return {running ? Activity::State::kRunning : Activity::State::kRunnable, nullptr, nullptr};
    }
    case State::kSpinning:
      return {Activity::State::kSpinning, slot.what, slot.owner};
    case State::kSleeping:
      break;
  }
  return {Activity::State::kSleeping, slot.what, slot.owner};
}

void spawn(unsigned thread, Job job) { start(engine.slots[thread], job); }

void set_irq_lane(const Job* jobs, const uint8_t* cpus, unsigned count) {
  engine.lane_jobs = jobs;
  engine.lane_cpus = cpus;
  engine.lane_count = count;
  engine.lane_next = 0;
}

void set_preemptible(bool on) {
  engine.preemptible = on;
  update_attention();
}

bool run_all() {
  tsan_release(&spawn_edge);
  engine.last_thread = nullptr;
  if (Slot* first = pick()) switch_to(first);
  tsan_acquire(&join_edge);
  if (!engine.abandoned) return true;
  for (Slot& slot : engine.slots) {
    if (slot.state != State::kIdle || &slot == engine.abandoner) {
      join_unfinished(slot);
      fiber_reset(slot.fiber);
    }
    slot.state = State::kIdle;
  }
  engine.timers.clear();
  return false;
}

void abandon() {
  engine.abandoned = true;
  engine.abandoner = engine.running;
  switch_to(nullptr);
  std::abort();  // an abandoned context is never resumed
}

Trace trace() { return {engine.hash, engine.points, engine.switches}; }

const Preemption* taken_preemptions(unsigned* count) {
  *count = engine.taken_count;
  return engine.taken;
}

Context* current() { return engine.running ? &engine.running->context : nullptr; }
Context& context(unsigned id) { return engine.slots[id].context; }

void point(Point kind, uint32_t object) {
  mix(uint64_t{object} << 16 | static_cast<uint64_t>(kind) << 8 | engine.running->context.id);
  if (engine.preemptible) ++engine.decision_points;
  if (++engine.points >= engine.attention) attend();
}

void spin(const void* channel, const char* what, const Context* owner) {
  Slot& self = *engine.running;
  self.state = State::kSpinning;
  wait_on(self, channel, what, owner);
}

bool sleep(const void* channel, const char* what, const Context* owner, uint64_t deadline) {
  Slot& self = *engine.running;
  if (self.woken) return true;
  self.state = State::kSleeping;
  if (deadline != kForever) timer_start(self.timer, deadline);
  wait_on(self, channel, what, owner);
  return self.woken;
}

void prepare_to_sleep() { engine.running->woken = false; }

void wake_all(const void* channel) {
  for (Slot& slot : engine.slots)
    if (slot.channel == channel) wake_slot(slot);
}

void wake(const Context& context) { wake_slot(engine.slots[context.id]); }

void raise_irq(unsigned cpu, Job job) {
  Cpu& target = engine.cpus[cpu];
  if (target.pending_count == kMaxPendingIrqs) return;
  const Context* self = current();
  const bool on_no_cpu =
      self != nullptr && (self->kind == Kind::kSoftirq || self->kind == Kind::kWorker);
  target.pending[(target.pending_head + target.pending_count++) % kMaxPendingIrqs] = {
      job, on_no_cpu ? self : nullptr};
  ++engine.pending_irqs;
  update_attention();
}

void release_contexts([[maybe_unused]] uint32_t contexts, [[maybe_unused]] void* edge) {
#if defined(FENCEBENCH_TSAN)
  for (unsigned i = 0; i < kContexts; ++i) {
    if (!(contexts >> i & 1)) continue;
    switch_tsan_fiber(engine.slots[i].fiber.tsan);
    tsan_release(edge);
  }
  switch_tsan_fiber(engine.running->fiber.tsan);
#endif
}

unsigned cpu_count() { return engine.config.cpus; }

uint64_t now() { return engine.now; }

void timer_start(Timer& timer, uint64_t expires) {
  timer_cancel(timer);
  timer.expires = expires;
  engine.timers.insert(timer);
}

bool timer_cancel(Timer& timer) { return engine.timers.remove(timer); }

}  // namespace sched
