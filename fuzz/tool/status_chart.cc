#include "fuzz/tool/status_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include "fuzz/tool/html.h"
#include "fuzz/tool/status_values.h"

namespace tool {
namespace {

constexpr int kLeft = 46;   // of the plots: room for the numbers of the y axis
constexpr int kRight = 12;  // right of them
constexpr int kLetter = 7;  // no letter of the small text is wider
constexpr int kCommitRow = 18;
constexpr int kFindingRow = 28;  // text above, bar below
constexpr int kTitle = 20;       // above each plot
constexpr int kPlot = 64;        // its height
constexpr int kGap = 12;         // below it
constexpr int kAxis = 24;
constexpr int kTickRoom = 84;
constexpr int kMarkRoom = 20;
constexpr size_t kCommitRows = 3;
constexpr size_t kFindings = 16;  // with a row of their own
constexpr size_t kPanels = 16;
constexpr size_t kLooks = 6;  // of lines

// Where a commit's name goes; no row if there is no room for it.
struct Label {
  std::string text;
  double at;
  bool left;  // of its mark
  std::optional<size_t> row;
};

class Drawing {
 public:
  Drawing(const Timeline& timeline, const ChartSize& size) : timeline_(timeline), size_(size) {
    for (const Timeline::Panel& panel : timeline.panels)
      for (const Timeline::Line& line : panel.lines) sanitizers_.insert(line.sanitizer);
  }

  std::string draw() {
    const std::vector<Label> labels = place_commits();
    const int top = y_;
    std::string body = draw_findings();
    const size_t shown = std::min(kPanels, timeline_.panels.size());
    for (size_t i = 0; i < shown; i++) body += draw_panel(timeline_.panels[i]);
    if (timeline_.panels.size() > shown) {
      body += text(0, y_ + 12, "small dim",
                   fmt::format("and {} more targets", timeline_.panels.size() - shown));
      y_ += kCommitRow;
    }
    const int bottom = y_;
    return fmt::format(
        "<svg class=\"chart {}\" viewBox=\"0 0 {} {}\" role=\"img\" "
        "aria-label=\"Coverage, commits and findings over time\">\n{}{}{}{}</svg>\n",
        size_.name, size_.width, bottom + kAxis, draw_pauses(bottom), draw_axis(top, bottom),
        draw_commits(labels, top, bottom), body);
  }

 private:
  int right() const { return size_.width - kRight; }

  double x(double time) const {
    const auto from = static_cast<double>(timeline_.from);
    const auto span = static_cast<double>(timeline_.to - timeline_.from);
    return kLeft + std::clamp((time - from) / span, 0.0, 1.0) * (right() - kLeft);
  }
  double x(int64_t time) const { return x(static_cast<double>(time)); }

  static std::string text(double x, double y, std::string_view looks, std::string_view content) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>\n", x, y, looks,
                       content);
  }

  static std::string vertical(double x, double from, double to, std::string_view looks) {
    return fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>\n", looks, x, from, to);
  }

  // Each in the first row in which it touches no earlier one.
  std::vector<Label> place_commits() {
    std::vector<Label> labels;
    double ends[kCommitRows] = {};
    size_t rows = 0;
    for (const Timeline::Commit& commit : timeline_.commits) {
      Label label = {
          commit.id.substr(0, 10) + (commit.broken ? " broken" : ""), x(commit.time), false, {}};
      const auto width = static_cast<double>(label.text.size() * kLetter + 6);
      label.left = label.at + width > size_.width;
      const double begin = label.left ? label.at - width : label.at;
      for (size_t row = 0; row < kCommitRows && !label.row; row++) {
        if (begin < ends[row]) continue;
        label.row = row;
        ends[row] = begin + width;
        rows = std::max(rows, row + 1);
      }
      labels.push_back(std::move(label));
    }
    if (!labels.empty()) y_ = static_cast<int>(rows) * kCommitRow + 6;
    return labels;
  }

