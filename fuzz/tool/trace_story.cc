#include "fuzz/tool/trace_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fuzz/tool/trace_replay.h"
#include "fuzz/tool/trace_words.h"

namespace tool {
namespace {

// Of set-up and clean-up this much is shown before a failure in it.
constexpr size_t kRowsBeforeFailure = 40;

RowKind row_of(TraceKind kind) {
  static constexpr RowKind kRows[] = {
      RowKind::kPoint,  RowKind::kGoesOn, RowKind::kSchedule,  RowKind::kIrq,
      RowKind::kIrqEnd, RowKind::kBegins, RowKind::kEnds,      RowKind::kWaits,
      RowKind::kWakes,  RowKind::kTime,   RowKind::kLock,      RowKind::kUnlock,
      RowKind::kGet,    RowKind::kPut,    RowKind::kMove,      RowKind::kOpen,
      RowKind::kClose,  RowKind::kState,  RowKind::kOperation, RowKind::kResult};
  return kRows[static_cast<size_t>(kind)];
}

class Teller {
 public:
  Teller(const TraceLog& log, const StoryOptions& options)
      : log_(log), options_(options), words_(log), replay_(log, words_) {
    story_.held.emplace_back();
  }

  Story tell() {
    const size_t failure = failure_at();
    for (size_t i = 0; i < log_.events.size(); ++i) {
      if (i == failure) fail();
      event(i);
    }
    fold_phase(failure <= log_.events.size());
    if (failure == log_.events.size()) fail();
    story_.living = replay_.living();
    mark_kept();
    place_columns();
    return std::move(story_);
  }

 private:
  // After how many events the point of failure comes; past all of them: there is none.
  size_t failure_at() const {
    if (log_.finding) return log_.finding_at;
    return log_.ended && options_.verdict.empty() ? log_.events.size() + 1 : log_.events.size();
  }

  void fail() {
    if (story_.failed) return;
    const bool running = log_.finding ? *log_.finding != kNobody : !log_.ended;
    const ContextId who = log_.finding.value_or(running ? replay_.running() : kNobody);
    StoryRow& row = add(RowKind::kFailure, who,
                        options_.verdict.empty() ? "the run stops here" : options_.verdict);
    row.first = row.last = std::max<size_t>(1, step_);
    story_.failed = true;
    story_.standing = replay_.standing();
  }

  void event(size_t index) {
    const TraceEvent& event = log_.events[index];
    step_ = index + 1;
    if (event.kind == TraceKind::kStart) enter_phase(event.context);
    const bool was_away = event.kind == TraceKind::kSwitch && event.context != kNobody &&
                          replay_.is_away(event.context);
    replay_.apply(event, step_);
    if (event.kind == TraceKind::kPoint) ++points_;
    if (event.kind == TraceKind::kSwitch) ++story_.switches;
    if (event.kind == TraceKind::kPreempt) ++story_.preemptions;
    tell_event(event, was_away);
  }

  void tell_event(const TraceEvent& event, bool was_away) {
    const bool irq = event.context != kNobody && replay_.is_irq(event.context);
    const bool thread = event.context != kNobody && replay_.is_thread(event.context);
    switch (event.kind) {
      case TraceKind::kPoint:
        if (!options_.all) return;
        break;
      case TraceKind::kSwitch:
        if (!was_away) return;
        break;
      case TraceKind::kStart:
        if (irq || thread) return;
        break;
      case TraceKind::kEnd:
        if (irq) return;
        break;
      case TraceKind::kUnlock:
        if (fold(RowKind::kLock, event)) return;
        break;
      case TraceKind::kPut:
        if (fold(RowKind::kGet, event)) return;
        break;
      default:
        break;
    }
    const bool by_another = event.kind == TraceKind::kWake && event.other != kNobody;
    add(row_of(event.kind), by_another ? event.other : event.context, words_.describe(event));
    if (event.kind == TraceKind::kPreempt) put_before_its_effect();
  }

  // The executor tells of an entry of the schedule once it has taken effect; a person wants the
  // cause first.
  void put_before_its_effect() {
    auto is_effect = [](const StoryRow& row) {
      return row.kind == RowKind::kIrq || row.kind == RowKind::kBegins ||
             row.kind == RowKind::kTime || row.kind == RowKind::kWakes;
    };
    size_t at = story_.rows.size() - 1;
    for (size_t step = step_;
         at > phase_row_ && is_effect(story_.rows[at - 1]) && story_.rows[at - 1].last == step - 1;
         --at, --step) {
      std::swap(story_.rows[at], story_.rows[at - 1]);
      std::swap(place_[at], place_[at - 1]);
    }
  }

  StoryRow& add(RowKind kind, ContextId context, std::string text) {
    StoryRow row{};
    row.kind = kind;
    row.context = context;
    row.column = kAcross;
    const ContextId below = replay_.below(context);
    row.on_top = below != kNobody;
    place_.push_back(row.on_top ? below : context);
    row.tag = context == kNobody ? 0 : replay_.tag(context);
    row.held = held_set(context);
    row.first = row.last = step_;
    row.points = points_;
    row.text = std::move(text);
    story_.rows.push_back(std::move(row));
    return story_.rows.back();
  }

