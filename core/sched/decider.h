// Who decides where the running context is preempted. A decider answers with one preemption at a
// time; the executor records what took effect, so whatever any decider finds replays from a list.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sched {

// Whom a preemption switches to. kThread0 + i is thread i; kTimer lets time pass until the next
// timer fires, and the running context goes on.
enum class Target : uint8_t { kThread0 = 0, kIrq = 8, kSoftirq = 9, kWorker = 10, kTimer = 11 };
inline constexpr unsigned kTargets = 12;

// "After `after` scheduling points, counted from the previous preemption, switch to `to`."
struct Preemption {
  uint32_t after;
  Target to;
};

class Decider {
 public:
  // Fills in the next preemption; false: no more of them in this run.
  virtual bool next(Preemption& preemption) = 0;

 protected:
  ~Decider() = default;
};

// Replays a list; it must outlive the decider.
class ReplayDecider final : public Decider {
 public:
  ReplayDecider(const Preemption* list, size_t count) : list_(list), count_(count) {}
  bool next(Preemption& preemption) override;

 private:
  const Preemption* list_;
  size_t count_;
  size_t position_ = 0;
};

// Preempts after 1..`longest` points, towards a random target; the same seed gives the same
// answers.
class RandomDecider final : public Decider {
 public:
  RandomDecider(uint64_t seed, uint32_t longest) : state_(seed), longest_(longest) {}
  bool next(Preemption& preemption) override;

 private:
  uint64_t draw();

  uint64_t state_;
  uint32_t longest_;
};

}  // namespace sched
