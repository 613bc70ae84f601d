// The cases of IGT's syncobj_wait and of those of syncobj_timeline that are the same with points,
// under IGT's names: binary syncobjs are at point 0, timelines at point 1. What makes the fences
// there are software timelines, here the test.
#include "core/drm/syncobj_test_fixture.h"

namespace drm {
namespace {

using dma::Fence;
using kernel::kErestartsys;
using kernel::kSecond;

constexpr uint64_t kShortTime = kSecond / 10;

int64_t in(uint64_t time) { return static_cast<int64_t>(sched::now() + time); }

// The parameter is the point.
class SyncobjIgt : public SyncobjFixture, public testing::WithParamInterface<uint64_t> {
 protected:
  bool is_timeline() const { return GetParam() != 0; }

  int wait_for(const Handles& handles, int64_t timeout, uint32_t flags, uint32_t* first = nullptr) {
    if (!is_timeline()) return wait(handles, timeout, flags, first);
    return wait_points(handles, Points(handles.size(), GetParam()), timeout, flags, first);
  }
  int signal_all(const Handles& handles) {
    return is_timeline() ? signal_points(handles, Points(handles.size(), GetParam()))
                         : signal(handles);
  }
  Fence& attach_to(uint32_t handle) { return attach(handle, GetParam()); }
  void trigger_at(uint32_t handle) { trigger(handle, GetParam()); }

