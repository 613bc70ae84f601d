// How a checker reports a finding: a text on stderr that ends with one stable line
//   SUMMARY: fencebench: <verdict> <where>
// and the end of the process, so that a fuzzing engine keeps the input.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kernel {

enum class Verdict : uint8_t {
#define VERDICT(enumerator, name, meaning) enumerator,
#include "core/kernel/verdicts.def"
#undef VERDICT
};

// The stable name, for instance "reference-leak".
const char* verdict_name(Verdict verdict);

// Off: no checker reports anything but deadlock and livelock, after which a run cannot go on. Set
// before a run, never within one.
extern bool checks_enabled;

// Reports and does not return, unless the finding is suppressed (suppress.h): then nothing happens,
// and the caller goes on as with the checks off. `where` is stable: names of locks, roles and
// functions, no numbers; of a lock that is destroyed the name may be nullptr. `format` adds lines
// of detail.
void report(Verdict verdict, const char* where, const char* format, ...)
    __attribute__((cold, format(printf, 3, 4)));

// Writes the text of an operation for reports: "t1: wait B ...". Returns its length.
using OperationPrinter = size_t (*)(uint32_t tag, char* buffer, size_t capacity);
void set_operation_printer(OperationPrinter printer);
// "operation 5: t1: wait B ..."; "device set-up" for tag 0. Valid until the next but three calls.
const char* describe_operation(uint32_t tag);

// What happens after the report instead of abort(); tests catch findings with it. Must not return.
using ReportHandler = void (*)(Verdict verdict, const char* where);
void set_report_handler(ReportHandler handler);
// Runs after the report is printed, before the process ends: prints the trace hash.
void set_report_epilogue(void (*epilogue)());

}  // namespace kernel

// A condition that the kernel would warn of. Evaluates to the condition.
#define WARN_ON(condition) \
  (__builtin_expect(!!(condition), 0) ? (::kernel::warn_on(#condition, __func__), true) : false)

namespace kernel {
__attribute__((cold)) void warn_on(const char* condition, const char* function);
}  // namespace kernel
