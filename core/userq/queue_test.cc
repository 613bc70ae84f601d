// Creating and freeing queues: every rule of the arguments, every error, and what waits for what.
#include "core/userq/queue.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <ostream>
#include <string>

#include "core/kernel/errno.h"
#include "core/userq/device_test_fixture.h"
#include "core/userq/mes.h"

namespace userq {
namespace {

using kernel::kSecond;
using CreateArgs = drm_amdgpu_userq_in;

constexpr uint32_t kDoorbell = 7;

class QueueTest : public DeviceTest {
 protected:
  bool doorbell_is_taken(uint32_t doorbell = kDoorbell) {
    return kernel::xa_load(device().userq_doorbell_xa, doorbell) != nullptr;
  }
  // Creates with `args` and expects that the failure leaves nothing behind.
  void expect_refused(const CreateArgs& args, int error) {
    rest();
    const size_t objects = kernel::slab_live_objects();
    const uint32_t slots = slots_used();
    const int usage = pm_usage();
    const unsigned pins = doorbell_pins();
    EXPECT_EQ(userq(args), error);
    rest();
    EXPECT_EQ(kernel::slab_live_objects(), objects);
    EXPECT_EQ(slots_used(), slots);
    EXPECT_FALSE(doorbell_is_taken());
    EXPECT_EQ(hardware(kDoorbell), HwState::kUnmapped);
    EXPECT_EQ(pm_usage(), usage);
    EXPECT_EQ(doorbell_pins(), pins);
  }
  int pm_usage() { return kernel::read_once(device().pm_usage); }
  unsigned doorbell_pins() { return bo(create_args(0).doorbell_handle).pin_count; }
};

// --- the rules of the arguments ---

struct Rule {
  const char* name;
  std::function<void(CreateArgs& args)> change;
};
void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }
std::string rule_name(const testing::TestParamInfo<Rule>& info) { return info.param.name; }

class QueueCreateRefuses : public QueueTest, public testing::WithParamInterface<Rule> {};

TEST_P(QueueCreateRefuses, WithEinval) {
  EXPECT_EQ(run({[this] {
              CreateArgs args = create_args(kDoorbell);
              args.flags = 2;
              GetParam().change(args);
              expect_refused(args, -EINVAL);
            }}),
            "nothing");
}

constexpr uint64_t kUnmapped = 0x900000;

const Rule kCreateRules[] = {
    {"UnknownOp", [](CreateArgs& args) { args.op = 3; }},
    {"NoOp", [](CreateArgs& args) { args.op = 0; }},
    {"UnknownFlags", [](CreateArgs& args) { args.flags = 8; }},
    {"UnknownIpType", [](CreateArgs& args) { args.ip_type = kHwIpCount; }},
    {"SecureOnDma",
     [](CreateArgs& args) {
       args.ip_type = kHwIpDma;
       args.flags = kUserqCreateFlagsQueueSecure;
     }},
    {"NoRing", [](CreateArgs& args) { args.queue_va = 0; }},
    {"InvalidRing", [](CreateArgs& args) { args.queue_va = ~uint64_t{0}; }},
    {"NoRingSize", [](CreateArgs& args) { args.queue_size = 0; }},
    {"RingBelowOnePage", [](CreateArgs& args) { args.queue_size = 2048; }},
    {"RingSizeNoPowerOfTwo", [](CreateArgs& args) { args.queue_size = 4096 + 2048; }},
    {"NoRptr", [](CreateArgs& args) { args.rptr_va = 0; }},
    {"NoWptr", [](CreateArgs& args) { args.wptr_va = 0; }},
    {"RingNotMapped", [](CreateArgs& args) { args.queue_va = kUnmapped; }},
    {"RingEndsBeyondItsMapping", [](CreateArgs& args) { args.queue_size = 4 * 4096; }},
    {"RptrNotMapped", [](CreateArgs& args) { args.rptr_va = kUnmapped; }},
    {"WptrNotMapped", [](CreateArgs& args) { args.wptr_va = kUnmapped; }},
    {"NoDoorbellObject", [](CreateArgs& args) { args.doorbell_handle = 0; }},
    {"UnknownDoorbellObject", [](CreateArgs& args) { args.doorbell_handle += 7; }},
    {"ObjectWithoutDoorbells", [](CreateArgs& args) { args.doorbell_handle = 1; }},
    {"DoorbellOutOfBounds", [](CreateArgs& args) { args.doorbell_offset = kDoorbellsPerPage; }},
    {"DoorbellFarOutOfBounds", [](CreateArgs& args) { args.doorbell_offset = 1u << 31; }},
};
INSTANTIATE_TEST_SUITE_P(Rule, QueueCreateRefuses, testing::ValuesIn(kCreateRules), rule_name);

class QueueFreeRefuses : public QueueTest, public testing::WithParamInterface<Rule> {};

TEST_P(QueueFreeRefuses, WithEinval) {
  EXPECT_EQ(run({[this] {
              CreateArgs args{};
              args.op = kUserqOpFree;
              args.queue_id = create(kDoorbell);
              GetParam().change(args);
              EXPECT_EQ(userq(args), -EINVAL);
              EXPECT_EQ(free(args.queue_id), 0);
            }}),
            "nothing");
}

const Rule kFreeRules[] = {
    {"IpType", [](CreateArgs& args) { args.ip_type = 1; }},
    {"DoorbellHandle", [](CreateArgs& args) { args.doorbell_handle = 1; }},
    {"DoorbellOffset", [](CreateArgs& args) { args.doorbell_offset = 1; }},
    {"Flags", [](CreateArgs& args) { args.flags = 1; }},
    {"QueueVa", [](CreateArgs& args) { args.queue_va = 1; }},
    {"QueueSize", [](CreateArgs& args) { args.queue_size = 1; }},
    {"RptrVa", [](CreateArgs& args) { args.rptr_va = 1; }},
    {"WptrVa", [](CreateArgs& args) { args.wptr_va = 1; }},
    {"Mqd", [](CreateArgs& args) { args.mqd = 1; }},
    {"MqdSize", [](CreateArgs& args) { args.mqd_size = 1; }},
};
INSTANTIATE_TEST_SUITE_P(Field, QueueFreeRefuses, testing::ValuesIn(kFreeRules), rule_name);

// --- create ---

TEST_F(QueueTest, CreateMapsTheQueueAndNumbersFromOne) {
  EXPECT_EQ(run({[this] {
              CreateArgs args = create_args(kDoorbell);
              args.ip_type = kHwIpCompute;
              args.flags = 2 | kUserqCreateFlagsQueueSecure;
              uint32_t id;
              ASSERT_EQ(userq(args, &id), 0);
              EXPECT_EQ(id, 1u);
              EXPECT_EQ(create(kDoorbell + 1), 2u);
              EXPECT_EQ(state(id), QueueState::kMapped);
              EXPECT_TRUE(is_mapped(kDoorbell));
              EXPECT_EQ(device().gpu.queues[kDoorbell].fence_addr, driver(id).cpu_addr);
              EXPECT_EQ(device().gpu.queues[kDoorbell].engine, kHwIpCompute);
              EXPECT_EQ(queue_count(kHwIpCompute), 1);
              EXPECT_EQ(queue_count(kHwIpGfx), 1);
              EXPECT_EQ(kernel::kref_read(queue(id).refcount), 1);
            }}),
            "nothing");
}

TEST_F(QueueTest, CreateOnATakenDoorbellIsBusyWhoeverHasIt) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell);
              for (unsigned f : {0u, 1u}) {
                const uint32_t slots = slots_used();
                EXPECT_EQ(userq(create_args(kDoorbell), nullptr, f), -EBUSY);
                EXPECT_EQ(slots_used(), slots);
              }
              EXPECT_TRUE(is_mapped(kDoorbell));  // still the first one's
              EXPECT_EQ(free(id), 0);
              create(kDoorbell, 1);
            }}),
            "nothing");
}

