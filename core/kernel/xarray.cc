#include "core/kernel/xarray.h"

#include <cerrno>

#include "core/kernel/list.h"
#include "core/kernel/slab.h"

namespace kernel {

namespace {

constexpr unsigned kShift = 6;
constexpr unsigned kSlots = 1u << kShift;
constexpr uint64_t kMask = kSlots - 1;
constexpr unsigned kMaxLevels = (64 + kShift - 1) / kShift;

struct Node {
  void* slots[kSlots];
  uint64_t used;   // bit i: slots[i] is set
  uint64_t full;   // bit i: no index below slots[i] is free
  unsigned shift;  // index bits below this node
  RcuHead rcu;
};

// Node pointers carry a tag, so that a reader sees entry or node in one load.
constexpr uintptr_t kNodeTag = 2;
bool is_node(const void* entry) { return (reinterpret_cast<uintptr_t>(entry) & kNodeTag) != 0; }
Node* to_node(const void* entry) {
  return reinterpret_cast<Node*>(reinterpret_cast<uintptr_t>(entry) & ~kNodeTag);
}
void* to_entry(Node* node) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(node) | kNodeTag);
}

// Index bits that the tree can hold: 0 for a single entry.
unsigned bits(const void* head) { return is_node(head) ? to_node(head)->shift + kShift : 0; }
bool fits(uint64_t index, unsigned tree_bits) { return tree_bits >= 64 || index >> tree_bits == 0; }
unsigned slot(const Node& node, uint64_t index) {
  return static_cast<unsigned>(index >> node.shift & kMask);
}

Node* new_node(unsigned shift) {
  Node* node = kzalloc_obj<Node>("xa_node", Gfp::kAtomic);
  if (node != nullptr) node->shift = shift;
  return node;
}

void free_node_rcu(RcuHead& head) { kfree(container_of(&head, Node, rcu)); }

void free_tree(void* entry) {
  if (!is_node(entry)) return;
  Node* node = to_node(entry);
  for (uint64_t used = node->used; node->shift > 0 && used != 0; used &= used - 1)
    free_tree(node->slots[__builtin_ctzll(used)]);
  call_rcu(node->rcu, free_node_rcu);
}

void set_slot(Node& node, unsigned i, void* entry) {
  const uint64_t bit = uint64_t{1} << i;
  node.used = entry ? node.used | bit : node.used & ~bit;
  rcu_assign_pointer(node.slots[i], entry);
}

// Nodes from the root to the leaf of `index`.
struct Path {
  Node* nodes[kMaxLevels];
  unsigned length = 0;
};

// Follows the tree as far as it goes.
void walk(const XArray& xa, uint64_t index, Path& path) {
  for (void* entry = xa.xa_head; is_node(entry);) {
    Node* node = to_node(entry);
    path.nodes[path.length++] = node;
    entry = node->slots[slot(*node, index)];
  }
}

void update_full(const Path& path, uint64_t index) {
  for (unsigned i = path.length; i-- > 0;) {
    Node& node = *path.nodes[i];
    const unsigned at = slot(node, index);
    const bool full =
        i + 1 == path.length ? node.slots[at] != nullptr : ~path.nodes[i + 1]->full == 0;
    const uint64_t bit = uint64_t{1} << at;
    node.full = full ? node.full | bit : node.full & ~bit;
  }
}

// Drops nodes that became empty, leaf first.
void prune(XArray& xa, Path& path, uint64_t index) {
  while (path.length > 0 && path.nodes[path.length - 1]->used == 0) {
    Node* empty = path.nodes[--path.length];
    if (path.length == 0)
      rcu_assign_pointer(xa.xa_head, static_cast<void*>(nullptr));
    else
      set_slot(*path.nodes[path.length - 1], slot(*path.nodes[path.length - 1], index), nullptr);
    call_rcu(empty->rcu, free_node_rcu);
  }
}

