#include "core/kernel/errno_check.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/kernel/errno.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::run_alone;

std::string check(int result) {
  static constexpr int kAllowed[] = {-EINVAL, -ENOENT, -kernel::kErestartsys};
  return run_alone(
      [=] { kernel::check_errno("some_ioctl", result, kAllowed, std::size(kAllowed)); });
}

TEST(ErrnoCheck, DocumentedErrorsAndSuccessAreFine) {
  for (const int result : {0, -EINVAL, -ENOENT, -kernel::kErestartsys})
    EXPECT_EQ(check(result), "nothing");
}

TEST(ErrnoCheck, OthersAreReportedByName) {
  EXPECT_EQ(check(-ETIME), "wrong-errno some_ioctl ETIME");
  EXPECT_EQ(check(-kernel::kEnotsupp), "wrong-errno some_ioctl ENOTSUPP");
  EXPECT_EQ(check(-4000), "wrong-errno some_ioctl E?");
  EXPECT_EQ(check(1), "wrong-errno some_ioctl a positive value");
}

TEST(ErrnoCheck, WhatTheArgumentsCallForIsReturned) {
  auto refused = [](int result) {
    return kernel::run_alone([=] { kernel::check_refused("some_ioctl", result, -EINVAL); });
  };
  EXPECT_EQ(refused(-EINVAL), "nothing");
  EXPECT_EQ(refused(-EFAULT), "wrong-errno some_ioctl EFAULT");
  EXPECT_EQ(refused(0), "wrong-errno some_ioctl success");
  kernel::ChecksOff off;
  EXPECT_EQ(refused(0), "nothing");
}

TEST(ErrnoCheck, NothingIsReportedWithTheChecksOffOrSuppressed) {
  {
    kernel::ChecksOff off;
    EXPECT_EQ(check(-ETIME), "nothing");
  }
  kernel::Suppressed known({"wrong-errno:some_ioctl ETIME"});
  EXPECT_EQ(check(-ETIME), "nothing");
  EXPECT_EQ(check(-EBUSY), "wrong-errno some_ioctl EBUSY");
}

TEST(ErrnoCheck, ErrorsOfTheKernelHaveNames) {
  EXPECT_STREQ(kernel::errno_name(ENOENT), "ENOENT");
  EXPECT_STREQ(kernel::errno_name(kernel::kErestartsys), "ERESTARTSYS");
  EXPECT_STREQ(kernel::errno_name(kernel::kEnotsupp), "ENOTSUPP");
}

}  // namespace