TEST_F(QueueTest, CreateWithoutAFreeSlotFails) {
  seq64_slots_ = 1;
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(0);
              expect_refused(create_args(kDoorbell), -ENOSPC);
              EXPECT_EQ(free(id), 0);
              create(kDoorbell);
            }}),
            "nothing");
}

// Ids are 1..512, and there are fewer doorbells than that: the rest of the table is filled by hand.
TEST_F(QueueTest, CreateWithoutAFreeIdIsUndone) {
  static uint64_t someone_else;
  EXPECT_EQ(run({[this] {
              kernel::XArray& ids = mgr().userq_xa;
              for (uint32_t id = 1; id < kMaxUserqCount; ++id)
                EXPECT_EQ(kernel::xa_insert(ids, id, &someone_else), 0);
              const uint32_t last = create(kDoorbell + 1);
              EXPECT_EQ(last, kMaxUserqCount);
              expect_refused(create_args(kDoorbell), -EBUSY);
              EXPECT_EQ(queue_count(kHwIpGfx), 1);
              for (uint32_t id = 1; id < kMaxUserqCount; ++id) kernel::xa_erase(ids, id);
              EXPECT_EQ(create(kDoorbell), 1u);
            }}),
            "nothing");
}

TEST_F(QueueTest, HighPriorityIsForThePrivileged) {
  EXPECT_EQ(run({[this] {
              CreateArgs args = create_args(kDoorbell);
              args.flags = kUserqCreatePriorityHigh;
              expect_refused(args, -EACCES);
              file().privileged = true;
              uint32_t id;
              ASSERT_EQ(userq(args, &id), 0);
              EXPECT_EQ(queue(id).mqd->priority, kUserqCreatePriorityHigh);
            }}),
            "nothing");
}

