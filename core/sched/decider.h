// Who decides where the running context is preempted, and who goes on when it waits. The executor
// records what took effect, so whatever any decider finds replays from a list.
//
// Decision points are the scheduling points of a preemptible run, and each wait or end of a
// context, after which somebody else goes on in any case.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/sched/mask.h"

namespace sched {

class Fingerprint;

// Whom a decision switches to. kThread0 + i is thread i; kTimer lets time pass until the next
// timer fires, and the running context goes on.
enum class Target : uint8_t { kThread0 = 0, kIrq = kMaxThreads, kSoftirq, kWorker, kTimer };
inline constexpr unsigned kTargets = kMaxThreads + 4;
// The answer of a decider that leaves things as they are: the running context goes on, or, if it
// waits, the next one.
inline constexpr Target kStay = static_cast<Target>(kTargets);

inline constexpr Mask bit(Target target) { return Mask{1} << static_cast<unsigned>(target); }

// "At the `after`-th decision point after the previous preemption, switch to `to`."
struct Preemption {
  uint32_t after;
  Target to;
};

// What a decider may know.
struct Choice {
  Mask enabled;       // targets that a switch would have an effect for, bit(target) each
  Target running;     // what the present context is as a target; kStay: set-up or teardown
  bool waits;         // it waits or has ended
  Target otherwise;   // who goes on after kStay; kStay: an interrupt that is due
  uint32_t points;    // decision points so far
  uint64_t state;     // if the decider wants it (see below), else 0
  Fingerprint* past;  // likewise, else nullptr
};

class Decider {
 public:
  static constexpr uint32_t kNever = ~uint32_t{0};

  // After how many decision points, counted from the last question, it wants to be asked. Called at
  // the start of a run and after each question. 0 and 1: at the next one.
  virtual uint32_t next() = 0;
  // A target that cannot be switched to counts as kStay.
  virtual Target decide(const Choice& choice) = 0;
  // Whether it wants Choice::state: a hash that is the same for what led to two points only if the
  // same can follow (fingerprint.h), and Choice::past. Costs time at each point.
  virtual bool wants_state() const { return false; }

 protected:
  ~Decider() = default;
};

// Replays a list; it must outlive the decider.
class ReplayDecider final : public Decider {
 public:
  ReplayDecider(const Preemption* list, size_t count) : list_(list), count_(count) {}
  uint32_t next() override { return position_ < count_ ? list_[position_].after : kNever; }
  Target decide(const Choice&) override { return list_[position_++].to; }

 private:
  const Preemption* list_;
  size_t count_;
  size_t position_ = 0;
};

// Small, fast and good enough; the same seed gives the same numbers. Any seed will do.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t draw();
  // 0..limit-1.
  uint32_t below(uint64_t limit) { return static_cast<uint32_t>(draw() % limit); }

 private:
  uint64_t state_;
};

// Preempts after 1..`longest` points, towards a random one of those that can run.
class RandomDecider final : public Decider {
 public:
  RandomDecider(uint64_t seed, uint32_t longest) : random_(seed), longest_(longest) {}
  uint32_t next() override { return 1 + random_.below(longest_); }
  Target decide(const Choice& choice) override;

 private:
  Random random_;
  uint32_t longest_;
};

// Probabilistic concurrency testing: contexts have random priorities, the highest that can run
// runs, and at `depth` - 1 random points out of the first `length` the running one drops below all
// others. Finds a bug that needs `depth` ordering constraints with a probability of at least
// 1 / (contexts * length^(depth-1)) in each run. Time passes only when nothing can run.
class PctDecider final : public Decider {
 public:
  static constexpr unsigned kMaxDepth = 16;

  // `depth` 1..kMaxDepth, `length` at least 1: about the number of decision points of a run.
  PctDecider(uint64_t seed, unsigned depth, uint32_t length);
  uint32_t next() override { return 1; }
  Target decide(const Choice& choice) override;

 private:
  unsigned priority_[kTargets];
  uint32_t change_[kMaxDepth];
  unsigned changes_;
  unsigned lowest_;
};

}  // namespace sched
