// The rules of fence_unwrap.h that the kernel's own tests leave out.
#include "core/dma/fence_unwrap.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace dma {
namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::run_alone;
using kernel::TestRun;

std::vector<Fence*> leaves(Fence* head) {
  std::vector<Fence*> seen;
  FenceUnwrap cursor;
  Fence* fence;
  fence_unwrap_for_each(fence, cursor, head, kReader) seen.push_back(fence);
  return seen;
}

// Mock fences f1, f2, ..., each of a context of its own, held by kMockCreator.
std::string with_fences(size_t count, const std::function<void(std::vector<Fence*>& f)>& body) {
  return run_alone([&] {
    std::vector<Fence*> f;
    for (size_t i = 0; i < count; ++i) f.push_back(&mock_fence(kMockOps, 1, i + 1));
    body(f);
    for (Fence* fence : f) put_mock(*fence);
  });
}
Fence* take(Fence* fence) { return fence_get(fence, kMockCreator); }

// --- the walk ---

TEST(FenceUnwrap, OfAPlainFenceIsItAndOfNoneNone) {
  EXPECT_EQ(with_fences(1,
                        [](std::vector<Fence*>& f) {
                          EXPECT_EQ(leaves(f[0]), f);
                          EXPECT_EQ(leaves(nullptr), std::vector<Fence*>());
                        }),
            "nothing");
}

TEST(FenceUnwrap, YieldsNewestNodesFirstAndMembersInOrder) {
  EXPECT_EQ(with_fences(6,
                        [](std::vector<Fence*>& f) {
                          Fence& first = mock_chain(take(f[5]), *take(f[4]), 1);
                          Fence& second = mock_chain(
                              &first, mock_array({take(f[1]), take(f[2]), take(f[3])}), 2);
                          Fence& third = mock_chain(&second, *take(f[0]), 3);
                          EXPECT_EQ(leaves(&third), f);
                          put_mock(third);
                        }),
            "nothing");
}

TEST(FenceUnwrap, YieldsSignaledLeavesButNotThoseOfCompleteNodesBehind) {
  EXPECT_EQ(with_fences(4,
                        [](std::vector<Fence*>& f) {
                          Fence& first = mock_chain(nullptr, *take(f[3]), 1);
                          Fence& second = mock_chain(&first, *take(f[2]), 2);
                          Fence& third =
                              mock_chain(&second, mock_array({take(f[0]), take(f[1])}), 3);
                          fence_signal(*f[1]);
                          fence_signal(*f[2]);
                          EXPECT_EQ(leaves(&third), (std::vector<Fence*>{f[0], f[1], f[3]}));
                          put_mock(third);
                        }),
            "nothing");
}

// Nothing but the cursor holds what it walks over.
TEST(FenceUnwrap, HoldsTheNodeItIsAt) {
  EXPECT_EQ(with_fences(2,
                        [](std::vector<Fence*>& f) {
                          Fence& chain = mock_chain(take(f[1]), *take(f[0]));
                          FenceUnwrap cursor;
                          EXPECT_EQ(fence_unwrap_first(&chain, cursor, kReader), f[0]);
                          put_mock(chain);
                          EXPECT_EQ(fence_unwrap_next(cursor), f[1]);
                          EXPECT_EQ(fence_unwrap_next(cursor), nullptr);
                        }),
            "nothing");
}

TEST(FenceUnwrap, LeftEarlyDropsWhatItHolds) {
  EXPECT_EQ(with_fences(2,
                        [](std::vector<Fence*>& f) {
                          Fence& chain = mock_chain(take(f[1]), *take(f[0]));
                          FenceUnwrap cursor;
                          EXPECT_EQ(fence_unwrap_first(&chain, cursor, kReader), f[0]);
                          put_mock(chain);  // held by the cursor alone
                          fence_unwrap_end(cursor);
                          EXPECT_EQ(kernel::kref_read(f[0]->refcount), 1);
                        }),
            "nothing");
}

// The head is replaced and dropped while another unwraps it, as of a syncobj.
TEST(FenceUnwrap, WhileTheHeadIsDroppedAndItsFencesSignaled) {
  static Fence* fences[3];
  static Fence* head;
  size_t seen;
  TestRun run;
  run.set_up = [] {
    for (Fence*& f : fences) f = &mock_fence();
    Fence& first = mock_chain(nullptr, *take(fences[2]), 1);
    head = &mock_chain(&first, mock_array({take(fences[0]), take(fences[1])}), 2);
    fence_get(head, kReader);
  };
  run.threads = {[&] {
                   seen = leaves(head).size();
                   fence_put(head, kReader);
                 },
                 [] {
                   for (Fence* f : {fences[2], fences[0], fences[1]}) fence_signal(*f);
                   put_mock(*head);
                 }};
  run.tear_down = {[] {
    for (Fence* f : fences) put_mock(*f);
  }};
  EXPECT_EQ(run.sweep({kT1, kT0}, [&] { ASSERT_TRUE(seen == 2 || seen == 3) << seen; }), "nothing");
}