TEST_F(QueueTest, TrustedMemoryMakesAnyEngineSecure) {
  config_.tmz = true;
  EXPECT_EQ(run({[this] {
              CreateArgs args = create_args(kDoorbell);
              args.ip_type = kHwIpDma;
              args.flags = kUserqCreateFlagsQueueSecure;
              EXPECT_EQ(userq(args), 0);
            }}),
            "nothing");
}

TEST_F(QueueTest, EngineWithoutUserQueuesRefusesThem) {
  config_.userq_engines = 1u << kHwIpCompute;
  EXPECT_EQ(run({[this] {
              CreateArgs args = create_args(kDoorbell);
              expect_refused(args, -EINVAL);
              args.ip_type = kHwIpCompute;
              EXPECT_EQ(userq(args), 0);
            }}),
            "nothing");
}

TEST_F(QueueTest, DeviceWithoutUserQueuesDoesNotKnowTheirIoctls) {
  config_.userq_engines = 0;
  EXPECT_EQ(run({[this] {
              expect_refused(create_args(kDoorbell), -kernel::kEnotsupp);
              EXPECT_EQ(free(1), -kernel::kEnotsupp);
              EXPECT_EQ(signal(signal_args(1, {})), -kernel::kEnotsupp);
              EXPECT_EQ(wait(1, {}), -kernel::kEnotsupp);
            }}),
            "nothing");
}

TEST_F(QueueTest, CreateCanBeInterruptedWhileItWaitsForTheAddressSpace) {
  EXPECT_EQ(run({[this] {
                   bo_reserve(*vm().root, false);
                   rest();
                   bo_unreserve(*vm().root);
                 },
                 [this] {
                   const int usage = pm_usage();
                   kernel::task().signal_pending = true;
                   EXPECT_EQ(userq(create_args(kDoorbell)), -EINTR);
                   EXPECT_EQ(pm_usage(), usage);
                 }}),
            "nothing");
}

