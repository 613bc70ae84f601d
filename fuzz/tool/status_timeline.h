// What a status (status_page.h) says of the past, by time: coverage, commits, findings, pauses.
// Entries without a time are left out.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tool {

struct ChartPoint {
  double x;
  double y;
  bool operator==(const ChartPoint&) const = default;
};

struct Timeline {
  struct Line {
    std::string sanitizer;
    std::vector<ChartPoint> points;  // by time, which is x; at least one
  };
  struct Panel {
    std::string target;
    bool edges = false;  // what the lines count; else features
    std::vector<Line> lines;
  };
  struct Commit {
    int64_t time;
    std::string id;
    std::string title;
    bool broken;
  };
  struct Finding {
    std::string name;
    std::string verdict;
    std::string status;
    int64_t first;
    int64_t last;
    std::optional<int64_t> fixed;  // when it was noticed to be gone
  };

  int64_t from = 0;
  int64_t to = 0;  // 0: there is nothing at all
  std::vector<Panel> panels;
  std::vector<Commit> commits;                      // by time; of those before `from` the last one
  std::vector<Finding> findings;                    // by the time when they were first seen
  std::vector<std::pair<int64_t, int64_t>> pauses;  // from each stop to the next start
};

Timeline timeline_of(const nlohmann::json& status);

// At most four points for each of `buckets` equal steps of x: the first, the lowest, the highest
// and the last. `points` come by ascending x, and so does the result.
std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points, size_t buckets);

// Times for at most `limit` ticks within [from, to], at round intervals. `limit` is at least 1.
std::vector<int64_t> ticks(int64_t from, int64_t to, size_t limit);

}  // namespace tool