  // The names stand on all marks. Where marks would be a thicket they end below the names.
  std::string draw_commits(const std::vector<Label>& labels, int top, int bottom) const {
    const bool thicket = labels.size() * kMarkRoom > static_cast<size_t>(size_.width);
    std::string marks, names;
    for (size_t i = 0; i < labels.size(); i++) {
      const Timeline::Commit& commit = timeline_.commits[i];
      const Label& label = labels[i];
      const int row = static_cast<int>(label.row.value_or(0)) * kCommitRow;
      const char* looks = commit.broken ? "commit broken" : "commit";
      marks += fmt::format("<g class=\"{}\"><title>{} {}, {}</title>\n{}</g>\n", looks,
                           html(commit.id, 40), html(commit.title, 120), date_and_time(commit.time),
                           vertical(label.at, row + 2, thicket ? top : bottom, "mark"));
      if (!label.row) continue;
      names += fmt::format("<g class=\"{}\">{}</g>\n", looks,
                           text(label.at + (label.left ? -4 : 4), row + 13,
                                label.left ? "small end" : "small", html(label.text)));
    }
    return marks + names;
  }

  // The newest have rows: they are what somebody looks at the page for.
  std::string draw_findings() {
    const auto& all = timeline_.findings;
    const size_t earlier = all.size() - std::min(all.size(), kFindings);
    std::string out;
    if (earlier > 0) {
      out +=
          text(kLeft, y_ + 11, "small dim",
               fmt::format("{} findings before these", count_text(static_cast<double>(earlier))));
      std::vector<ChartPoint> marks;
      for (size_t i = 0; i < earlier; i++) marks.push_back({x(all[i].first), 0});
      for (const ChartPoint& mark : thinned(marks, static_cast<size_t>(size_.width) / 4))
        out += vertical(mark.x, y_ + 15, y_ + 23, "earlier");
      y_ += kFindingRow;
    }
    for (size_t i = earlier; i < all.size(); i++) out += draw_finding(all[i]);
    if (!all.empty()) y_ += 6;
    return out;
  }

  std::string draw_finding(const Timeline::Finding& finding) {
    const bool gone = finding.status == "fixed";
    const char* looks = gone ? "fixed" : finding.status == "unreproducible" ? "unsure" : "open";
    const double begin = x(finding.first);
    const double end = gone ? x(finding.fixed.value_or(finding.last)) : x(timeline_.to);
    const int bar = y_ + 19;
    const std::string label = finding.name.substr(0, 12) + " " + finding.verdict;
    const auto letters = static_cast<size_t>((right() - kLeft) / kLetter);
    const auto width = static_cast<double>(std::min(label.size(), letters) * kLetter);
    // The name begins where the bar does; if there is no room, it ends at the right edge.
    const bool fits = begin + width <= right();
    std::string out = fmt::format(
        "<g class=\"finding {}\"><title>{}, first seen {}, last seen {}{}</title>\n", looks,
        html(label, 200), date_and_time(finding.first), date_and_time(finding.last),
        finding.fixed ? ", gone " + date_and_time(*finding.fixed) : "");
    out +=
        text(fits ? begin : right(), y_ + 11, fits ? "small" : "small end", html(label, letters));
    out += fmt::format("<path class=\"bar\" d=\"M{:.1f} {}H{:.1f}\"/>\n", begin, bar,
                       std::max(end, begin + 2));
    out += fmt::format("<path class=\"first\" d=\"M{:.1f} {}l-4 -6h8z\"/>\n", begin, bar + 4);
    out += fmt::format("<circle class=\"last\" cx=\"{:.1f}\" cy=\"{}\" r=\"2.5\"/>\n",
                       x(finding.last), bar);
    if (finding.fixed)
      out += fmt::format("<path class=\"tick\" d=\"M{:.1f} {}l3 4l6 -9\"/>\n", end - 3, bar);
    y_ += kFindingRow;
    return out + "</g>\n";
  }