TEST_F(QueueTest, CreateIsUndoneIfTheQueuesCannotComeBack) {
  EXPECT_EQ(run({[this] {
              evf_mgr_shutdown(evf_mgr());
              evf_mgr_flush_suspend(evf_mgr());
              expect_refused(create_args(kDoorbell), -ENOMEM);
            }}),
            "nothing");
}

TEST_F(QueueTest, CreateIsUndoneIfTheFirmwareFails) {
  EXPECT_EQ(run({[this] {
              const uint32_t other = create(kDoorbell + 1);
              fail_request(1);
              expect_refused(create_args(kDoorbell), -ETIMEDOUT);
              EXPECT_EQ(queue_count(kHwIpGfx), 1);
              EXPECT_EQ(create(kDoorbell), other + 1);
            }}),
            "nothing");
}

TEST_F(QueueTest, QueueKeepsItsDoorbellObjectAndThePower) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell), other = create(kDoorbell + 1);
              EXPECT_EQ(doorbell_pins(), 2u);
              EXPECT_EQ(pm_usage(), 2);
              EXPECT_EQ(free(other), 0);
              EXPECT_EQ(doorbell_pins(), 1u);
              EXPECT_EQ(pm_usage(), 1);
              close_doorbells();
              uint32_t next;
              ASSERT_EQ(gem_create({kGpuPageSize, 0, kGemDomainDoorbell, 0}, &next), 0);
              EXPECT_EQ(bo(next).doorbell_base, kDoorbellsPerPage);
              EXPECT_EQ(free(id), 0);
              ASSERT_EQ(gem_create({kGpuPageSize, 0, kGemDomainDoorbell, 0}, &next), 0);
              EXPECT_EQ(bo(next).doorbell_base, 0u);
            }}),
            "nothing");
}

TEST_F(QueueTest, DoorbellsOfTheNextPageFollow) {
  EXPECT_EQ(run({[this] {
              CreateArgs args = create_args(kDoorbellsPerPage - 1);
              ASSERT_EQ(gem_create({kGpuPageSize, 0, kGemDomainDoorbell, 0}, &args.doorbell_handle),
                        0);
              EXPECT_EQ(userq(args), 0);
              EXPECT_TRUE(is_mapped(2 * kDoorbellsPerPage - 1));
            }}),
            "nothing");
}

TEST_F(QueueTest, CreateLeavesNothingWhicheverAllocationFails) {
  EXPECT_EQ(run({[this] {
              uint32_t failures = 0;
              for (int error = -ENOMEM; error != 0; ++failures) {
                rest();
                const size_t objects = kernel::slab_live_objects();
                kernel::task().fail_alloc = failures + 1;
                uint32_t id;
                error = userq(create_args(kDoorbell), &id);
                kernel::task().fail_alloc = 0;
                if (error == 0) break;
                EXPECT_EQ(error, -ENOMEM);
                rest();
                EXPECT_EQ(kernel::slab_live_objects(), objects);
                EXPECT_EQ(slots_used(), 0u);
                EXPECT_FALSE(doorbell_is_taken());
                EXPECT_FALSE(is_mapped(kDoorbell));
              }
              // Queue, driver, mqd, node of the doorbell table, node of the id table.
              EXPECT_EQ(failures, 5u);
            }}),
            "nothing");
}

TEST_F(QueueTest, TwoCreatesForOneDoorbellGiveOneQueue) {
  int errors[2];
  EXPECT_EQ(sweep({[&] { errors[0] = userq(create_args(kDoorbell)); },
                   [&] { errors[1] = userq(create_args(kDoorbell)); }},
                  [&] {
                    ASSERT_EQ((errors[0] == 0) + (errors[1] == 0), 1);
                    ASSERT_EQ(errors[0] + errors[1], -EBUSY);
                  }),
            "nothing");
}

