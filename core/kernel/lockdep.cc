#include "core/kernel/lockdep.h"

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/kernel/report.h"
#include "core/kernel/task.h"

namespace kernel {

namespace {

constexpr unsigned kMaxClasses = 64;
constexpr unsigned kMaxFacts = 64;
constexpr uint32_t kDeclared = ~uint32_t{0};  // in place of an operation
constexpr char kFenceMapName[] = "dma_fence_map";
constexpr unsigned kFenceMap = 0;  // its class

[[noreturn]] void too_many(const char* what) {
  std::fprintf(stderr, "fencebench: internal error: too many %s\n", what);
  std::abort();
}

// --- classes ---

// Numbers of names. They may outlive a run, so nothing that is seen depends on them.
const char* names[kMaxClasses];
unsigned classes;

// Names by address, a hash table with linear probing: several literals may have one text.
struct Known {
  const char* name;
  unsigned number;
};
constexpr unsigned kKnownSlots = 256;
Known known[kKnownSlots];
unsigned known_count;

// strcmp() would be feedback: libFuzzer collects what it compares.
bool same_text(const char* a, const char* b) {
  for (; *a == *b; ++a, ++b)
    if (*a == 0) return true;
  return false;
}

unsigned number_of_text(const char* name) {
  for (unsigned i = 0; i < classes; ++i)
    if (same_text(names[i], name)) return i;
  if (classes == kMaxClasses) too_many("classes of locks in one run");
  names[classes] = name;
  return classes++;
}

// Kept out of its callers, as is all that happens once for a lock in a run.
__attribute__((noinline)) unsigned find_class(const char* name, unsigned slot) {
  for (; known[slot].name != nullptr; slot = (slot + 1) % kKnownSlots)
    if (known[slot].name == name) return known[slot].number;
  if (++known_count == kKnownSlots) too_many("names of locks");
  known[slot] = {name, number_of_text(name)};
  return known[slot].number;
}

inline unsigned class_of(const char* name) {
  const auto slot =
      static_cast<unsigned>(reinterpret_cast<uintptr_t>(name) * 0x9e3779b97f4a7c15 >> 56);
  return known[slot].name == name ? known[slot].number : find_class(name, slot);
}

constexpr uint64_t bit(unsigned number) { return uint64_t{1} << number; }

// --- what a run learns ---

// How a class of spinlocks is used. A class that interrupts take must never be held with interrupts
// on; the same for softirqs, which come when interrupts are on and no other softirq runs.
enum Usage : uint8_t { kInIrq, kIrqsOn, kInSoftirq, kSoftirqsOn, kUsages };

constexpr unsigned used(Usage usage) { return 1u << usage; }

struct Edge {
  uint8_t outer, inner;
  uint32_t tag;  // the operation that took `inner` with `outer` held for the first time
};

struct Graph {
  // By class, a bit for each class: those with an edge to it, those that it leads to over any
  // number of edges, those that lead to it.
  uint64_t before[kMaxClasses], reaches[kMaxClasses], reached_by[kMaxClasses];
  uint8_t usages[kMaxClasses];  // by class, a bit for each usage
  uint32_t usage_tag[kUsages][kMaxClasses];
  uint64_t with_usage[kUsages];  // but for usages whose finding is suppressed
  uint32_t edge_count;
  Edge edges[kMaxClasses * kMaxClasses];  // in the order of their discovery
};

Graph declared;
Graph graph;

// Declared facts by name, to number them anew. No `inner`: the class is taken in interrupts.
struct Fact {
  const char* outer;
  const char* inner;
};
Fact facts[kMaxFacts];
unsigned fact_count;
bool renumber = true;  // a fact is new, or there was no run yet

// --- what contexts hold ---

// Each class once, outermost first.
struct Held {
  uint64_t classes;
  unsigned depth;
  struct {
    const char* name;
    uint8_t number;
    bool spinlock;
    uint32_t times;
  } stack[kMaxClasses];
};
Held held_by[sched::kContexts];

Held& held_now() { return held_by[sched::current()->id]; }

void push(Held& held, const char* name, unsigned number, bool spinlock) {
  if (held.classes & bit(number)) {
    for (unsigned i = held.depth; i-- > 0;)
      if (held.stack[i].number == number) ++held.stack[i].times;
    return;
  }
  held.classes |= bit(number);
  held.stack[held.depth++] = {name, static_cast<uint8_t>(number), spinlock, 1};
}

void pop(Held& held, const char* name) {
  unsigned i = held.depth;
  if (i > 0 && held.stack[i - 1].name == name) {
    --i;
  } else {
    const unsigned number = class_of(name);
    do {
      if (i == 0) return;  // not held: a finding of its own
    } while (held.stack[--i].number != number);
  }
  if (--held.stack[i].times > 0) return;
  held.classes &= ~bit(held.stack[i].number);
  --held.depth;
  for (; i < held.depth; ++i) held.stack[i] = held.stack[i + 1];
}

// --- text of reports ---

struct Text {
  char buffer[3072];
  size_t size;
};

__attribute__((format(printf, 2, 3))) void append(Text& text, const char* format, ...) {
  va_list args;
  va_start(args, format);
  const int n =
      std::vsnprintf(text.buffer + text.size, sizeof text.buffer - text.size, format, args);
  va_end(args);
  if (n > 0 && static_cast<size_t>(n) < sizeof text.buffer - text.size)
    text.size += static_cast<size_t>(n);
  else
    text.buffer[text.size] = 0;  // whole pieces only
}

const char* describe_tag(uint32_t tag) {
  return tag == kDeclared ? "declared by the driver" : describe_operation(tag);
}

void append_edge(Text& text, const Edge& edge) {
  append(text, "  %s -> %s: %s\n", names[edge.outer], names[edge.inner], describe_tag(edge.tag));
}

void append_held(Text& text, const Held& held) {
  for (unsigned i = 0; i < held.depth; ++i)
    append(text, "%s%s", i > 0 ? ", " : "", names[held.stack[i].number]);
  if (held.depth == 0) append(text, "none");
}

// The shortest way from `start` to one of `ends` along the edges (against them if not `forward`),
// of those the one found first in the run; in `way`, outermost first. Returns its end.
struct Way {
  const Edge* edges[kMaxClasses];
  unsigned length;
};

unsigned find_way(unsigned start, uint64_t ends, bool forward, Way& way) {
  const Edge* by[kMaxClasses];
  uint8_t queue[kMaxClasses];
  unsigned head = 0, tail = 0;
  uint64_t seen = bit(start);
  queue[tail++] = static_cast<uint8_t>(start);
  way.length = 0;
  unsigned at = start;
  for (; head < tail; ++head) {
    at = queue[head];
    if (ends & bit(at)) break;
    for (uint32_t i = 0; i < graph.edge_count; ++i) {
      const Edge& edge = graph.edges[i];
      const unsigned next = forward ? edge.inner : edge.outer;
      if ((forward ? edge.outer : edge.inner) != at || (seen & bit(next)) != 0) continue;
      seen |= bit(next);
      by[next] = &edge;
      queue[tail++] = static_cast<uint8_t>(next);
    }
  }
  for (unsigned node = at; node != start; node = forward ? by[node]->outer : by[node]->inner)
    way.edges[way.length++] = by[node];
  for (unsigned i = 0; forward && i < way.length / 2; ++i) {
    const Edge* swap = way.edges[i];
    way.edges[i] = way.edges[way.length - 1 - i];
    way.edges[way.length - 1 - i] = swap;
  }
  return at;
}

void append_way(Text& text, const Way& way) {
  for (unsigned i = 0; i < way.length; ++i) append_edge(text, *way.edges[i]);
}

struct Place {
  char text[160];
};

Place place_of(unsigned outer, unsigned inner) {
  Place place;
  std::snprintf(place.text, sizeof place.text, "%s -> %s", names[outer], names[inner]);
  return place;
}

// --- the rules ---
//
// They return after a suppressed finding; then what broke the rule is not learnt, but it is not
// asked about again either.

void report_recursion(const Held& held, unsigned number) {
  Text text{};
  append_held(text, held);
  report(Verdict::kLockOrderInversion, place_of(number, number).text,
         "%s is taken while a lock of this class is held\n  locks held: %s", names[number],
         text.buffer);
}

void report_cycle(const Held& held, const Edge& closing) {
  Text text{};
  append_edge(text, closing);
  Way way;
  find_way(closing.inner, bit(closing.outer), true, way);
  append_way(text, way);
  append(text, "  locks held: ");
  append_held(text, held);
  report(Verdict::kLockOrderInversion, place_of(closing.outer, closing.inner).text,
         "%s is taken while %s is held, but elsewhere it is the other way round\n%s",
         names[closing.inner], names[closing.outer], text.buffer);
}

// `in` is the usage by interrupts of `outer`, `on` that with interrupts on of `inner`.
void report_irq_unsafe(unsigned outer, unsigned inner, Usage in, Usage on, const Way& way) {
  const char* irqs = in == kInIrq ? "interrupts" : "softirqs";
  Text text{};
  append(text, "  %s in %s: %s\n", names[outer], irqs, describe_tag(graph.usage_tag[in][outer]));
  append_way(text, way);
  append(text, "  %s with %s on: %s", names[inner], irqs, describe_tag(graph.usage_tag[on][inner]));
  if (outer == inner)
    report(Verdict::kIrqUnsafeLock, names[outer],
           "%s is taken in %s, and with %s on: one that comes then waits for ever\n%s",
           names[outer], irqs, irqs, text.buffer);
  else
    report(
        Verdict::kIrqUnsafeLock, place_of(outer, inner).text,
        "%s, which is taken with %s on, is waited for while %s is held, which is taken in %s\n%s",
        names[inner], irqs, names[outer], irqs, text.buffer);
}

// A class that is taken in interrupts must not lead to one that is not safe there.
void check_irq_rule(const Edge& edge, Usage in, Usage on) {
  const uint64_t inner = (graph.reaches[edge.inner] | bit(edge.inner)) & graph.with_usage[on];
  const uint64_t outer = (graph.reached_by[edge.outer] | bit(edge.outer)) & graph.with_usage[in];
  if (outer == 0 || inner == 0) return;
  Way way, below;
  const unsigned first = find_way(edge.outer, outer, false, way);
  const unsigned last = find_way(edge.inner, inner, true, below);
  way.edges[way.length++] = &edge;
  for (unsigned i = 0; i < below.length; ++i) way.edges[way.length++] = below.edges[i];
  report_irq_unsafe(first, last, in, on, way);
}

void learn_edge(const Held& held, unsigned outer, unsigned inner, uint32_t tag) {
  const Edge edge{static_cast<uint8_t>(outer), static_cast<uint8_t>(inner), tag};
  graph.before[inner] |= bit(outer);
  if (outer == inner) return report_recursion(held, inner);
  if (graph.reaches[inner] & bit(outer)) return report_cycle(held, edge);
  if ((graph.reaches[outer] & bit(inner)) == 0) {
    check_irq_rule(edge, kInIrq, kIrqsOn);
    check_irq_rule(edge, kInSoftirq, kSoftirqsOn);
    const uint64_t from = graph.reached_by[outer] | bit(outer);
    const uint64_t to = graph.reaches[inner] | bit(inner);
    for (uint64_t left = from; left != 0; left &= left - 1)
      graph.reaches[__builtin_ctzll(left)] |= to;
    for (uint64_t left = to; left != 0; left &= left - 1)
      graph.reached_by[__builtin_ctzll(left)] |= from;
  }
  // Member by member: as a whole it would come from the stack, which is several times slower.
  Edge& latest = graph.edges[graph.edge_count++];
  latest.outer = edge.outer;
  latest.inner = edge.inner;
  latest.tag = tag;
}

// Outermost first: if its edge closes a cycle, those of the locks within it close longer ones.
__attribute__((noinline)) void learn_order(const Held& held, unsigned inner, uint64_t outer) {
  for (unsigned i = 0; i < held.depth; ++i)
    if (outer & bit(held.stack[i].number))
      learn_edge(held, held.stack[i].number, inner, sched::current()->tag);
}

void learn_usage(unsigned number, Usage usage, uint32_t tag) {
  graph.usages[number] |= used(usage);
  graph.usage_tag[usage][number] = tag;
  const bool by_irqs = usage == kInIrq || usage == kInSoftirq;
  const Usage other = static_cast<Usage>(by_irqs ? usage + 1 : usage - 1);
  const uint64_t ends =
      graph.with_usage[other] &
      (bit(number) | (by_irqs ? graph.reaches[number] : graph.reached_by[number]));
  if (ends == 0) {
    graph.with_usage[usage] |= bit(number);
    return;
  }
  Way way;
  const unsigned end = find_way(number, ends, by_irqs, way);
  if (by_irqs)
    report_irq_unsafe(number, end, usage, other, way);
  else
    report_irq_unsafe(end, number, other, usage, way);
}

__attribute__((noinline)) void learn_usages(unsigned number, unsigned usages) {
  for (unsigned usage = 0; usage < kUsages; ++usage)
    if (usages & ~graph.usages[number] & 1u << usage)
      learn_usage(number, static_cast<Usage>(usage), sched::current()->tag);
}

unsigned usages_in(const sched::Context& context) {
  const bool irq = context.kind == sched::Kind::kIrq;
  const bool softirq = context.kind == sched::Kind::kSoftirq;
  unsigned usages = irq ? used(kInIrq) : softirq ? used(kInSoftirq) : 0;
  if (context.irq_off == 0) usages |= used(kIrqsOn) | (irq || softirq ? 0 : used(kSoftirqsOn));
  return usages;
}

void check_order(const Held& held, unsigned number, LockMode mode) {
  if (mode == LockMode::kTry) return;
  uint64_t outer = held.classes & ~graph.before[number];
  if (mode == LockMode::kNested) outer &= ~bit(number);
  if (outer != 0) learn_order(held, number, outer);
}

// --- declared facts ---

void declare(const char* outer, const char* inner) {
  // Mostly it is said again, before each run, and with the same literals.
  for (unsigned i = 0; i < fact_count; ++i)
    if (facts[i].outer == outer && facts[i].inner == inner) return;
  for (unsigned i = 0; i < fact_count; ++i) {
    const Fact& fact = facts[i];
    if (!same_text(fact.outer, outer) || (fact.inner == nullptr) != (inner == nullptr)) continue;
    if (inner == nullptr || same_text(fact.inner, inner)) return;
  }
  if (fact_count == kMaxFacts) too_many("declared facts about locks");
  facts[fact_count++] = {outer, inner};
  renumber = true;
}

void learn(const Fact& fact) {
  const unsigned outer = class_of(fact.outer);
  if (fact.inner != nullptr)
    learn_edge(held_by[0], outer, class_of(fact.inner), kDeclared);
  else
    learn_usage(outer, kInIrq, kDeclared);
}

// Forgets the names that nobody declared, so that they do not pile up over runs.
void start_anew() {
  std::memset(known, 0, sizeof known);
  known_count = classes = 0;
  std::memset(&graph, 0, sizeof graph);
  class_of(kFenceMapName);  // the first
  for (unsigned i = 0; i < fact_count; ++i) learn(facts[i]);
  std::memcpy(&declared, &graph, sizeof graph);
  renumber = false;
}

}  // namespace

// A lock without a name is destroyed; using it is a finding of its own.
void lock_acquire(const char* name, LockMode mode) {
  if (!checks_enabled || name == nullptr) return;
  const unsigned number = class_of(name);
  Held& held = held_now();
  check_order(held, number, mode);
  push(held, name, number, false);
}

void lock_release(const char* name) {
  if (checks_enabled && name != nullptr) pop(held_now(), name);
}

void spin_acquire(const sched::Context& self, const char* name, LockMode mode) {
  if (!checks_enabled || name == nullptr) return;
  const unsigned number = class_of(name);
  Held& held = held_by[self.id];
  const unsigned usages = usages_in(self);
  if ((usages & ~graph.usages[number]) != 0) learn_usages(number, usages);
  check_order(held, number, mode);
  push(held, name, number, true);
}

void spin_release(const sched::Context& self, const char* name) {
  if (checks_enabled && name != nullptr) pop(held_by[self.id], name);
}

void lockdep_irqs_on(const sched::Context& self) {
  const Held& held = held_by[self.id];
  if (!checks_enabled) return;
  const unsigned usages = usages_in(self);
  for (unsigned i = 0; i < held.depth; ++i)
    if (held.stack[i].spinlock) learn_usages(held.stack[i].number, usages);
}

void lockdep_declare_order(const char* outer, const char* inner) { declare(outer, inner); }
void lockdep_declare_irq_safe(const char* name) { declare(name, nullptr); }

void signalling_begin(bool* cookie) {
  *cookie = true;
  if (!checks_enabled || in_atomic()) return;
  Held& held = held_now();
  if (held.classes & bit(kFenceMap)) return;
  *cookie = false;
  push(held, kFenceMapName, kFenceMap, false);
}

void signalling_end(bool cookie) {
  if (!cookie) pop(held_now(), kFenceMapName);
}

void lockdep_might_wait_for_fence(const char* what) {
  if (!checks_enabled) return;
  const Held& held = held_now();
  if (held.classes & bit(kFenceMap))
    report(Verdict::kFenceContract, "wait-in-signalling-section",
           "%s may wait for a fence within a fence-signalling section", what);
  else
    check_order(held, kFenceMap, LockMode::kExclusive);
}

void lockdep_might_reclaim(const char* what) {
  if (!checks_enabled) return;
  const Held& held = held_now();
  if (held.classes & bit(kFenceMap))
    report(Verdict::kFenceContract, "alloc-in-signalling-section",
           "%s may wait for memory, and that for fences, within a fence-signalling section", what);
  else
    check_order(held, kFenceMap, LockMode::kExclusive);
}

void lockdep_assert_none_held(const char* what) {
  if (checks_enabled && held_now().depth > 0)
    report(Verdict::kWarnOn, what, "%s with locks held: %s", what, held_lock_names());
}

uint32_t locks_held() {
  const Held& held = held_now();
  uint32_t count = 0;
  for (unsigned i = 0; i < held.depth; ++i) count += held.stack[i].times;
  return count;
}

const char* held_lock_names() {
  static Text texts[sched::kContexts];  // each context writes to its own
  Text& text = texts[sched::current()->id];
  text.size = 0;
  append_held(text, held_now());
  return text.buffer;
}

void lockdep_reset() {
  for (Held& held : held_by) {
    held.classes = 0;
    held.depth = 0;
  }
  if (renumber || classes > kMaxClasses * 3 / 4 || known_count > kKnownSlots / 2)
    start_anew();
  else
    std::memcpy(&graph, &declared,
                offsetof(Graph, edges) + declared.edge_count * sizeof declared.edges[0]);
}

}  // namespace kernel
