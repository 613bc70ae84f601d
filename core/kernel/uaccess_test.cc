// User copies: what is mapped, what faults, and injected faults.
#include "core/kernel/uaccess.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "core/kernel/rcu.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::run_alone;

constexpr uint64_t kBase = 0x10000;
constexpr uint64_t kSize = 64;
constexpr uint64_t kEnd = kBase + kSize;

struct Process {
  uint8_t bytes[kSize] = {};
  kernel::UserMemory mm{kBase, kSize, bytes};

  // Runs `body` as a system call of this process.
  std::string operator()(const std::function<void()>& body) {
    return run_alone([&] {
      kernel::task().mm = &mm;
      body();
    });
  }
};

TEST(Uaccess, CopiesWithinTheMappingBothWays) {
  Process process;
  EXPECT_EQ(process([] {
              uint64_t value = 0x1122334455667788;
              for (uint64_t at : {kBase, kBase + 3, kEnd - 8}) {
                EXPECT_EQ(kernel::copy_to_user(at, &value, 8), 0);
                uint64_t back = 0;
                EXPECT_EQ(kernel::copy_from_user(&back, at, 8), 0);
                EXPECT_EQ(back, value);
              }
            }),
            "nothing");
  EXPECT_EQ(process.bytes[0], 0x88);
  EXPECT_EQ(process.bytes[kSize - 1], 0x11);
}

TEST(Uaccess, ValuesAreReadAndWrittenAtAnyAlignment) {
  Process process;
  EXPECT_EQ(process([] {
              for (uint64_t at : {kBase, kBase + 1, kEnd - 8}) {
                EXPECT_EQ(kernel::put_user(uint64_t{0x1122334455667788}, at), 0);
                uint64_t wide = 0;
                EXPECT_EQ(kernel::get_user(wide, at), 0);
                EXPECT_EQ(wide, 0x1122334455667788u);
                uint32_t narrow = 0;
                EXPECT_EQ(kernel::get_user(narrow, at), 0);
                EXPECT_EQ(narrow, 0x55667788u);
              }
              uint32_t value = 7;
              EXPECT_EQ(kernel::get_user(value, kEnd - 3), -EFAULT);
              EXPECT_EQ(value, 7u);
              EXPECT_EQ(kernel::put_user(value, kEnd - 3), -EFAULT);
            }),
            "nothing");
}

TEST(Uaccess, WholeMappingMayBeCopiedAtOnce) {
  Process process;
  process.bytes[kSize - 1] = 9;
  EXPECT_EQ(process([] {
              uint8_t copy[kSize];
              EXPECT_EQ(kernel::copy_from_user(copy, kBase, kSize), 0);
              EXPECT_EQ(copy[kSize - 1], 9);
            }),
            "nothing");
}

TEST(Uaccess, OutsideOfTheMappingFaultsAndCopiesNothing) {
  struct Range {
    uint64_t address;
    size_t size;
  };
  const Range ranges[] = {
      {0, 8},                   // null
      {kBase - 8, 8},           // just before
      {kBase - 1, 8},           // straddling the start
      {kEnd - 7, 8},            // straddling the end
      {kEnd, 1},                // just behind
      {kBase, kSize + 1},       // longer than the mapping
      {kBase + 1, SIZE_MAX},    // address + size wraps to before
      {~uint64_t{0}, 8},        // likewise, from the last address
      {~uint64_t{0} - 7, 8},    // ends at 2^64
      {0xffff800000000000, 8},  // the kernel's half
  };
  Process process;
  std::memset(process.bytes, 0x55, kSize);
  EXPECT_EQ(process([&] {
              for (const Range& range : ranges) {
                SCOPED_TRACE(range.address);
                uint64_t value = 1;
                EXPECT_EQ(kernel::copy_from_user(&value, range.address, range.size), -EFAULT);
                EXPECT_EQ(value, 1u);
                EXPECT_EQ(kernel::copy_to_user(range.address, &value, range.size), -EFAULT);
              }
            }),
            "nothing");
  for (uint8_t byte : process.bytes) EXPECT_EQ(byte, 0x55);
}