// Makes the tree tall enough for `index`. An empty one gets its root at the right height at once:
// no node is ever without an entry below it.
bool grow(XArray& xa, uint64_t index) {
  while (!fits(index, bits(xa.xa_head))) {
    void* head = xa.xa_head;
    unsigned shift = bits(head);
    while (head == nullptr && !fits(index, shift + kShift)) shift += kShift;
    Node* node = new_node(shift);
    if (node == nullptr) return false;
    if (head != nullptr) {
      node->slots[0] = head;
      node->used = 1;
      node->full = is_node(head) ? ~to_node(head)->full == 0 : 1;
    }
    rcu_assign_pointer(xa.xa_head, to_entry(node));
  }
  return true;
}

int store(XArray& xa, uint64_t index, void* entry) {
  if (!grow(xa, index)) return -ENOMEM;
  if (!is_node(xa.xa_head)) {
    rcu_assign_pointer(xa.xa_head, entry);
    return 0;
  }
  Path path;
  walk(xa, index, path);
  while (path.nodes[path.length - 1]->shift > 0) {
    Node& parent = *path.nodes[path.length - 1];
    Node* node = new_node(parent.shift - kShift);
    if (node == nullptr) {
      prune(xa, path, index);
      return -ENOMEM;
    }
    set_slot(parent, slot(parent, index), to_entry(node));
    path.nodes[path.length++] = node;
  }
  Node& leaf = *path.nodes[path.length - 1];
  set_slot(leaf, slot(leaf, index), entry);
  update_full(path, index);
  return 0;
}

// The first index at or after `from` without an entry; the tree's upper end if it is full until
// there.
uint64_t first_free(const void* entry, uint64_t from) {
  if (!is_node(entry)) return entry != nullptr && from == 0 ? 1 : from;
  const Node& node = *to_node(entry);
  for (unsigned i = slot(node, from); i < kSlots; ++i) {
    const uint64_t start = uint64_t{i} << node.shift;
    const uint64_t below = (uint64_t{1} << node.shift) - 1;
    if (node.full >> i & 1) continue;
    const uint64_t rest = from > start ? from & below : 0;
    if (node.shift == 0 || node.slots[i] == nullptr) return start + rest;
    const uint64_t found = first_free(node.slots[i], rest);
    if (found <= below) return start + found;
  }
  return uint64_t{kSlots} << node.shift;
}

// The first entry at or after `from` in a subtree; its index in the subtree goes to *index.
void* first_used(const void* entry, uint64_t from, uint64_t* index) {
  if (!is_node(entry)) {
    *index = 0;
    return from == 0 ? const_cast<void*>(entry) : nullptr;
  }
  const Node& node = *to_node(entry);
  if (!fits(from, node.shift + kShift)) return nullptr;
  for (unsigned i = slot(node, from); i < kSlots; ++i) {
    // As rcu_dereference(), but no scheduling point: 64 of them a node would drown the rest of a
    // schedule.
    void* child = __atomic_load_n(&node.slots[i], __ATOMIC_ACQUIRE);
    if (child == nullptr) continue;
    const uint64_t start = uint64_t{i} << node.shift;
    uint64_t below = 0;
    const uint64_t rest = from > start ? from - start : 0;
    void* found = node.shift == 0 ? child : first_used(child, rest, &below);
    if (found == nullptr) continue;
    *index = start + below;
    return found;
  }
  return nullptr;
}

class Locked {
 public:
  explicit Locked(XArray& xa) : xa_(xa) {
    if (xa.lock_irq)
      spin_lock_irqsave(xa.xa_lock, flags_);
    else
      spin_lock(xa.xa_lock);
  }
  ~Locked() {
    if (xa_.lock_irq)
      spin_unlock_irqrestore(xa_.xa_lock, flags_);
    else
      spin_unlock(xa_.xa_lock);
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  XArray& xa_;
  unsigned long flags_ = 0;
};

}  // namespace

