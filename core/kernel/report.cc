#include "core/kernel/report.h"

#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/kernel/canary.h"
#include "core/kernel/suppress.h"
#include "core/sched/sched.h"

#if defined(__has_include)
#if __has_include(<sanitizer/common_interface_defs.h>)
#include <sanitizer/common_interface_defs.h>
#endif
#endif
#include "core/sched/sanitizer.h"

namespace kernel {

bool checks_enabled = true;

namespace {

const char* const kNames[] = {
#define VERDICT(enumerator, name, meaning) name,
#include "core/kernel/verdicts.def"
#undef VERDICT
};

OperationPrinter operation_printer;
ReportHandler report_handler;
void (*report_epilogue)();

void write_stderr(const char* text, size_t size) {
  while (size > 0) {
    const ssize_t n = write(STDERR_FILENO, text, size);
    if (n <= 0) return;
    text += n;
    size -= static_cast<size_t>(n);
  }
}

void print_stack() {
#if defined(FENCEBENCH_ASAN) || defined(FENCEBENCH_MSAN) || defined(FENCEBENCH_TSAN)
  __sanitizer_print_stack_trace();
#endif
}

}  // namespace

const char* verdict_name(Verdict verdict) { return kNames[static_cast<unsigned>(verdict)]; }

void set_operation_printer(OperationPrinter printer) { operation_printer = printer; }
void set_report_handler(ReportHandler handler) { report_handler = handler; }
void set_report_epilogue(void (*epilogue)()) { report_epilogue = epilogue; }

const char* describe_operation(uint32_t tag) {
  // Each context writes to its own, as others may describe something for a suppressed finding.
  static struct {
    char buffers[4][256];
    unsigned next;
  } texts[sched::kContexts + 1];
  if (tag == 0) return "device set-up or teardown";
  const sched::Context* context = sched::current();
  auto& [buffers, next] = texts[context != nullptr ? context->id : sched::kContexts];
  char* buffer = buffers[next++ % 4];
  const int used = std::snprintf(buffer, sizeof buffers[0], "operation %u", tag);
  if (operation_printer != nullptr) {
    std::memcpy(buffer + used, ": ", 3);
    operation_printer(tag, buffer + used + 2, sizeof buffers[0] - static_cast<size_t>(used) - 2);
  }
  return buffer;
}

void report(Verdict verdict, const char* where, const char* format, ...) {
  static char text[8192];
  if (where == nullptr) where = "destroyed lock";
  if (suppressed(verdict, where)) return;
  if (report_handler != nullptr) {
    report_handler(verdict, where);
    std::abort();
  }
  int used = std::snprintf(text, sizeof text, "==fencebench== ERROR: %s: ", verdict_name(verdict));
  va_list args;
  va_start(args, format);
  const int detail =
      std::vsnprintf(text + used, sizeof text - static_cast<size_t>(used), format, args);
  va_end(args);
  used += detail < 0 ? 0 : detail;
  if (used >= static_cast<int>(sizeof text)) used = sizeof text - 1;
  write_stderr(text, static_cast<size_t>(used));
  if (used > 0 && text[used - 1] != '\n') write_stderr("\n", 1);
  if (const sched::Context* context = sched::current()) {
    used = std::snprintf(text, sizeof text, "  in %s, %s\n", context->name,
                         describe_operation(context->tag));
    write_stderr(text, static_cast<size_t>(used));
  }
  if (const CanaryCounts counts = canary_counts(); counts.reached > 0) {
    used = std::snprintf(text, sizeof text, "  defect reached: %llu, triggered: %llu\n",
                         static_cast<unsigned long long>(counts.reached),
                         static_cast<unsigned long long>(counts.triggered));
    write_stderr(text, static_cast<size_t>(used));
  }
  print_stack();
  used = std::snprintf(text, sizeof text, "SUMMARY: fencebench: %s%s%s\n", verdict_name(verdict),
                       *where ? " " : "", where);
  write_stderr(text, static_cast<size_t>(used));
  if (report_epilogue != nullptr) report_epilogue();
  std::abort();
}

void warn_on(const char* condition, const char* function) {
  if (!checks_enabled) return;
  report(Verdict::kWarnOn, function, "WARN_ON(%s) in %s", condition, function);
}

}  // namespace kernel