  void delayed_signal(uint32_t flags) {
    uint32_t handle = 0;
    Fence* fence = nullptr;
    also_set_up([&] {
      handle = create();
      if ((flags & kForSubmit) == 0) fence = &attach_to(handle);
    });
    EXPECT_EQ(run({[&] { EXPECT_EQ(wait_for({handle}, in(2 * kShortTime), flags), 0); },
                   [&] {
                     sleep(kShortTime);
                     if (fence != nullptr)
                       dma::fence_signal(*fence);
                     else
                       trigger_at(handle);
                   }}),
              "nothing");
  }
  void snapshot(uint32_t flags);
  void complex(uint32_t flags);
  void interrupted(uint32_t flags);
};

INSTANTIATE_TEST_SUITE_P(syncobj_wait, SyncobjIgt, testing::Values(0));
INSTANTIATE_TEST_SUITE_P(syncobj_timeline, SyncobjIgt, testing::Values(1));

// --- bad arguments ---

TEST_P(SyncobjIgt, invalid_wait_bad_flags) {
  alone([this] { EXPECT_EQ(wait_for({}, 0, 0xdeadbeef), -EINVAL); });
}

TEST_P(SyncobjIgt, wait_zero_handles) {
  alone([this] { EXPECT_EQ(wait_for({}, 0, 0), 0); });
}

TEST_P(SyncobjIgt, invalid_wait_illegal_handle) {
  alone([this] { EXPECT_EQ(wait_for({0}, 0, 0), -ENOENT); });
}

TEST_P(SyncobjIgt, invalid_signal_zero_handles) {
  alone([this] { EXPECT_EQ(signal_all({}), -EINVAL); });
}

TEST_P(SyncobjIgt, invalid_signal_illegal_handle) {
  alone([this] { EXPECT_EQ(signal_all({0}), -ENOENT); });
}

TEST_P(SyncobjIgt, invalid_signal_one_illegal_handle) {
  alone([this] {
    const uint32_t a = create(), b = create();
    EXPECT_EQ(signal_all({a, 0, b}), -ENOENT);
    EXPECT_EQ(wait_for({a}, 0, 0), -EINVAL);
    EXPECT_EQ(wait_for({b}, 0, 0), -EINVAL);
  });
}

TEST_P(SyncobjIgt, invalid_signal_bad_pad) {
  alone([this] {
    drm_syncobj_array array{put_handles({0}), 1, 0xdeadbeef};
    EXPECT_EQ(call(syncobj_signal_ioctl, array), -EINVAL);
    drm_syncobj_timeline_array points{put_handles({0}), put_points({1}), 1, 0xdeadbeef};
    EXPECT_EQ(call(syncobj_timeline_signal_ioctl, points), -EINVAL);
  });
}

TEST_F(SyncobjFixture, invalid_reset_zero_handles) {
  alone([this] { EXPECT_EQ(reset({}), -EINVAL); });
}

TEST_F(SyncobjFixture, invalid_reset_illegal_handle) {
  alone([this] { EXPECT_EQ(reset({0}), -ENOENT); });
}

TEST_F(SyncobjFixture, invalid_reset_one_illegal_handle) {
  alone([this] {
    const uint32_t a = create(kSyncobjCreateSignaled), b = create(kSyncobjCreateSignaled);
    EXPECT_EQ(reset({a, 0, b}), -ENOENT);
    EXPECT_EQ(wait({a}, 0, 0), 0);
    EXPECT_EQ(wait({b}, 0, 0), 0);
  });
}

TEST_F(SyncobjFixture, invalid_reset_bad_pad) {
  alone([this] {
    drm_syncobj_array array{put_handles({0}), 1, 0xdeadbeef};
    EXPECT_EQ(call(syncobj_reset_ioctl, array), -EINVAL);
  });
}

// --- signal and reset ---

TEST_P(SyncobjIgt, wait_delayed_signal) { delayed_signal(0); }
TEST_P(SyncobjIgt, wait_for_submit_delayed_submit) { delayed_signal(kForSubmit); }
TEST_P(SyncobjIgt, wait_all_delayed_signal) { delayed_signal(kAll); }
TEST_P(SyncobjIgt, wait_all_for_submit_delayed_submit) { delayed_signal(kAll | kForSubmit); }

TEST_P(SyncobjIgt, reset_unsignaled) {
  alone([this] {
    const uint32_t handle = create();
    EXPECT_EQ(wait_for({handle}, 0, 0), -EINVAL);
    EXPECT_EQ(reset({handle}), 0);
    EXPECT_EQ(wait_for({handle}, 0, 0), -EINVAL);
  });
}

TEST_P(SyncobjIgt, reset_signaled) {
  alone([this] {
    const uint32_t handle = create();
    trigger_at(handle);
    EXPECT_EQ(wait_for({handle}, 0, 0), 0);
    EXPECT_EQ(reset({handle}), 0);
    EXPECT_EQ(wait_for({handle}, 0, 0), -EINVAL);
  });
}

TEST_P(SyncobjIgt, reset_multiple_signaled) {
  alone([this] {
    const Handles handles = {create(), create(), create()};
    for (uint32_t handle : handles) trigger_at(handle);
    EXPECT_EQ(wait_for(handles, 0, 0), 0);
    EXPECT_EQ(reset(handles), 0);
    for (uint32_t handle : handles) EXPECT_EQ(wait_for({handle}, 0, 0), -EINVAL);
  });
}

TEST_P(SyncobjIgt, reset_during_wait_for_submit) {
  uint32_t handle = 0;
  also_set_up([&] { handle = create(); });
  EXPECT_EQ(run({[&] { EXPECT_EQ(wait_for({handle}, in(2 * kShortTime), kForSubmit), 0); },
                 [&] {
                   sleep(kShortTime);
                   EXPECT_EQ(reset({handle}), 0);
                   trigger_at(handle);
                 }}),
            "nothing");
}

TEST_P(SyncobjIgt, signal) {
  alone([this] {
    const uint32_t handle = create();
    EXPECT_EQ(wait_for({handle}, 0, 0), -EINVAL);
    EXPECT_EQ(wait_for({handle}, 0, kForSubmit), -ETIME);
    EXPECT_EQ(signal_all({handle}), 0);
    EXPECT_EQ(wait_for({handle}, 0, 0), 0);
    EXPECT_EQ(wait_for({handle}, 0, kForSubmit), 0);
  });
}

// --- a wait keeps the fences that it has found ---

void SyncobjIgt::snapshot(uint32_t flags) {
  uint32_t a = 0, b = 0, first = ~0u;
  Fence *of_a = nullptr, *of_b = nullptr;
  also_set_up([&] {
    a = create();
    b = create();
    if ((flags & kForSubmit) != 0) return;
    of_a = &attach_to(a);
    of_b = &attach_to(b);
  });
  const auto complete = [this](Fence* fence, uint32_t handle) {
    if (fence != nullptr)
      dma::fence_signal(*fence);
    else
      trigger_at(handle);
  };
  EXPECT_EQ(run({[&] { EXPECT_EQ(wait_for({a, b}, in(kShortTime), flags, &first), 0); },
                 [&] {
                   sleep(kShortTime / 5);
                   if ((flags & kAll) != 0)
                     complete(of_a, a);
                   else if ((flags & kForSubmit) != 0)
                     attach_to(a);
                   sleep(kShortTime / 5);
                   EXPECT_EQ(reset({a}), 0);
                   sleep(kShortTime / 5);
                   attach_to(a);  // never complete: whoever looks at it times out
                   sleep(kShortTime / 5);
                   complete(of_b, b);
                 }}),
            "nothing");
  EXPECT_EQ(first, (flags & kAll) != 0 ? 0u : 1u);
}

TEST_P(SyncobjIgt, wait_any_snapshot) { snapshot(0); }
TEST_P(SyncobjIgt, wait_all_snapshot) { snapshot(kAll); }
TEST_P(SyncobjIgt, wait_for_submit_snapshot) { snapshot(kForSubmit); }
TEST_P(SyncobjIgt, wait_all_for_submit_snapshot) { snapshot(kAll | kForSubmit); }

// Each syncobj takes a step whenever its number comes up.
constexpr unsigned kOrder[] = {3, 5, 0, 3, 7, 1, 6, 5, 2, 4, 0, 3, 1, 7, 7, 2,
                               6, 4, 5, 0, 1, 2, 3, 6, 4, 7, 5, 0, 1, 2, 6, 4};

void SyncobjIgt::complex(uint32_t flags) {
  Handles handles;
  Fence* fences[8] = {};
  unsigned steps[8] = {}, num_signaled = 0, first = ~0u;
  uint32_t first_signaled = ~0u;
  const bool all = (flags & kAll) != 0, for_submit = (flags & kForSubmit) != 0;
  also_set_up([&] {
    for (Fence*& fence : fences) {
      handles.push_back(create());
      if (!for_submit) fence = &attach_to(handles.back());
    }
  });
  const auto step = [&](unsigned i) {
    switch (steps[i]++) {
      case 0:
        if (for_submit) fences[i] = &attach_to(handles[i]);
        break;
      case 1:
        dma::fence_signal(*fences[i]);
        if (num_signaled++ == 0) first = i;
        break;
      case 2:
        EXPECT_EQ(reset({handles[i]}), 0);
        break;
      default:
        attach_to(handles[i]);
    }
  };
  EXPECT_EQ(run({[&] { EXPECT_EQ(wait_for(handles, in(kSecond), flags, &first_signaled), 0); },
                 [&] {
                   sleep(kSecond / 50);
                   for (unsigned i : kOrder) {
                     step(i);
                     if (num_signaled == (all ? 8 : 1)) break;
                     sleep(kSecond / 100);
                   }
                 }}),
            "nothing");
  EXPECT_EQ(num_signaled, all ? 8u : 1u);
  EXPECT_EQ(first_signaled, all ? 0 : first);
}

TEST_P(SyncobjIgt, wait_any_complex) { complex(0); }
TEST_P(SyncobjIgt, wait_all_complex) { complex(kAll); }
TEST_P(SyncobjIgt, wait_for_submit_complex) { complex(kForSubmit); }
TEST_P(SyncobjIgt, wait_all_for_submit_complex) { complex(kAll | kForSubmit); }

// A signal ends the wait; it is restarted, and times out when it would have.
void SyncobjIgt::interrupted(uint32_t flags) {
  uint32_t handle = 0;
  also_set_up([&] {
    handle = create();
    attach_to(handle);
  });
  EXPECT_EQ(run({[&] {
                   const int64_t timeout = in(kShortTime);
                   EXPECT_EQ(wait_for({handle}, timeout, flags), -kErestartsys);
                   EXPECT_EQ(sched::now(), kShortTime / 2);
                   kernel::write_once(kernel::task().signal_pending, false);
                   EXPECT_EQ(wait_for({handle}, timeout, flags), -ETIME);
                   EXPECT_EQ(sched::now(), kShortTime);
                 },
                 [] {
                   sleep(kShortTime / 2);
                   kernel::write_once(kernel::task(0).signal_pending, true);
                   kernel::wake_up_process(sched::context(0));
                 }}),
            "nothing");
}

TEST_P(SyncobjIgt, wait_any_interrupted) { interrupted(0); }
TEST_P(SyncobjIgt, wait_all_interrupted) { interrupted(kAll); }

// --- every state with all flags ---

enum State : unsigned { kUnsubmitted, kSubmitted, kSignaled };

struct MatrixCase {
  bool timeline;
  bool multi;
  uint32_t flags;
  unsigned states;  // bit n: state n occurs

