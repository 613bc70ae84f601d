#include "fuzz/tool/signature.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fuzz/tool/libfuzzer_log.h"
#include "fuzz/tool/strings.h"

// The reports are what builds of clang 22 printed for the defects of core/defects, shortened.

namespace tool {
namespace {

Signature signature(std::string_view text, std::string_view target = "") {
  LibFuzzerLog log;
  for (const std::string& line : split(text, '\n')) log.line(line);
  auto verdict = judge(log.report(), "/src/fb");
  if (!verdict) return {};
  return signature_of(*verdict, log.report(), target);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

constexpr const char* kReferenceLeak =
    R"(==fencebench== ERROR: reference-leak: fence_driver#13 is still referenced after device teardown
  held by fence_drv_array of userq_fence#24
  taken by operation 14: t0: wait B syncobjs=[S] num_fences=65535
    as fence_drv_xa of queue#12, then moved to fence_drv_array by operation 15: t0: signal B wptr=3
  fence_driver#13 was created by operation 1: t0: B = queue_create gfx doorbell=1
  references leaked in all: 1
  defect reached: 326, triggered: 1
    #0 0x564902cb10d1 in __sanitizer_print_stack_trace (/src/fb/build/asan/userq_fuzzer+0x1c10d1) (BuildId: 78)
    #1 0x564902d54060 in print_stack /src/fb/core/kernel/report.cc:48:3
    #2 0x564902d4bb97 in kernel::(anonymous namespace)::report_leak(unsigned int, kernel::(anonymous namespace)::Entry const&, unsigned int) /src/fb/core/kernel/ledger.cc:199:3

SUMMARY: fencebench: reference-leak fence_driver held by fence_drv_array)";

constexpr const char* kUseAfterFree =
    R"(==19647==ERROR: AddressSanitizer: heap-use-after-free on address 0x7c37b9de0480 at pc 0x55d5b10d9aeb
WRITE of size 4 at 0x7c37b9de0480 thread T0
    #0 0x55d5b10d9aea in kernel::kref_get(kernel::Kref&, kernel::Holder) /src/fb/build/asan/../../core/kernel/kref.cc:15:7
    #1 0x55d5b108320c in drm::syncobj_find(drm::File&, unsigned int, kernel::Holder) /src/fb/build/asan/defects/d/src/core/drm/syncobj.cc:71:15
    #2 0x55d5b1083577 in drm::syncobj_array_find(drm::File&, unsigned long, unsigned int, drm::SyncobjArray&, kernel::Holder) /src/fb/build/asan/defects/d/src/core/drm/syncobj.cc:94:24
    #3 0x55d5b10c08f6 in drm::syncobj_reset_ioctl(drm::File&, drm::drm_syncobj_array&) /src/fb/build/asan/../../core/drm/syncobj_ioctls.cc:129:21

0x7c37b9de0480 is located 0 bytes inside of 72-byte region [0x7c37b9de0480,0x7c37b9de04c8)
freed by thread T0 here:
    #0 0x55d5b103e3a6 in free (/src/fb/build/asan/userq_fuzzer+0x1b43a6) (BuildId: 69)
    #1 0x55d5b10d9e72 in kernel::kref_put(kernel::Kref&, kernel::Holder, void (*)(kernel::Kref&)) /src/fb/build/asan/../../core/kernel/kref.cc:47:3
    #2 0x55d5b108387c in syncobj_put /src/fb/build/asan/defects/d/src/core/drm/syncobj.cc:83:3
    #3 0x55d5b108387c in drm::syncobj_array_free(drm::SyncobjArray&, kernel::Holder) /src/fb/build/asan/defects/d/src/core/drm/syncobj.cc:106:46

previously allocated by thread T0 here:
    #0 0x55d5b103e819 in calloc (/src/fb/build/asan/userq_fuzzer+0x1b4819) (BuildId: 69)
    #1 0x55d5b10ea394 in kernel::(anonymous namespace)::allocate(unsigned long, kernel::Gfp, char const*, bool) /src/fb/build/asan/../../core/kernel/slab.cc:84:27
    #2 0x55d5b1082dda in kzalloc_obj<drm::Syncobj> /src/fb/build/asan/../../core/kernel/slab.h:31:18
    #3 0x55d5b1082dda in drm::syncobj_create(drm::Syncobj**, unsigned int, kernel::Holder) /src/fb/build/asan/defects/d/src/core/drm/syncobj.cc:40:22

SUMMARY: AddressSanitizer: heap-use-after-free /src/fb/build/asan/../../core/kernel/kref.cc:15:7 in kernel::kref_get(kernel::Kref&, kernel::Holder))";

constexpr const char* kRace = R"(WARNING: ThreadSanitizer: data race (pid=19549)
  Write of size 8 at 0x721400000190 by thread T3:
    #0 free <null> (userq_fuzzer+0x1088aa) (BuildId: 85)
    #1 drm::syncobj_free(kernel::Kref&) /src/fb/build/tsan/defects/d/src/core/drm/syncobj.cc:36:3 (userq_fuzzer+0x18fc82) (BuildId: 85)
    #2 kernel::kref_put(kernel::Kref&, kernel::Holder, void (*)(kernel::Kref&)) /src/fb/core/kernel/kref.cc:47:3 (userq_fuzzer+0x1c0239) (BuildId: 85)

