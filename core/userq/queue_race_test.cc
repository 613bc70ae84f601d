// Everything that happens to queues against everything else that happens to them: at each
// scheduling point of the one, the other runs.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <tuple>

#include "core/userq/device_test_fixture.h"
#include "core/userq/reset.h"
#include "core/userq/suspend.h"

namespace userq {
namespace {

constexpr uint32_t kA = 1, kB = 2, kC = 3, kD = 4;  // doorbells

// File 0 has queues A, whose first fence the GPU has reached without an interrupt and whose second
// it will not reach, and B; file 1 has C.
class QueueRaceTest : public DeviceTest {
 protected:
  QueueRaceTest() {
    prepare([this] {
      a_ = create(kA);
      b_ = create(kB);
      c_ = create(kC, 1);
      s_ = syncobj();
      t_ = syncobj();
      EXPECT_EQ(signal(a_, 4, {s_}), 0);
      gpu_write(kA, 4);
    });
  }

 public:
  void none() {}
  void submit() {
    const int error = signal_if_there();
    EXPECT_TRUE(error == 0 || error == -ENOENT) << error;
  }
  void interrupt() { eop(kA); }
  void free_a() {
    const int error = free(a_);
    EXPECT_TRUE(error == 0 || error == -ENOENT) << error;
  }
  void free_b() { free(b_); }
  void create_d() {
    const int error = userq(create_args(kD));
    EXPECT_TRUE(error == 0 || error == -EBUSY || error == -ECANCELED || error == -ETIMEDOUT)
        << error;
  }
  void hang_a() {
    hang(kA);
    detect_and_reset_queues(mgr(), nullptr);
  }
  void hang_c() {
    hang(kC);
    detect_and_reset_queues(mgr(), nullptr);
  }
  void reset() { gpu_recover(device(), false); }
  void reset_and_lose() { gpu_recover(device(), true); }
  void suspend() {
    userq_suspend(device(), false);
    userq_resume(device());
  }
  void suspend_s0ix() {
    userq_suspend(device(), true);
    userq_resume(device());
  }
  void isolate() {
    stop_sched_for_enforce_isolation(device());
    start_sched_for_enforce_isolation(device());
  }
  void evict() {
    dma::Fence* ev_fence = evf_mgr_get_fence(evf_mgr(), kTest);
    dma::fence_wait(*ev_fence, false);
    dma::fence_put(ev_fence, kTest);
  }
  void close_other() { close_file(1); }
  void fail_next() { fail_request(1); }

 protected:
  int signal_if_there() {
    // The ring's memory stays though the queue may go.
    EXPECT_EQ(vm_user_store64(to_fpriv(file()).vm, wptr_va(kA), 9), 0);
    return signal(signal_args(a_, {t_}));
  }

  uint32_t a_ = 0, b_ = 0, c_ = 0, s_ = 0, t_ = 0;
};

struct Operation {
  const char* name;
  void (QueueRaceTest::*run)();
};
constexpr Operation kOperations[] = {
    {"Submit", &QueueRaceTest::submit},
    {"Interrupt", &QueueRaceTest::interrupt},
    {"FreeA", &QueueRaceTest::free_a},
    {"FreeB", &QueueRaceTest::free_b},
    {"CreateD", &QueueRaceTest::create_d},
    {"HangA", &QueueRaceTest::hang_a},
    {"HangC", &QueueRaceTest::hang_c},
    {"Reset", &QueueRaceTest::reset},
    {"ResetAndLose", &QueueRaceTest::reset_and_lose},
    {"Suspend", &QueueRaceTest::suspend},
    {"SuspendS0ix", &QueueRaceTest::suspend_s0ix},
    {"Isolate", &QueueRaceTest::isolate},
    {"Evict", &QueueRaceTest::evict},
    {"CloseOther", &QueueRaceTest::close_other},
    {"FailNext", &QueueRaceTest::fail_next},
};

class Meets : public QueueRaceTest,
              public testing::WithParamInterface<std::tuple<Operation, Operation>> {};

TEST_P(Meets, AtEveryPoint) {
  const auto& [first, second] = GetParam();
  EXPECT_EQ(
      sweep({[&] { (this->*first.run)(); }, [&] { (this->*second.run)(); }}, {}, {kernel::kT1}),
      "nothing");
}

INSTANTIATE_TEST_SUITE_P(
    Each, Meets, testing::Combine(testing::ValuesIn(kOperations), testing::ValuesIn(kOperations)),
    [](const auto& info) {
      return std::string(std::get<0>(info.param).name) + "Meets" + std::get<1>(info.param).name;
    });

// The pairs with the most to lose, with a way back at every point, too.
class MeetsTwice : public Meets {};

TEST_P(MeetsTwice, AtEveryPoint) {
  const auto& [first, second] = GetParam();
  EXPECT_EQ(sweep({[&] { (this->*first.run)(); }, [&] { (this->*second.run)(); }}, {}), "nothing");
}

constexpr Operation kFreeA = kOperations[2], kHangA = kOperations[5], kReset = kOperations[7];
INSTANTIATE_TEST_SUITE_P(Pairs, MeetsTwice,
                         testing::Values(std::tuple{kFreeA, kHangA}, std::tuple{kFreeA, kReset},
                                         std::tuple{kOperations[0], kHangA},
                                         std::tuple{kHangA, kReset}),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "Meets" +
                                  std::get<1>(info.param).name;
                         });

}  // namespace
}  // namespace userq
