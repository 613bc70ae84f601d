// Each error of the parser: where it is reported, and what it says.
#include <gtest/gtest.h>

#include <string>

#include "fuzz/program/text.h"

namespace program {
namespace {

// "line:column: message"
std::string error_of(std::string_view text) {
  auto result = parse(text);
  const ParseError* error = std::get_if<ParseError>(&result);
  if (!error) return "no error";
  return std::to_string(error->line) + ":" + std::to_string(error->column) + ": " + error->message;
}

struct Case {
  const char* text;
  const char* error;
};

void check(std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(error_of(c.text), c.error) << c.text;
}

TEST(ParseError, Statements) {
  check({
      {"devcie cpus=2", "1:1: unknown statement 'devcie', did you mean 'device'?"},
      {"\n  shedule: 3>t1", "2:3: unknown statement 'shedule', did you mean 'schedule'?"},
      {"foo",
       "1:1: unknown statement 'foo': statements are device, process, schedule, irq and a lane "
       "(t0..t7)"},
      {"t8: file_close", "1:1: unknown lane 't8': lanes are t0..t7 and irq"},
      {"wait A", "1:1: operation 'wait' needs a lane: 't0: wait ...'"},
      {"31>t1", "1:1: expected device, process, schedule: or a lane (t0..t7, irq), found '31'"},
      {"\x01", "1:1: expected device, process, schedule: or a lane (t0..t7, irq), found '\\x01'"},
  });
  EXPECT_EQ(error_of(std::string_view("t0: \0wait A", 11)),
            "1:5: expected an operation, found '\\x00'");
}

TEST(ParseError, Device) {
  check({
      {"device cpu=2", "1:8: unknown device property 'cpu', did you mean 'cpus'?"},
      {"device memory=2",
       "1:8: unknown device property 'memory': device properties are cpus and seq64"},
      {"device cpus", "1:12: expected '=' after 'cpus', found the end of the line"},
      {"device cpus=", "1:13: cpus needs a number, found the end of the line"},
      {"device cpus=two", "1:13: cpus needs a number, found 'two'"},
      {"device cpus=0", "1:13: cpus is 0, which is out of range 1..4"},
      {"device cpus=5", "1:13: cpus is 5, which is out of range 1..4"},
      {"device seq64=65", "1:14: seq64 is 65, which is out of range 1..64"},
      {"device cpus=1 cpus=1", "1:15: device property 'cpus' is given twice"},
      {"# x\ndevice\n\ndevice cpus=1", "4:1: second device line, the first is line 2"},
  });
}

TEST(ParseError, Process) {
  check({
      {"process t2",
       "1:9: expected p1 after 'process', found 't2' (threads that are not listed belong to "
       "process p0)"},
      {"process p2: t2",
       "1:9: expected p1 after 'process', found 'p2' (threads that are not listed belong to "
       "process p0)"},
      {"process p1 t2", "1:12: expected ':' after 'p1', found 't2'"},
      {"process p1:", "1:12: expected a thread (t0..t7), found the end of the line"},
      {"process p1: t2 irq", "1:16: expected a thread (t0..t7), found 'irq'"},
      {"process p1: t2 t2", "1:16: thread 't2' is given twice"},
      {"process p1: t2\nprocess p1: t3", "2:1: second process line, the first is line 1"},
  });
}

TEST(ParseError, Lanes) {
  check({
      {"t0 wait A", "1:4: expected ':' after lane 't0', found 'wait'"},
      {"t0:", "1:4: expected an operation, found the end of the line"},
      {"irq: signal A",
       "1:1: operation 'signal' cannot stand on lane irq, only on a thread (t0..t7)"},
  });
}

TEST(ParseError, Operations) {
  check({
      {"t0: wiat A", "1:5: unknown operation 'wiat', did you mean 'wait'?"},
      {"t0: submit A",
       "1:5: unknown operation 'submit'; fuzz/program/README.md lists the operations"},
      {"t0: [S]", "1:5: expected an operation, found '['"},
      {"t0: queue_creat gfx", "1:5: unknown operation 'queue_creat', did you mean 'queue_create'?"},
      {"t0: A =", "1:8: expected an operation, found the end of the line"},
      {"t0: queue_create gfx",
       "1:5: operation 'queue_create' needs a variable for its result: 'A = queue_create'"},
      {"t0: syncobj_create",
       "1:5: operation 'syncobj_create' needs a variable for its result: 'S = syncobj_create'"},
      {"t0: A = wait A", "1:5: operation 'wait' has no result"},
      {"t0: S = queue_create gfx",
       "1:5: 'S' is a syncobj variable (S..Z), a queue variable (A..H) must stand here"},
      {"t0: x = queue_create gfx", "1:5: expected a queue variable (A..H), found 'x'"},
  });
}

TEST(ParseError, Operands) {
  check({
      {"t0: wait",
       "1:9: operation 'wait' needs a queue variable (A..H) here, found the end of the line"},
      {"t0: wait syncobjs=[S]",
       "1:10: operation 'wait' needs a queue variable (A..H) here, found 'syncobjs'"},
      {"t0: A = queue_create",
       "1:21: operation 'queue_create' needs an engine (gfx, compute, sdma or none) here, "
       "found the end of the line"},
      {"t0: A = queue_create gfy", "1:22: unknown engine 'gfy', did you mean 'gfx'?"},
      {"t0: A = queue_create video",
       "1:22: unknown engine 'video': engines are gfx, compute, sdma and none"},
      {"t0: queue_free S",
       "1:16: 'S' is a syncobj variable (S..Z), a queue variable (A..H) must stand here"},
      {"t0: syncobj_reset A",
       "1:19: 'A' is a queue variable (A..H), a syncobj variable (S..Z) must stand here"},
      {"t0: queue_free I",
       "1:16: 'I' is a buffer variable (I..P), a queue variable (A..H) must stand here"},
      {"t0: queue_free 1", "1:16: expected a queue variable (A..H), found '1'"},
      {"t0: queue_free A B", "1:18: unexpected 'B' after operation 'queue_free'"},
      {"t0: queue_free A t1: wait B", "1:18: unexpected 't1' after operation 'queue_free'"},
      {"t0: file_close ]", "1:16: unexpected ']' after operation 'file_close'"},
  });
}

TEST(ParseError, NamedArguments) {
  check({
      {"t0: signal A wprt=4",
       "1:14: unknown argument 'wprt' of operation 'signal', did you mean 'wptr'?"},
      {"t0: S = syncobj_create signald",
       "1:24: unknown argument 'signald' of operation 'syncobj_create', "
       "did you mean 'signaled'?"},
      {"t0: queue_free A colour=4",
       "1:18: unknown argument 'colour' of operation 'queue_free': its arguments are "
       "fail_alloc, fail_copy and signal_pending"},
      {"t0: signal A wptr=4 wptr=5", "1:21: argument 'wptr' is given twice"},
      {"t0: signal A fail_copy=1 wptr=4 fail_copy=2", "1:33: argument 'fail_copy' is given twice"},
      {"t0: signal A signal_pending signal_pending",
       "1:29: argument 'signal_pending' is given twice"},
      {"t0: S = syncobj_create signaled signaled", "1:33: argument 'signaled' is given twice"},
      {"t0: S = syncobj_create signaled=1", "1:32: argument 'signaled' takes no value"},
      {"t0: signal A signal_pending=1", "1:28: argument 'signal_pending' takes no value"},
      {"t0: signal A wptr", "1:14: argument 'wptr' needs a value: 'wptr=...'"},
      {"t0: signal A fail_alloc", "1:14: argument 'fail_alloc' needs a value: 'fail_alloc=...'"},
  });
}

TEST(ParseError, Numbers) {
  check({
      {"t0: signal A wptr=", "1:19: wptr needs a number, found the end of the line"},
      {"t0: signal A wptr=-1", "1:19: wptr needs a number, found '-'"},
      {"t0: signal A wptr=12ab", "1:19: '12ab' is not a number"},
      {"t0: signal A wptr=0x", "1:19: '0x' is not a number"},
      {"t0: signal A wptr=18446744073709551616",
       "1:19: wptr is 18446744073709551616, which is out of range 0..18446744073709551615"},
      {"t0: signal A wptr=0x10000000000000000",
       "1:19: wptr is 0x10000000000000000, which is out of range 0..18446744073709551615"},
      {"t0: wait A num_fences=65536", "1:23: num_fences is 65536, which is out of range 0..65535"},
      {"t0: A = queue_create gfx doorbell=16", "1:35: doorbell is 16, which is out of range 0..15"},
      {"t0: eop A cpu=4", "1:15: cpu is 4, which is out of range 0..3"},
      {"t0: signal A fail_alloc=256", "1:25: fail_alloc is 256, which is out of range 0..255"},
  });
}

TEST(ParseError, Lists) {
  check({
      {"t0: wait A syncobjs=S",
       "1:21: syncobjs needs a list of syncobj variables like [S,T], found 'S'"},
      {"t0: wait A syncobjs=[",
       "1:22: expected a syncobj variable (S..Z), found the end of the line"},
      {"t0: wait A syncobjs=[S",
       "1:23: expected ',' or ']' in the list, found the end of the line"},
      {"t0: wait A syncobjs=[S T]", "1:24: expected ',' or ']' in the list, found 'T'"},
      {"t0: wait A syncobjs=[S,]", "1:24: expected a syncobj variable (S..Z), found ']'"},
      {"t0: wait A syncobjs=[A]",
       "1:22: 'A' is a queue variable (A..H), a syncobj variable (S..Z) must stand here"},
      {"t0: wait A syncobjs=[S,S,S,S,S,S,S,S,S]", "1:38: syncobjs has more than 8 entries"},
  });
}

TEST(ParseError, Schedule) {
  check({
      {"schedule 31>t1", "1:10: expected ':' after 'schedule', found '31'"},
      {"schedule: t1", "1:11: expected a preemption like 31>t1, found 't1'"},
      {"schedule: 31",
       "1:13: expected '>' after the number of scheduling points, found the end of the line"},
      {"schedule: 31 4>t1", "1:14: expected '>' after the number of scheduling points, found '4'"},
      {"schedule: 31>",
       "1:14: expected a target (t0..t7, irq, rcu or worker), found the end of the line"},
      {"schedule: 31>t8", "1:14: expected a target (t0..t7, irq, rcu or worker), found 't8'"},
      {"schedule: 31>workr", "1:14: unknown target 'workr', did you mean 'worker'?"},
      {"schedule: 1048576>t1",
       "1:11: the number of scheduling points is 1048576, which is out of range 0..1048575"},
      {"schedule: 1>t1, 2>t0", "1:15: expected a preemption like 31>t1, found ','"},
  });
}

TEST(ParseError, TooMuch) {
  std::string ops, schedule = "schedule:";
  for (unsigned i = 0; i < kMaxOps; i++) ops += "t0: file_close\n";
  EXPECT_EQ(error_of(ops), "no error");
  EXPECT_EQ(error_of(ops + "t0: file_close\n"), "257:1: more than 256 operations");
  for (unsigned i = 0; i < kMaxPreemptions; i++) schedule += " 1>t0";
  EXPECT_EQ(error_of(schedule), "no error");
  EXPECT_EQ(error_of(schedule + " 1>t0"), "1:331: more than 64 preemptions");
}

}  // namespace
}  // namespace program
