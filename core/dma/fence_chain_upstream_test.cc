// The cases of the kernel's own dma-buf-fence-chain tests, under their names: they assert the same.
// Where those run on all CPUs for a while, these try interleavings.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/test_run.h"

namespace dma {
namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::TestRun;

// `length` links, each a mock fence and the node that contains it, with points
// `offset` + 1, `offset` + 1 + `step`, ...; all held by kMockCreator.
struct Chain {
  std::vector<Fence*> fences, links;
  Fence* tail = nullptr;

  void make(unsigned length, uint64_t offset = 0, uint64_t step = 1) {
    *this = {};
    for (unsigned i = 0; i < length; ++i) {
      fences.push_back(&mock_fence());
      tail = &mock_chain(fence_get(tail, kMockCreator), *fence_get(fences[i], kMockCreator),
                         offset + i * step + 1);
      links.push_back(tail);
    }
  }
  void put() {
    for (size_t i = 0; i < fences.size(); ++i) {
      fence_signal(*fences[i]);
      put_mock(*fences[i]);
      put_mock(*links[i]);
    }
  }
  // find_seqno from `from`: its error and what it found, held by kReader.
  struct Found {
    int error;
    Fence* fence;
  };
  static Found find(Fence* from, uint64_t seqno) {
    Fence* fence = fence_get(from, kReader);
    const int error = fence_chain_find_seqno(&fence, seqno, kReader);
    return {error, fence};
  }
  Found find(uint64_t seqno) const { return find(tail, seqno); }
};

std::string with_chain(unsigned length, uint64_t offset, uint64_t step,
                       const std::function<void(Chain& chain)>& body) {
  return kernel::run_alone([&] {
    Chain chain;
    chain.make(length, offset, step);
    body(chain);
    chain.put();
  });
}
std::string with_chain(unsigned length, const std::function<void(Chain& chain)>& body) {
  return with_chain(length, 0, 1, body);
}

TEST(DmaBufFenceChain, sanitycheck) {
  EXPECT_EQ(with_fence([](Fence& f) {
              Fence& chain = mock_chain(nullptr, *fence_get(&f, kMockCreator));
              fence_enable_sw_signaling(chain);
              fence_signal(f);
              put_mock(chain);
            }),
            "nothing");
}

TEST(DmaBufFenceChain, find_seqno) {
  constexpr unsigned kLength = 64;
  EXPECT_EQ(with_chain(kLength,
                       [](Chain& chain) {
                         Chain::Found found = chain.find(0);
                         EXPECT_EQ(found.error, 0);
                         EXPECT_EQ(found.fence, chain.tail);
                         fence_put(found.fence, kReader);
                         for (unsigned i = 0; i < kLength; ++i) {
                           found = chain.find(i + 1);
                           ASSERT_EQ(found.error, 0);
                           ASSERT_EQ(found.fence, chain.links[i]);
                           Chain::Found again = Chain::find(found.fence, i + 1);
                           EXPECT_EQ(again.error, 0);
                           EXPECT_EQ(again.fence, found.fence);
                           fence_put(again.fence, kReader);
                           Chain::Found future = Chain::find(found.fence, i + 2);
                           EXPECT_EQ(future.error, -EINVAL);
                           EXPECT_EQ(future.fence, found.fence);
                           fence_put(future.fence, kReader);
                           Chain::Found previous = Chain::find(found.fence, i);
                           EXPECT_EQ(previous.error, 0);
                           EXPECT_EQ(previous.fence, chain.links[i > 0 ? i - 1 : 0]);
                           fence_put(previous.fence, kReader);
                           fence_put(found.fence, kReader);
                         }
                       }),
            "nothing");
}

TEST(DmaBufFenceChain, find_signaled) {
  EXPECT_EQ(with_chain(2,
                       [](Chain& chain) {
                         fence_signal(*chain.fences[0]);
                         const Chain::Found found = chain.find(1);
                         EXPECT_EQ(found.error, 0);
                         // Of the first point there may be the node, complete, or nothing.
                         EXPECT_TRUE(found.fence == nullptr || found.fence == chain.links[0]);
                         fence_put(found.fence, kReader);
                       }),
            "nothing");
}

TEST(DmaBufFenceChain, find_out_of_order) {
  EXPECT_EQ(
      with_chain(3,
                 [](Chain& chain) {
                   fence_signal(*chain.fences[1]);
                   const Chain::Found found = chain.find(2);
                   EXPECT_EQ(found.error, 0);
                   // The second is complete only with the first.
                   EXPECT_TRUE(found.fence == chain.links[0] || found.fence == chain.links[1]);
                   EXPECT_FALSE(fence_is_signaled(*found.fence));
                   fence_put(found.fence, kReader);
                 }),
      "nothing");
}

TEST(DmaBufFenceChain, find_gap) {
  constexpr unsigned kLength = 64;
  EXPECT_EQ(with_chain(kLength, 1, 2,
                       [](Chain& chain) {
                         for (unsigned i = 0; i < kLength; ++i)
                           for (const uint64_t seqno : {2 * i + 1, 2 * i + 2}) {
                             const Chain::Found found = chain.find(seqno);
                             ASSERT_EQ(found.error, 0);
                             ASSERT_EQ(found.fence, chain.links[i]);
                             fence_put(found.fence, kReader);
                           }
                       }),
            "nothing");
}

// Three threads find and signal at random, preempted at random.
TEST(DmaBufFenceChain, find_race) {
  constexpr unsigned kLength = 6;
  static Chain chain;
  std::mt19937 random(1);
  uint32_t seeds[3];
  TestRun run;
  run.set_up = [] { chain.make(kLength); };
  for (unsigned self = 0; self < 3; ++self)
    run.threads.push_back([&seeds, self] {
      std::mt19937 dice(seeds[self]);
      for (int round = 0; round < 8; ++round) {
        const uint64_t seqno = dice() % kLength;
        const Chain::Found found = chain.find(seqno);
        EXPECT_EQ(found.error, 0);
        if (found.fence != nullptr && seqno > 0) {
          // Either the node of the point, or one before it that is in its way.
          EXPECT_LE(found.fence->seqno, seqno);
          fence_is_signaled(*found.fence);
        }
        fence_put(found.fence, kReader);
        fence_signal(*chain.fences[dice() % kLength]);
      }
    });
  run.tear_down = {[] { chain.put(); }};
  for (int trial = 0; trial < 300; ++trial) {
    for (uint32_t& seed : seeds) seed = random();
    run.preemptions.clear();
    for (int i = 0; i < 12; ++i)
      run.preemptions.push_back(
          {1 + static_cast<uint32_t>(random() % 60), static_cast<sched::Target>(random() % 3)});
    ASSERT_EQ(run(), "nothing") << trial;
  }
}

TEST(DmaBufFenceChain, signal_forward) {
  constexpr unsigned kLength = 64;
  EXPECT_EQ(with_chain(kLength,
                       [](Chain& chain) {
                         for (unsigned i = 0; i < kLength; ++i) {
                           fence_signal(*chain.fences[i]);
                           EXPECT_TRUE(fence_is_signaled(*chain.links[i]));
                           if (i + 1 < kLength)
                             EXPECT_FALSE(fence_is_signaled(*chain.links[i + 1]));
                         }
                       }),
            "nothing");
}

TEST(DmaBufFenceChain, signal_backward) {
  constexpr unsigned kLength = 64;
  EXPECT_EQ(with_chain(kLength,
                       [](Chain& chain) {
                         for (unsigned i = kLength; i-- > 0;) {
                           fence_signal(*chain.fences[i]);
                           if (i > 0) EXPECT_FALSE(fence_is_signaled(*chain.links[i]));
                         }
                         for (Fence* link : chain.links) EXPECT_TRUE(fence_is_signaled(*link));
                       }),
            "nothing");
}

// One thread waits for the tail, the other signals in the given order.
void wait_while_signaled(const std::vector<unsigned>& order) {
  static Chain chain;
  int result;
  bool all_complete;
  TestRun run;
  run.set_up = [&] { chain.make(static_cast<unsigned>(order.size())); };
  run.threads = {[&] {
                   result = fence_wait(*chain.tail, false);
                   all_complete = true;
                   for (Fence* fence : chain.fences)
                     all_complete = all_complete && fence_test_signaled_flag(*fence);
                 },
                 [&] {
                   for (const unsigned i : order) fence_signal(*chain.fences[i]);
                 }};
  run.tear_down = {[] { chain.put(); }};
  EXPECT_EQ(run.sweep({kT1, kT0},
                      [&] {
                        ASSERT_EQ(result, 0);
                        ASSERT_TRUE(all_complete);
                      }),
            "nothing");
}

TEST(DmaBufFenceChain, wait_forward) { wait_while_signaled({0, 1, 2, 3}); }
TEST(DmaBufFenceChain, wait_backward) { wait_while_signaled({3, 2, 1, 0}); }
TEST(DmaBufFenceChain, wait_random) {
  wait_while_signaled({2, 0, 3, 1});
  wait_while_signaled({1, 3, 0, 2});
}

}  // namespace
}  // namespace dma
