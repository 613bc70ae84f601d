// The kernel's doubly linked list, with the checks of its list debugging: an entry whose neighbours
// do not point back at it is reported before it does more damage, and not added or removed.
#pragma once

#include <cstddef>

namespace kernel {

struct ListHead {
  ListHead* next;
  ListHead* prev;
};

// Returns only with the checks off, or if the finding is suppressed.
void report_list_corruption(const char* operation);

inline void init_list_head(ListHead& head) { head.next = head.prev = &head; }
inline bool list_empty(const ListHead& head) { return head.next == &head; }

inline void list_insert(ListHead& entry, ListHead& prev, ListHead& next) {
  if (next.prev != &prev || prev.next != &next || &entry == &prev || &entry == &next) [[unlikely]]
    return report_list_corruption("list_add");
  next.prev = &entry;
  entry.next = &next;
  entry.prev = &prev;
  prev.next = &entry;
}
inline void list_add_tail(ListHead& entry, ListHead& head) { list_insert(entry, *head.prev, head); }

inline void list_unlink(ListHead& entry) {
  if (entry.prev == nullptr || entry.next == nullptr || entry.prev->next != &entry ||
      entry.next->prev != &entry) [[unlikely]]
    return report_list_corruption("list_del");
  entry.next->prev = entry.prev;
  entry.prev->next = entry.next;
}
// Afterwards the entry is in no list, and using it as if it were is caught.
inline void list_del(ListHead& entry) {
  list_unlink(entry);
  entry.next = entry.prev = nullptr;
}
inline void list_del_init(ListHead& entry) {
  list_unlink(entry);
  init_list_head(entry);
}

// Moves the entries before `entry` (which may be the head itself: all of them) from `head` to
// `list`; what `list` held before is lost.
inline void list_cut_before(ListHead& list, ListHead& head, ListHead& entry) {
  if (head.next == &entry) {
    init_list_head(list);
    return;
  }
  list.next = head.next;
  list.next->prev = &list;
  list.prev = entry.prev;
  list.prev->next = &list;
  head.next = &entry;
  entry.prev = &head;
}

// Moves all entries from `old` to `list`; what `list` held before is lost.
inline void list_replace_init(ListHead& old, ListHead& list) { list_cut_before(list, old, old); }

}  // namespace kernel

// The object that contains `pointer` as its member.
#define container_of(pointer, type, member) \
  (reinterpret_cast<type*>(reinterpret_cast<char*>(pointer) - offsetof(type, member)))

// Walks from the first entry; `position` must not be removed in the body.
#define list_for_each_entry(position, head, type, member)                                      \
  for (type* position = container_of((head).next, type, member); &position->member != &(head); \
       position = container_of(position->member.next, type, member))

// As above, but the body may remove `position`.
#define list_for_each_entry_safe(position, following, head, type, member)    \
  for (type* position = container_of((head).next, type, member),             \
             *following = container_of(position->member.next, type, member); \
       &position->member != &(head);                                         \
       position = following, following = container_of(following->member.next, type, member))