// Whoever guesses the id can free the queue before the creator has left the kernel.
TEST_F(QueueTest, CreateSurvivesAFreeOfTheIdThatItIsAboutToReturn) {
  int freed;
  int too_early = 0, in_time = 0;
  EXPECT_EQ(sweep({[this] { create(kDoorbell); }, [&] { freed = free(1); }},
                  [&] {
                    ASSERT_TRUE(freed == 0 || freed == -ENOENT);
                    ++(freed == 0 ? in_time : too_early);
                  }),
            "nothing");
  EXPECT_GT(too_early, 0);
  EXPECT_GT(in_time, 0);
}

// --- free ---

TEST_F(QueueTest, FreeGivesEverythingBack) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(free(create(kDoorbell)), 0);
              EXPECT_EQ(slots_used(), 0u);
              EXPECT_FALSE(doorbell_is_taken());
              EXPECT_FALSE(is_mapped(kDoorbell));
              EXPECT_EQ(queue_count(kHwIpGfx), 0);
              EXPECT_EQ(create(kDoorbell), 1u);
            }}),
            "nothing");
}

TEST_F(QueueTest, FreeOfAnIdThatIsNotThereIsRefused) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell);
              EXPECT_EQ(free(0), -ENOENT);
              EXPECT_EQ(free(id + 1), -ENOENT);
              EXPECT_EQ(free(id, 1), -ENOENT);  // ids are the file's
              EXPECT_EQ(free(id), 0);
              EXPECT_EQ(free(id), -ENOENT);
            }}),
            "nothing");
}

TEST_F(QueueTest, FreeWaitsForTheGpu) {
  EXPECT_EQ(run({[this] {
                   const uint32_t id = create(kDoorbell);
                   EXPECT_EQ(signal(id, 4, {syncobj()}), 0);
                   EXPECT_EQ(free(id), 0);
                   EXPECT_EQ(sched::now(), kSecond);
                   EXPECT_EQ(flagged_status(1), 1);
                 },
                 [this] {
                   rest(kSecond);
                   EXPECT_TRUE(is_mapped(kDoorbell));
                   complete(kDoorbell, 4);
                 }}),
            "nothing");
}

TEST_F(QueueTest, FreeGoesOnWhenTheWatchdogFires) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell), s = syncobj();
              EXPECT_EQ(signal(id, 4, {s}), 0);
              EXPECT_EQ(free(id), 0);
              EXPECT_EQ(sched::now(), 2 * kSecond);
              EXPECT_EQ(flagged_status(s), -ECANCELED);
            }}),
            "nothing");
}

TEST_F(QueueTest, FreeIsNotInterrupted) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell);
              EXPECT_EQ(signal(id, 4, {}), 0);
              kernel::task().signal_pending = true;
              EXPECT_EQ(free(id), 0);
              EXPECT_EQ(sched::now(), 2 * kSecond);
            }}),
            "nothing");
}

// The interrupt that would process the list comes too late to find the queue (O2 of the list of
// open upstream defects): whoever sleeps on an older fence must be woken by the free.
TEST_F(QueueTest, FreeCompletesTheFencesWhoseInterruptHasNotCome) {
  uint32_t older = 0;
  int result = 1;
  prepare([&] {
    const uint32_t id = create(kDoorbell), last = syncobj();
    older = syncobj();
    EXPECT_EQ(signal(id, 4, {older}), 0);
    EXPECT_EQ(signal(id, 9, {last}), 0);
    gpu_write(kDoorbell, 9);
    dma::Fence* polled = fence_of(last);
    EXPECT_TRUE(dma::fence_is_signaled(*polled));
    dma::fence_put(polled, kTest);
  });
  EXPECT_EQ(run({[&] {
                   dma::Fence* fence = fence_of(older);
                   result = dma::fence_wait(*fence, false);
                   EXPECT_EQ(dma::fence_get_status(*fence), 1);
                   dma::fence_put(fence, kTest);
                 },
                 [this] {
                   rest();
                   EXPECT_EQ(free(1), 0);
                   eop(kDoorbell);
                   EXPECT_LT(sched::now(), kSecond);
                 }}),
            "nothing");
  EXPECT_EQ(result, 0);
}

