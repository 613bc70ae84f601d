// Reads what a libFuzzer binary prints, line by line, while it runs.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

struct Trace {
  std::string hash;  // "0x" and 16 digits
  uint64_t points = 0;
  bool operator==(const Trace&) const = default;
};

class LibFuzzerLog {
 public:
  void line(std::string_view text);

  // From the last status line ("#1234 NEW cov: 5 ..."), or the final statistics once they are
  // there.
  uint64_t executions() const { return executions_; }
  uint64_t edges() const { return edges_; }
  uint64_t features() const { return features_; }
  uint64_t corpus() const { return corpus_; }
  uint64_t rss_mb() const { return rss_mb_; }

  bool loaded() const { return loaded_; }      // the corpus is loaded, fuzzing has begun
  bool finished() const { return finished_; }  // "Done N runs": it came to its end
  std::optional<uint64_t> seed() const { return seed_; }

  // libFuzzer gives up looking for leaks after many unproductive tries; 0 if it has not.
  uint64_t leak_check_off_at() const { return leak_check_off_at_; }

  // One for each run with trace_hash=1.
  const std::vector<Trace>& traces() const { return traces_; }

  // True from the first line of a report on.
  bool reporting() const { return reporting_; }
  // The report of a finding: from its first line to the last, without libFuzzer's dump of the
  // input.
  const std::vector<std::string>& report() const { return report_; }

  // The last lines of all, for a child that died without a report.
  const std::deque<std::string>& tail() const { return tail_; }

 private:
  void status_line(std::string_view text);
  void report_line(std::string_view text);

  uint64_t executions_ = 0;
  uint64_t edges_ = 0;
  uint64_t features_ = 0;
  uint64_t corpus_ = 0;
  uint64_t rss_mb_ = 0;
  uint64_t leak_check_off_at_ = 0;
  bool loaded_ = false;
  bool finished_ = false;
  bool reporting_ = false;
  bool report_over_ = false;
  bool in_input_dump_ = false;
  std::optional<uint64_t> seed_;
  std::vector<Trace> traces_;
  std::vector<std::string> report_;
  std::deque<std::string> tail_;
};

}  // namespace tool
