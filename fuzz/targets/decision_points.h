// Counts what the executor counts as decision points, from the events of a run: each scheduling
// point, and each wait or end that lets another one go on by choice (an interrupt goes back to what
// it interrupted), while preemptions take effect.
#pragma once

#include <cstdint>

#include "core/sched/observer.h"

class DecisionPoints {
 public:
  // The events that it must see.
  static constexpr uint32_t kEvents =
      sched::bit(sched::EventKind::kStart) | sched::bit(sched::EventKind::kPoint) |
      sched::bit(sched::EventKind::kBlock) | sched::bit(sched::EventKind::kEnd) |
      sched::bit(sched::EventKind::kIrqExit);

  void begin() { phase_ = Phase::kSetUp; }

  // Whether the event is one.
  bool at(const sched::Event& event) {
    if (event.context >= sched::kContexts) return false;
    // The first thread that begins ends the set-up, the main thread ends the program.
    if (event.context == sched::kMainThread)
      phase_ = phase_ == Phase::kRunning ? Phase::kOver : phase_;
    else if (phase_ == Phase::kSetUp && event.context < sched::kMaxThreads)
      phase_ = Phase::kRunning;
    return phase_ == Phase::kRunning && decides(event);
  }

  bool running() const { return phase_ == Phase::kRunning; }

 private:
  enum class Phase : uint8_t { kSetUp, kRunning, kOver };

  static bool decides(const sched::Event& event) {
    switch (event.kind) {
      case sched::EventKind::kPoint:
      case sched::EventKind::kBlock:
        return true;
      case sched::EventKind::kEnd:
        return sched::context(event.context).kind != sched::Kind::kIrq;
      case sched::EventKind::kIrqExit:
        return event.other == sched::kContexts;
      default:
        return false;
    }
  }

  Phase phase_ = Phase::kSetUp;
};