void xa_init(XArray& xa, const char* name, XaFlags flags) {
  spin_lock_init(xa.xa_lock, name);
  xa.xa_head = nullptr;
  xa.lock_irq = flags == XaFlags::kLockIrq;
}

void xa_destroy(XArray& xa) {
  {
    Locked lock(xa);
    xa_clear_locked(xa);
  }
  spin_lock_destroy(xa.xa_lock);
}

void* xa_load(const XArray& xa, uint64_t index) {
  sched::point(sched::Point::kXarray, xa.xa_lock.id);
  void* entry = rcu_dereference(xa.xa_head);
  if (!fits(index, bits(entry))) return nullptr;
  while (is_node(entry)) {
    const Node& node = *to_node(entry);
    entry = rcu_dereference(node.slots[slot(node, index)]);
  }
  return entry;
}

__attribute__((no_sanitize("thread"))) void* xa_peek(const XArray& xa, uint64_t index) {
  void* entry = xa.xa_head;
  if (!fits(index, bits(entry))) return nullptr;
  while (is_node(entry)) {
    const Node& node = *to_node(entry);
    entry = node.slots[slot(node, index)];
  }
  return entry;
}

bool xa_empty(const XArray& xa) { return rcu_dereference(xa.xa_head) == nullptr; }

void* xa_find(const XArray& xa, uint64_t* index) {
  sched::point(sched::Point::kXarray, xa.xa_lock.id);
  void* head = rcu_dereference(xa.xa_head);
  uint64_t found = 0;
  void* entry = head == nullptr ? nullptr : first_used(head, *index, &found);
  if (entry != nullptr) *index = found;
  return entry;
}

int xa_alloc_locked(XArray& xa, uint32_t* id, void* entry, uint32_t min, uint32_t max) {
  lockdep_assert_held(xa.xa_lock);
  const void* head = xa.xa_head;
  const uint64_t index = fits(min, bits(head)) ? first_free(head, min) : min;
  if (index > max) return -EBUSY;
  const int error = store(xa, index, entry);
  if (error == 0) *id = static_cast<uint32_t>(index);
  return error;
}

int xa_insert_locked(XArray& xa, uint64_t index, void* entry) {
  lockdep_assert_held(xa.xa_lock);
  return xa_load(xa, index) != nullptr ? -EBUSY : store(xa, index, entry);
}

int xa_store_locked(XArray& xa, uint64_t index, void* entry) {
  lockdep_assert_held(xa.xa_lock);
  return store(xa, index, entry);
}

void* xa_erase_locked(XArray& xa, uint64_t index) {
  lockdep_assert_held(xa.xa_lock);
  void* old = xa_load(xa, index);
  if (old == nullptr) return nullptr;
  if (!is_node(xa.xa_head)) {
    rcu_assign_pointer(xa.xa_head, static_cast<void*>(nullptr));
    return old;
  }
  Path path;
  walk(xa, index, path);
  Node& leaf = *path.nodes[path.length - 1];
  set_slot(leaf, slot(leaf, index), nullptr);
  update_full(path, index);
  prune(xa, path, index);
  return old;
}

void xa_clear_locked(XArray& xa) {
  lockdep_assert_held(xa.xa_lock);
  void* head = xa.xa_head;
  rcu_assign_pointer(xa.xa_head, static_cast<void*>(nullptr));
  free_tree(head);
}

int xa_alloc(XArray& xa, uint32_t* id, void* entry, uint32_t min, uint32_t max) {
  Locked lock(xa);
  return xa_alloc_locked(xa, id, entry, min, max);
}

int xa_insert(XArray& xa, uint64_t index, void* entry) {
  Locked lock(xa);
  return xa_insert_locked(xa, index, entry);
}

void* xa_erase(XArray& xa, uint64_t index) {
  Locked lock(xa);
  return xa_erase_locked(xa, index);
}

}  // namespace kernel