  Previous atomic read of size 4 at 0x721400000190 by thread T1:
    #0 kernel::kref_read(kernel::Kref const&) /src/fb/core/kernel/kref.cc:53:42 (userq_fuzzer+0x1c0361) (BuildId: 85)
    #1 drm::syncobj_find(drm::File&, unsigned int, kernel::Holder) /src/fb/build/tsan/defects/d/src/core/drm/syncobj.cc:69:42 (userq_fuzzer+0x190199) (BuildId: 85)

  Thread T3 't2' (tid=0, running) created by main thread at:
    #0 create_tsan_fiber /src/fb/core/sched/sanitizer.h:74:17 (userq_fuzzer+0x1ce5d8) (BuildId: 85)

SUMMARY: ThreadSanitizer: data race (/src/fb/build/tsan/userq_fuzzer+0x1088aa) (BuildId: 85) in free)";

TEST(Signature, OurOwnVerdictIsNamedByKindAndRoles) {
  Signature found = signature(kReferenceLeak);
  EXPECT_EQ(found.text(), "reference-leak fence_driver held by fence_drv_array");
  EXPECT_EQ(found.id.size(), 10u);
  EXPECT_EQ(found.id.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(Signature, IsTheSameForOtherObjectsOperationsAndAddresses) {
  std::string other = replaced(kReferenceLeak, "fence_driver#13", "fence_driver#8");
  other = replaced(other, "operation 14", "operation 4");
  other = replaced(other, "0x5649", "0x7fff");
  EXPECT_EQ(signature(other).id, signature(kReferenceLeak).id);
}

// The release build prints no stack.
TEST(Signature, OfOurOwnVerdictIsTheSameWithoutAStack) {
  std::string bare;
  for (const std::string& line : split(kReferenceLeak, '\n')) {
    if (!line.starts_with("    #")) bare += line + "\n";
  }
  EXPECT_EQ(signature(bare).id, signature(kReferenceLeak).id);
}

TEST(Signature, AnotherRoleIsAnotherBug) {
  EXPECT_NE(
      signature(replaced(kReferenceLeak, "held by fence_drv_array", "held by fence_drv_xa")).id,
      signature(kReferenceLeak).id);
  EXPECT_NE(signature(replaced(kReferenceLeak, "leak fence_driver held", "leak queue held")).id,
            signature(kReferenceLeak).id);
}

TEST(Signature, WhereThePlaceIsAPrimitiveTheRoleOrTheOperationIsPartOfIt) {
  auto resurrect = [](const char* role) {
    return signature(std::string("==fencebench== ERROR: refcount-resurrect: syncobj#3: a reference "
                                 "is taken by ") +
                     role +
                     ", but its count is zero\n  in t1, operation 4: t1: syncobj_reset S\n"
                     "SUMMARY: fencebench: refcount-resurrect syncobj");
  };
  EXPECT_EQ(resurrect("syncobj ioctl").text(),
            "refcount-resurrect syncobj, syncobj: a reference is taken by syncobj ioctl, but its "
            "count is zero");
  EXPECT_NE(resurrect("syncobj ioctl").id, resurrect("syncobj waiter").id);

  auto unlinked = [](const char* line) {
    return signature(std::string("==fencebench== ERROR: list-corruption: list_del: the entry is in "
                                 "no list\n") +
                     line + "\nSUMMARY: fencebench: list-corruption list_del");
  };
  EXPECT_EQ(unlinked("  in t1, operation 4: t1: X = wait A num_fences=1").place,
            "list_del, in wait");
  EXPECT_EQ(unlinked("  in t3, operation 7: t3: wait C").place, "list_del, in wait");
  EXPECT_NE(unlinked("  in t1, operation 4: t1: signal A").id,
            unlinked("  in t1, operation 4: t1: wait A").id);
  EXPECT_EQ(unlinked("  in irq1, device set-up or teardown").place, "list_del, in irq");
}

TEST(Signature, UseAfterFreeIsNamedByWhoUsedAndWhatItWas) {
  Signature found = signature(kUseAfterFree);
  EXPECT_EQ(found.text(),
            "AddressSanitizer: heap-use-after-free in syncobj_find core/drm/syncobj.cc of memory "
            "from syncobj_create core/drm/syncobj.cc");
  EXPECT_EQ(found.frames, (std::vector<std::string>{
                              "kref_get core/kernel/kref.cc", "syncobj_find core/drm/syncobj.cc",
                              "syncobj_array_find core/drm/syncobj.cc",
                              "syncobj_reset_ioctl core/drm/syncobj_ioctls.cc"}));
}

// Which access comes first, who was last to give the object back, where the checkout lies, what the
// optimizer inlined: all up to the input, the build or the machine.
TEST(Signature, UseAfterFreeIsTheSameBugHoweverItHappens) {
  const std::string id = signature(kUseAfterFree).id;
  std::string other = replaced(kUseAfterFree, "kernel::kref_get(kernel::Kref&, kernel::Holder)",
                               "kernel::kref_read(kernel::Kref const&)");
  other = replaced(other, "kref.cc:15:7", "kref.cc:53:42");
  other = replaced(other, "WRITE", "READ");
  EXPECT_EQ(signature(other).id, id);
  EXPECT_EQ(signature(replaced(kUseAfterFree, "syncobj_array_free", "syncobj_destroy_ioctl")).id,
            id);
  EXPECT_EQ(signature(replaced(kUseAfterFree, "/src/fb/", "/elsewhere/checkout/")).id, id);
  EXPECT_EQ(signature(replaced(kUseAfterFree,
                               "drm::syncobj_find(drm::File&, unsigned int, kernel::Holder)",
                               "syncobj_find"))
                .id,
            id);
  EXPECT_EQ(signature(replaced(kUseAfterFree, "syncobj.cc:71:15", "syncobj.cc:99:2")).id, id);
}

TEST(Signature, UseElsewhereOrOfAnotherObjectIsAnotherBug) {
  const std::string id = signature(kUseAfterFree).id;
  EXPECT_NE(
      signature(replaced(kUseAfterFree, "drm::syncobj_find(", "drm::syncobj_fence_get_at(")).id,
      id);
  EXPECT_NE(signature(replaced(kUseAfterFree, "drm::syncobj_create(", "drm::sync_file_create(")).id,
            id);
  EXPECT_NE(signature(replaced(kUseAfterFree, "heap-use-after-free", "heap-buffer-overflow")).id,
            id);
}

TEST(Signature, ARaceOnMemoryIsNamedByThatMemory) {
  const std::string race =
      "WARNING: ThreadSanitizer: data race (pid=1)\n"
      "  Read of size 8 at 0x720400000018 by thread T7:\n"
      "    #0 userq::seq64_alloc(userq::Seq64&) /src/fb/core/userq/seq64.cc:40:33 (f+0x1)\n"
      "  Previous write of size 8 at 0x720400000018 by thread T6:\n"
      "    #0 userq::seq64_alloc(userq::Seq64&) /src/fb/core/userq/seq64.cc:45:22 (f+0x1)\n"
      "  Location is heap block of size 16 at 0x720400000010 allocated by thread T9:\n"
      "    #0 malloc <null> (f+0x1)\n"
      "    #1 userq::device_init(userq::DeviceConfig const&) /src/fb/core/userq/device.cc:38:7\n"
      "SUMMARY: ThreadSanitizer: data race /src/fb/core/userq/seq64.cc:40:33 in "
      "userq::seq64_alloc(userq::Seq64&)";
  Signature found = signature(race);
  EXPECT_EQ(found.text(),
            "ThreadSanitizer: data-race on byte 8 of memory from device_init core/userq/device.cc");
  // Another function that forgets the same lock; another run, where the memory lies elsewhere.
  EXPECT_EQ(signature(replaced(race, "seq64_alloc(userq::Seq64&) /src/fb/core/userq/seq64.cc:45",
                               "seq64_free(userq::Seq64&) /src/fb/core/userq/seq64.cc:56"))
                .id,
            found.id);
  EXPECT_EQ(signature(replaced(replaced(race, "0x720400000018", "0x720800000028"), "0x720400000010",
                               "0x720800000020"))
                .id,
            found.id);
  // Another field, another object.
  EXPECT_NE(signature(replaced(race, "0x720400000018", "0x720400000010")).id, found.id);
  EXPECT_NE(signature(replaced(race, "device_init", "file_open")).id, found.id);
}

TEST(Signature, ARaceIsAnUnorderedPair) {
  Signature found = signature(kRace);
  EXPECT_EQ(found.text(),
            "ThreadSanitizer: data-race between free by syncobj_free core/drm/syncobj.cc and "
            "syncobj_find core/drm/syncobj.cc");
  std::vector<std::string> lines = split(kRace, '\n');
  std::rotate(lines.begin() + 1, lines.begin() + 6, lines.begin() + 10);  // the second access first
  EXPECT_TRUE(lines[1].starts_with("  Previous"));
  EXPECT_EQ(signature(join(lines, "\n")).id, found.id);
  EXPECT_NE(signature(replaced(kRace, "drm::syncobj_find(", "drm::syncobj_wait(")).id, found.id);
  EXPECT_NE(signature(replaced(kRace, "free <null>", "memset <null>")).id, found.id);
}

TEST(Signature, LeakSanitizerNamesWhoAllocated) {
  EXPECT_EQ(signature(R"(==4238==ERROR: LeakSanitizer: detected memory leaks

Direct leak of 72 byte(s) in 1 object(s) allocated from:
    #0 0x55c3468ce734 in malloc (/tmp/toy+0x10e734) (BuildId: 75c18b42)
    #1 0x55c346912f40 in kernel::kzalloc(unsigned long) /src/fb/core/kernel/slab.cc:40:1
    #2 0x55c346912f52 in userq::fence_driver_alloc(userq::Device*) /src/fb/core/userq/fence_driver.cc:19:10

SUMMARY: AddressSanitizer: 80 byte(s) leaked in 2 allocation(s).)")
                .text(),
            "LeakSanitizer: memory-leak of memory from fence_driver_alloc "
            "core/userq/fence_driver.cc");
}

TEST(Signature, OfATimeoutTheRootCounts) {
  auto timeout = [](const char* top) {
    return signature(std::string("==5== ERROR: libFuzzer: timeout after 25 seconds\n"
                                 "    #0 0x5 in __sanitizer_print_stack_trace (/tmp/hang+0x1)\n"
                                 "    #1 0x7 in ") +
                     top +
                     " /src/fb/core/userq/queue.cc:5:3\n"
                     "    #2 0x7 in userq::wait_ioctl(int) /src/fb/core/userq/wait_ioctl.cc:5:3\n"
                     "    #3 0x7 in sut_ioctl /src/fb/core/sut.cc:5:3\n"
                     "SUMMARY: libFuzzer: timeout");
  };
  EXPECT_EQ(timeout("userq::step()").id, timeout("userq::other()").id);
  EXPECT_EQ(timeout("userq::step()").place, "in wait_ioctl core/userq/wait_ioctl.cc");
}

TEST(Signature, WithoutAnyPlaceTheTargetTellsApart) {
  constexpr const char* kOutOfMemory =
      "==5== ERROR: libFuzzer: out-of-memory (used: 353Mb; limit: 200Mb)\n"
      "SUMMARY: libFuzzer: out-of-memory";
  EXPECT_EQ(signature(kOutOfMemory, "a_fuzzer").place, "of a_fuzzer");
  EXPECT_NE(signature(kOutOfMemory, "a_fuzzer").id, signature(kOutOfMemory, "b_fuzzer").id);
  EXPECT_EQ(signature(kReferenceLeak, "a_fuzzer").id, signature(kReferenceLeak, "b_fuzzer").id);
}

TEST(Signature, UndefinedBehaviorIsNamedByWhatAndWhere) {
  auto shift = [](const char* number) {
    return signature(std::string("race.cc:9:26: runtime error: shift exponent ") + number +
                     " is too large for 32-bit type 'int'\n"
                     "    #0 0x561982abacc6 in dma::merge(int) /src/fb/core/dma/merge.cc:9:26\n"
                     "SUMMARY: UndefinedBehaviorSanitizer: undefined-behavior race.cc:9:26 ");
  };
  EXPECT_EQ(shift("40").id, shift("41").id);
  EXPECT_EQ(shift("40").place,
            "shift exponent N is too large for N-bit type 'int' in merge core/dma/merge.cc");
}

TEST(Signature, WithoutItsReportAVerdictHasOneAsWell) {
  auto from_text = [](const char* text) { return signature_of(*verdict_from_text(text), {}); };
  EXPECT_EQ(from_text("reference-leak fence_driver held by fence_drv_array").id,
            signature(kReferenceLeak).id);
  EXPECT_EQ(from_text("AddressSanitizer: double-free in drm::f<int>(x) core/drm/file.cc:15").text(),
            "AddressSanitizer: double-free in f core/drm/file.cc");
  EXPECT_EQ(from_text("LeakSanitizer: memory-leak in userq::g core/userq/g.cc:2").place,
            "of memory from g core/userq/g.cc");
}

TEST(Signature, VerdictsAreReadBackFromTheirText) {
  for (const char* text :
       {"reference-leak fence_driver held by fence_drv_array", "deadlock",
        "AddressSanitizer: heap-use-after-free in kernel::kref_get core/kernel/kref.cc:15",
        "libFuzzer: out-of-memory", "wrong-errno signal: EINVAL"}) {
    EXPECT_EQ(verdict_from_text(text)->text(), text);
  }
  EXPECT_EQ(verdict_from_text("libFuzzer: timeout")->detector, "libFuzzer");
  EXPECT_EQ(verdict_from_text("wrong-errno signal: EINVAL")->detector, "fencebench");
  EXPECT_FALSE(verdict_from_text("  "));
}

TEST(Signature, FunctionsAreNamedAlikeInlinedOrNot) {
  EXPECT_EQ(plain_function("syncobj_put"), "syncobj_put");
  EXPECT_EQ(plain_function("drm::syncobj_put(drm::Syncobj&, kernel::Holder)"), "syncobj_put");
  EXPECT_EQ(
      plain_function("int (anonymous namespace)::call<drm::A, &drm::f(drm::File&)>(drm::File&)"),
      "call");
  EXPECT_EQ(plain_function("kzalloc_obj<drm::Syncobj>"), "kzalloc_obj");
  EXPECT_EQ(plain_function("std::function<void (int)>::operator()"), "function");
  EXPECT_EQ(plain_function("userq::f(int)::$_0::operator()(int) const"), "f");
  EXPECT_EQ(plain_function("userq::f(int)::'lambda'(int)::operator()(int) const"), "f");
  EXPECT_EQ(plain_function("dma::put(int) (.cold)"), "put");
  EXPECT_EQ(plain_function("dma::put.llvm.123"), "put");
  EXPECT_EQ(plain_function("a::B::operator<(a::B const&)"), "operator<");
  EXPECT_EQ(plain_function("a::B::~B()"), "~B");
  EXPECT_EQ(plain_function("(("), "((");
  EXPECT_EQ(plain_function("operator"), "operator");
  EXPECT_EQ(plain_function(""), "");
}

TEST(Signature, PathsBeginInTheCheckout) {
  EXPECT_EQ(source_path("/a/build/asan/../../core/kernel/kref.cc"), "core/kernel/kref.cc");
  EXPECT_EQ(source_path("/a/core/build/asan/defects/d/src/core/drm/syncobj.cc"),
            "core/drm/syncobj.cc");
  EXPECT_EQ(source_path("/usr/include/c++/12/bits/x.h"), "x.h");
  EXPECT_EQ(source_path("core/dma/fence.cc"), "core/dma/fence.cc");
  EXPECT_EQ(source_path(""), "");
}

TEST(Signature, HostileTextIsMadeHarmless) {
  Signature found = signature("SUMMARY: fencebench: warn-on \x1b[31m<b>red\xff");
  EXPECT_EQ(found.text(), "warn-on \\x1b[Nm<b>red\\xff");
  found = signature(
      "==1==ERROR: AddressSanitizer: SEGV\n    #0 0x1 in \x1b[2Jf(int) /src/core/a\x07.cc:1:2\n"
      "SUMMARY: AddressSanitizer: SEGV /src/core/a.cc:1:2 in f");
  EXPECT_EQ(found.text().find('\x1b'), std::string::npos);
  EXPECT_EQ(found.frames.at(0).find('\x07'), std::string::npos);
}

}  // namespace
}  // namespace tool
