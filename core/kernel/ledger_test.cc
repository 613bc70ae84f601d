// The reference ledger: whom it blames for a leak, and what it says about it.
#include "core/kernel/ledger.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/kernel/test_run.h"

namespace {

using kernel::run_alone;
using kernel::TestRun;

constexpr char kCreator[] = "creator";
constexpr char kUser[] = "user";
constexpr char kField[] = "container.field";

// A reference taken, and not yet said to be the last.
uint32_t open(const char* type, kernel::Holder first = {kCreator}) {
  return kernel::ledger_open(type, first);
}

void close(uint32_t object, kernel::Holder last = {kCreator}) {
  kernel::ledger_put(object, last);
  kernel::ledger_close(object);
}

TEST(Ledger, NumbersStartAtOneInEachRun) {
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(run_alone([] {
                const uint32_t a = open("a"), b = open("b");
                EXPECT_EQ(a, 1u);
                EXPECT_EQ(b, 2u);
                EXPECT_STREQ(kernel::ledger_type(b), "b");
                close(a);
                close(b);
              }),
              "nothing");
}

TEST(Ledger, LeakIsNamedByTypeAndRole) {
  EXPECT_EQ(run_alone([] {
              const uint32_t thing = open("thing");
              kernel::ledger_get(thing, {kUser});
              kernel::ledger_put(thing, {kCreator});
            }),
            "reference-leak thing held by user");
}

TEST(Ledger, LeakOfOneRunIsForgottenInTheNext) {
  EXPECT_EQ(run_alone([] { open("thing"); }), "reference-leak thing held by creator");
  EXPECT_EQ(run_alone([] { close(open("thing")); }), "nothing");
}

TEST(Ledger, SameRoleOfAnotherObjectIsAnotherHolder) {
  EXPECT_EQ(run_alone([] {
              const uint32_t a = open("container"), b = open("container");
              const uint32_t thing = open("thing", {kField, a});
              kernel::ledger_put(thing, {kField, b});
            }),
            "refcount-underflow thing dropped by container.field");
}

TEST(Ledger, MoveOfWhatIsNotHeldIsReported) {
  EXPECT_EQ(run_alone([] {
              const uint32_t thing = open("thing");
              kernel::ledger_move(thing, {kUser}, {kField});
            }),
            "refcount-underflow thing moved by user");
}

TEST(Ledger, MovedReferenceLeaksAsWhatItWasMovedTo) {
  EXPECT_EQ(run_alone([] {
              const uint32_t thing = open("thing");
              kernel::ledger_move(thing, {kCreator}, {kUser});
            }),
            "reference-leak thing held by user");
}

TEST(Ledger, CloseWithAReferenceLeftIsReported) {
  EXPECT_EQ(run_alone([] { kernel::ledger_close(open("thing")); }), "refcount-underflow thing");
}

// thing <- container.field <- (nobody dropped the container): the container is the cause, though
// the thing is older.
TEST(Ledger, HolderThatLeakedIsBlamedBeforeWhatItHolds) {
  EXPECT_EQ(run_alone([] {
              const uint32_t thing = open("thing");
              const uint32_t container = open("container");
              kernel::ledger_move(thing, {kCreator}, {kField, container});
            }),
            "reference-leak container held by creator");
}

TEST(Ledger, HolderThatIsGoneIsToBlame) {
  EXPECT_EQ(run_alone([] {
              const uint32_t thing = open("thing");
              const uint32_t container = open("container");
              kernel::ledger_move(thing, {kCreator}, {kField, container});
              close(container);
            }),
            "reference-leak thing held by container.field");
}

TEST(Ledger, HolderThatIsGoneIsToBlameBeforeOneThatLeaked) {
  EXPECT_EQ(run_alone([] {
              const uint32_t thing = open("thing");
              const uint32_t container = open("container");
              const uint32_t outer = open("outer");
              kernel::ledger_move(thing, {kCreator}, {kField, container});
              kernel::ledger_move(container, {kCreator}, {kField, outer});
              close(outer);
            }),
            "reference-leak container held by container.field");
}

TEST(Ledger, CycleIsReportedAtItsOldestObject) {
  EXPECT_EQ(run_alone([] {
              const uint32_t a = open("a"), b = open("b");
              kernel::ledger_move(a, {kCreator}, {kField, b});
              kernel::ledger_move(b, {kCreator}, {kField, a});
            }),
            "reference-leak a held by container.field");
}

TEST(Ledger, ManyReferencesOfManyObjectsAreAllAccountedFor) {
  EXPECT_EQ(run_alone([] {
              constexpr uint32_t kObjects = 500;
              for (uint32_t i = 1; i <= kObjects; ++i) {
                EXPECT_EQ(open("thing"), i);
                kernel::ledger_get(i, {kUser, i > 1 ? i - 1 : 0});
              }
              for (uint32_t i = kObjects; i > 0; --i) {
                kernel::ledger_put(i, {kCreator});
                close(i, {kUser, i > 1 ? i - 1 : 0});
              }
            }),
            "nothing");
}

TEST(Ledger, ChecksOffNumbersStayTheSameAndNothingIsReported) {
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone([] {
              EXPECT_EQ(open("a"), 1u);
              EXPECT_EQ(open("b"), 2u);
              kernel::ledger_put(1, {kUser});
              kernel::ledger_move(1, {kUser}, {kField});
              kernel::ledger_close(2);
            }),
            "nothing");
}

// What the report of a run says, one expected piece of it at a time.
void expect_report(const std::function<void()>& set_up, const std::function<void()>& operation,
                   const char* pattern) {
  TestRun run;
  run.print = true;
  run.set_up = set_up;
  run.threads = {operation};
  EXPECT_DEATH(run(), pattern);
}

TEST(LedgerReportDeathTest, LeakTellsObjectHolderAndOperations) {
  expect_report([] { open("container"); },
                [] {
                  kernel::ledger_move(open("thing"), {kCreator}, {kField, 1});
                  kernel::ledger_put(1, {kCreator});
                },
                "ERROR: reference-leak: thing#2 is still referenced after device teardown\n"
                "  held by container.field of container#1\n"
                "  taken by operation 1\n"
                "    as creator, then moved to container.field by operation 1\n"
                "  thing#2 was created by operation 1\n"
                "  references leaked in all: 1\n");
}

TEST(LedgerReportDeathTest, PutOfNothingTellsWhoHoldsTheObject) {
  expect_report(
      [] { open("thing"); }, [] { kernel::ledger_put(1, {kUser}); },
      "ERROR: refcount-underflow: thing#1: user, which holds no reference, has it dropped\n"
      "  held by creator since device set-up or teardown\n"
      "  in t0, operation 1\n");
}

TEST(LedgerReportDeathTest, LinesThatDoNotFitAreLeftOutWhole) {
  expect_report(
      [] {
        kernel::set_operation_printer([](uint32_t, char* buffer, size_t capacity) {
          std::memset(buffer, 'x', capacity - 1);
          buffer[capacity - 1] = 0;
          return capacity - 1;
        });
      },
      [] {
        open("thing");
        for (int i = 0; i < 20; ++i) kernel::ledger_get(1, {kCreator});
        kernel::ledger_put(1, {kUser});
      },
      "has it dropped\n"
      "(  held by creator since operation 1: x{242}\n)+"
      "  in t0, operation 1(.|\n)*"
      "SUMMARY: fencebench: refcount-underflow thing dropped by user\n$");
}

}  // namespace
