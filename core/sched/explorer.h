// Bounded search: every schedule of at most so many preemptions, one run after the other.
//
// A preemption is an entry of the schedule: another context than the one whose turn it would be
// goes on, at a scheduling point, at a wait or at an end. Schedules with fewer preemptions come
// first, so what fails first has as few as can be.
//
// With pruning, schedules that differ only in the order of steps that do not depend on each other
// branch off once: where a run comes to a state from which as many preemptions or more were tried
// already, it is followed no further. And a last preemption moves to an earlier place only past a
// step that depends on what comes in between. States are told apart by what happened before them,
// steps by what they touch (fingerprint.h). This loses nothing as long as plain memory is accessed
// without data races, which the build with TSan tells; where code has a race it may.
#pragma once

#include <cstdint>
#include <vector>

#include "core/sched/decider.h"
#include "core/sched/fingerprint.h"

namespace sched {

class Explorer {
 public:
  static constexpr unsigned kMaxPreemptions = 6;

  // `preemptions`: 0..kMaxPreemptions.
  Explorer(unsigned preemptions, bool prune) : preemptions_(preemptions) { search_.prune = prune; }

  // The decider of the next run, which must take place before the next call; nullptr: all were
  // walked. But for the schedule all runs must be the same.
  Decider* next();

  uint64_t runs() const { return runs_; }             // begun so far
  uint64_t cut() const { return search_.cuts; }       // of these, came to a known state
  uint64_t skipped() const { return skipped_; }       // equivalent to one of these
  uint64_t states() const { return states_.size(); }  // distinct ones, with pruning
  // Of the latest run: how many there are, and which.
  unsigned preemptions() const { return search_.schedule.count; }
  const Preemption* schedule() const { return search_.schedule.list; }

 private:
  struct Schedule {
    Preemption list[kMaxPreemptions];
    uint8_t count;
  };

  // How many preemptions were tried from each state: a hash table with linear probing.
  class States {
   public:
    // Whether `state` is entered with more preemptions left than ever before.
    bool enter(uint64_t state, unsigned left);
    uint64_t size() const { return used_; }

   private:
    struct Entry {
      uint64_t state = 0;
      uint8_t tried = 0;  // preemptions left + 1; 0: the entry is free
    };
    Entry& find(uint64_t state);
    void grow();

    std::vector<Entry> entries_;
    uint64_t used_ = 0;
  };

  // A decision point and what follows it.
  struct Place {
    uint32_t after;  // decision points since the latest preemption
    Mask branches;   // targets
    uint8_t context;
    bool waits;
    uint8_t atomic;  // bit 1: interrupts are off, bit 0: preemption is
    Footprint step;  // what is touched up to the next decision point
  };

  // Replays a schedule, and from its end on notes what else could have been done.
  struct Search final : Decider {
    explicit Search(States& known) : states(known) {}
    uint32_t next() override;
    Target decide(const Choice& choice) override;
    bool wants_state() const override { return prune; }

    States& states;
    bool prune = false;
    Schedule schedule{};
    unsigned left = 0;  // preemptions that may follow
    unsigned position = 0;
    uint32_t position_points = 0;  // decision points at the latest preemption
    bool done = false;
    uint64_t cuts = 0;
    Fingerprint* past = nullptr;
    std::vector<Place> places;
  };

  static Schedule extended(Schedule schedule, Preemption last);
  void begin(const Schedule& schedule);
  bool begin_leaf();
  bool same_as_latest(size_t place, unsigned target) const;

  const unsigned preemptions_;
  States states_;
  Search search_{states_};
  uint64_t runs_ = 0;
  uint64_t skipped_ = 0;
  std::vector<Schedule> level_;   // to be walked, all with the same number of preemptions
  std::vector<Schedule> deeper_;  // with one more
  size_t position_ = 0;           // in level_
  // Leaves, schedules with all preemptions that there may be, are not stored: they are walked right
  // after their parent, which they branch off from, from its last place to the first.
  struct Leaf {
    size_t place = ~size_t{0};
    Footprint between;  // what others touch until the preempted context goes on
  };
  Schedule parent_{};
  std::vector<Place> places_;  // of the parent
  size_t places_left_ = 0;     // of which leaves are still to be walked
  unsigned target_ = 0;        // the next one to look at, at the last of these places
  Leaf latest_[kTargets];      // for each target the one at the earliest place so far
  Leaf* leaf_ = nullptr;       // that is being walked
};

}  // namespace sched