TEST_F(QueueTest, FreeMeetsTheInterruptAtEveryPreemption) {
  int status;
  prepare([this] {
    EXPECT_EQ(signal(create(kDoorbell), 4, {syncobj()}), 0);
    gpu_write(kDoorbell, 4);
  });
  run_.irqs = {[this] { process_fence_irq(device(), kDoorbell); }};
  inspect([&] { status = flagged_status(1); });
  EXPECT_EQ(sweep({[] {}, [this] { EXPECT_EQ(free(1), 0); }}, [&] { ASSERT_EQ(status, 1); },
                  {sched::Target::kIrq, kernel::kT1}),
            "nothing");
}

TEST_F(QueueTest, FreeMeetsASpuriousInterruptAtEveryPreemption) {
  prepare([this] { create(kDoorbell); });
  run_.irqs = {[this] { process_fence_irq(device(), kDoorbell); }};
  EXPECT_EQ(
      sweep({[] {}, [this] { EXPECT_EQ(free(1), 0); }}, [] {}, {sched::Target::kIrq, kernel::kT1}),
      "nothing");
}

// The doorbell is taken until the hardware has let go of it.
TEST_F(QueueTest, FreeMeetsTheNextQueueOnItsDoorbellAtEveryPreemption) {
  int error;
  unsigned busy = 0, created = 0;
  prepare([this] { create(kDoorbell); });
  inspect([&] { EXPECT_EQ(is_mapped(kDoorbell), error == 0); });
  EXPECT_EQ(sweep({[this] { EXPECT_EQ(free(1), 0); },
                   [&] { error = userq(create_args(kDoorbell), nullptr, 1); }},
                  [&] {
                    ASSERT_TRUE(error == 0 || error == -EBUSY) << error;
                    ++(error == 0 ? created : busy);
                  }),
            "nothing");
  EXPECT_GT(busy, 0u);
  EXPECT_GT(created, 0u);
}

TEST_F(QueueTest, FreeOfAQueueThatTheHardwareDoesNotLetGoOfResetsIt) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell);
              hang(kDoorbell);
              EXPECT_EQ(free(id), 0);
              EXPECT_EQ(hardware(kDoorbell), HwState::kUnmapped);
              EXPECT_EQ(sched::now(), 0u);
              create(kDoorbell);
            }}),
            "nothing");
}

// Whichever requests fail: of the free itself, and of the reset that follows.
TEST_F(QueueTest, FreeEndsWhicheverFirmwareRequestFails) {
  for (uint32_t n = 1; n <= 4; ++n) {
    for (bool hung : {false, true}) {
      EXPECT_EQ(run({[&] {
                  const uint32_t id = create(kDoorbell);
                  if (hung) hang(kDoorbell);
                  fail_request(n);
                  EXPECT_EQ(free(id), 0);
                  EXPECT_EQ(hardware(kDoorbell), HwState::kUnmapped);
                }}),
                "nothing");
    }
  }
}

TEST_F(QueueTest, TwoFreesFreeOnce) {
  int errors[2];
  prepare([this] { create(kDoorbell); });
  EXPECT_EQ(sweep({[&] { errors[0] = free(1); }, [&] { errors[1] = free(1); }},
                  [&] { ASSERT_EQ(errors[0] + errors[1], -ENOENT); }),
            "nothing");
}