  uint32_t held_set(ContextId context) {
    if (context == kNobody) return 0;
    const std::vector<std::string> held = replay_.held(context);
    if (held.empty()) return 0;
    const auto [at, is_new] = held_sets_.try_emplace(held, story_.held.size());
    if (is_new) story_.held.push_back(held);
    return static_cast<uint32_t>(at->second);
  }

  // What is taken and dropped again with nothing in between is one row.
  bool fold(RowKind taken, const TraceEvent& dropped) {
    if (options_.all || story_.rows.empty()) return false;
    StoryRow& row = story_.rows.back();
    const TraceEvent& before = log_.events[row.last - 1];
    if (row.kind != taken || row.first != row.last || row.context != dropped.context ||
        before.object != dropped.object || before.what != dropped.what ||
        before.role != dropped.role || before.value != dropped.value)
      return false;
    row.last = step_;
    row.held = held_set(dropped.context);
    row.text = words_.describe_pair(before);
    return true;
  }

  // --- set-up and clean-up ---

  void enter_phase(ContextId starting) {
    const bool main = log_.name(starting) == "main";
    if (!main && !replay_.is_thread(starting)) return;
    if (main && in_phase_) return;
    fold_phase(false);
    in_phase_ = main;
    phase_row_ = story_.rows.size();
    phase_points_ = points_;
    if (!main) lanes_began_ = true;
  }

  void fold_phase(bool failed) {
    if (!in_phase_) return;
    in_phase_ = false;
    size_t rows = story_.rows.size() - phase_row_;
    if (options_.all || rows == 0) return;
    const bool fails_here = failed && !after_the_run();
    if (fails_here) rows -= std::min(rows, kRowsBeforeFailure);
    if (rows == 0) return;
    auto at = story_.rows.begin() + static_cast<ptrdiff_t>(phase_row_);
    at->kind = RowKind::kPhase;
    at->context = kNobody;
    at->on_top = false;
    at->held = 0;
    at->last = (at + static_cast<ptrdiff_t>(rows) - 1)->last;
    at->points = (at + static_cast<ptrdiff_t>(rows) - 1)->points;
    at->text = fmt::format("{}: {} steps, {} scheduling points{}",
                           lanes_began_ ? "clean-up" : "set-up", at->last - at->first + 1,
                           at->points - phase_points_, fails_here ? ", and then" : "");
    story_.rows.erase(at + 1, at + static_cast<ptrdiff_t>(rows));
    auto place = place_.begin() + static_cast<ptrdiff_t>(phase_row_);
    *place = kNobody;
    place_.erase(place + 1, place + static_cast<ptrdiff_t>(rows));
  }

  // The finding is of what is left when all is over.
  bool after_the_run() const { return log_.ended || (log_.finding && *log_.finding == kNobody); }

  // --- the end ---

  // Of a run that is over nothing should be alive.
  void mark_kept() {
    if (!story_.failed || !after_the_run()) return;
    for (const LivingObject& object : story_.living)
      for (const Reference& reference : object.references)
        for (StoryRow& row : story_.rows)
          if (row.kind != RowKind::kPhase &&
              (row.first == reference.step || row.first == reference.moved_step))
            row.kept = true;
  }

  void place_columns() {
    std::vector<ContextId> shown;
    for (ContextId id : place_)
      if (id != kNobody && std::find(shown.begin(), shown.end(), id) == shown.end())
        shown.push_back(id);
    std::sort(shown.begin(), shown.end(),
              [this](ContextId a, ContextId b) { return replay_.rank(a) < replay_.rank(b); });
    for (ContextId id : shown) story_.columns.push_back({id, replay_.title(id)});
    for (size_t i = 0; i < place_.size(); ++i) {
      const auto at = std::find(shown.begin(), shown.end(), place_[i]);
      if (at != shown.end()) story_.rows[i].column = static_cast<unsigned>(at - shown.begin());
    }
  }

  const TraceLog& log_;
  const StoryOptions& options_;
  TraceWords words_;
  TraceReplay replay_;
  Story story_;
  std::vector<ContextId> place_;  // for each row the context in whose column it is
  std::map<std::vector<std::string>, size_t> held_sets_;
  size_t step_ = 0;
  uint64_t points_ = 0;
  bool in_phase_ = false;
  bool lanes_began_ = false;
  size_t phase_row_ = 0;
  uint64_t phase_points_ = 0;
};

}  // namespace

std::string_view name_of(RowKind kind) {
  static constexpr std::string_view kNames[] = {
      "phase",   "operation", "result", "schedule", "goes-on", "begins", "ends", "irq",
      "irq-end", "waits",     "wakes",  "time",     "lock",    "unlock", "get",  "put",
      "move",    "open",      "close",  "state",    "point",   "failure"};
  return kNames[static_cast<size_t>(kind)];
}

Story tell_story(const TraceLog& log, const StoryOptions& options) {
  return Teller(log, options).tell();
}

}  // namespace tool
