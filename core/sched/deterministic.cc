// The deterministic backend of sched.h: every context is a pooled fiber.
//
// This file is compiled without TSan instrumentation: what it reads and writes is invisible to
// TSan, and the only memory ordering it makes is that of spawn and join.

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "core/sched/engine.h"
#include "core/sched/sanitizer.h"

namespace sched {

uint32_t observed_kinds;
Context* running_context;
bool fingerprinting;
Engine engine;
Fingerprint fingerprint;

namespace {

Observer current_observer;
char spawn_edge, join_edge;  // addresses that stand for the spawn and join edges

char names[kContexts][16];

void mix(uint64_t value) {
  uint64_t h = (engine.hash ^ value) * 0x9e3779b97f4a7c15;
  engine.hash = h ^ (h >> 32);
}

// --- switching ---

void set_running(Slot* slot) {
  engine.running = slot;
  running_context = slot ? &slot->context : nullptr;
}

void switch_to(Slot* next) {
  Slot* self = engine.running;
  if (next == self) return;
  ++engine.switches;
  mix(0x100 + (next ? next->context.id : kContexts));
  set_running(next);
  if (observed(EventKind::kSwitch)) tell(EventKind::kSwitch, next, self);
  if (next != nullptr && is_thread(*next)) {
    engine.last_thread = next;
    engine.cpus[next->context.cpu].occupant = next;
  }
  fiber_switch(self ? self->fiber : engine.main, next ? next->fiber : engine.main);
}

}  // namespace

void tell(EventKind kind, const Slot* slot, const Slot* other) {
  Event event{.kind = kind, .other = other ? other->context.id : uint8_t{kContexts}};
  event.context = slot ? slot->context.id : uint8_t{kContexts};
  event.tag = slot ? slot->context.tag : 0;
  current_observer(event);
}

void start(Slot& slot, const Job& job) {
  slot.job = job;
  slot.state = State::kRunnable;
  slot.context.tag = job.tag;
  slot.context.irq_off = slot.context.kind == Kind::kIrq ? 1 : 0;
  slot.context.preempt_off = 0;
  if (observed(EventKind::kStart)) tell(EventKind::kStart, &slot, nullptr);
}

void stuck(Stuck kind, const char* where) {
  for (const Slot& slot : engine.slots)
    if (where == nullptr) where = slot.what;
  if (engine.config.on_stuck) engine.config.on_stuck(kind, where ? where : "");
  std::fprintf(stderr, "fencebench: %s\n", kind == Stuck::kDeadlock ? "deadlock" : "livelock");
  std::abort();
}

namespace {

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
    if (fingerprinting) {
      fingerprint.step(slot.context.id, ~uint64_t{0});
      if (slot.context.kind == Kind::kWorker)
        fingerprint.write(slot.context.id, Fingerprint::kWorks, 0);
    }
    if (observed(EventKind::kEnd)) tell(EventKind::kEnd, &slot, nullptr);
    Slot* next = nullptr;
    if (slot.context.kind == Kind::kIrq) {
      Slot* interrupted = engine.cpus[slot.context.cpu].interrupted;
      next = deliver_irq();
      if (next != nullptr)
        engine.cpus[next->context.cpu].interrupted = interrupted;
      else if (interrupted != nullptr && can_run(*interrupted))
        next = interrupted;
      if (observed(EventKind::kIrqExit)) tell(EventKind::kIrqExit, &slot, interrupted);
      if (engine.pending_irqs == 0) update_attention();
    }
    if (next == nullptr) next = successor();
    if (next != &slot) switch_to(next);
  }
}

// Kept out of point(): its local variables would cost every scheduling point an ASan stack frame.
__attribute__((noinline)) void attend() {
  if (engine.points > engine.config.max_points) stuck(Stuck::kLivelock, nullptr);
  Slot* next = nullptr;
  if (engine.preemptible && engine.decision_points >= engine.decision_at) next = decide(false);
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
  if (engine.running == nullptr) return;
  if (fingerprinting) fingerprint.join(slot.context.id, actor());
  if (observed(EventKind::kWake) && &slot != engine.running)
    tell(EventKind::kWake, &slot, engine.running);
}

void sleep_timeout(Timer* timer) {
  for (Slot& slot : engine.slots) {
    if (&slot.timer != timer) continue;
    slot.state = State::kRunnable;  // woken stays false
    if (fingerprinting) fingerprint.join(slot.context.id, Fingerprint::kExecutor);
    if (observed(EventKind::kWake)) tell(EventKind::kWake, &slot, nullptr);
  }
}

void name_context(unsigned id, Kind kind) {
  const struct {
    const char* name;
    unsigned first;
  } kNames[] = {{"t", 0}, {"irq", kIrq0}, {"softirq", kSoftirq}, {"kworker", kWorker0}};
  const auto& [name, first] = kNames[static_cast<unsigned>(kind)];
  if (id == kMainThread)
    std::snprintf(names[id], sizeof names[id], "main");
  else if (kind == Kind::kSoftirq)
    std::snprintf(names[id], sizeof names[id], "%s", name);
  else
    std::snprintf(names[id], sizeof names[id], "%s%u", name, id - first);
}

