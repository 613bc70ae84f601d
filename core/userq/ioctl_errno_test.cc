// Every error of the signal and the wait ioctl (behaviour 1.8, 1.9) up to the point where buffers
// are locked, in both phases of wait: what is refused leaves every reference as it was.
#include <functional>
#include <ostream>
#include <string>

#include "core/userq/ioctl_test_fixture.h"

namespace userq {
namespace {

// What the two ioctls have in common.
struct Common {
  uint64_t& syncobjs;
  uint16_t& num_syncobjs;
  uint64_t& read;
  uint32_t& num_read;
  uint64_t& write;
  uint32_t& num_write;
  uint64_t zeros;
  uint64_t user_end;
};

template <typename Args>
Common common(Args& args, uint64_t zeros, uint64_t user_end) {
  return {args.syncobj_handles,
          args.num_syncobj_handles,
          args.bo_read_handles,
          args.num_bo_read_handles,
          args.bo_write_handles,
          args.num_bo_write_handles,
          zeros,
          user_end};
}

struct Fault {
  const char* name;
  int error;
  std::function<void(const Common& args)> change;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }
std::string fault_name(const testing::TestParamInfo<Fault>& info) { return info.param.name; }

// A has a fence in s and in y.
class ErrnoTest : public IoctlTest {
 protected:
  ErrnoTest() {
    prepare([this] {
      scene();
      EXPECT_EQ(signal_on(a_, 4, {.syncobjs = {s_}, .write = {y_}}), 0);
    });
  }
  Lists lists() { return {.syncobjs = {s_, t_}, .read = {x_}, .write = {y_}}; }
  Lists submitted() { return {.syncobjs = {s_}, .read = {x_}, .write = {y_}}; }
};

class BothRefuse : public ErrnoTest, public testing::WithParamInterface<Fault> {};

TEST_P(BothRefuse, AndChangeNothing) {
  EXPECT_EQ(run({[this] {
              SignalArgs signal_args = signal_lists(c_, lists());
              GetParam().change(common(signal_args, zeros(), kUserEnd));
              expect_refused(signal_args, GetParam().error);
              for (uint16_t room : {0, 8}) {
                WaitArgs wait_args = wait_lists(b_, submitted(), room);
                GetParam().change(common(wait_args, zeros(), kUserEnd));
                expect_refused(wait_args, GetParam().error);
              }
              EXPECT_EQ(held_drivers(b_), 0);
              complete_all();
            }}),
            "nothing");
}

const Fault kFaults[] = {
    {"ReadHandlesOneTooMany", -EINVAL, [](const Common& a) { a.num_read = kUserqMaxHandles + 1; }},
    {"ReadHandlesHalfOfAll", -EINVAL, [](const Common& a) { a.num_read = 1u << 31; }},
    {"ReadHandlesMost", -EINVAL, [](const Common& a) { a.num_read = ~0u; }},
    {"WriteHandlesOneTooMany", -EINVAL,
     [](const Common& a) { a.num_write = kUserqMaxHandles + 1; }},
    {"WriteHandlesHalfOfAll", -EINVAL, [](const Common& a) { a.num_write = 1u << 31; }},
    {"WriteHandlesMost", -EINVAL, [](const Common& a) { a.num_write = ~0u; }},
    // As many as allowed: they are looked at, and the second is 0.
    {"ReadHandlesAsManyAsAllowed", -ENOENT, [](const Common& a) { a.num_read = kUserqMaxHandles; }},
    {"WriteHandlesAsManyAsAllowed", -ENOENT,
     [](const Common& a) { a.num_write = kUserqMaxHandles; }},
    {"SyncobjsNotMapped", -EFAULT, [](const Common& a) { a.syncobjs = 8; }},
    {"SyncobjsAtNull", -EFAULT, [](const Common& a) { a.syncobjs = 0; }},
    {"SyncobjsCrossTheEnd", -EFAULT, [](const Common& a) { a.syncobjs = a.user_end - 2; }},
    {"SyncobjsWrapAround", -EFAULT, [](const Common& a) { a.syncobjs = ~uint64_t{1}; }},
    {"SyncobjsMost", -EFAULT,
     [](const Common& a) {
       a.syncobjs = a.user_end - 8;
       a.num_syncobjs = 0xffff;
     }},
    {"ReadHandlesNotMapped", -EFAULT, [](const Common& a) { a.read = 8; }},
    {"ReadHandlesAtNull", -EFAULT, [](const Common& a) { a.read = 0; }},
    {"ReadHandlesCrossTheEnd", -EFAULT, [](const Common& a) { a.read = a.user_end - 2; }},
    {"ReadHandlesWrapAround", -EFAULT, [](const Common& a) { a.read = ~uint64_t{1}; }},
    {"WriteHandlesNotMapped", -EFAULT, [](const Common& a) { a.write = 8; }},
    {"WriteHandlesAtNull", -EFAULT, [](const Common& a) { a.write = 0; }},
    {"WriteHandlesCrossTheEnd", -EFAULT, [](const Common& a) { a.write = a.user_end - 2; }},
    {"WriteHandlesWrapAround", -EFAULT, [](const Common& a) { a.write = ~uint64_t{1}; }},
    {"UnknownSyncobj", -ENOENT, [](const Common& a) { a.syncobjs = a.zeros; }},
    {"UnknownReadHandle", -ENOENT, [](const Common& a) { a.read = a.zeros; }},
    {"UnknownWriteHandle", -ENOENT, [](const Common& a) { a.write = a.zeros; }},
    {"SecondReadHandleUnknown", -ENOENT, [](const Common& a) { a.num_read = 2; }},
    {"SecondWriteHandleUnknown", -ENOENT, [](const Common& a) { a.num_write = 2; }},
};
INSTANTIATE_TEST_SUITE_P(Fault, BothRefuse, testing::ValuesIn(kFaults), fault_name);

// --- wait alone ---

struct WaitFault {
  const char* name;
  int error;
  std::function<void(drm_amdgpu_userq_wait& args, uint64_t user_end)> change;
};
void PrintTo(const WaitFault& fault, std::ostream* out) { *out << fault.name; }

class WaitAloneRefuses : public ErrnoTest, public testing::WithParamInterface<WaitFault> {};

TEST_P(WaitAloneRefuses, AndChangesNothing) {
  EXPECT_EQ(run({[this] {
              Lists all = submitted();
              all.timelines = {{s_, 0}};
              for (uint16_t room : {0, 8}) {
                WaitArgs args = wait_lists(b_, all, room);
                GetParam().change(args, kUserEnd);
                expect_refused(args, GetParam().error);
              }
              EXPECT_EQ(held_drivers(b_), 0);
              complete_all();
            }}),
            "nothing");
}

using Args = drm_amdgpu_userq_wait;
const WaitFault kWaitFaults[] = {
    {"TimelinesNotMapped", -EFAULT, [](Args& a, uint64_t) { a.syncobj_timeline_handles = 8; }},
    {"TimelinesAtNull", -EFAULT, [](Args& a, uint64_t) { a.syncobj_timeline_handles = 0; }},
    {"TimelinesCrossTheEnd", -EFAULT,
     [](Args& a, uint64_t end) { a.syncobj_timeline_handles = end - 2; }},
    {"TimelinesMost", -EFAULT,
     [](Args& a, uint64_t end) {
       a.syncobj_timeline_handles = end - 8;
       a.num_syncobj_timeline_handles = 0xffff;
     }},
    {"PointsNotMapped", -EFAULT, [](Args& a, uint64_t) { a.syncobj_timeline_points = 8; }},
    {"PointsAtNull", -EFAULT, [](Args& a, uint64_t) { a.syncobj_timeline_points = 0; }},
    // A point is 64 bits wide: only the second half is out of reach.
    {"PointsCrossTheEnd", -EFAULT,
     [](Args& a, uint64_t end) { a.syncobj_timeline_points = end - 4; }},
    {"UnknownTimeline", -ENOENT, [](Args& a, uint64_t) { a.num_syncobj_timeline_handles = 2; }},
};
INSTANTIATE_TEST_SUITE_P(Fault, WaitAloneRefuses, testing::ValuesIn(kWaitFaults),
                         [](const testing::TestParamInfo<WaitFault>& info) {
                           return std::string(info.param.name);
                         });

TEST_F(ErrnoTest, UnknownQueueIsEnoentForSignalAndEinvalForFilling) {
  EXPECT_EQ(run({[this] {
              expect_refused(signal_lists(kUnknown, lists()), -ENOENT);
              expect_refused(wait_lists(kUnknown, submitted(), 8), -EINVAL);
              complete_all();
            }}),
            "nothing");
}

// The references stay with the queue until its next fence.
TEST_F(ErrnoTest, InfosThatCannotBeWrittenLeaveTheDriversWithTheQueue) {
  EXPECT_EQ(run({[this] {
              for (uint64_t address : {uint64_t{0}, uint64_t{8}, kUserEnd - 15}) {
                WaitArgs args = wait_lists(b_, submitted(), 8);
                args.out_fences = address;
                expect_refused(args, -EFAULT);
                EXPECT_EQ(held_drivers(b_, a_), 1);
                EXPECT_EQ(refs(driver(a_)), 3);
              }
              WaitArgs args = wait_lists(b_, submitted(), 8);
              args.out_fences = kUserEnd - 16;
              EXPECT_EQ(wait(args), 0);
              EXPECT_EQ(refs(driver(a_)), 3);
              gpu_write(kB, 1);
              EXPECT_EQ(signal_on(b_, 1, {}), 0);
              EXPECT_EQ(refs(driver(a_)), 2);
              complete_all();
            }}),
            "nothing");
}

// --- what is legal ---

TEST_F(ErrnoTest, PointersOfEmptyListsAreNotLookedAt) {
  EXPECT_EQ(run({[this] {
              SignalArgs signal_args = signal_lists(c_, {});
              signal_args.syncobj_handles = signal_args.bo_read_handles =
                  signal_args.bo_write_handles = kNowhere;
              EXPECT_EQ(signal(signal_args), 0);
              for (uint16_t room : {0, 1}) {
                WaitArgs args = wait_lists(b_, {}, room);
                args.syncobj_handles = args.bo_read_handles = args.bo_write_handles =
                    args.syncobj_timeline_handles = args.syncobj_timeline_points = args.out_fences =
                        ~uint64_t{0};
                EXPECT_EQ(wait(args), 0);
                EXPECT_EQ(args.num_fences, 0);
              }
              complete_all();
            }}),
            "nothing");
}

TEST_F(ErrnoTest, MisalignedPointersAreLegal) {
  EXPECT_EQ(run({[this] {
              SignalArgs signal_args = signal_lists(c_, {});
              signal_args.syncobj_handles = put_misaligned({t_});
              signal_args.num_syncobj_handles = 1;
              EXPECT_EQ(signal(signal_args), 0);
              for (uint16_t room : {0, 4}) {
                WaitArgs args = wait_lists(b_, {}, room);
                args.bo_read_handles = put_misaligned({y_});
                args.num_bo_read_handles = 1;
                args.out_fences += 1;
                EXPECT_EQ(wait(args), 0);
                EXPECT_EQ(args.num_fences, 1);
              }
              complete_all();
            }}),
            "nothing");
}

// --- handles that were something else once, or are elsewhere ---

TEST_F(ErrnoTest, ClosedBufferIsUnknownUntilItsHandleIsGivenAway) {
  EXPECT_EQ(run({[this] {
              const uint32_t stale = create_bo();
              EXPECT_EQ(close_bo(stale), 0);
              for (const Lists& with_stale :
                   {Lists{.read = {x_, stale}}, Lists{.read = {x_}, .write = {stale}}}) {
                expect_refused(signal_lists(c_, with_stale), -ENOENT);
                for (uint16_t room : {0, 8})
                  expect_refused(wait_lists(b_, with_stale, room), -ENOENT);
              }
              EXPECT_EQ(create_bo(), stale);
              EXPECT_EQ(signal_on(c_, 3, {.write = {stale}}), 0);
              EXPECT_EQ(usage_of(stale, last_fence(c_)), kWrite_);
              EXPECT_EQ(count({.write = {stale}}), 1);
              complete_all();
            }}),
            "nothing");
}

TEST_F(ErrnoTest, BufferOfAnotherFileIsUnknown) {
  EXPECT_EQ(run({[this] {
              uint32_t other = 0;
              while (other <= y_) other = create_bo(kGpuPageSize, 0, 1);
              expect_refused(signal_lists(c_, {.read = {other}}), -ENOENT);
              expect_refused(wait_lists(b_, {.write = {other}}, 8), -ENOENT);
              complete_all();
            }}),
            "nothing");
}

TEST_F(ErrnoTest, DestroyedSyncobjIsUnknownUntilItsHandleIsGivenAway) {
  EXPECT_EQ(run({[this] {
              const uint32_t stale = syncobj();
              destroy_syncobj(stale);
              expect_refused(signal_lists(c_, {.syncobjs = {t_, stale}}), -ENOENT);
              for (uint16_t room : {0, 8}) {
                expect_refused(wait_lists(b_, {.syncobjs = {s_, stale}}, room), -ENOENT);
                expect_refused(wait_lists(b_, {.timelines = {{stale, 1}}}, room), -ENOENT);
              }
              EXPECT_EQ(syncobj(), stale);
              EXPECT_EQ(signal_on(c_, 3, {.syncobjs = {stale}}), 0);
              EXPECT_EQ(count({.syncobjs = {stale}}), 1);
              complete_all();
            }}),
            "nothing");
}

TEST_F(ErrnoTest, FreedQueueIsUnknownUntilItsIdIsGivenAway) {
  EXPECT_EQ(run({[this] {
              const uint32_t stale = create(9);
              EXPECT_EQ(free(stale), 0);
              expect_refused(signal_lists(stale, lists()), -ENOENT);
              expect_refused(wait_lists(stale, submitted(), 8), -EINVAL);
              EXPECT_EQ(create(10), stale);
              EXPECT_EQ(signal_on(stale, 3, {.syncobjs = {t_}}), 0);
              EXPECT_EQ(last_fence(stale).context, driver(stale).context);
              EXPECT_EQ(wait_on(stale, submitted()), 0);
              complete(10, 3);
              complete_all();
            }}),
            "nothing");
}

// --- memory ---

TEST_F(ErrnoTest, SignalWhicheverAllocationFails) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(vm_user_store64(vm(), wptr_va(kC), 4), 0);
              uint32_t n = 0, lived_on = 0;
              int error = -ENOMEM;
              while (error == -ENOMEM) {
                const SignalArgs args = signal_lists(c_, lists());
                const std::vector<int> before = books();
                dma::Fence* last = queue(c_).last_fence;
                kernel::task().fail_alloc = ++n;
                error = signal(args);
                if (error == 0) break;
                EXPECT_EQ(error, -ENOMEM);
                EXPECT_EQ(count({.read = {x_}, .write = {y_}}), 1);  // as published before
                EXPECT_EQ(fence_of(t_), nullptr);
                if (queue(c_).last_fence != last) {
                  ++lived_on;
                  expect_unpublished(c_, last);
                } else {
                  EXPECT_EQ(books(), before);
                }
              }
              kernel::task().fail_alloc = 0;
              EXPECT_EQ(error, 0);
              EXPECT_GT(n, 7u);  // two arrays of each list, and the fence
              EXPECT_GT(lived_on, 0u);
              EXPECT_EQ(usage_of(x_, last_fence(c_)), kRead_);
              complete_all();
            }}),
            "nothing");
}

