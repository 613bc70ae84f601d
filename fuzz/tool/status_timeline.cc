#include "fuzz/tool/status_timeline.h"

#include <algorithm>
#include <map>

#include "fuzz/tool/status_values.h"

namespace tool {
namespace {

using nlohmann::json;

bool has_edges(const json& coverage) {
  const json& points = list_in(coverage, "points");
  return std::any_of(points.begin(), points.end(), [](const json& point) {
    return point.is_array() && point.size() > 1 && amount_in(point[1]) > 0;
  });
}

Timeline::Line line_of(const json& coverage, size_t column) {
  Timeline::Line line = {text_in(coverage, "sanitizer"), {}};
  for (const json& point : list_in(coverage, "points")) {
    if (!point.is_array() || point.size() <= column || time_in(point[0]) == 0) continue;
    line.points.push_back({static_cast<double>(time_in(point[0])), amount_in(point[column])});
  }
  sort_by(line.points, [](const ChartPoint& item) { return item.x; });
  return line;
}

std::vector<Timeline::Panel> panels_of(const json& status) {
  std::map<std::string, Timeline::Panel> by_target;
  for (const json& entry : list_in(status, "coverage"))
    by_target[text_in(entry, "target")].edges |= has_edges(entry);
  for (const json& entry : list_in(status, "coverage")) {
    Timeline::Panel& panel = by_target[text_in(entry, "target")];
    Timeline::Line line = line_of(entry, panel.edges ? 1 : 2);
    if (!line.points.empty()) panel.lines.push_back(std::move(line));
  }
  std::vector<Timeline::Panel> panels;
  for (auto& [target, panel] : by_target) {
    if (panel.lines.empty()) continue;
    panel.target = target;
    sort_by(panel.lines, [](const auto& item) { return item.sanitizer; });
    panels.push_back(std::move(panel));
  }
  return panels;
}

std::vector<Timeline::Commit> commits_of(const json& status) {
  std::vector<Timeline::Commit> commits;
  for (const json& entry : list_in(status, "commits")) {
    const int64_t time = time_in(entry, "time");
    if (time == 0) continue;
    commits.push_back({time, text_in(entry, "id"), text_in(entry, "title"),
                       text_in(entry, "result") == "broken"});
  }
  sort_by(commits, [](const auto& item) { return item.time; });
  return commits;
}

// An event says it; else the commit does.
std::optional<int64_t> fixed_at(const json& status, const json& finding,
                                const std::vector<Timeline::Commit>& commits) {
  if (text_in(finding, "status") != "fixed") return {};
  std::optional<int64_t> at;
  const std::string name = text_in(finding, "signature");
  for (const json& event : list_in(status, "events")) {
    const int64_t time = time_in(event, "time");
    if (time == 0 || name.empty() || text_in(event, "kind") != "fixed") continue;
    if (text_in(event, "text").find(name) != std::string::npos) at = std::max(time, at.value_or(0));
  }
  if (at) return at;
  const std::string id = text_in(finding, "fixed_commit");
  for (const Timeline::Commit& commit : commits)
    if (!id.empty() && commit.id == id) at = commit.time;
  return at;
}

std::vector<Timeline::Finding> findings_of(const json& status,
                                           const std::vector<Timeline::Commit>& commits) {
  std::vector<Timeline::Finding> findings;
  for (const json& entry : list_in(status, "findings")) {
    const int64_t first = time_in(entry, "first_seen");
    if (first == 0) continue;
    findings.push_back(
        {text_in(entry, "signature"), text_in(entry, "verdict"), text_in(entry, "status"), first,
         std::max(first, time_in(entry, "last_seen")), fixed_at(status, entry, commits)});
  }
  sort_by(findings, [](const auto& item) { return item.first; });
  return findings;
}

std::vector<std::pair<int64_t, int64_t>> pauses_of(const json& status) {
  std::vector<std::pair<int64_t, bool>> changes;
  for (const json& event : list_in(status, "events")) {
    const std::string kind = text_in(event, "kind");
    const int64_t time = time_in(event, "time");
    if (time != 0 && (kind == "start" || kind == "stop"))
      changes.emplace_back(time, kind == "start");
  }
  std::sort(changes.begin(), changes.end());
  std::vector<std::pair<int64_t, int64_t>> pauses;
  for (size_t i = 0; i + 1 < changes.size(); i++) {
    if (!changes[i].second && changes[i + 1].second)
      pauses.emplace_back(changes[i].first, changes[i + 1].first);
  }
  return pauses;
}

}  // namespace

Timeline timeline_of(const json& status) {
  Timeline timeline;
  timeline.panels = panels_of(status);
  timeline.commits = commits_of(status);
  timeline.findings = findings_of(status, timeline.commits);
  timeline.pauses = pauses_of(status);
  std::vector<int64_t> times;
  for (const Timeline::Panel& panel : timeline.panels) {
    for (const Timeline::Line& line : panel.lines) {
      times.push_back(static_cast<int64_t>(line.points.front().x));
      times.push_back(static_cast<int64_t>(line.points.back().x));
    }
  }
  for (const Timeline::Finding& finding : timeline.findings) {
    times.push_back(finding.first);
    times.push_back(finding.last);
    if (finding.fixed) times.push_back(*finding.fixed);
  }
  if (times.empty()) {
    for (const Timeline::Commit& commit : timeline.commits) times.push_back(commit.time);
  }
  if (times.empty()) return timeline;
  for (const char* key : {"started", "generated"}) {
    if (time_in(status, key) != 0) times.push_back(time_in(status, key));
  }
  const auto [from, to] = std::minmax_element(times.begin(), times.end());
  timeline.from = *from;
  timeline.to = std::max(*to, *from + 60);
  auto& commits = timeline.commits;
  const auto later = std::find_if(commits.begin(), commits.end(),
                                  [&](const auto& commit) { return commit.time > timeline.from; });
  if (later - commits.begin() > 1) commits.erase(commits.begin(), later - 1);
  return timeline;
}

std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points, size_t buckets) {
  if (points.size() <= 4 * buckets) return points;
  const double from = points.front().x;
  const double step = (points.back().x - from) / static_cast<double>(buckets);
  std::vector<ChartPoint> out;
  for (size_t first = 0; first < points.size();) {
    const auto bucket = [&](size_t i) {
      return step > 0 ? std::min(buckets - 1, static_cast<size_t>((points[i].x - from) / step)) : 0;
    };
    size_t lowest = first, highest = first, end = first;
    for (; end < points.size() && bucket(end) == bucket(first); end++) {
      if (points[end].y < points[lowest].y) lowest = end;
      if (points[end].y > points[highest].y) highest = end;
    }
    std::vector<size_t> kept = {first, lowest, highest, end - 1};
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    for (const size_t i : kept) out.push_back(points[i]);
    first = end;
  }
  return out;
}

std::vector<int64_t> ticks(int64_t from, int64_t to, size_t limit) {
  constexpr int64_t kMinute = 60, kHour = 3600, kDay = 86400;
  constexpr int64_t kSteps[] = {kMinute,      2 * kMinute, 5 * kMinute, 10 * kMinute, 15 * kMinute,
                                30 * kMinute, kHour,       2 * kHour,   3 * kHour,    6 * kHour,
                                12 * kHour,   kDay,        2 * kDay,    7 * kDay,     14 * kDay,
                                28 * kDay,    91 * kDay};
  const auto count = [&](int64_t step) { return to / step - (from + step - 1) / step + 1; };
  int64_t step = 0;
  for (const int64_t candidate : kSteps) {
    step = candidate;
    if (count(step) <= static_cast<int64_t>(limit)) break;
  }
  while (count(step) > static_cast<int64_t>(limit)) step *= 2;
  std::vector<int64_t> times;
  for (int64_t time = (from + step - 1) / step * step; time <= to; time += step)
    times.push_back(time);
  return times;
}

}  // namespace tool
