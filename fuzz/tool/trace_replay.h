// Follows a run event by event: who is where, who holds which locks, who holds which references.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fuzz/tool/trace_log.h"
#include "fuzz/tool/trace_words.h"

namespace tool {

struct Reference {
  std::string holder;  // "fence_drv_xa of queue#7"
  std::string origin;  // who held it before it moved; empty: it did not
  size_t step = 0;     // where it was taken, and where it moved
  size_t moved_step = 0;
  uint32_t tag = 0;
  uint32_t moved_tag = 0;
};

struct LivingObject {
  std::string name;  // "queue#7"
  size_t step = 0;   // where it began
  uint32_t tag = 0;
  std::vector<Reference> references;  // in the order in which they were taken
};

class TraceReplay {
 public:
  // Both must outlive it.
  TraceReplay(const TraceLog& log, const TraceWords& words);

  // `step` is the event's number, from 1.
  void apply(const TraceEvent& event, size_t step);

  ContextId running() const { return running_; }
  bool is_thread(ContextId context) const;  // t0 to t7
  bool is_irq(ContextId context) const;
  // Has waited, or has been preempted or put off, and not gone on since.
  bool is_away(ContextId context) const { return contexts_[context].away; }
  // The thread that an interrupt runs on top of; kNobody: no interrupt, or its CPU was idle.
  ContextId below(ContextId context) const;
  uint32_t tag(ContextId context) const { return contexts_[context].tag; }
  // Names of the locks it holds, outermost first.
  std::vector<std::string> held(ContextId context) const;

  // "t1 waits for userq_mutex, held by t0; holds fence_drv_lock": a line for each context that has
  // not ended.
  std::vector<std::string> standing() const;
  std::vector<LivingObject> living() const;

  // The order of the columns: threads, main, interrupts, softirq, workers.
  unsigned rank(ContextId context) const;
  // "t0 (CPU 0)"
  std::string title(ContextId context) const;

 private:
  struct Held {
    std::string name;
    uint32_t id;
    bool shared;
  };
  struct State {
    bool active = false;  // has begun a job and not ended it
    bool away = false;
    std::string waits;  // "waits for ..."; empty: it does not
    ContextId below = kNobody;
    uint32_t tag = 0;
    std::string_view point;  // the last one, and what was touched there
    uint32_t touched = 0;
    std::vector<Held> held;
  };
  struct Entry {
    std::string_view role;
    uint32_t by;
    Reference reference;
  };
  struct Account {
    size_t step;
    uint32_t tag;
    std::vector<Entry> entries;
  };

  void apply_switch(const TraceEvent& event);
  void apply_lock(const TraceEvent& event);
  // The newest entry of that holder, or nullptr.
  Entry* find(uint32_t object, std::string_view role, uint32_t by);
  void apply_reference(const TraceEvent& event, size_t step);
  ContextId occupant_of(unsigned cpu) const;

  const TraceLog& log_;
  const TraceWords& words_;
  std::vector<State> contexts_;
  ContextId running_ = kNobody;
  std::map<unsigned, ContextId> occupants_;  // by CPU: the thread that ran there last
  std::map<uint32_t, Account> accounts_;
};

}  // namespace tool