TEST_F(ErrnoTest, WaitWhicheverAllocationFails) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(c_, 4, {.syncobjs = {t_}, .read = {x_}}), 0);
              Lists all = lists();
              all.timelines = {{s_, 0}};
              for (uint16_t room : {0, 8}) {
                uint32_t n = 0;
                int error = -ENOMEM;
                while (error == -ENOMEM) {
                  WaitArgs args = wait_lists(b_, all, room);
                  const std::vector<int> before = books();
                  kernel::task().fail_alloc = ++n;
                  error = wait(args);
                  EXPECT_EQ(books(), before);
                  if (error != 0) EXPECT_EQ(args.num_fences, room);
                }
                kernel::task().fail_alloc = 0;
                EXPECT_EQ(error, 0);
                EXPECT_GT(n, room == 0 ? 7u : 9u);
              }
              EXPECT_EQ(held_drivers(b_), 2);
              complete_all();
            }}),
            "nothing");
}

TEST_F(ErrnoTest, WhicheverCopyFaults) {
  EXPECT_EQ(run({[this] {
              for (uint32_t n = 1; n <= 3; ++n) {
                const SignalArgs args = signal_lists(c_, lists());
                kernel::task().fail_copy = n;
                expect_refused(args, -EFAULT);
                EXPECT_EQ(kernel::task().fail_copy, 0u);
              }
              Lists all = submitted();
              all.timelines = {{s_, 0}};
              for (uint32_t n = 1; n <= 6; ++n) {
                const WaitArgs args = wait_lists(b_, all, 8);
                kernel::task().fail_copy = n;
                expect_refused(args, -EFAULT);
                EXPECT_EQ(kernel::task().fail_copy, 0u);
                EXPECT_EQ(held_drivers(b_), n == 6 ? 1 : 0);  // the copy on the way out
              }
              complete_all();
            }}),
            "nothing");
}

// --- a device without user queues ---

TEST_F(ErrnoTest, WithoutUserQueuesAllThreeAreNotSupported) {
  config_.userq_engines = 0;
  prepare([] {});
  EXPECT_EQ(run({[this] {
              drm_amdgpu_userq_in in = create_args(kA);
              EXPECT_EQ(userq(in), -kernel::kEnotsupp);
              EXPECT_EQ(free(1), -kernel::kEnotsupp);
              in.op = 0;  // said before anything is looked at
              EXPECT_EQ(userq(in), -kernel::kEnotsupp);
              SignalArgs signal_args = signal_lists(1, {.syncobjs = {kUnknown}});
              signal_args.num_bo_read_handles = ~0u;
              EXPECT_EQ(signal(signal_args), -kernel::kEnotsupp);
              WaitArgs wait_args = wait_lists(1, {.syncobjs = {kUnknown}}, 0);
              wait_args.num_bo_write_handles = ~0u;
              EXPECT_EQ(wait(wait_args), -kernel::kEnotsupp);
            }}),
            "nothing");
}

}  // namespace
}  // namespace userq