// --- merging ---

TEST(FenceUnwrapMerge, OfNothingIsCompleteSinceEver) {
  EXPECT_EQ(run_alone([] {
              Fence* const none[] = {nullptr, nullptr};
              for (unsigned count : {0, 2}) {
                Fence* merged = fence_unwrap_merge(none, count, kMockCreator);
                EXPECT_TRUE(fence_test_signaled_flag(*merged));
                EXPECT_EQ(fence_timestamp(*merged), 0u);
                put_mock(*merged);
              }
            }),
            "nothing");
}

TEST(FenceUnwrapMerge, OfCompleteFencesIsCompleteSinceTheLast) {
  EXPECT_EQ(with_fences(3,
                        [](std::vector<Fence*>& f) {
                          fence_signal_timestamp(*f[0], 10);
                          fence_signal_timestamp(*f[1], 30);
                          fence_signal_timestamp(*f[2], 20);
                          Fence* merged = fence_unwrap_merge(f.data(), 3, kMockCreator);
                          EXPECT_TRUE(fence_test_signaled_flag(*merged));
                          EXPECT_EQ(fence_timestamp(*merged), 30u);
                          put_mock(*merged);
                        }),
            "nothing");
}

TEST(FenceUnwrapMerge, OfOnePendingFenceIsThatFence) {
  EXPECT_EQ(with_fences(3,
                        [](std::vector<Fence*>& f) {
                          fence_signal(*f[0]);
                          fence_signal(*f[2]);
                          Fence* merged = fence_unwrap_merge(f.data(), 3, kMockCreator);
                          EXPECT_EQ(merged, f[1]);
                          put_mock(*merged);
                        }),
            "nothing");
}

TEST(FenceUnwrapMerge, OfOneContextIsItsLatestFence) {
  EXPECT_EQ(run_alone([] {
              Fence* const fences[] = {&mock_fence(kMockOps, 1), &mock_fence(kMockOps, 3),
                                       &mock_fence(kMockOps, 2)};
              Fence* merged = fence_unwrap_merge(fences, 3, kMockCreator);
              EXPECT_EQ(merged, fences[1]);
              put_mock(*merged);
              for (Fence* f : fences) put_mock(*f);
            }),
            "nothing");
}

TEST(FenceUnwrapMerge, OfSeveralContextsIsAnArrayOfAContextOfItsOwn) {
  EXPECT_EQ(with_fences(2,
                        [](std::vector<Fence*>& f) {
                          Fence* merged = fence_unwrap_merge(f.data(), 2, kMockCreator);
                          EXPECT_TRUE(fence_is_array(*merged));
                          EXPECT_EQ(merged->seqno, 1u);
                          CountingCb cb;
                          EXPECT_EQ(add_counting(*merged, cb), 0);
                          fence_signal(*f[0]);
                          EXPECT_EQ(times_run(*merged, cb), 0);
                          fence_signal(*f[1]);
                          EXPECT_EQ(times_run(*merged, cb), 1);
                          put_mock(*merged);
                        }),
            "nothing");
}

// Each allocation in turn fails, until none is left to fail.
TEST(FenceUnwrapMerge, WithoutMemoryNothingIsLost) {
  for (const size_t pending : {0, 1, 2, 3}) {
    bool failed = true;
    int failures = 0;
    for (uint32_t n = 1; failed; ++n) {
      EXPECT_EQ(with_fences(3,
                            [&](std::vector<Fence*>& f) {
                              for (size_t i = pending; i < 3; ++i) fence_signal(*f[i]);
                              kernel::task().fail_alloc = n;
                              Fence* merged = fence_unwrap_merge(f.data(), 3, kMockCreator);
                              failed = kernel::task().fail_alloc == 0;
                              kernel::task().fail_alloc = 0;
                              EXPECT_EQ(merged == nullptr, failed);
                              fence_put(merged, kMockCreator);
                              for (Fence* fence : f)
                                EXPECT_EQ(kernel::kref_read(fence->refcount), 1);
                            }),
                "nothing");
      failures += failed;
    }
    // A stub; nothing; a list and an array.
    EXPECT_EQ(failures, pending == 0 ? 1 : pending == 1 ? 0 : 2);
  }
}