TEST_F(QueueTest, RunningIoctlKeepsTheQueueAndItsProcess) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell);
              Queue* held = queue_get(mgr(), id);
              EXPECT_EQ(kernel::kref_read(held->refcount), 2);
              EXPECT_EQ(free(id), 0);
              EXPECT_EQ(queue_get(mgr(), id), nullptr);
              EXPECT_EQ(held->state, QueueState::kMapped);
              EXPECT_EQ(kernel::kref_read(held->fpriv->refcount), 2);
              queue_put(*held, kUserqIoctl);
              EXPECT_FALSE(is_mapped(kDoorbell));
              EXPECT_EQ(kernel::kref_read(to_fpriv(file()).refcount), 1);
            }}),
            "nothing");
}

// --- close ---

TEST_F(QueueTest, CloseFreesTheQueuesAndWaitsForThem) {
  EXPECT_EQ(run({[this] {
              create(0);
              for (uint32_t doorbell : {1u, 2u})
                EXPECT_EQ(signal(create(doorbell), 4, {syncobj()}), 0);
              complete(1, 4);
            }}),
            "nothing");
  EXPECT_GE(sched::now(), 2 * kSecond);
}

// --- the device ---

// Not as a queue that is still there.
TEST_F(QueueTest, LeakedQueueIsReportedAsALeak) {
  const std::string found =
      run({[this] { EXPECT_NE(queue_get(mgr(), create(kDoorbell)), nullptr); }});
  EXPECT_EQ(found.substr(0, 14), "reference-leak");
}

// What a device is warned of when it goes: one case each.
TEST(DeviceFini, WarnsOfWhatIsLeft) {
  static uint64_t slot;
  static const std::function<void(Device & adev)> kLeft[] = {
      [](Device& adev) { pm_runtime_get(adev); },
      [](Device& adev) { gpu_map_queue(adev.gpu, kDoorbell, kHwIpGfx, &slot); },
      [](Device& adev) { kernel::xa_insert(adev.userq_doorbell_xa, kDoorbell, &slot); },
  };
  for (const auto& leave : kLeft) {
    EXPECT_EQ(kernel::run_alone([&] {
                Device* adev = device_init(8);
                leave(*adev);
                device_fini(adev);
              }),
              "warn-on check_device_idle");
  }
  EXPECT_EQ(kernel::run_alone([] {
              Device* adev = device_init(8);
              pm_runtime_put(*adev);
            }),
            "warn-on pm_runtime_put");
}

TEST(DeviceInit, OutOfMemoryLeavesNothing) {
  EXPECT_EQ(kernel::run_alone([] {
              // The device, the bitmap and the memory of the slots, the stub fence.
              for (uint32_t n = 1; n <= 4; ++n) {
                kernel::task().fail_alloc = n;
                EXPECT_EQ(device_init(8), nullptr) << n;
                EXPECT_EQ(kernel::task().fail_alloc, 0u);
              }
              EXPECT_EQ(device_fini(device_init(8)), 0u);
            }),
            "nothing");
}

TEST_F(QueueTest, OpenOfAFileWithoutMemoryFails) {
  EXPECT_EQ(run({[this] {
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(drm::file_alloc(nullptr), nullptr);
              drm::File* file = drm::file_alloc(nullptr);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(fpriv_open(device(), *file), -ENOMEM);
              drm::file_free(*file);
            }}),
            "nothing");
}

TEST_F(QueueTest, TheHardwareKnowsRingsOfWholePowersOfTwoOnly) {
  auto describe_ring_of = [this](uint64_t size) {
    return run({[this, size] {
      Queue& of = queue(create(kDoorbell));
      kMesUserqFuncs.mqd_destroy(of);
      of.queue_size = size;
      EXPECT_EQ(kMesUserqFuncs.mqd_create(of, create_args(kDoorbell)), 0);
      of.queue_size = kRingSize;
    }});
  };
  EXPECT_EQ(describe_ring_of(0x1000), "nothing");
  EXPECT_EQ(describe_ring_of(0x8000), "nothing");
  EXPECT_EQ(describe_ring_of(0x800), "warn-on mqd_create");
  EXPECT_EQ(describe_ring_of(0x3000), "warn-on mqd_create");
}

}  // namespace
}  // namespace userq
