#include "core/kernel/ledger.h"

#include <cstdio>
#include <cstdlib>

#include "core/kernel/observe.h"
#include "core/kernel/report.h"
#include "core/sched/sched.h"

namespace kernel {

namespace {

constexpr uint32_t kNone = ~uint32_t{0};

struct Entry {
  Holder holder;
  uint32_t tag;        // operation that took the reference
  Holder origin;       // the first holder, if it was moved; else the role is nullptr
  uint32_t moved_tag;  // operation that moved it to `holder`; meaningful if origin.role is set
  uint32_t next;       // in the account, or in the free list
};

struct Account {
  const char* type;
  uint32_t entries;  // newest first
  uint32_t opened_tag;
};

// A growable array of trivial things; std::vector would share template instances with instrumented
// code.
template <typename T>
struct Array {
  T* items = nullptr;
  uint32_t size = 0, capacity = 0;

  T& push() {
    if (size == capacity) {
      capacity = capacity ? capacity * 2 : 256;
      items = static_cast<T*>(std::realloc(static_cast<void*>(items), capacity * sizeof(T)));
      if (items == nullptr) std::abort();
    }
    return items[size++];
  }
};

Array<Account> accounts;  // object number - 1 is the index
Array<Entry> entries;
uint32_t free_entry = kNone;

uint32_t current_tag() {
  const sched::Context* context = sched::current();
  return context ? context->tag : 0;
}

bool same(const Holder& a, const Holder& b) { return a.role == b.role && a.object == b.object; }

uint32_t allocate_entry() {
  if (free_entry == kNone) {
    entries.push();
    return entries.size - 1;
  }
  const uint32_t index = free_entry;
  free_entry = entries.items[index].next;
  return index;
}

void add_entry(uint32_t object, const Holder& holder) {
  const uint32_t index = allocate_entry();
  Account& account = accounts.items[object - 1];
  // Member by member: a whole one would be built elsewhere and copied, which is several times
  // slower.
  Entry& entry = entries.items[index];
  entry.holder = holder;
  entry.tag = current_tag();
  entry.origin.role = nullptr;
  entry.next = account.entries;
  account.entries = index;
}

// Writes "role of type#n" or "role".
void describe(const Holder& holder, char (&text)[128]) {
  if (holder.object == 0)
    std::snprintf(text, sizeof text, "%s", holder.role);
  else
    std::snprintf(text, sizeof text, "%s of %s#%u", holder.role, ledger_type(holder.object),
                  holder.object);
}

// The link that points at the holder's entry, or nullptr.
uint32_t* find(uint32_t object, const Holder& holder) {
  for (uint32_t* at = &accounts.items[object - 1].entries; *at != kNone;
       at = &entries.items[*at].next)
    if (same(entries.items[*at].holder, holder)) return at;
  return nullptr;
}

void observe_reference(sched::EventKind kind, uint32_t object, const Holder& holder,
                       const Holder& from = {nullptr, 0}) {
  if (sched::observed(kind))
    emit(kind, object, ledger_type(object), holder.role, from.role, from.object, holder.object);
}

void report_not_held(uint32_t object, const Holder& holder, const char* act) {
  char by[128], text[2048];
  describe(holder, by);
  size_t used = 0;
  text[0] = 0;
  for (uint32_t i = accounts.items[object - 1].entries; i != kNone; i = entries.items[i].next) {
    char held_by[128];
    describe(entries.items[i].holder, held_by);
    const int n = std::snprintf(text + used, sizeof text - used, "  held by %s since %s\n", held_by,
                                describe_operation(entries.items[i].tag));
    if (n < 0 || static_cast<size_t>(n) >= sizeof text - used) {
      text[used] = 0;  // whole lines only
      break;
    }
    used += static_cast<size_t>(n);
  }
  const char* type = ledger_type(object);
  char where[160];
  std::snprintf(where, sizeof where, "%s %s by %s", type, act, holder.role);
  report(Verdict::kRefcountUnderflow, where, "%s#%u: %s, which holds no reference, has it %s\n%s",
         type, object, by, act, text);
}

}  // namespace

uint32_t ledger_open(const char* type, Holder first) {
  // Accounts are numbered even with the checks off: the numbers are part of the trace.
  Account& account = accounts.push();
  account = {type, kNone, current_tag()};
  const uint32_t object = accounts.size;
  observe_reference(sched::EventKind::kOpen, object, first);
  if (checks_enabled) add_entry(object, first);
  return object;
}

void ledger_get(uint32_t object, Holder holder) {
  observe_reference(sched::EventKind::kGet, object, holder);
  if (checks_enabled) add_entry(object, holder);
}

void ledger_put(uint32_t object, Holder holder) {
  observe_reference(sched::EventKind::kPut, object, holder);
  if (!checks_enabled) return;
  uint32_t* at = find(object, holder);
  if (at == nullptr) return report_not_held(object, holder, "dropped");
  const uint32_t index = *at;
  *at = entries.items[index].next;
  entries.items[index].next = free_entry;
  free_entry = index;
}

void ledger_move(uint32_t object, Holder from, Holder to) {
  observe_reference(sched::EventKind::kMove, object, to, from);
  if (!checks_enabled) return;
  uint32_t* at = find(object, from);
  if (at == nullptr) return report_not_held(object, from, "moved");
  Entry& entry = entries.items[*at];
  if (entry.origin.role == nullptr) entry.origin = entry.holder;
  entry.holder = to;
  entry.moved_tag = current_tag();
}

void ledger_close(uint32_t object) {
  observe_reference(sched::EventKind::kClose, object, {nullptr, 0});
  if (!checks_enabled) return;
  Account& account = accounts.items[object - 1];
  if (account.entries == kNone) return;
  report(Verdict::kRefcountUnderflow, account.type,
         "%s#%u: the count is zero, but %s still holds a reference", account.type, object,
         entries.items[account.entries].holder.role);
  account.entries = kNone;  // suppressed: the object goes, whoever holds it
}

const char* ledger_type(uint32_t object) { return accounts.items[object - 1].type; }

namespace {

// A leaked object keeps everything that it holds: the cause is a reference whose holder is gone, or
// is no object.
bool is_cause(const Entry& entry) {
  const uint32_t by = entry.holder.object;
  return by == 0 || accounts.items[by - 1].entries == kNone;
}

void report_leak(uint32_t object, const Entry& entry, uint32_t count) {
  char by[128], moved[512] = "", where[160];
  describe(entry.holder, by);
  if (entry.origin.role != nullptr) {
    char origin[128];
    describe(entry.origin, origin);
    std::snprintf(moved, sizeof moved, "    as %s, then moved to %s by %s\n", origin,
                  entry.holder.role, describe_operation(entry.moved_tag));
  }
  const char* type = ledger_type(object);
  std::snprintf(where, sizeof where, "%s held by %s", type, entry.holder.role);
  report(Verdict::kReferenceLeak, where,
         "%s#%u is still referenced after device teardown\n"
         "  held by %s\n"
         "  taken by %s\n%s"
         "  %s#%u was created by %s\n"
         "  references leaked in all: %u",
         type, object, by, describe_operation(entry.tag), moved, type, object,
         describe_operation(accounts.items[object - 1].opened_tag), count);
}

}  // namespace

// Causes are blamed. If all leaked objects hold each other there is none, and the first reference
// is.
bool ledger_check_empty() {
  if (!checks_enabled) return true;
  uint32_t count = 0, causes = 0, first = 0;
  for (uint32_t i = accounts.size; i-- > 0;)
    for (uint32_t e = accounts.items[i].entries; e != kNone; e = entries.items[e].next) {
      ++count;
      causes += is_cause(entries.items[e]);
      first = i;
    }
  if (count == 0) return true;
  if (causes == 0) report_leak(first + 1, entries.items[accounts.items[first].entries], count);
  for (uint32_t i = 0; i < accounts.size; ++i)
    for (uint32_t e = accounts.items[i].entries; e != kNone; e = entries.items[e].next)
      if (is_cause(entries.items[e])) report_leak(i + 1, entries.items[e], count);
  return false;
}

void ledger_reset() {
  accounts.size = entries.size = 0;
  free_entry = kNone;
}

}  // namespace kernel
