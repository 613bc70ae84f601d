#include "fuzz/tool/store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/store_folder.h"

namespace tool {
namespace {

const JobKey kUserq = {"userq_fuzzer", "asan"};
const JobKey kSyncobj = {"syncobj_fuzzer", "tsan"};

class StoreTest : public testing::Test {
 protected:
  StoreTest() { open(); }
  void open() { store_ = std::make_unique<Store>(file_); }

  Slice begin(const JobKey& key, Seconds now) {
    return {.id = store_->begin_slice(key, "abc1234", now),
            .key = key,
            .commit = "abc1234",
            .started = now};
  }
  Pending waiting(const std::string& file) {
    return {.id = 0, .key = kUserq, .commit = "abc1234", .seen = 5, .file = file, .verdict = "v"};
  }
  Bug bug(const std::string& signature, Seconds seen) {
    Bug made;
    made.signature = signature;
    made.verdict = "reference-leak fence_driver";
    made.key = kUserq;
    made.first_seen = made.last_seen = seen;
    made.first_commit = made.last_commit = "abc1234";
    made.file = "findings/" + signature + "/reproducer.fence";
    made.bytes = 40;
    made.details = {"held by 'queue'", "\xff\n<b>"};
    return made;
  }

  ScratchFolder scratch_{fs::temp_directory_path()};
  fs::path file_ = scratch_.path() / "continuous.sqlite";
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, SlicesAddUpAndOutliveTheProcess) {
  store_->add_job(kUserq);
  for (int i = 0; i < 2; i++) {
    SliceEnd end{.ended = 60 + i,
                 .seconds = 30,
                 .weight = 3,
                 .executions = 100,
                 .edges = 50u - i,
                 .features = 70,
                 .corpus = 9u + i,
                 .trouble = ""};
    store_->end_slice(begin(kUserq, 30), end, {}, {});
  }
  open();
  ASSERT_EQ(store_->jobs().size(), 1u);
  JobRecord job = store_->jobs()[0];
  EXPECT_EQ(job.key, kUserq);
  EXPECT_EQ(job.executions, 200u);
  EXPECT_DOUBLE_EQ(job.seconds, 60);
  EXPECT_DOUBLE_EQ(job.turn, 20);
  EXPECT_EQ(job.edges, 50u);
  EXPECT_EQ(job.corpus, 10u);
  EXPECT_EQ(job.last, 61);
  EXPECT_EQ(store_->coverage(kUserq).size(), 2u);
  EXPECT_TRUE(store_->coverage(kSyncobj).empty());
}

TEST_F(StoreTest, AJobThatJoinsLaterDoesNotCatchUp) {
  store_->add_job(kUserq);
  store_->end_slice(begin(kUserq, 0), {.ended = 1000, .seconds = 1000}, {}, {});
  store_->add_job(kSyncobj);
  store_->add_job(kUserq);  // known: stays as it is
  for (const JobRecord& job : store_->jobs()) EXPECT_DOUBLE_EQ(job.turn, 1000) << job.key.target;
}

TEST_F(StoreTest, ASliceWithoutEndIsFoundAgain) {
  Slice ended = begin(kUserq, 1);
  Slice killed = begin(kSyncobj, 2);
  store_->end_slice(ended, {.ended = 3}, {}, {});
  open();
  std::vector<Slice> open_slices = store_->open_slices();
  ASSERT_EQ(open_slices.size(), 1u);
  EXPECT_EQ(open_slices[0].id, killed.id);
  EXPECT_EQ(open_slices[0].key, kSyncobj);
  EXPECT_EQ(open_slices[0].started, 2);
}

TEST_F(StoreTest, WhatASliceFoundWaitsUntilItIsFiled) {
  Slice slice = begin(kUserq, 1);
  store_->end_slice(slice, {.ended = 3}, {waiting("a"), waiting("b")}, {});
  store_->end_slice(slice, {.ended = 3}, {waiting("a")}, {});  // done again after a kill: no double
  ASSERT_EQ(store_->pending().size(), 2u);
  EXPECT_TRUE(store_->file_bug(bug("s1", 5), store_->pending()[0]));
  ASSERT_EQ(store_->pending().size(), 1u);
  EXPECT_EQ(store_->pending()[0].file, "b");
  store_->drop_pending(store_->pending()[0].id);
  EXPECT_TRUE(store_->pending().empty());
}

TEST_F(StoreTest, ABugIsFiledOnceAndCounted) {
  EXPECT_TRUE(store_->file_bug(bug("s1", 5), {}));
  Bug seen = bug("s1", 9);
  seen.key = kSyncobj;
  seen.file = "another";
  EXPECT_FALSE(store_->file_bug(seen, {}));
  store_->end_slice(begin(kUserq, 10), {.ended = 12}, {}, {"s1"});
  ASSERT_EQ(store_->bugs().size(), 1u);
  Bug filed = store_->bugs()[0];
  EXPECT_EQ(filed.count, 3u);
  EXPECT_EQ(filed.first_seen, 5);
  EXPECT_EQ(filed.last_seen, 12);
  EXPECT_EQ(filed.file, "findings/s1/reproducer.fence");
  EXPECT_EQ(filed.details.size(), 2u);
  EXPECT_EQ(filed.details[0], "held by 'queue'");
  EXPECT_EQ(filed.targets, (std::vector<std::string>{"syncobj_fuzzer", "userq_fuzzer"}));
  EXPECT_EQ(filed.sanitizers, (std::vector<std::string>{"asan", "tsan"}));
}

TEST_F(StoreTest, ABugIsFixedAndComesBack) {
  store_->file_bug(bug("s1", 5), {});
  store_->bug_is_fixed("s1", "def5678");
  EXPECT_EQ(store_->bug("s1")->status, Bug::Status::kFixed);
  EXPECT_EQ(store_->bug("s1")->fixed_commit, "def5678");
  Bug back = bug("s1", 20);
  back.file = "findings/s1/other.fence";
  EXPECT_TRUE(store_->file_bug(back, {}));
  EXPECT_EQ(store_->bug("s1")->status, Bug::Status::kOpen);
  EXPECT_EQ(store_->bug("s1")->fixed_commit, "");
  EXPECT_EQ(store_->bug("s1")->first_seen, 5);
  EXPECT_EQ(store_->bug("s1")->last_seen, 20);
  EXPECT_EQ(store_->bug("s1")->file, "findings/s1/other.fence");
  EXPECT_EQ(store_->bug("s1")->count, 2u);
  EXPECT_FALSE(store_->bug("s2"));
}

TEST_F(StoreTest, AnInputThatReproducesReplacesOneThatDoesNot) {
  Bug unsure = bug("s1", 5);
  unsure.status = Bug::Status::kUnreproducible;
  EXPECT_TRUE(store_->file_bug(unsure, {}));
  EXPECT_FALSE(store_->file_bug(unsure, {}));
  EXPECT_EQ(store_->bug("s1")->status, Bug::Status::kUnreproducible);
  EXPECT_TRUE(store_->file_bug(bug("s1", 6), {}));
  EXPECT_EQ(store_->bug("s1")->status, Bug::Status::kOpen);
  EXPECT_FALSE(store_->file_bug(unsure, {}));
  EXPECT_EQ(store_->bug("s1")->status, Bug::Status::kOpen);
}

TEST_F(StoreTest, EventsCommitsAndNotesAreKeptInOrder) {
  for (int i = 0; i < 5; i++) store_->add_event({i, "start", std::to_string(i)});
  std::vector<Event> last = store_->events(2);
  ASSERT_EQ(last.size(), 2u);
  EXPECT_EQ(last[0].text, "3");
  EXPECT_EQ(last[1].text, "4");
  store_->add_commit({1, "abc1234", "<b>title", false});
  ASSERT_EQ(store_->commits().size(), 1u);
  EXPECT_EQ(store_->commits()[0].title, "<b>title");
  EXPECT_FALSE(store_->commits()[0].built);
  EXPECT_EQ(store_->note("x"), "");
  store_->set_note("x", "1");
  store_->set_note("x", "2");
  EXPECT_EQ(store_->note("x"), "2");
}

TEST_F(StoreTest, ForgetsOldSlicesButNotTheirSum) {
  store_->add_job(kUserq);
  Slice killed = begin(kUserq, 0);
  for (int i = 0; i < 10; i++) {
    store_->end_slice(begin(kUserq, i), {.ended = i, .seconds = 1, .edges = 1}, {}, {});
    store_->add_event({i, "start", ""});
  }
  store_->forget_old(3, 2);
  EXPECT_EQ(store_->coverage(kUserq).size(), 3u);
  EXPECT_EQ(store_->events(100).size(), 2u);
  EXPECT_DOUBLE_EQ(store_->jobs()[0].seconds, 10);
  ASSERT_EQ(store_->open_slices().size(), 1u);
  EXPECT_EQ(store_->open_slices()[0].id, killed.id);
}

TEST_F(StoreTest, AFileThatIsNoStoreIsLeftAlone) {
  fs::path other = scratch_.path() / "other";
  write_file(other, std::string(5000, 'x'));
  EXPECT_THROW(Store{other}, EnvironmentError);
  EXPECT_EQ(read_file(other), std::string(5000, 'x'));
}

TEST_F(StoreTest, OneProcessAtATime) {
  StoreFolder folder{scratch_.path()};
  EXPECT_EQ(store_holder(folder).process, 0);
  {
    StoreLock lock(folder);
    EXPECT_EQ(store_holder(folder).process, static_cast<int>(::getpid()));
    EXPECT_EQ(store_holder(folder).trouble, "");
    lock.say("the disk\nis full");
    EXPECT_EQ(store_holder(folder).trouble, "the disk\\x0ais full");
    lock.say("");
    EXPECT_EQ(store_holder(folder).trouble, "");
    EXPECT_THROW(StoreLock{folder}, EnvironmentError);
  }
  EXPECT_EQ(store_holder(folder).process, 0);
  StoreLock again(folder);
}

}  // namespace
}  // namespace tool