  std::string draw_panel(const Timeline::Panel& panel) {
    std::string counts;
    size_t letters = panel.target.size() + 12;
    for (const Timeline::Line& line : panel.lines) {
      const std::string count = count_text(line.points.back().y);
      counts += fmt::format("<tspan class=\"{}\">{} {}</tspan> ", look_of(line),
                            html(line.sanitizer, 12), count);
      letters += line.sanitizer.size() + count.size() + 2;
    }
    // Beside the name, or below it.
    const int counts_below = static_cast<int>(letters) * kLetter > size_.width ? kTitle - 4 : 0;
    const int top = y_ + kTitle + counts_below;
    const int bottom = top + kPlot;
    double lowest = panel.lines[0].points[0].y;
    double highest = lowest;
    for (const Timeline::Line& line : panel.lines) {
      for (const ChartPoint& point : line.points) {
        lowest = std::min(lowest, point.y);
        highest = std::max(highest, point.y);
      }
    }
    const double span = highest > lowest ? highest - lowest : 1;
    const auto y = [&](double value) {
      return bottom - 5 - (value - lowest) / span * (kPlot - 10);
    };
    std::string out =
        fmt::format("<path class=\"frame\" d=\"M{} {}V{}H{}\"/>\n", kLeft, top, bottom, right());
    out += text(0, y_ + 14, "target", html(panel.target, 24));
    out += text(kLeft - 5, y(highest) + 4, "small dim end", count_text(highest));
    if (highest > lowest)
      out += text(kLeft - 5, y(lowest) + 4, "small dim end", count_text(lowest));
    for (const Timeline::Line& line : panel.lines) {
      std::vector<ChartPoint> points;
      for (const ChartPoint& point : line.points) points.push_back({x(point.x), y(point.y)});
      out += draw_line(thinned(points, static_cast<size_t>(size_.width) / 4), look_of(line));
    }
    out += text(right(), y_ + 14 + counts_below, "small end",
                counts + (panel.edges ? "edges" : "features"));
    y_ = bottom + kGap;
    return out;
  }

  // A sanitizer looks the same in all plots.
  std::string look_of(const Timeline::Line& line) const {
    const auto number = std::distance(sanitizers_.begin(), sanitizers_.find(line.sanitizer));
    return fmt::format("s{}", static_cast<size_t>(number) % kLooks);
  }

  static std::string draw_line(const std::vector<ChartPoint>& points, std::string_view look) {
    std::string path;
    for (const ChartPoint& point : points)
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", point.x, point.y);
    return fmt::format(
        "<path class=\"line {0}\" d=\"{1}\"/>\n"
        "<circle class=\"dot {0}\" cx=\"{2:.1f}\" cy=\"{3:.1f}\" r=\"2.5\"/>\n",
        look, path, points.back().x, points.back().y);
  }

  std::string draw_axis(int top, int bottom) const {
    const auto limit = static_cast<size_t>((right() - kLeft) / kTickRoom);
    const std::vector<int64_t> times = ticks(timeline_.from, timeline_.to, limit);
    const bool days = times.size() > 1 && times[1] - times[0] >= 86400;
    std::string out, shown;
    for (const int64_t time : times) {
      const std::string full = date_and_time(time);
      const std::string date = full.substr(5, 5);
      // The date where it is another one than at the tick before.
      std::string label = days ? date : date == shown ? clock_time(time) : full.substr(5);
      shown = date;
      const bool at_edge = x(time) + 40 > size_.width;
      out += vertical(x(time), top, bottom, "grid");
      out += text(at_edge ? size_.width - 1 : x(time), bottom + 16,
                  at_edge ? "small dim end" : "small dim middle", label);
    }
    return out;
  }

  std::string draw_pauses(int bottom) const {
    std::string out;
    for (const auto& [from, to] : timeline_.pauses) {
      const double width = x(to) - x(from);
      if (width < 1) continue;
      out += fmt::format(
          "<rect class=\"pause\" x=\"{:.1f}\" y=\"0\" width=\"{:.1f}\" height=\"{}\">"
          "<title>stopped from {} to {}</title></rect>\n",
          x(from), width, bottom, date_and_time(from), date_and_time(to));
    }
    return out;
  }

  const Timeline& timeline_;
  const ChartSize size_;
  std::set<std::string> sanitizers_;
  int y_ = 0;  // what comes next goes here
};

}  // namespace

std::string status_chart(const Timeline& timeline, const ChartSize& size) {
  if (timeline.to == 0)
    return fmt::format("<p class=\"chart {}\">No coverage and no finding yet.</p>\n", size.name);
  return Drawing(timeline, size).draw();
}

}  // namespace tool
