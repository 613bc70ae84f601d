#include "fuzz/program/mutate.h"

#include <algorithm>
#include <utility>

#include "fuzz/program/generate.h"
#include "fuzz/program/valid.h"

namespace program {

namespace {

// Each returns false if it changed nothing.
using Mutation = bool (*)(Program&, Rng&);

ptrdiff_t any_index(size_t size, Rng& rng) { return static_cast<ptrdiff_t>(rng.below(size)); }

bool remove_op(Program& program, Rng& rng) {
  if (program.ops.empty()) return false;
  // Mostly one, sometimes a run of them.
  ptrdiff_t at = any_index(program.ops.size(), rng);
  size_t run = rng.percent(85) ? 1 : 1 + rng.below(4);
  run = std::min(run, program.ops.size() - static_cast<size_t>(at));
  auto first = program.ops.begin() + at;
  program.ops.erase(first, first + static_cast<ptrdiff_t>(run));
  return true;
}

// Large programs shrink as often as they grow.
bool insert_op(Program& program, Rng& rng, const Swarm& swarm) {
  if (rng.below(128) < program.ops.size()) return remove_op(program, rng);
  return insert_random_op(program, rng, swarm);
}

bool change_arg(Program& program, size_t at, Rng& rng) {
  Op& op = program.ops[at];
  unsigned count = 0;
  while (count < kMaxArgs && op_spec(op.kind).args[count].type != ArgType::kNone) count++;
  if (!count) return false;
  unsigned arg = rng.below(count);
  uint64_t value = random_arg(program, at, arg, rng);
  return std::exchange(op.args[arg], value) != value;
}

bool change_some_arg(Program& program, Rng& rng) {
  return !program.ops.empty() && change_arg(program, rng.below(program.ops.size()), rng);
}

bool change_lane(Program& program, Rng& rng) {
  if (program.ops.empty()) return false;
  size_t at = rng.below(program.ops.size());
  uint8_t lane = random_lane(program, program.ops[at].kind, rng);
  uint8_t old = std::exchange(program.ops[at].lane, lane);
  // Often the rest of the lane moves as well: a program is cut into two threads.
  if (rng.percent(30)) {
    for (size_t i = at + 1; i < program.ops.size(); i++) {
      if (program.ops[i].lane == old && lane_is_valid(program.ops[i].kind, lane))
        program.ops[i].lane = lane;
    }
  }
  return lane != old;
}

bool duplicate_op(Program& program, Rng& rng) {
  if (program.ops.empty() || program.ops.size() >= kMaxOps) return false;
  Op op = program.ops[rng.below(program.ops.size())];
  size_t at = rng.percent(50) ? program.ops.size() : rng.below(program.ops.size() + 1);
  program.ops.insert(program.ops.begin() + static_cast<ptrdiff_t>(at), op);
  if (rng.percent(50)) change_arg(program, at, rng);
  if (rng.percent(20)) program.ops[at].lane = random_lane(program, op.kind, rng);
  return true;
}

bool move_op(Program& program, Rng& rng) {
  if (program.ops.size() < 2) return false;
  auto from = program.ops.begin() + any_index(program.ops.size(), rng);
  auto to = program.ops.begin() + any_index(program.ops.size(), rng);
  if (from < to) {
    std::rotate(from, from + 1, to + 1);
  } else {
    std::rotate(to, from, from + 1);
  }
  return from != to;
}

bool swap_ops(Program& program, Rng& rng) {
  if (program.ops.size() < 2) return false;
  Op& a = program.ops[rng.below(program.ops.size())];
  Op& b = program.ops[rng.below(program.ops.size())];
  if (a == b) return false;
  std::swap(a, b);
  return true;
}

// Copies a run of operations to another place, sometimes to another lane.
bool repeat_ops(Program& program, Rng& rng) {
  if (program.ops.size() < 2) return false;
  size_t from = rng.below(program.ops.size());
  size_t run = std::min<size_t>(2 + rng.below(5), program.ops.size() - from);
  if (program.ops.size() + run > kMaxOps) return false;
  std::vector<Op> copy(program.ops.begin() + static_cast<ptrdiff_t>(from),
                       program.ops.begin() + static_cast<ptrdiff_t>(from + run));
  if (rng.percent(40)) {
    uint8_t lane = static_cast<uint8_t>(rng.below(3));
    for (Op& op : copy) op.lane = lane;
  }
  auto to = program.ops.begin() + any_index(program.ops.size() + 1, rng);
  program.ops.insert(to, copy.begin(), copy.end());
  return true;
}

bool shift_preemption(Program& program, Rng& rng) {
  if (program.schedule.empty()) return false;
  uint32_t& after = program.schedule[rng.below(program.schedule.size())].after;
  uint32_t old = after;
  switch (rng.below(4)) {
    case 0:
      after = random_after(rng);
      break;
    case 1:
      after += 1 + rng.below(8);
      break;
    case 2:
      after -= std::min(after, 1 + rng.below(8));
      break;
    default:
      after = rng.percent(50) ? after * 2 : after / 2;
      break;
  }
  after = std::min(after, kMaxAfter);
  return after != old;
}

bool retarget_preemption(Program& program, Rng& rng) {
  if (program.schedule.empty()) return false;
  Target& to = program.schedule[rng.below(program.schedule.size())].to;
  Target target = random_target(program, rng);
  return std::exchange(to, target) != target;
}

bool drop_preemption(Program& program, Rng& rng) {
  if (program.schedule.empty()) return false;
  program.schedule.erase(program.schedule.begin() + any_index(program.schedule.size(), rng));
  return true;
}

bool change_faults(Program& program, Rng& rng) {
  if (program.ops.empty()) return false;
  Faults& faults = program.ops[rng.below(program.ops.size())].faults;
  faults = faults == Faults{} ? random_faults(rng) : Faults{};
  return true;
}

bool drop_faults(Program& program, Rng& rng) {
  if (program.ops.empty()) return false;
  Faults& faults = program.ops[rng.below(program.ops.size())].faults;
  return std::exchange(faults, Faults{}) != Faults{};
}

bool change_some_device_property(Program& program, Rng& rng) {
  DeviceConfig old = program.device;
  change_device(program.device, rng);
  return program.device != old;
}

struct Choice {
  Mutation mutation;  // nullptr: insert_op, which the swarm has a say in
  unsigned weight;
};

constexpr Choice kChoices[] = {
    {nullptr, 44},
    {change_some_arg, 24},
    {remove_op, 10},
    {change_lane, 9},
    {move_op, 8},
    {duplicate_op, 8},
    {swap_ops, 4},
    {repeat_ops, 2},
    {change_faults, 2},
    {drop_faults, 2},
    {change_some_device_property, 2},
};

// Of the schedule.
constexpr Choice kScheduleChoices[] = {
    {insert_random_preemption, 9},
    {shift_preemption, 7},
    {retarget_preemption, 3},
    {drop_preemption, 4},
};

template <size_t n>
Mutation pick(const Choice (&choices)[n], Rng& rng) {
  unsigned total = 0;
  for (const Choice& choice : choices) total += choice.weight;
  unsigned ticket = rng.below(total);
  const Choice* choice = choices;
  while (ticket >= choice->weight) ticket -= (choice++)->weight;
  return choice->mutation;
}

Mutation random_mutation(Rng& rng, const Swarm& swarm) {
  return rng.percent(swarm.preemptions) ? pick(kScheduleChoices, rng) : pick(kChoices, rng);
}

// Renames all variables and doorbells, so that the operations neither use nor disturb what others
// created.
void rename_variables(std::vector<Op>& ops, unsigned shift) {
  for (Op& op : ops) {
    const OpSpec& spec = op_spec(op.kind);
    for (unsigned a = 0; a < kMaxArgs; a++) {
      uint64_t& value = op.args[a];
      switch (spec.args[a].type) {
        case ArgType::kQueue:
        case ArgType::kQueueResult:
        case ArgType::kBo:
        case ArgType::kBoResult:
        case ArgType::kSyncobj:
        case ArgType::kSyncobjResult:
          value = (value + shift) % kVars;
          break;
        case ArgType::kDoorbell:
          value = (value + shift) % kDoorbells;
          break;
        case ArgType::kBoList:
        case ArgType::kSyncobjList: {
          uint64_t list = 0;
          for (unsigned i = 0; i < SlotList::size(value); i++) {
            list = SlotList::push(list, (SlotList::at(value, i) + shift) % kVars);
          }
          value = list;
          break;
        }
        default:
          break;
      }
    }
  }
}

// Both lists in their order, their operations mixed at random.
std::vector<Op> interleave(const std::vector<Op>& a, const std::vector<Op>& b, Rng& rng) {
  std::vector<Op> mixed;
  mixed.reserve(a.size() + b.size());
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    bool from_a = j == b.size() || (i < a.size() && rng.percent(50));
    mixed.push_back(from_a ? a[i++] : b[j++]);
  }
  return mixed;
}

template <class T>
void append_from(std::vector<T>& to, const std::vector<T>& from, size_t first) {
  to.insert(to.end(), from.begin() + static_cast<ptrdiff_t>(first), from.end());
}

}  // namespace