TEST(Uaccess, NothingIsMappedWithoutAProcess) {
  EXPECT_EQ(run_alone([] {
              uint64_t value;
              EXPECT_EQ(kernel::copy_from_user(&value, kBase, 8), -EFAULT);
            }),
            "nothing");
}

TEST(Uaccess, NthCopyFaultsAndNoOther) {
  Process process;
  EXPECT_EQ(process([] {
              for (uint32_t n = 1; n <= 3; ++n) {
                kernel::task().fail_copy = n;
                for (uint32_t i = 1; i <= 4; ++i) {
                  uint64_t value = 0;
                  const int error = i % 2 ? kernel::copy_from_user(&value, kBase, 8)
                                          : kernel::copy_to_user(kBase, &value, 8);
                  EXPECT_EQ(error, i == n ? -EFAULT : 0);
                }
              }
            }),
            "nothing");
}

TEST(Uaccess, MemdupCopiesAnArray) {
  Process process;
  for (uint64_t i = 0; i < kSize; ++i) process.bytes[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(process([] {
              uint32_t* array;
              EXPECT_EQ(kernel::memdup_array_user(array, kBase + 4, 3), 0);
              EXPECT_EQ(array[0], 0x07060504u);
              EXPECT_EQ(array[2], 0x0f0e0d0cu);
              kernel::kfree(array);
            }),
            "nothing");
}

TEST(Uaccess, MemdupOfNothingIsNullAndNoErrorWhateverTheAddress) {
  Process process;
  EXPECT_EQ(process([] {
              uint32_t* array;
              EXPECT_EQ(kernel::memdup_array_user(array, 0, 0), 0);
              EXPECT_EQ(array, nullptr);
            }),
            "nothing");
}

TEST(Uaccess, CopyOfNothingIsNoErrorWhateverTheAddress) {
  Process process;
  EXPECT_EQ(process([] {
              uint8_t byte = 7;
              EXPECT_EQ(kernel::copy_to_user(~uint64_t{0}, &byte, 0), 0);
              EXPECT_EQ(kernel::copy_from_user(&byte, 0, 0), 0);
              EXPECT_EQ(byte, 7);
            }),
            "nothing");
}

// Each failure leaves nullptr and, as the end of the run checks, no memory behind.
TEST(Uaccess, MemdupFailsWithoutLosingMemory) {
  Process process;
  EXPECT_EQ(process([] {
              uint64_t* array;
              EXPECT_EQ(kernel::memdup_array_user(array, kBase, SIZE_MAX / 8 + 1), -EOVERFLOW);
              EXPECT_EQ(array, nullptr);
              EXPECT_EQ(kernel::memdup_array_user(array, kBase, kSize / 8 + 1), -EFAULT);
              EXPECT_EQ(array, nullptr);
              kernel::task().fail_copy = 1;
              EXPECT_EQ(kernel::memdup_array_user(array, kBase, 1), -EFAULT);
              EXPECT_EQ(array, nullptr);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(kernel::memdup_array_user(array, kBase, 1), -ENOMEM);
              EXPECT_EQ(array, nullptr);
            }),
            "nothing");
}

TEST(Uaccess, CopyMaySleepSoAtomicContextIsReported) {
  Process process;
  EXPECT_EQ(process([] {
              uint64_t value = 0;
              kernel::rcu_read_lock();
              kernel::copy_from_user(&value, kBase, 8);
            }),
            "sleep-in-atomic user copy");
  EXPECT_EQ(
      process([] { kernel::in_interrupt([] { kernel::copy_to_user(kBase, "12345678", 8); }); }),
      "sleep-in-atomic user copy");
}

}  // namespace
