// The cases of the kernel's own dma-buf-fence-unwrap tests, under their names: they assert the
// same.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "core/dma/fence_unwrap.h"
#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/test_run.h"

namespace dma {
namespace {

// The leaves of `head`, in the order in which the walk yields them.
std::vector<Fence*> leaves(Fence& head) {
  std::vector<Fence*> seen;
  FenceUnwrap cursor;
  Fence* fence;
  fence_unwrap_for_each(fence, cursor, &head, kReader) seen.push_back(fence);
  return seen;
}

// Mock fences with the wanted contexts and sequence numbers, held twice: by the case and by what it
// makes of them.
struct Leaf {
  uint64_t context, seqno;
};
struct Leaves {
  std::vector<Fence*> f;

  Fence* take(size_t i) const { return fence_get(f[i], kMockCreator); }
  Fence* operator[](size_t i) const { return f[i]; }
};
std::string with_leaves(const std::vector<Leaf>& wanted,
                        const std::function<void(const Leaves& f)>& body) {
  return kernel::run_alone([&] {
    Leaves f;
    for (const Leaf& leaf : wanted) {
      f.f.push_back(&mock_fence(kMockOps, leaf.seqno, leaf.context));
      fence_enable_sw_signaling(*f.f.back());
    }
    body(f);
    for (Fence* fence : f.f) {
      fence_signal(*fence);
      put_mock(*fence);
    }
  });
}

// Merges, checks the leaves of the result, puts it.
void expect_merged(const std::vector<Fence*>& fences, const std::vector<Fence*>& expected) {
  Fence* merged =
      fence_unwrap_merge(fences.data(), static_cast<unsigned>(fences.size()), kMockCreator);
  ASSERT_NE(merged, nullptr);
  EXPECT_EQ(leaves(*merged), expected);
  put_mock(*merged);
}

TEST(DmaBufFenceUnwrap, sanitycheck) {
  EXPECT_EQ(with_leaves({{1, 1}},
                        [](const Leaves& f) {
                          Fence& chain = mock_chain(nullptr, mock_array({f.take(0)}));
                          put_mock(chain);
                        }),
            "nothing");
}

TEST(DmaBufFenceUnwrap, unwrap_array) {
  EXPECT_EQ(with_leaves({{1, 1}, {2, 1}},
                        [](const Leaves& f) {
                          Fence& array = mock_array({f.take(0), f.take(1)});
                          EXPECT_EQ(leaves(array), f.f);
                          put_mock(array);
                        }),
            "nothing");
}

TEST(DmaBufFenceUnwrap, unwrap_chain) {
  EXPECT_EQ(with_leaves({{1, 1}, {2, 1}},
                        [](const Leaves& f) {
                          Fence& chain = mock_chain(f.take(0), *f.take(1));
                          EXPECT_EQ(leaves(chain), (std::vector<Fence*>{f[1], f[0]}));
                          put_mock(chain);
                        }),
            "nothing");
}

TEST(DmaBufFenceUnwrap, unwrap_chain_array) {
  EXPECT_EQ(with_leaves({{1, 1}, {2, 1}},
                        [](const Leaves& f) {
                          Fence& chain = mock_chain(nullptr, mock_array({f.take(0), f.take(1)}));
                          EXPECT_EQ(leaves(chain), f.f);
                          put_mock(chain);
                        }),
            "nothing");
}

TEST(DmaBufFenceUnwrap, unwrap_merge) {
  EXPECT_EQ(with_leaves({{1, 1}, {2, 1}}, [](const Leaves& f) { expect_merged(f.f, f.f); }),
            "nothing");
}

TEST(DmaBufFenceUnwrap, unwrap_merge_duplicate) {
  EXPECT_EQ(with_leaves({{1, 1}}, [](const Leaves& f) { expect_merged({f[0], f[0]}, {f[0]}); }),
            "nothing");
}

TEST(DmaBufFenceUnwrap, unwrap_merge_seqno) {
  EXPECT_EQ(with_leaves({{1, 1}, {1, 2}, {2, 1}},
                        [](const Leaves& f) { expect_merged({f[1], f[0], f[2]}, {f[1], f[2]}); }),
            "nothing");
}

TEST(DmaBufFenceUnwrap, unwrap_merge_order) {
  EXPECT_EQ(with_leaves({{1, 1}, {2, 1}},
                        [](const Leaves& f) {
                          Fence& a1 = mock_array({f.take(0), f.take(1)});
                          Fence& a2 = mock_array({f.take(1), f.take(0)});
                          expect_merged({&a1, &a2}, {f[0], f[1]});
                          put_mock(a1);
                          put_mock(a2);
                        }),
            "nothing");
}

TEST(DmaBufFenceUnwrap, unwrap_merge_complex) {
  EXPECT_EQ(with_leaves({{1, 1}, {2, 1}},
                        [](const Leaves& f) {
                          Fence* stub = fence_allocate_private_stub(0, kMockCreator);
                          Fence* const first[] = {f[0], f[1]};
                          Fence* f3 = fence_unwrap_merge(first, 2, kMockCreator);
                          ASSERT_NE(f3, nullptr);
                          Fence* const second[] = {f3, stub};
                          Fence* f4 = fence_unwrap_merge(second, 2, kMockCreator);
                          ASSERT_NE(f4, nullptr);
                          EXPECT_EQ(leaves(*f4), f.f);
                          expect_merged({f3, f4}, f.f);
                          for (Fence* fence : {stub, f3, f4}) put_mock(*fence);
                        }),
            "nothing");
}

TEST(DmaBufFenceUnwrap, unwrap_merge_complex_seqno) {
  EXPECT_EQ(with_leaves({{1, 2}, {1, 1}, {2, 1}, {2, 2}},
                        [](const Leaves& f) {
                          Fence& a1 = mock_array({f.take(0), f.take(2)});
                          Fence& a2 = mock_array({f.take(1), f.take(3)});
                          expect_merged({&a1, &a2}, {f[0], f[3]});
                          put_mock(a1);
                          put_mock(a2);
                        }),
            "nothing");
}

TEST(DmaBufFenceUnwrap, test_dedup_empty) {
  EXPECT_EQ(kernel::run_alone([] {
              Fence* untouched = nullptr;
              EXPECT_EQ(fence_dedup_array(&untouched, 0, kMockCreator), 0u);
              EXPECT_EQ(fence_dedup_array(nullptr, 0, kMockCreator), 0u);
            }),
            "nothing");
}

}  // namespace
}  // namespace dma
