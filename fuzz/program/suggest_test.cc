#include "fuzz/program/suggest.h"

#include <gtest/gtest.h>

namespace program {
namespace {

const std::vector<std::string_view> kWords = {"queue_create", "queue_free", "signal", "wait",
                                              "eop"};

TEST(Suggest, LikelySlips) {
  EXPECT_EQ(nearest("wiat", kWords), "wait");
  EXPECT_EQ(nearest("wit", kWords), "wait");
  EXPECT_EQ(nearest("waits", kWords), "wait");
  EXPECT_EQ(nearest("singal", kWords), "signal");
  EXPECT_EQ(nearest("queue-free", kWords), "queue_free");
  EXPECT_EQ(nearest("creat_queue", kWords), "");
}

TEST(Suggest, NothingNear) {
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest("x", kWords), "");
  EXPECT_EQ(nearest("submit", kWords), "");
  EXPECT_EQ(nearest(std::string(100000, 'w'), kWords), "");
  EXPECT_EQ(nearest("wait", {}), "");
}

TEST(Suggest, Sentences) {
  EXPECT_EQ(did_you_mean("wiat", "operations", kWords), ", did you mean 'wait'?");
  EXPECT_EQ(did_you_mean("submit", "verbs", {"run", "show", "stop"}),
            ": verbs are run, show and stop");
  EXPECT_EQ(did_you_mean("x", "the only verb", {"run"}), ": the only verb is run");
}

}  // namespace
}  // namespace program
