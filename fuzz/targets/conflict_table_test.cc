// The table that an engine's mutator in another process reads.
#include "fuzz/targets/conflict_table.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

const uint8_t kInput[] = {7, 1, 7};

TEST(ConflictTable, WhatOneProcessFindsTheOtherSees) {
  std::string file = testing::TempDir() + "conflicts-XXXXXX";
  ::close(::mkstemp(file.data()));
  ASSERT_TRUE(share_conflicts(file.c_str()));
  EXPECT_EQ(conflict_points(kInput, sizeof kInput), nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    store_conflicts(kInput, sizeof kInput, {.count = 2, .points = {5, 9}});
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  const ConflictPoints* found = conflict_points(kInput, sizeof kInput);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->count, 2u);
  EXPECT_EQ(found->points[1], 9u);
  std::remove(file.c_str());
}

TEST(ConflictTable, AnInputWithoutConflictsHasNone) {
  store_conflicts(kInput, sizeof kInput, {});
  EXPECT_EQ(conflict_points(kInput, sizeof kInput), nullptr);
}

TEST(ConflictTable, MoreThanThereIsRoomForIsNotBelieved) {
  store_conflicts(kInput, sizeof kInput, {.count = ConflictPoints::kMax + 1, .points = {}});
  EXPECT_EQ(conflict_points(kInput, sizeof kInput), nullptr);
}

TEST(ConflictTable, AFileThatCannotBeIsRefused) {
  EXPECT_FALSE(share_conflicts("/nowhere/conflicts"));
}

}  // namespace
