#include "fuzz/tool/libfuzzer_log.h"

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr size_t kLongestReport = 5000;  // lines
constexpr size_t kLongestTail = 30;
// With trace_hash=1 a run prints one line; a fuzzing child is never asked for it.
constexpr size_t kMostTraces = 100'000;

bool starts_report(std::string_view line) {
  if (line.starts_with("==")) {
    return line.find("== ERROR: ") != std::string_view::npos ||
           line.find("==ERROR: ") != std::string_view::npos ||
           line.find("==WARNING: MemorySanitizer") != std::string_view::npos;
  }
  return line.starts_with("WARNING: ThreadSanitizer") || line.starts_with("SUMMARY: ") ||
         line.find(": runtime error: ") != std::string_view::npos ||
         line.find(": Assertion `") != std::string_view::npos;
}

// The number after `key` in "... cov: 12 ft: 13 corp: 4/5b ...".
std::optional<uint64_t> value_after(std::string_view line, std::string_view key) {
  size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  std::string_view rest = trim(line.substr(at + key.size()));
  return to_number(rest.substr(0, rest.find_first_not_of("0123456789")));
}

}  // namespace

void LibFuzzerLog::status_line(std::string_view text) {
  // "#1234<tab>NEW    cov: 12 ft: 13 corp: 4/5b lim: 4 exec/s: 0 rss: 30Mb L: 1/1 MS: 1 ChangeBit-"
  size_t tab = text.find('\t');
  if (tab == std::string_view::npos) return;
  auto executions = to_number(text.substr(1, tab - 1));
  if (!executions) return;
  executions_ = *executions;
  if (auto edges = value_after(text, " cov: ")) edges_ = *edges;
  if (auto features = value_after(text, " ft: ")) features_ = *features;
  if (auto corpus = value_after(text, " corp: ")) corpus_ = *corpus;
  if (auto rss = value_after(text, " rss: ")) rss_mb_ = *rss;
  if (text.substr(tab + 1).starts_with("INITED")) loaded_ = true;
}

void LibFuzzerLog::report_line(std::string_view text) {
  // The input is kept as a file; its bytes in the report help nobody.
  if (text.starts_with("MS: ")) in_input_dump_ = true;
  bool dump = in_input_dump_ || text.starts_with("Base64: ") || text.starts_with("stat::") ||
              text.starts_with("INFO: to ignore leaks on libFuzzer side") ||
              text.starts_with("INFO: a leak has been found in the initial corpus") ||
              (text.empty() && !report_.empty() && report_.back().empty());
  if (text.starts_with("artifact_prefix=")) {
    in_input_dump_ = false;
    dump = true;
  }
  if (dump || report_.size() >= kLongestReport) return;
  report_.emplace_back(text);
}

void LibFuzzerLog::line(std::string_view text) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  tail_.emplace_back(text);
  if (tail_.size() > kLongestTail) tail_.pop_front();

  constexpr std::string_view kTrace = "fencebench: trace ";
  constexpr std::string_view kSeed = "INFO: Seed: ";
  constexpr std::string_view kExecuted = "stat::number_of_executed_units:";
  constexpr std::string_view kPeakRss = "stat::peak_rss_mb:";
  if (text.starts_with('#')) {
    status_line(text);
  } else if (text.starts_with(kTrace)) {
    std::string_view rest = text.substr(kTrace.size());
    Trace trace{std::string(rest.substr(0, rest.find(' '))),
                value_after(rest, "points=").value_or(0)};
    if (traces_.size() < kMostTraces) traces_.push_back(std::move(trace));
    return;
  } else if (text.starts_with(kSeed)) {
    auto seed = to_number(trim(text.substr(kSeed.size())));
    if (seed) seed_ = seed;
  } else if (text.starts_with(kExecuted)) {
    if (auto units = to_number(trim(text.substr(kExecuted.size())))) executions_ = *units;
  } else if (text.starts_with(kPeakRss)) {
    if (auto rss = to_number(trim(text.substr(kPeakRss.size())))) rss_mb_ = *rss;
  } else if (text.starts_with("Done ") && text.find(" runs in ") != std::string_view::npos) {
    finished_ = true;
  } else if (text.starts_with("INFO: libFuzzer disabled leak detection")) {
    leak_check_off_at_ = executions_ > 0 ? executions_ : 1;
  }

  if (!reporting_ && starts_report(text)) reporting_ = true;
  if (reporting_ && !report_over_) report_line(text);
  // What libFuzzer says of the abort() that follows adds nothing.
  if (text.starts_with("SUMMARY: fencebench: ")) report_over_ = true;
}

}  // namespace tool
