#include "fuzz/tool/trace_replay.h"

#include <fmt/format.h>

#include <algorithm>

#include "fuzz/tool/strings.h"

namespace tool {

TraceReplay::TraceReplay(const TraceLog& log, const TraceWords& words)
    : log_(log), words_(words), contexts_(log.contexts.size()) {}

bool TraceReplay::is_thread(ContextId context) const {
  const std::string_view name = log_.name(context);
  return name.size() == 2 && name[0] == 't';
}

bool TraceReplay::is_irq(ContextId context) const { return log_.name(context).starts_with("irq"); }

ContextId TraceReplay::below(ContextId context) const {
  return context == kNobody ? kNobody : contexts_[context].below;
}

void TraceReplay::apply(const TraceEvent& event, size_t step) {
  if (event.context == kNobody && event.kind != TraceKind::kSwitch) {
    apply_reference(event, step);
    return;
  }
  if (event.context != kNobody) contexts_[event.context].tag = event.tag;
  switch (event.kind) {
    case TraceKind::kSwitch:
      apply_switch(event);
      break;
    case TraceKind::kPoint:
      contexts_[event.context].point = event.what;
      contexts_[event.context].touched = event.object;
      break;
    case TraceKind::kStart:
      contexts_[event.context].active = true;
      break;
    case TraceKind::kEnd:
      contexts_[event.context].active = false;
      if (!is_irq(event.context)) contexts_[event.context].below = kNobody;
      break;
    case TraceKind::kIrqEnter: {
      State& irq = contexts_[event.context];
      const unsigned cpu = log_.contexts[event.context].cpu;
      irq.active = true;
      irq.below = occupant_of(cpu);
      break;
    }
    case TraceKind::kIrqExit:
      contexts_[event.context].active = false;
      break;
    case TraceKind::kBlock:
      contexts_[event.context].away = true;
      contexts_[event.context].waits = words_.describe(event);
      break;
    case TraceKind::kWake:
      contexts_[event.context].waits.clear();
      break;
    case TraceKind::kLock:
    case TraceKind::kUnlock:
      apply_lock(event);
      break;
    default:
      apply_reference(event, step);
      break;
  }
}

void TraceReplay::apply_switch(const TraceEvent& event) {
  const bool to_irq = event.context != kNobody && is_irq(event.context);
  if (event.other != kNobody) {
    State& left = contexts_[event.other];
    // An interrupt and its end are no absence of the thread below.
    if (left.active && !to_irq && !is_irq(event.other)) left.away = true;
  }
  running_ = event.context;
  if (event.context == kNobody) return;
  contexts_[event.context].away = false;
  contexts_[event.context].waits.clear();
  if (is_thread(event.context) || log_.name(event.context) == "main")
    occupants_[log_.contexts[event.context].cpu] = event.context;
}

// The thread whose turn it is on the CPU, unless it sleeps or has ended.
ContextId TraceReplay::occupant_of(unsigned cpu) const {
  const auto at = occupants_.find(cpu);
  if (at == occupants_.end()) return kNobody;
  const State& state = contexts_[at->second];
  return state.active && state.waits.empty() ? at->second : kNobody;
}

void TraceReplay::apply_lock(const TraceEvent& event) {
  std::vector<Held>& held = contexts_[event.context].held;
  if (event.kind == TraceKind::kLock) {
    held.push_back({words_.lock(event.what, event.object), event.object, !event.role.empty()});
    return;
  }
  const auto at = std::find_if(held.rbegin(), held.rend(),
                               [&](const Held& lock) { return lock.id == event.object; });
  if (at != held.rend()) held.erase(std::next(at).base());
}

std::vector<std::string> TraceReplay::held(ContextId context) const {
  std::vector<std::string> names;
  for (const Held& lock : contexts_[context].held)
    names.push_back(printable(lock.name + (lock.shared ? " (shared)" : "")));
  return names;
}

TraceReplay::Entry* TraceReplay::find(uint32_t object, std::string_view role, uint32_t by) {
  std::vector<Entry>& entries = accounts_[object].entries;
  for (size_t i = entries.size(); i-- > 0;)
    if (entries[i].role == role && entries[i].by == by) return &entries[i];
  return nullptr;
}

void TraceReplay::apply_reference(const TraceEvent& event, size_t step) {
  const auto by = static_cast<uint32_t>(event.value);
  switch (event.kind) {
    case TraceKind::kOpen:
      accounts_[event.object] = {step, event.tag, {}};
      [[fallthrough]];
    case TraceKind::kGet:
      accounts_[event.object].entries.push_back({event.role, by, {.step = step, .tag = event.tag}});
      break;
    case TraceKind::kPut:
      if (const Entry* entry = find(event.object, event.role, by)) {
        std::vector<Entry>& entries = accounts_[event.object].entries;
        entries.erase(entries.begin() + (entry - entries.data()));
      }
      break;
    case TraceKind::kMove:
      if (Entry* entry = find(event.object, event.from_role, event.from_object)) {
        Reference& reference = entry->reference;
        if (reference.origin.empty())
          reference.origin = printable(words_.holder(entry->role, entry->by));
        reference.moved_step = step;
        reference.moved_tag = event.tag;
        entry->role = event.role;
        entry->by = by;
      }
      break;
    case TraceKind::kClose:
      accounts_.erase(event.object);
      break;
    default:
      break;
  }
}

std::vector<LivingObject> TraceReplay::living() const {
  std::vector<LivingObject> objects;
  for (const auto& [number, account] : accounts_) {
    LivingObject object{printable(words_.object(number)), account.step, account.tag, {}};
    for (const Entry& entry : account.entries) {
      object.references.push_back(entry.reference);
      object.references.back().holder = printable(words_.holder(entry.role, entry.by));
    }
    objects.push_back(std::move(object));
  }
  return objects;
}

std::vector<std::string> TraceReplay::standing() const {
  std::vector<std::string> lines;
  for (size_t i = 0; i < contexts_.size(); ++i) {
    const auto id = static_cast<ContextId>(i);
    const State& state = contexts_[i];
    if (!state.active) continue;
    std::string line = fmt::format("{} ", log_.name(id));
    if (!state.waits.empty())
      line += state.waits;
    else
      line += id == running_ ? "runs" : "can run";
    if (!state.point.empty() && state.waits.empty()) {
      line += fmt::format(", last at point {}", state.point);
      if (state.touched != 0) line += fmt::format(" {}", state.touched);
    }
    const std::vector<std::string> locks = held(id);
    if (!locks.empty()) line += "; holds " + join(locks, ", ");
    lines.push_back(printable(line));
  }
  return lines;
}

unsigned TraceReplay::rank(ContextId context) const {
  const std::string_view name = log_.name(context);
  const auto last = static_cast<unsigned>(name.back() - '0');
  if (is_thread(context)) return last;
  if (name == "main") return 100;
  if (is_irq(context)) return 200 + last;
  return name == "softirq" ? 300 : 400 + last;
}

std::string TraceReplay::title(ContextId context) const {
  const TraceContext& who = log_.contexts[context];
  if (is_thread(context) || is_irq(context)) return fmt::format("{} (CPU {})", who.name, who.cpu);
  return who.name;
}

}  // namespace tool