void create_contexts() {
  fiber_adopt_thread(engine.main);
  for (unsigned i = 0; i < kContexts; ++i) {
    Slot& slot = engine.slots[i];
    const Kind kind = i < kIrq0      ? Kind::kThread
                      : i < kSoftirq ? Kind::kIrq
                      : i < kWorker0 ? Kind::kSoftirq
                                     : Kind::kWorker;
    name_context(i, kind);
    slot.context = {kind, static_cast<uint8_t>(i), 0, names[i], 0, 0, 0};
    slot.timer.fire = sleep_timeout;
    fiber_create(slot.fiber, names[i], context_main, &slot);
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
  if (observed(EventKind::kBlock))
    observe(
        {.kind = EventKind::kBlock, .other = owner ? owner->id : uint8_t{kContexts}, .what = what});
  if (waits_for_itself(self, owner)) stuck(Stuck::kDeadlock, what);
  if (fingerprinting && owner != nullptr) fingerprint.join(self.context.id, owner->id);
  switch_to(successor());
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
  fingerprinting = config.decider != nullptr && config.decider->wants_state();
  engine.watched = observed(EventKind::kPoint) || fingerprinting;
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
  set_running(nullptr);
  engine.last_thread = nullptr;
  engine.abandoned = engine.preemptible = engine.asking = engine.choosing = false;
  engine.hash = engine.points = engine.switches = 0;
  engine.decision_points = engine.taken_at = 0;
  engine.pending_irqs = engine.taken_count = 0;
  engine.lane_count = engine.lane_next = 0;
  engine.now = 0;
  engine.timers.clear();
  if (fingerprinting) fingerprint.reset();
  decide_after(config.decider != nullptr ? config.decider->next() : Decider::kNever);
  update_attention();
}

Mask busy_contexts() {
  Mask busy = 0;
  for (unsigned i = 0; i < kContexts; ++i)
    if (engine.slots[i].state != State::kIdle) busy |= Mask{1} << i;
  return busy;
}

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
  if (engine.asking) tsan_look_again();  // the decider does not come back
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

Context& context(unsigned id) { return engine.slots[id].context; }

namespace {

// A point with somebody who looks, or whose place in the order of steps counts.
__attribute__((noinline)) void watched_point(Point kind, uint32_t object) {
  const uint8_t id = engine.running->context.id;
  const void* location = std::exchange(engine.location, nullptr);
  if (fingerprinting) fingerprint.before_point(id, kind, object);
  if (observed(EventKind::kPoint))
    observe({.kind = EventKind::kPoint, .point = kind, .object = object});
  if (++engine.points >= engine.attention) attend();
  if (!fingerprinting) return;
  fingerprint.after_point(id, kind, object, location);
  if (fingerprint.met()) {  // nobody wants to know more
    fingerprinting = false;
    engine.watched = observed(EventKind::kPoint);
  }
}

}  // namespace

void access(Point kind, const void* location) {
  engine.location = location;
  point(kind);
}

void note_touch(const void* location, bool writes) {
  if (engine.running != nullptr) fingerprint.touch(engine.running->context.id, location, writes);
}

void touch_readers() {
  if (fingerprinting && engine.running != nullptr)
    fingerprint.read(engine.running->context.id, Fingerprint::kReaders, 0);
}

void forget(const void* start, size_t size) {
  if (fingerprinting) fingerprint.forget(start, size);
}

void point(Point kind, uint32_t object) {
  mix(uint64_t{object} << 16 | static_cast<uint64_t>(kind) << 8 | engine.running->context.id);
  if (engine.preemptible) ++engine.decision_points;
  if (__builtin_expect(engine.watched, 0)) return watched_point(kind, object);
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
  if (fingerprinting) fingerprint.write(actor(), Fingerprint::kIrqLine, cpu);
  update_attention();
}

void release_contexts(Mask contexts, [[maybe_unused]] void* edge) {
  if (fingerprinting) {
    // The caller saw who is in a reader now.
    fingerprint.step(actor(), folded(contexts));
    fingerprint.write(actor(), Fingerprint::kReaders, 0);
  }
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

void set_observer(Observer observer, uint32_t kinds) {
  current_observer = observer;
  observed_kinds = observer != nullptr ? kinds : 0;
}
void observe(Event event) {
  if (engine.running != nullptr) {
    event.context = engine.running->context.id;
    event.tag = engine.running->context.tag;
  } else {
    event.context = kContexts;
  }
  current_observer(event);
}

uint64_t now() {
  if (fingerprinting && engine.running != nullptr)
    fingerprint.read(engine.running->context.id, Fingerprint::kTime, 0);
  return engine.now;
}

void timer_start(Timer& timer, uint64_t expires) {
  timer_cancel(timer);
  if (fingerprinting && engine.running != nullptr)
    fingerprint.write(engine.running->context.id, Fingerprint::kTime, 0);
  timer.expires = expires;
  engine.timers.insert(timer);
}

bool timer_cancel(Timer& timer) { return engine.timers.remove(timer); }

}  // namespace sched
