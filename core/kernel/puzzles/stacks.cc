// Puzzles of stacks without locks. Items are numbers; an item's link names the one below it.
#include "core/kernel/atomic.h"
#include "core/kernel/mutex.h"
#include "core/kernel/puzzles/puzzle.h"

namespace puzzles {

using kernel::atomic_add_return;
using kernel::cmpxchg;
using kernel::read_once;
using kernel::write_once;

namespace {

constexpr int kItems = 3;
constexpr int kNone = -1;

}  // namespace

// --- aba_stack: a pop looks at the top and at the item below, then swings the top from the one to
// the other. If the top was taken off in between, with the one below, and put back alone, the
// swing succeeds, and an item that somebody holds is on the stack. Repaired, the top carries the
// number of its changes.

namespace {

struct {
  uint32_t top;  // the item, in the lowest bits; above them, when tagged, the number of changes
  int below[kItems];
  bool held[kItems];
} aba;

constexpr uint32_t kItemBits = 4;
constexpr uint32_t kNoItem = (1u << kItemBits) - 1;

int item_of(uint32_t top) {
  const uint32_t item = top & kNoItem;
  return item == kNoItem ? kNone : static_cast<int>(item);
}

template <bool tagged>
bool swing(uint32_t from, int to) {
  const uint32_t item = static_cast<uint32_t>(to) & kNoItem;
  const uint32_t changes = tagged ? (from >> kItemBits) + 1 : 0;
  return cmpxchg(aba.top, from, changes << kItemBits | item) == from;
}

template <bool tagged>
int pop() {
  for (;;) {
    const uint32_t top = read_once(aba.top);
    if (item_of(top) == kNone) return kNone;
    if (!swing<tagged>(top, read_once(aba.below[item_of(top)]))) continue;
    write_once(aba.held[item_of(top)], true);
    return item_of(top);
  }
}

template <bool tagged>
void push(int item) {
  write_once(aba.held[item], false);
  uint32_t top;
  do {
    top = read_once(aba.top);
    write_once(aba.below[item], item_of(top));
  } while (!swing<tagged>(top, item));
}

void set_up_aba_stack(unsigned) {
  aba.top = 0;
  for (int i = 0; i < kItems; ++i) {
    aba.below[i] = i + 1 < kItems ? i + 1 : kNone;
    aba.held[i] = false;
  }
}

template <bool repaired>
void aba_stack(unsigned thread) {
  const int first = pop<repaired>();
  if (thread == 0) return;
  pop<repaired>();
  if (first != kNone) push<repaired>(first);
}

void check_aba_stack() {
  for (int item = item_of(aba.top); item != kNone; item = aba.below[item]) expect(!aba.held[item]);
}

}  // namespace

const Program kAbaStack = {set_up_aba_stack, aba_stack<false>, aba_stack<true>, check_aba_stack};

// --- safestack: D. Vyukov's stack, which locks an item by taking its link out. A push that has to
// try again writes the link anew while a pop that came between believes to hold it. Needs three
// threads and five preemptions, and no published tool found it. Repaired, a lock is held over pop
// and push.
//
// A pop that cannot go on waits until something changes, where the original spins.

namespace {

struct {
  kernel::Mutex mutex;
  int top;
  int count;
  int below[kItems];
  unsigned user[kItems];
} safe;

// A fully ordered exchange.
int exchange(int& location, int value) {
  sched::access(sched::Point::kAtomic, &location);
  return __atomic_exchange_n(&location, value, __ATOMIC_SEQ_CST);
}

// kNone: somebody else is at the top, or was faster.
int take_top() {
  const int top = read_once(safe.top);
  const int below = exchange(safe.below[top], kNone);
  if (below == kNone) return kNone;
  if (cmpxchg(safe.top, top, below) != top) {
    exchange(safe.below[top], below);
    note_change();
    return kNone;
  }
  note_change();
  atomic_add_return(-1, safe.count);
  return top;
}

template <bool locked>
int pop_safe() {
  for (;;) {
    int item = kNone;
    const int count = read_once(safe.count);
    const uint64_t seen = changes();
    if (count > 1) {
      if (locked) kernel::mutex_lock(safe.mutex);
      item = take_top();
      if (locked) kernel::mutex_unlock(safe.mutex);
    }
    if (item != kNone) return item;
    wait_for_change(seen);
  }
}

template <bool locked>
void push_safe(int item) {
  if (locked) kernel::mutex_lock(safe.mutex);
  int top;
  do {
    top = read_once(safe.top);
    write_once(safe.below[item], top);
    note_change();
  } while (cmpxchg(safe.top, top, item) != top);
  note_change();
  atomic_add_return(1, safe.count);
  note_change();
  if (locked) kernel::mutex_unlock(safe.mutex);
}

void set_up_safestack(unsigned) {
  kernel::mutex_init(safe.mutex, "safestack");
  safe.top = 0;
  safe.count = kItems;
  for (int i = 0; i < kItems; ++i) {
    safe.below[i] = i + 1 < kItems ? i + 1 : kNone;
    safe.user[i] = 0;
  }
}

template <bool repaired>
void safestack(unsigned thread) {
  for (int round = 0; round < 2; ++round) {
    const int item = pop_safe<repaired>();
    write_once(safe.user[item], thread);
    expect(read_once(safe.user[item]) == thread);
    push_safe<repaired>(item);
  }
}

}  // namespace

const Program kSafestack = {set_up_safestack, safestack<false>, safestack<true>, nullptr};

}  // namespace puzzles
