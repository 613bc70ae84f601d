#include "core/kernel/suppress.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace kernel {

namespace {

constexpr unsigned kMaxSuppressions = 128;
constexpr size_t kMaxLine = 512;
constexpr char kForm[] = "write it as 'verdict:place  # reason'";

struct Suppression {
  Verdict verdict;
  char place[kMaxLine];
};

Suppression list[kMaxSuppressions];
unsigned count;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

const char* skip_blanks(const char* text) {
  while (is_blank(*text)) ++text;
  return text;
}

// Length of the text from `begin` to `end`, without blanks at its end.
size_t trimmed(const char* begin, const char* end) {
  while (end > begin && is_blank(end[-1])) --end;
  return static_cast<size_t>(end - begin);
}

bool find_verdict(const char* name, size_t length, Verdict& verdict) {
  static const Verdict kAll[] = {
#define VERDICT(enumerator, name, meaning) Verdict::enumerator,
#include "core/kernel/verdicts.def"
#undef VERDICT
  };
  for (const Verdict candidate : kAll) {
    const char* its_name = verdict_name(candidate);
    if (std::strlen(its_name) != length || std::strncmp(its_name, name, length) != 0) continue;
    verdict = candidate;
    return true;
  }
  return false;
}

// '*' takes as little as will do, and one character more each time the rest does not match.
bool matches(const char* pattern, const char* text) {
  const char* star = nullptr;
  const char* retry = nullptr;
  while (*text != 0) {
    if (*pattern == '*') {
      star = ++pattern;
      retry = text;
    } else if (*pattern == *text) {
      ++pattern;
      ++text;
    } else if (star != nullptr) {
      pattern = star;
      text = ++retry;
    } else {
      return false;
    }
  }
  while (*pattern == '*') ++pattern;
  return *pattern == 0;
}

}  // namespace

bool add_suppression(const char* line, char* message, size_t capacity) {
  line = skip_blanks(line);
  if (*line == 0 || *line == '#') return true;
  const char* hash = std::strchr(line, '#');
  const char* end = hash != nullptr ? hash : line + std::strlen(line);
  const char* colon =
      static_cast<const char*>(std::memchr(line, ':', static_cast<size_t>(end - line)));
  if (colon == nullptr) {
    std::snprintf(message, capacity, "no ':' between verdict and place; %s", kForm);
    return false;
  }
  Verdict verdict;
  if (!find_verdict(line, trimmed(line, colon), verdict)) {
    std::snprintf(message, capacity,
                  "no verdict is called '%.*s'; take it from the SUMMARY line of the report",
                  static_cast<int>(trimmed(line, colon)), line);
    return false;
  }
  if (hash == nullptr || *skip_blanks(hash + 1) == 0) {
    std::snprintf(message, capacity, "it gives no reason why the finding may stay; %s", kForm);
    return false;
  }
  const char* place = skip_blanks(colon + 1);
  const size_t length = place < end ? trimmed(place, end) : 0;
  if (count == kMaxSuppressions || length >= kMaxLine) {
    std::snprintf(message, capacity, "at most %u lines of %zu characters; use '*' to join some",
                  kMaxSuppressions, kMaxLine - 1);
    return false;
  }
  Suppression& added = list[count++];
  added.verdict = verdict;
  std::memcpy(added.place, place, length);
  added.place[length] = 0;
  return true;
}

bool load_suppressions(const char* path, char* message, size_t capacity) {
  FILE* file = std::fopen(path, "r");
  if (file == nullptr) {
    std::snprintf(message, capacity, "%s: %s", path, std::strerror(errno));
    return false;
  }
  char line[kMaxLine], problem[kMaxLine];
  bool good = true;
  for (unsigned number = 1; good && std::fgets(line, sizeof line, file) != nullptr; ++number) {
    if (std::strlen(line) == sizeof line - 1 && line[sizeof line - 2] != '\n') {
      std::snprintf(problem, sizeof problem, "longer than %zu characters", sizeof line - 2);
      good = false;
    } else {
      good = add_suppression(line, problem, sizeof problem);
    }
    if (!good) std::snprintf(message, capacity, "%s:%u: %s", path, number, problem);
  }
  std::fclose(file);
  return good;
}

void forget_suppressions() { count = 0; }

bool suppressed(Verdict verdict, const char* where) {
  for (unsigned i = 0; i < count; ++i)
    if (list[i].verdict == verdict && matches(list[i].place, where)) return true;
  return false;
}

}  // namespace kernel