  bool has(State state) const { return (states >> state & 1) != 0; }
  int expected() const {
    if (has(kUnsubmitted) && (flags & (kForSubmit | kAvailable)) == 0) return -EINVAL;
    const bool submitted_is_done = (flags & kAvailable) != 0;
    const bool any = has(kSignaled) || (has(kSubmitted) && submitted_is_done);
    const bool all = !has(kUnsubmitted) && (!has(kSubmitted) || submitted_is_done);
    return ((flags & kAll) != 0 ? all : any) ? 0 : -ETIME;
  }
  std::string name() const {
    std::string name = expected() == -EINVAL              ? "invalid_"
                       : expected() == -ETIME && timeline ? "etime_"
                                                          : "";
    name += multi ? "multi_wait" : "single_wait";
    if ((flags & kAll) != 0) name += "_all";
    if ((flags & kForSubmit) != 0) name += "_for_submit";
    if ((flags & kAvailable) != 0) name += "_available";
    if (has(kUnsubmitted)) name += "_unsubmitted";
    if (has(kSubmitted)) name += "_submitted";
    if (has(kSignaled)) name += "_signaled";
    return name;
  }
};

std::vector<MatrixCase> matrix(bool timeline) {
  std::vector<MatrixCase> cases;
  for (bool multi : {false, true})
    for (uint32_t flags = 0;
         flags <= (timeline ? kAll | kForSubmit | kAvailable : kAll | kForSubmit); ++flags)
      for (unsigned states = 1; states < 8; ++states)
        if (multi || (states & (states - 1)) == 0)
          cases.push_back({timeline, multi, flags, states});
  return cases;
}

class SyncobjIgtMatrix : public SyncobjFixture, public testing::WithParamInterface<MatrixCase> {};

std::string case_name(const testing::TestParamInfo<MatrixCase>& info) { return info.param.name(); }
INSTANTIATE_TEST_SUITE_P(syncobj_wait, SyncobjIgtMatrix, testing::ValuesIn(matrix(false)),
                         case_name);
INSTANTIATE_TEST_SUITE_P(syncobj_timeline, SyncobjIgtMatrix, testing::ValuesIn(matrix(true)),
                         case_name);

TEST_P(SyncobjIgtMatrix, wait) {
  const MatrixCase& c = GetParam();
  alone([&] {
    // Points of binary syncobjs among those of timelines.
    Points points = !c.timeline ? Points(3, 0) : Points{7, 0, 3, (uint64_t{1} << 33) + 1, 0};
    if (!c.multi) points = {c.timeline ? 1u : 0u};
    Handles handles;
    unsigned states = c.states;
    for (uint64_t point : points) {
      handles.push_back(create());
      // Each state in turn, the last one also for the rest.
      const unsigned state = static_cast<unsigned>(__builtin_ctz(states));
      if ((states & (states - 1)) != 0) states &= states - 1;
      if (state == kSubmitted) attach(handles.back(), point);
      if (state == kSignaled) trigger(handles.back(), point);
    }
    const auto wait_until = [&](int64_t timeout) {
      return c.timeline ? wait_points(handles, points, timeout, c.flags)
                        : wait(handles, timeout, c.flags);
    };
    EXPECT_EQ(wait_until(0), c.expected());
    EXPECT_EQ(wait_until(in(kShortTime)), c.expected());
    if (c.expected() != -ETIME) EXPECT_EQ(wait_until(kNever), c.expected());
  });
}

}  // namespace
}  // namespace drm