// Members may be complete by the time they are taken: an array of two, one fence, or a stub.
TEST(FenceUnwrapMerge, WhileFencesAreSignaled) {
  static Fence* fences[2];
  int arrays = 0, plain = 0, stubs = 0;
  enum { kArray, kPlain, kStub } kind;
  TestRun run;
  run.set_up = [] {
    for (unsigned i = 0; i < 2; ++i) fences[i] = &mock_fence(kMockOps, 1, i + 1);
  };
  run.threads = {[&] {
                   Fence* merged = fence_unwrap_merge(fences, 2, kMockCreator);
                   kind = fence_is_array(*merged)                      ? kArray
                          : merged == fences[0] || merged == fences[1] ? kPlain
                                                                       : kStub;
                   EXPECT_EQ(fence_wait(*merged, false), 0);
                   if (kind == kStub) EXPECT_EQ(fence_timestamp(*merged), 9u);
                   put_mock(*merged);
                 },
                 [] {
                   fence_signal_timestamp(*fences[0], 8);
                   fence_signal_timestamp(*fences[1], 9);
                 }};
  run.tear_down = {[] {
    for (Fence* f : fences) put_mock(*f);
  }};
  EXPECT_EQ(
      run.sweep({kT1, kT0}, [&] { ++(kind == kArray   ? arrays
                                     : kind == kPlain ? plain
                                                      : stubs); }),
      "nothing");
  EXPECT_GT(arrays, 0);
  EXPECT_GT(plain, 0);
  EXPECT_GT(stubs, 0);
}

// --- one of each context ---

struct Leaf {
  uint64_t context, seqno;
  bool operator==(const Leaf&) const = default;
};

// What dedup leaves of fences made in this order.
std::vector<Leaf> dedup(const std::vector<Leaf>& made) {
  std::vector<Leaf> left;
  EXPECT_EQ(run_alone([&] {
              std::vector<Fence*> fences;
              for (const Leaf& leaf : made)
                fences.push_back(&mock_fence(kMockOps, leaf.seqno, leaf.context));
              fences.resize(fence_dedup_array(fences.data(), static_cast<unsigned>(fences.size()),
                                              kMockCreator));
              for (Fence* f : fences) {
                left.push_back({f->context, f->seqno});
                put_mock(*f);
              }
            }),
            "nothing");
  return left;
}

TEST(FenceDedup, KeepsTheLatestOfEachContextInTheOrderOfContexts) {
  EXPECT_EQ(dedup({{1, 1}}), (std::vector<Leaf>{{1, 1}}));
  EXPECT_EQ(dedup({{3, 1}, {1, 1}, {2, 9}, {1, 3}, {2, 8}, {1, 2}}),
            (std::vector<Leaf>{{1, 3}, {2, 9}, {3, 1}}));
}

TEST(FenceDedup, ComparesAsTheTimelineDoes) {
  EXPECT_EQ(dedup({{1, 0xffff'ffff}, {1, 1}}), (std::vector<Leaf>{{1, 1}}));
}

// The same fence twice, and different ones that are equal.
TEST(FenceDedup, OfEqualFencesKeepsTheOneMadeLast) {
  EXPECT_EQ(run_alone([] {
              Fence* a = &mock_fence(kMockOps, 5);
              Fence* b = &mock_fence(kMockOps, 5);
              Fence* fences[] = {b, a, take(b), take(a)};
              EXPECT_EQ(fence_dedup_array(fences, 4, kMockCreator), 1u);
              EXPECT_EQ(fences[0], b);
              put_mock(*b);
            }),
            "nothing");
}

TEST(FenceDedup, SortsManyWhateverTheirOrder) {
  for (const bool descending : {false, true}) {
    std::vector<Leaf> made, expected;
    for (uint64_t i = 0; i < 500; ++i) {
      const uint64_t place = descending ? 499 - i : i;
      made.push_back({1 + place * 7 % 100, place});
    }
    for (uint64_t context = 1; context <= 100; ++context) {
      uint64_t latest = 0;
      for (const Leaf& leaf : made)
        if (leaf.context == context && leaf.seqno > latest) latest = leaf.seqno;
      expected.push_back({context, latest});
    }
    EXPECT_EQ(dedup(made), expected);
  }
}

// A ring: each is later than the one before it. One is kept, the others are dropped.
TEST(FenceDedup, SurvivesSequenceNumbersThatAreNoOrder) {
  std::vector<Leaf> made;
  for (uint64_t i = 0; i < 300; ++i) made.push_back({1, i * 0x3fff'ffff & 0xffff'ffff});
  EXPECT_EQ(dedup(made).size(), 1u);
}

}  // namespace
}  // namespace dma
