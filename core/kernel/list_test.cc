// Lists, and the corruption that their checks find.
#include "core/kernel/list.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/kernel/test_run.h"

namespace {

using kernel::ListHead;
using kernel::run_alone;

struct Item {
  int value;
  ListHead link;
};

struct List {
  ListHead head;
  Item items[4] = {{0, {}}, {1, {}}, {2, {}}, {3, {}}};

  explicit List(int count) {
    kernel::init_list_head(head);
    for (int i = 0; i < count; ++i) kernel::list_add_tail(items[i].link, head);
  }
};

// Forwards, after checking that backwards is the same.
std::vector<int> values(const ListHead& head) {
  std::vector<int> forwards, backwards;
  list_for_each_entry(item, head, Item, link) forwards.push_back(item->value);
  for (const ListHead* at = head.prev; at != &head; at = at->prev)
    backwards.insert(backwards.begin(), container_of(const_cast<ListHead*>(at), Item, link)->value);
  EXPECT_EQ(forwards, backwards);
  return forwards;
}
using Values = std::vector<int>;

TEST(List, KeepsTheOrderOfAdding) {
  EXPECT_EQ(values(List(0).head), Values{});
  List list(3);
  EXPECT_FALSE(kernel::list_empty(list.head));
  EXPECT_EQ(values(list.head), (Values{0, 1, 2}));
}

TEST(List, DeletesAtBothEndsAndInTheMiddle) {
  for (int i = 0; i < 3; ++i) {
    List list(3);
    kernel::list_del(list.items[i].link);
    Values left = {0, 1, 2};
    left.erase(left.begin() + i);
    EXPECT_EQ(values(list.head), left);
  }
}

TEST(List, DeletingTheLastEntryEmptiesTheList) {
  List list(1);
  kernel::list_del(list.items[0].link);
  EXPECT_TRUE(kernel::list_empty(list.head));
}

TEST(List, DelInitLeavesAnEntryThatMayBeDeletedOrAddedAgain) {
  List list(3);
  kernel::list_del_init(list.items[1].link);
  EXPECT_TRUE(kernel::list_empty(list.items[1].link));
  kernel::list_del_init(list.items[1].link);
  kernel::list_add_tail(list.items[1].link, list.head);
  EXPECT_EQ(values(list.head), (Values{0, 2, 1}));
}

TEST(List, SafeWalkAllowsDeletingEveryEntry) {
  List list(4);
  Values seen;
  list_for_each_entry_safe(item, following, list.head, Item, link) {
    seen.push_back(item->value);
    kernel::list_del(item->link);
  }
  EXPECT_EQ(seen, (Values{0, 1, 2, 3}));
  EXPECT_TRUE(kernel::list_empty(list.head));
}

TEST(List, CutBeforeMovesWhatIsBeforeTheEntry) {
  for (int at = 0; at < 4; ++at) {
    List list(4);
    ListHead cut;
    kernel::list_cut_before(cut, list.head, list.items[at].link);
    const Values all = {0, 1, 2, 3};
    EXPECT_EQ(values(cut), Values(all.begin(), all.begin() + at));
    EXPECT_EQ(values(list.head), Values(all.begin() + at, all.end()));
  }
}

TEST(List, CutBeforeTheHeadMovesAll) {
  List list(3);
  ListHead cut;
  kernel::list_cut_before(cut, list.head, list.head);
  EXPECT_EQ(values(cut), (Values{0, 1, 2}));
  EXPECT_TRUE(kernel::list_empty(list.head));
}

TEST(List, CutOfAnEmptyListIsEmpty) {
  List list(0);
  ListHead cut;
  kernel::list_cut_before(cut, list.head, list.head);
  EXPECT_TRUE(kernel::list_empty(cut));
  EXPECT_TRUE(kernel::list_empty(list.head));
}

TEST(List, ReplaceInitMovesAllAndLeavesAnEmptyList) {
  for (int count : {0, 1, 3}) {
    List list(count);
    ListHead other;
    kernel::list_replace_init(list.head, other);
    EXPECT_EQ(values(other).size(), static_cast<size_t>(count));
    EXPECT_TRUE(kernel::list_empty(list.head));
    kernel::list_add_tail(list.items[3].link, list.head);
    EXPECT_EQ(values(list.head), (Values{3}));
  }
}

TEST(List, DeletingTwiceIsReported) {
  List list(3);
  EXPECT_EQ(run_alone([&] {
              kernel::list_del(list.items[1].link);
              kernel::list_del(list.items[1].link);
            }),
            "list-corruption list_del");
}

TEST(List, DeletingWhatWasNeverAddedIsReported) {
  List list(1);
  EXPECT_EQ(run_alone([&] { kernel::list_del(list.items[2].link); }), "list-corruption list_del");
}

TEST(List, DeletingAStaleCopyOfAnEntryIsReported) {
  List list(3);
  Item copy = list.items[1];
  EXPECT_EQ(run_alone([&] { kernel::list_del(copy.link); }), "list-corruption list_del");
  EXPECT_EQ(run_alone([&] { kernel::list_del(list.items[1].link); }), "nothing");
}

TEST(List, AddingTheLastEntryAgainIsReported) {
  List list(3);
  EXPECT_EQ(run_alone([&] { kernel::list_add_tail(list.items[2].link, list.head); }),
            "list-corruption list_add");
}

// As in the kernel, this is noticed as soon as an entry that lost its neighbour is touched.
TEST(List, AddingAnEarlierEntryAgainIsReportedAtTheNextDelete) {
  List list(3);
  EXPECT_EQ(run_alone([&] {
              kernel::list_add_tail(list.items[0].link, list.head);
              kernel::list_del(list.items[1].link);
            }),
            "list-corruption list_del");
}

TEST(List, AddingToAListWhoseHeadDoesNotAgreeIsReported) {
  List list(2);
  list.items[1].link.next = &list.items[0].link;
  EXPECT_EQ(run_alone([&] { kernel::list_add_tail(list.items[2].link, list.head); }),
            "list-corruption list_add");
}

TEST(List, ChecksOffCorruptionIsNotReported) {
  kernel::ChecksOff off;
  List list(2);
  EXPECT_EQ(run_alone([&] { kernel::list_add_tail(list.items[1].link, list.head); }), "nothing");
}

}  // namespace
