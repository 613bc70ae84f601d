// The executor: runs logical threads, interrupts, softirqs and workers one step at a time on one OS
// thread. It knows nothing of kernels or fences; primitives are built on points, waiting and
// waking.
//
// Rules
// - The running context runs on until it waits, ends, or a preemption of the decider takes effect.
//   A wait and an end are decision points, too: the decider may name who goes on.
// - Threads are pinned: thread i runs on CPU i % cpus. A thread that disabled preemption or
// interrupts
//   keeps its CPU; threads of other CPUs may still run in between.
// - An interrupt runs on top of whatever occupies its CPU, at the first scheduling point at which
// that
//   CPU has interrupts enabled, and to its end before the interrupted thread goes on.
// - Softirqs and workers stand for contexts of CPUs that nobody else uses; they run when the
// schedule
//   names them and when no thread can run.
// - Time is virtual (nanoseconds). It moves to the next timer when nothing can run, or when a
//   preemption says so: a context may always be slower than a timeout.
// - The same jobs and the same preemptions give the same trace, in every build.
//
// Everything here is called from one OS thread. Functions marked [context] must be called from a
// running context, the others from outside of one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/sched/decider.h"

namespace sched {

inline constexpr unsigned kMaxCpus = 4;
inline constexpr unsigned kMaxWorkers = 4;
inline constexpr unsigned kMainThread =
    kMaxThreads;  // set-up and teardown; never a preemption's target
inline constexpr unsigned kContexts = kMaxThreads + 1 + kMaxCpus + 1 + kMaxWorkers;
static_assert(kContexts <= sizeof(Mask) * 8);
inline constexpr uint64_t kForever = ~uint64_t{0};

enum class Kind : uint8_t { kThread, kIrq, kSoftirq, kWorker };

// Where a preemption may take place; part of the trace.
enum class Point : uint8_t {
  kStep,  // between two operations of a program
  kLock,
  kUnlock,
  kAtomic,
  kRead,
  kWrite,
  kXarray,
  kAlloc,
  kFree,
  kCallback,
  kWait,
  kWake,
  kUserCopy,
  kIrqDisable,
  kIrqEnable,
  kQueueWork,
};

struct Context {
  Kind kind;
  uint8_t id;  // 0..kContexts-1, stable over runs
  uint8_t cpu;
  const char* name;      // t0..t7, main, irq0.., softirq, kworker0..
  uint32_t tag;          // the operation this context works for; meaning belongs to the caller
  uint32_t irq_off;      // depth of interrupt disabling on this CPU
  uint32_t preempt_off;  // depth of preemption disabling
};

// Work for a context.
struct Job {
  void (*run)(void* arg);
  void* arg;
  uint32_t tag;
};

// Softirqs and work items come from the layer above: `take` hands out the next job that may start,
// `ready` tells whether there is one.
struct Source {
  bool (*take)(Job* job);
  bool (*ready)();
};

// A one-shot timer in virtual time. `fire` runs inside the executor: it may wake, start timers and
// make work available, and nothing else.
struct Timer {
  void (*fire)(Timer* timer) = nullptr;
  uint64_t expires = 0;
  Timer* next = nullptr;
  bool armed = false;
};

enum class Stuck : uint8_t { kDeadlock, kLivelock };

struct Config {
  unsigned cpus = 2;
  uint64_t max_points = 250'000;  // more than this in one run is a livelock
  Decider* decider = nullptr;     // nullptr: no preemptions
  Source softirq{};
  Source worker{};
  // A run that cannot go on; activity() tells who waits for what. `where` is what the stuck context
  // waits for, "" if nothing. Must not return.
  void (*on_stuck)(Stuck stuck, const char* where) = nullptr;
};

// What a run did, without pointers, so that it compares across builds and machines.
struct Trace {
  uint64_t hash = 0;
  uint64_t points = 0;
  uint64_t switches = 0;
};

// --- runs ---

// Starts a run; forgets everything of the former one. The config must outlive the run.
void begin(const Config& config);
// Gives thread `thread` (0..kMaxThreads-1, or kMainThread) something to do at the next run_all().
void spawn(unsigned thread, Job job);
// Interrupts of the program's own lane: delivered one by one when a preemption names kIrq, or when
// no thread can run. `cpus[i]` takes `jobs[i]`; both arrays must outlive the run.
void set_irq_lane(const Job* jobs, const uint8_t* cpus, unsigned count);
// Whether the decider's preemptions take effect; points between two of them are not counted while
// off.
void set_preemptible(bool on);
// Runs until no context has anything to do. False: the run was abandoned.
bool run_all();
// [context] Gives up the whole run from anywhere; all stacks are dropped without unwinding.
[[noreturn]] void abandon();
Trace trace();
// Preemptions that took effect so far, in replayable form.
const Preemption* taken_preemptions(unsigned* count);

// --- for primitives ---

// Of the executor, for the inline functions below alone, which TSan must not see: what current()
// gives; whether anybody wants to know of touch(), and who tells him.
extern Context* running_context;
extern bool fingerprinting;
void note_touch(const void* location, bool writes);

// The running context; nullptr outside of run_all().
__attribute__((no_sanitize("thread"))) inline Context* current() { return running_context; }
// All contexts, by id.
Context& context(unsigned id);
// Contexts that have something to do, bit i for context i.
Mask busy_contexts();

// What a context is about, for reports.
struct Activity {
  enum class State : uint8_t { kIdle, kRunning, kRunnable, kSpinning, kSleeping };
  State state;
  const char* what;      // spinning or sleeping: on what
  const Context* owner;  // who holds it, or nullptr
};
Activity activity(unsigned id);

// [context] A place where the decider may preempt and interrupts may arrive. `object` is a small
// number, the same in every build, that tells what is touched.
void point(Point kind, uint32_t object = 0);
// [context] The same for an access to memory that several contexts share on purpose; `location` is
// not part of the trace.
void access(Point kind, const void* location);
// [context] What the step between two points does besides: it reads or writes `location`, or begins
// or ends to be a reader whose end release_contexts() is about. Only bounded search wants to know,
// as touches_wanted() tells.
__attribute__((no_sanitize("thread"))) inline bool touches_wanted() {
  return __builtin_expect(fingerprinting, 0);
}
__attribute__((no_sanitize("thread"))) inline void touch(const void* location, bool writes) {
  if (touches_wanted()) note_touch(location, writes);
}
void touch_readers();
// The memory is freed: what its addresses stand for from here on is something else.
void forget(const void* start, size_t size);
// [context] Waits, without sleeping, until wake_all(channel). `owner` is the context waited for, if
// known; waiting for oneself or for the thread under an interrupt is a deadlock at once. `what`
// names the thing.
void spin(const void* channel, const char* what, const Context* owner);
// [context] Announces a sleep(): a wake-up from here on makes it return at once.
void prepare_to_sleep();
// [context] Sleeps until wake_all(channel), wake(context) or the absolute time `deadline`; true:
// woken.
bool sleep(const void* channel, const char* what, const Context* owner, uint64_t deadline);
void wake_all(const void* channel);
void wake(const Context& context);

// [context] Tells TSan that all that the named contexts (bit i: context i) did so far happens
// before what anybody does after a tsan_acquire(edge): what passing out of RCU readers guarantees.
// `edge` is any address.
void release_contexts(Mask contexts, void* edge);

// Raises an interrupt: `job` runs on `cpu` in interrupt context. Callable from anywhere. One that a
// softirq or worker raises waits until that context has interrupts enabled as well, wherever it
// runs.
void raise_irq(unsigned cpu, Job job);
unsigned cpu_count();

uint64_t now();
void timer_start(Timer& timer, uint64_t expires);
// True: it was pending.
bool timer_cancel(Timer& timer);

}  // namespace sched
