// Who goes on: interrupts that are due, the order in which contexts take turns, and what the
// decider says. Compiled without TSan instrumentation, like deterministic.cc.

#include "core/sched/engine.h"
#include "core/sched/sanitizer.h"

namespace sched {

namespace {

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

}  // namespace

Slot* deliver_irq() {
  if (engine.pending_irqs == 0) return nullptr;
  Job job;
  for (unsigned i = 0; i < engine.config.cpus; ++i) {
    if (!irqs_enabled(i) || !take_irq(engine.cpus[i], &job)) continue;
    Slot& irq = engine.slots[kIrq0 + i];
    start(irq, job);
    if (fingerprinting) fingerprint.write(irq.context.id, Fingerprint::kIrqLine, i);
    engine.cpus[i].interrupted = engine.running;
    if (observed(EventKind::kIrqEnter)) tell(EventKind::kIrqEnter, &irq, engine.running);
    update_attention();
    return &irq;
  }
  return nullptr;
}

namespace {

bool raise_from_lane() {
  if (engine.lane_next == engine.lane_count) return false;
  const unsigned i = engine.lane_next++;
  raise_irq(engine.lane_cpus[i], engine.lane_jobs[i]);
  return true;
}

// RCU callbacks and works are found by the executor, in its own order.
void took(const Slot& slot, Fingerprint::Class from) {
  if (fingerprinting) fingerprint.write(slot.context.id, from, 0);
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
  took(slot, Fingerprint::kReaders);
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
  took(*idle, Fingerprint::kWorks);
  return idle;
}

bool fire_next_timer() {
  Timer* timer = engine.timers.pop();
  if (timer == nullptr) return false;
  if (timer->expires > engine.now) engine.now = timer->expires;
  if (fingerprinting) {
    fingerprint.step(Fingerprint::kExecutor, engine.now);
    fingerprint.write(Fingerprint::kExecutor, Fingerprint::kTime, 0);
    fingerprint.write(Fingerprint::kExecutor, Fingerprint::kWorks, 0);
  }
  if (observed(EventKind::kTime))
    observe({.kind = EventKind::kTime, .value = static_cast<int64_t>(engine.now)});
  timer->fire(timer);
  return true;
}

// The first thread that can run, from the last one on.
Slot* next_thread() {
  const unsigned from = engine.last_thread ? engine.last_thread->context.id : 0;
  for (unsigned i = 0; i <= kMaxThreads; ++i) {
    Slot& slot = engine.slots[(from + i) % (kMaxThreads + 1)];
    if (can_run(slot)) return &slot;
  }
  return nullptr;
}

}  // namespace

Slot* pick() {
  for (;;) {
    for (unsigned i = 0; i < kMaxCpus; ++i)
      if (engine.slots[kIrq0 + i].state == State::kRunnable) return &engine.slots[kIrq0 + i];
    if (Slot* irq = deliver_irq()) return irq;
    if (Slot* thread = next_thread()) return thread;
    if (raise_from_lane()) continue;
    if (Slot* softirq = pick_softirq()) return softirq;
    if (Slot* worker = pick_worker()) return worker;
    if (fire_next_timer()) continue;
    for (const Slot& slot : engine.slots)
      if (slot.state != State::kIdle) stuck(Stuck::kDeadlock, nullptr);
    return nullptr;
  }
}

// --- decisions ---

namespace {

Target target_of(const Slot* slot) {
  if (slot == nullptr) return kStay;
  switch (slot->context.kind) {
    case Kind::kThread:
      return slot->context.id < kMaxThreads ? static_cast<Target>(slot->context.id) : kStay;
    case Kind::kIrq:
      return Target::kIrq;
    case Kind::kSoftirq:
      return Target::kSoftirq;
    case Kind::kWorker:
      return Target::kWorker;
  }
  return kStay;
}

bool ready(const Source& source) { return source.ready != nullptr && source.ready(); }

Mask enabled_targets() {
  Mask enabled = 0;
  for (unsigned i = 0; i < kMaxThreads; ++i) {
    const Slot& slot = engine.slots[i];
    if (&slot != engine.running && can_run(slot)) enabled |= Mask{1} << i;
  }
  if (engine.lane_next < engine.lane_count) enabled |= bit(Target::kIrq);
  const Slot& softirq = engine.slots[kSoftirq];
  if (softirq.state == State::kIdle
          ? ready(engine.config.softirq)
          : softirq.state == State::kRunnable && &softirq != engine.running)
    enabled |= bit(Target::kSoftirq);
  bool idle = false;
  for (unsigned i = 0; i < kMaxWorkers; ++i) {
    const Slot& slot = engine.slots[kWorker0 + i];
    if (slot.state == State::kIdle) idle = true;
    if (slot.state == State::kRunnable && &slot != engine.running) enabled |= bit(Target::kWorker);
  }
  if (idle && ready(engine.config.worker)) enabled |= bit(Target::kWorker);
  if (engine.timers.any()) enabled |= bit(Target::kTimer);
  return enabled;
}

// The fingerprint of what happened and what the executor itself knows.
uint64_t state_now(bool waits) {
  if (!fingerprinting) return 0;
  uint64_t state = fingerprint.value();
  state = Fingerprint::mix(state, engine.running->context.id << 1 | (waits ? 1 : 0));
  state = Fingerprint::mix(state, engine.last_thread ? engine.last_thread->context.id : kContexts);
  for (unsigned i = 0; i < engine.config.cpus; ++i) {
    const Slot* occupant = engine.cpus[i].occupant;
    if (occupies(occupant) && (occupant->context.irq_off > 0 || occupant->context.preempt_off > 0))
      state = Fingerprint::mix(state, occupant->context.id << 8 | i);
    if (irq_active(i) && engine.cpus[i].interrupted != nullptr)
      state = Fingerprint::mix(state, engine.cpus[i].interrupted->context.id << 16 | i);
  }
  return state;
}

// What a decider keeps is its own business: TSan sees neither its memory nor that it is called on
// the stacks of all contexts.
Target ask(const Choice& choice, uint32_t* after) {
  Decider& decider = *engine.config.decider;
  engine.asking = true;
  tsan_look_away();
  const Target target = decider.decide(choice);
  *after = decider.next();
  tsan_look_again();
  engine.asking = false;
  return target;
}

// Whom a preemption switches to. `effect` tells whether it changed anything: an interrupt that is
// raised while its CPU has interrupts disabled stays pending.
Slot* resolve(Target target, bool* effect) {
  switch (target) {
    case kStay:
      return nullptr;
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

// Who goes on if nobody decides: the order of pick().
Target fallback(Mask enabled) {
  for (unsigned i = 0; i < engine.config.cpus; ++i)
    if (engine.slots[kIrq0 + i].state == State::kRunnable ||
        (engine.cpus[i].pending_count > 0 && irqs_enabled(i)))
      return kStay;
  if (const Slot* thread = next_thread()) return target_of(thread);
  static_assert(Target::kIrq < Target::kSoftirq && Target::kSoftirq < Target::kWorker &&
                Target::kWorker < Target::kTimer);
  const Mask others = enabled >> kMaxThreads << kMaxThreads;
  return others != 0 ? static_cast<Target>(first_of(others)) : kStay;
}

void note_taken(Target target) {
  if (engine.taken_count == kMaxTaken) return;
  engine.taken[engine.taken_count++] = {
      static_cast<uint32_t>(engine.decision_points - engine.taken_at), target};
  engine.taken_at = engine.decision_points;
  if (observed(EventKind::kPreempt))
    observe({.kind = EventKind::kPreempt,
             .object = engine.taken_count,
             .value = static_cast<int64_t>(target)});
}

}  // namespace

void decide_after(uint32_t points) {
  engine.decision_at = points == Decider::kNever ? kNever : engine.decision_points + points;
}

Slot* decide(bool waits) {
  const Mask enabled = enabled_targets();
  const Choice choice{enabled,
                      target_of(engine.running),
                      waits,
                      waits ? fallback(enabled) : target_of(engine.running),
                      static_cast<uint32_t>(engine.decision_points),
                      state_now(waits),
                      fingerprinting ? &fingerprint : nullptr};
  uint32_t after = Decider::kNever;
  const Target target = ask(choice, &after);
  bool effect = false;
  engine.choosing = true;
  Slot* next = resolve(target, &effect);
  engine.choosing = false;
  if (waits)
    effect = (effect || next != nullptr) && target != choice.otherwise;
  else
    effect = effect || (next != nullptr && next != engine.running);
  if (effect) note_taken(target);
  decide_after(after);
  return next;
}

Slot* successor() {
  Slot* next = nullptr;
  if (engine.preemptible && ++engine.decision_points >= engine.decision_at) next = decide(true);
  engine.choosing = true;
  if (next == nullptr) next = pick();
  engine.choosing = false;
  update_attention();
  return next;
}

}  // namespace sched