void mutate(Program& program, Rng& rng, const Swarm& swarm) {
  if (program.ops.empty()) {
    insert_random_op(program, rng, swarm);
    return;
  }
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; i++) {
    const Mutation mutation = random_mutation(rng, swarm);
    if (mutation != nullptr ? mutation(program, rng) : insert_op(program, rng, swarm)) return;
  }
}

Program crossover(const Program& a, const Program& b, Rng& rng) {
  Program child;
  child.device = rng.percent(75) ? a.device : b.device;

  std::vector<Op> other = b.ops;
  if (rng.percent(25)) rename_variables(other, 1 + rng.below(3));
  size_t cut = rng.below(a.ops.size() + 1);
  switch (rng.below(4)) {
    case 0:  // the beginning of a, the end of b
      child.ops.assign(a.ops.begin(), a.ops.begin() + static_cast<ptrdiff_t>(cut));
      append_from(child.ops, other, rng.below(other.size() + 1));
      break;
    case 1: {  // a with a run of b inside
      size_t from = rng.below(other.size() + 1);
      size_t run = std::min<size_t>(other.size() - from, 1 + rng.below(8));
      child.ops = a.ops;
      child.ops.insert(child.ops.begin() + static_cast<ptrdiff_t>(cut),
                       other.begin() + static_cast<ptrdiff_t>(from),
                       other.begin() + static_cast<ptrdiff_t>(from + run));
      break;
    }
    case 2:
      child.ops = interleave(a.ops, other, rng);
      break;
    default:  // one after the other
      child.ops = a.ops;
      append_from(child.ops, other, 0);
      break;
  }
  if (child.ops.size() > kMaxOps) child.ops.resize(kMaxOps);

  switch (rng.below(3)) {
    case 0:
      child.schedule = a.schedule;
      break;
    case 1:
      child.schedule = b.schedule;
      break;
    default: {
      size_t keep = rng.below(a.schedule.size() + 1);
      child.schedule.assign(a.schedule.begin(), a.schedule.begin() + static_cast<ptrdiff_t>(keep));
      append_from(child.schedule, b.schedule, rng.below(b.schedule.size() + 1));
      break;
    }
  }
  if (child.schedule.size() > kMaxPreemptions) child.schedule.resize(kMaxPreemptions);
  return child;
}

}  // namespace program
